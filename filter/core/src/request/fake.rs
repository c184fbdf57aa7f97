//! A request for tests, which notes what was read of it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::RequestView;

#[derive(Debug, Default)]
pub(crate) struct Fake {
    headers: BTreeMap<String, Vec<u8>>,
    route_name: Option<String>,
    reads: RefCell<Vec<String>>,
}

impl Fake {
    pub(crate) fn get(path: &str) -> Self {
        Self::default().with(":path", path).with(":method", "GET").with(":authority", "shop.example")
    }

    pub(crate) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.insert(name.to_owned(), value.as_ref().to_vec());
        self
    }

    pub(crate) fn routed(mut self, route_name: &str) -> Self {
        self.route_name = Some(route_name.to_owned());
        self
    }

    pub(crate) fn value(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name).map(Vec::as_slice)
    }

    fn note(&self, name: &str) {
        let mut reads = self.reads.borrow_mut();
        if !reads.iter().any(|read| read == name) {
            reads.push(name.to_owned());
        }
    }

    /// Names of what was read, in the order of the first reading; `route` is the route's name.
    pub(crate) fn reads(&self) -> Vec<String> {
        self.reads.borrow().clone()
    }
}

impl RequestView for Fake {
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.note(name);
        self.value(name)
    }

    fn route_name(&self) -> Option<&[u8]> {
        self.note("route");
        self.route_name.as_deref().map(str::as_bytes)
    }
}
