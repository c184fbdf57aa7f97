//! A request and its response as the core sees them, read through hostcalls when the core asks.

use std::cell::OnceCell;

use serin_filter_core::abi::{self, HeaderPairs};
use serin_filter_core::filter::ResponseView;
use serin_filter_core::outcome::Flags;
use serin_filter_core::request::RequestView;
use serin_proto::assignment::BLOCK_ERROR_HEADER;

use crate::hostcalls::{Call, Expression};

/// Has a value if the response is plain, and fails otherwise. Fetching the values themselves takes three times as
/// long, because the host calls back for memory for each.
pub(crate) const PLAIN: &str = "response.flags == 0 && response.code < 400 ? 1 : 1 / 0";

/// The request of the callback, read when it is first asked for.
pub(crate) struct Request<'c> {
    call: &'c Call,
    headers: OnceCell<HeaderPairs<'c>>,
    route_name: OnceCell<Option<&'c [u8]>>,
}

impl<'c> Request<'c> {
    pub(crate) fn new(call: &'c Call) -> Self {
        Self { call, headers: OnceCell::new(), route_name: OnceCell::new() }
    }

    /// Whether there is such a header; alone, that is cheaper to ask than all headers are to read.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        match self.headers.get() {
            Some(headers) => headers.value(name).is_some(),
            None => self.call.request_header(name).is_some(),
        }
    }
}

impl RequestView for Request<'_> {
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.get_or_init(|| self.call.request_headers()).value(name)
    }

    fn route_name(&self) -> Option<&[u8]> {
        *self.route_name.get_or_init(|| self.call.property("xds\0route_name"))
    }
}

/// The response of the callback.
pub(crate) struct Response<'c> {
    pub(crate) call: &'c Call,
    /// [`PLAIN`], if the host can evaluate expressions.
    pub(crate) plain: Option<Expression>,
}

impl ResponseView for Response<'_> {
    fn is_plain(&self) -> bool {
        self.plain.is_some_and(|plain| self.call.has_value(plain))
    }

    fn status(&self) -> Option<u16> {
        self.call
            .response_header(":status")
            .and_then(abi::decimal)
            .and_then(|status| u16::try_from(status).ok())
    }

    fn grpc_status(&self) -> Option<u32> {
        let name = "grpc-status";
        self.call.response_trailer(name).or_else(|| self.call.response_header(name)).and_then(abi::decimal)
    }

    fn flags(&self) -> Flags {
        Flags(self.call.property("response\0flags").and_then(abi::number).unwrap_or_default())
    }

    fn upstream_address(&self) -> Option<&[u8]> {
        self.call.property("upstream\0address")
    }

    fn block_errors(&self) -> Option<&[u8]> {
        self.call.response_header(BLOCK_ERROR_HEADER)
    }

    fn route_name(&self) -> Option<&[u8]> {
        self.call.property("xds\0route_name")
    }

    fn route_metadata(&self) -> Option<&[u8]> {
        self.call.property("xds\0route_metadata")
    }
}
