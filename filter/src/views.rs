//! A request and its response as the core sees them, read through hostcalls when the core asks.

use serin_filter_core::abi;
use serin_filter_core::filter::ResponseView;
use serin_filter_core::outcome::Flags;
use serin_filter_core::request::RequestView;

use crate::hostcalls::{Call, Expression};

/// Has a value if the response is plain, and fails otherwise. Fetching the values themselves takes three times as
/// long, because the host calls back for memory for each.
pub(crate) const PLAIN: &str = "response.flags == 0 && response.code < 400 ? 1 : 1 / 0";

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
}
