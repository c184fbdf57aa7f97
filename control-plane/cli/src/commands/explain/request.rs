//! The request that is asked about, as the filter would see it.

use serin_filter_core::request::{AUTHORITY, METHOD, PATH, RequestView};
use serin_proto::assignment::ARM_HEADER;

use crate::arguments::Explain;

const COOKIE: &str = "cookie";

/// A request from the command line.
pub(super) struct Asked {
    method: String,
    path: String,
    pub(super) host: String,
    headers: Vec<(String, String)>,
    route_name: Option<String>,
    /// It tried to choose its arm.
    pub(super) named_an_arm: bool,
}

impl Asked {
    pub(super) fn new(asked: &Explain) -> Self {
        let (mut headers, mut cookies) = (Vec::new(), Vec::new());
        for header in &asked.headers {
            match header.name.as_str() {
                ARM_HEADER => {}
                COOKIE => cookies.push(header.value.clone()),
                name => headers.push((name.to_owned(), header.value.clone())),
            }
        }
        cookies.extend(asked.cookies.iter().cloned());
        if !cookies.is_empty() {
            headers.push((COOKIE.to_owned(), cookies.join("; ")));
        }
        Self {
            method: asked.method.clone(),
            path: asked.path.clone(),
            host: asked.host.clone(),
            headers,
            route_name: asked.route_name.clone(),
            named_an_arm: asked.headers.iter().any(|header| header.name == ARM_HEADER),
        }
    }
}

impl RequestView for Asked {
    fn header(&self, name: &str) -> Option<&[u8]> {
        let value = match name {
            METHOD => &self.method,
            PATH => &self.path,
            AUTHORITY => &self.host,
            name => &self.headers.iter().find(|(known, _)| known == name)?.1,
        };
        Some(value.as_bytes())
    }

    fn route_name(&self) -> Option<&[u8]> {
        self.route_name.as_deref().map(str::as_bytes)
    }
}
