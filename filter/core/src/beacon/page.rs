//! The request by which the page of a beacon was asked for, as far as the beacon's own request shows it.

use crate::request::{METHOD, PATH, RequestView};

/// A request as it is, or a GET of a page by the same browser: user, session and every header that describes the visitor are
/// the beacon's own. One type for both, so that routing is compiled once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'p, V> {
    pub(crate) request: &'p V,
    /// Path of the page. `None`: the request as it is.
    pub(crate) path: Option<&'p [u8]>,
}

impl<V: RequestView> RequestView for Page<'_, V> {
    fn header(&self, name: &str) -> Option<&[u8]> {
        match (self.path, name) {
            (Some(path), PATH) => Some(path),
            (Some(_), METHOD) => Some(b"GET"),
            // Of the beacon, not of the page.
            (Some(_), "content-type" | "content-length") => None,
            (Some(_) | None, _) => self.request.header(name),
        }
    }

    /// The route of the beacon is not that of the page.
    fn route_name(&self) -> Option<&[u8]> {
        if self.path.is_none() { self.request.route_name() } else { None }
    }
}
