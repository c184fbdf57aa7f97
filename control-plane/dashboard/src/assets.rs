//! Style, script and mark, inside the binary.

use std::sync::LazyLock;

/// A file that pages load.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its name.
    pub name: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// What is in it.
    pub content: &'static str,
}

/// The mark of Serin, for inside of pages.
pub(crate) const MARK: &str = include_str!("serin.svg");

/// All of them.
pub const ASSETS: &[Asset] = &[
    Asset { name: "serin.css", media_type: "text/css; charset=utf-8", content: include_str!("serin.css") },
    Asset { name: "live.js", media_type: "text/javascript; charset=utf-8", content: include_str!("live.js") },
    Asset { name: "serin.svg", media_type: "image/svg+xml", content: MARK },
];

/// A hash over all of them: FNV-1a, for what was changed by us, not by an enemy.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let bytes = ASSETS.iter().flat_map(|asset| asset.content.bytes());
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", bytes.fold(0xcbf2_9ce4_8422_2325, fold))
});

/// Where an asset is served: the hash in its address lets browsers keep it for ever.
#[must_use]
pub fn path(name: &str) -> String {
    format!("/assets/{}/{name}", *VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_load_nothing_from_elsewhere() {
        for asset in ASSETS {
            let elsewhere = asset.content.replace("http://www.w3.org/2000/svg", "");
            assert!(!elsewhere.contains("//") || asset.name == "live.js", "{}", asset.name);
            assert!(!elsewhere.contains("http"), "{}", asset.name);
        }
        assert!(path("serin.css").starts_with("/assets/") && path("serin.css").ends_with("/serin.css"));
    }
}
