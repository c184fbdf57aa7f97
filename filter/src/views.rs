//! A request and its response as the core sees them, read through hostcalls when the core asks.

use serin_filter_core::abi;
use serin_filter_core::filter::ResponseView;
use serin_filter_core::outcome::Flags;
use serin_filter_core::request::RequestView;

use crate::hostcalls::Call;

/// The request of the callback.
pub(crate) struct Request<'c>(pub(crate) &'c Call);

impl RequestView for Request<'_> {
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.0.request_header(name)
    }

    fn route_name(&self) -> Option<&[u8]> {
        self.0.property("xds\0route_name")
    }
}

/// The response of the callback.
pub(crate) struct Response<'c>(pub(crate) &'c Call);

impl ResponseView for Response<'_> {
    fn status(&self) -> Option<u16> {
        self.0.response_header(":status").and_then(abi::decimal).and_then(|status| u16::try_from(status).ok())
    }

    fn grpc_status(&self) -> Option<u32> {
        let name = "grpc-status";
        self.0.response_trailer(name).or_else(|| self.0.response_header(name)).and_then(abi::decimal)
    }

    fn flags(&self) -> Flags {
        Flags(self.0.property("response\0flags").and_then(abi::number).unwrap_or_default())
    }

    fn upstream_address(&self) -> Option<&[u8]> {
        self.0.property("upstream\0address")
    }
}
