//! How the core sees a request: single values, fetched when they are first needed and at most once.
//!
//! A value that is fetched from the proxy costs more than everything the core does with it, so nothing is read
//! before a rule asks.

use std::cell::Cell;

/// Pseudo-header of path and query.
pub const PATH: &str = ":path";
/// Pseudo-header of the host.
pub const AUTHORITY: &str = ":authority";
/// Pseudo-header of the method.
pub const METHOD: &str = ":method";
const COOKIE: &str = "cookie";

/// A request as the proxy holds it. Both methods may be slow.
pub trait RequestView {
    /// The value of a header or pseudo-header; the name is in lower case. Of a header that is given several
    /// times, the value that the proxy gives first; Envoy joins the cookies of a request into one value.
    fn header(&self, name: &str) -> Option<&[u8]>;

    /// Name of the route that the proxy has selected, if it is known and named.
    fn route_name(&self) -> Option<&[u8]>;
}

/// A header name of the assignment and its place in the cache.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct HeaderName {
    name: Box<str>,
    slot: u16,
}

/// The distinct header names of an assignment.
#[derive(Debug, Default)]
pub(crate) struct HeaderNames(Vec<Box<str>>);

impl HeaderNames {
    pub(crate) fn intern(&mut self, name: &str) -> HeaderName {
        let slot = self.0.iter().position(|known| **known == *name).unwrap_or_else(|| {
            self.0.push(name.into());
            self.0.len() - 1
        });
        HeaderName { name: name.into(), slot: u16::try_from(slot).unwrap_or(u16::MAX) }
    }
}

/// Header values kept per request; names beyond are fetched again when asked for again.
const SLOTS: usize = 16;

#[derive(Clone, Copy, Debug, Default)]
enum Slot<'v> {
    #[default]
    Unread,
    Read(Option<&'v [u8]>),
}

/// A request whose values are fetched at most once.
pub(crate) struct Lazy<'v, V> {
    view: &'v V,
    path: Cell<Slot<'v>>,
    authority: Cell<Slot<'v>>,
    method: Cell<Slot<'v>>,
    cookie: Cell<Slot<'v>>,
    route_name: Cell<Slot<'v>>,
    headers: [Cell<Slot<'v>>; SLOTS],
}

impl<'v, V: RequestView> Lazy<'v, V> {
    pub(crate) fn new(view: &'v V) -> Self {
        Self {
            view,
            path: Cell::default(),
            authority: Cell::default(),
            method: Cell::default(),
            cookie: Cell::default(),
            route_name: Cell::default(),
            headers: Default::default(),
        }
    }

    /// The path without query and fragment.
    pub(crate) fn path(&self) -> &'v [u8] {
        let path = cached(&self.path, || self.view.header(PATH)).unwrap_or_default();
        until(path, |byte| matches!(byte, b'?' | b'#'))
    }

    pub(crate) fn authority(&self) -> Option<&'v [u8]> {
        cached(&self.authority, || self.view.header(AUTHORITY))
    }

    pub(crate) fn method(&self) -> Option<&'v [u8]> {
        cached(&self.method, || self.view.header(METHOD))
    }

    pub(crate) fn route_name(&self) -> Option<&'v [u8]> {
        cached(&self.route_name, || self.view.route_name())
    }

    pub(crate) fn header(&self, header: &HeaderName) -> Option<&'v [u8]> {
        let fetch = || self.view.header(&header.name);
        self.headers.get(usize::from(header.slot)).map_or_else(fetch, |slot| cached(slot, fetch))
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&'v [u8]> {
        cookie(cached(&self.cookie, || self.view.header(COOKIE))?, name)
    }
}

fn cached<'v>(slot: &Cell<Slot<'v>>, fetch: impl FnOnce() -> Option<&'v [u8]>) -> Option<&'v [u8]> {
    if let Slot::Read(value) = slot.get() {
        return value;
    }
    let value = fetch();
    slot.set(Slot::Read(value));
    value
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
