//! How the core sees a request: single values, read when a rule asks for them.
//!
//! The first value that is fetched from the proxy costs more than everything the core does with it, so nothing is read
//! before a rule asks.

/// Pseudo-header of path and query.
pub const PATH: &str = ":path";
/// Pseudo-header of the host.
pub const AUTHORITY: &str = ":authority";
/// Pseudo-header of the method.
pub const METHOD: &str = ":method";
const COOKIE: &str = "cookie";
const CONTENT_TYPE: &str = "content-type";
const UPGRADE: &str = "upgrade";

/// A request as the proxy holds it. The first reading may be slow; a value that is read again must not be.
pub trait RequestView {
    /// The value of a header or pseudo-header; the name is in lower case. Of a header that is given several
    /// times, the value that the proxy gives first; Envoy joins the cookies of a request into one value.
    fn header(&self, name: &str) -> Option<&[u8]>;

    /// Name of the route that the proxy has selected, if it is known and named.
    fn route_name(&self) -> Option<&[u8]>;

    /// The path without query and fragment.
    fn path(&self) -> &[u8] {
        until(self.header(PATH).unwrap_or_default(), |byte| matches!(byte, b'?' | b'#'))
    }

    /// The host, as the client asked for it.
    fn authority(&self) -> Option<&[u8]> {
        self.header(AUTHORITY)
    }

    /// The method, in upper case.
    fn method(&self) -> Option<&[u8]> {
        self.header(METHOD)
    }

    /// The value of the first cookie of this name.
    fn cookie(&self, name: &str) -> Option<&[u8]> {
        cookie(self.header(COOKIE)?, name)
    }
}

/// What the answer to a request carries beside its status.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Nothing.
    Plain,
    /// A gRPC status. Told, as Envoy tells it, by the content type of the request.
    Grpc,
    /// Perhaps an upgraded connection, such as a WebSocket.
    Upgrade,
}

impl Kind {
    /// The kind of a request.
    pub fn of(request: &impl RequestView) -> Self {
        if request.header(CONTENT_TYPE).is_some_and(|kind| kind.starts_with(b"application/grpc")) {
            Self::Grpc
        } else if request.header(UPGRADE).is_some() {
            Self::Upgrade
        } else {
            Self::Plain
        }
    }
}

fn until(bytes: &[u8], end: impl Fn(u8) -> bool) -> &[u8] {
    bytes.split(|byte| end(*byte)).next().unwrap_or_default()
}

/// The value of the first cookie of this name in a `cookie` header, without surrounding quotes.
fn cookie<'v>(header: &'v [u8], name: &str) -> Option<&'v [u8]> {
    header.split(|byte| *byte == b';').find_map(|pair| {
        let value = pair.trim_ascii().strip_prefix(name.as_bytes())?.trim_ascii_start().strip_prefix(b"=")?;
        let value = value.trim_ascii();
        Some(value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
    })
}

#[cfg(test)]
pub(crate) mod fake;

#[cfg(test)]
mod tests {
    use super::cookie;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let header: &[u8] =
            b"a=1; session=abc ;session=second; quoted=\"x y\"; empty=; sessions=no; spaced = v";
        for (name, expected) in [
            ("a", Some(&b"1"[..])),
            ("session", Some(b"abc")),
            ("quoted", Some(b"x y")),
            ("empty", Some(b"")),
            ("spaced", Some(b"v")),
            ("sess", None),
            ("missing", None),
        ] {
            assert_eq!(cookie(header, name), expected, "{name}");
        }
        assert_eq!(cookie(b"", "a"), None);
        assert_eq!(cookie(b";;=;a", "a"), None);
    }
}
