//! What can be made to go wrong.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Every route, in [`Fault::route`].
pub const EVERY_ROUTE: &str = "*";

/// The faults of one version. The first that hits a request decides, except that latencies add up.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    /// In order of precedence.
    pub faults: Vec<Fault>,
}

/// One fault.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// A route as in [`super::ROUTES`], or `*`.
    pub route: String,
    /// Part of the requests that it hits, 0 to 1. Absent: all.
    #[serde(default = "all")]
    pub share: f64,
    /// What happens to them.
    pub kind: Kind,
}

/// What happens to a request.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Answered with this HTTP status.
    Status(u16),
    /// Answered so many milliseconds later.
    LatencyMs(u64),
    /// Never answered, and the connection kept open.
    Hang,
    /// The connection (HTTP/1.1) or stream (HTTP/2) ends without an answer.
    Reset,
    /// The connection or stream ends in the middle of the body.
    CloseMidBody,
    /// A block of code fails in one of its versions: answered with this HTTP status and the name of the block. The block runs
    /// that version unless the request's baggage names another.
    Block {
        /// Name of the block.
        name: String,
        /// Its faulty version.
        version: String,
        /// The HTTP status.
        status: u16,
    },
    /// gRPC status in the trailers, after a message; HTTP status 200.
    GrpcStatus(u16),
    /// gRPC status in the headers, without a body; HTTP status 200.
    GrpcStatusTrailersOnly(u16),
}

impl Faults {
    /// One fault on one route (or `*`) that hits `share` of its requests.
    #[must_use]
    pub fn one(route: &str, share: f64, kind: Kind) -> Self {
        Self { faults: vec![Fault { route: route.to_owned(), share, kind }] }
    }

    /// What happens to a request of `route`; `draw` gives a fresh uniform number at each call, `asked` the version of a block
    /// that the request asks for.
    pub(super) fn hit(
        &self,
        route: &str,
        mut draw: impl FnMut() -> f64,
        asked: impl Fn(&str) -> Option<String>,
    ) -> (Duration, Option<Kind>) {
        let mut delay = Duration::ZERO;
        for fault in self.faults.iter().filter(|fault| fault.route == route || fault.route == EVERY_ROUTE) {
            if draw() >= fault.share {
                continue;
            }
            match &fault.kind {
                Kind::LatencyMs(more) => delay += Duration::from_millis(*more),
                Kind::Block { name, version, .. } if asked(name).is_some_and(|asked| asked != *version) => {}
                decisive @ (Kind::Status(_)
                | Kind::Block { .. }
                | Kind::Hang
                | Kind::Reset
                | Kind::CloseMidBody
                | Kind::GrpcStatus(_)
                | Kind::GrpcStatusTrailersOnly(_)) => return (delay, Some(decisive.clone())),
            }
        }
        (delay, None)
    }
}

fn all() -> f64 {
    1.0
}
