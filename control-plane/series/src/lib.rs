//! Metrics of services, as far as plans ask for them: series of points, and the one number that a query reads of them.
//!
//! Points come as OTLP has them: sums and histograms that say what happened since the point before (delta) or since their start
//! (cumulative), and gauges. All of what adds up is kept in one form, as *stretches*: what happened from here to there. So both forms of a
//! stream read alike, a counter that begins anew loses and doubles nothing, and a point that comes again or too late changes nothing.
//!
//! Only series that a query asks for are kept, at most [`SERIES_MAX`], each for [`KEPT`]; what is beyond that is refused by name. A
//! read gives a number only if the whole of its time is known: otherwise it says why not, which is no zero.
//!
//! It is pure: it reads no clock and asks nobody.

#![forbid(unsafe_code)]

mod amount;
mod point;
mod query;
mod read;
mod series;
mod source;
mod store;

pub use point::{Histogram, Kind, Metric, Point, Points, Resource, Scope, Temporality, Value};
pub use query::{Query, Read};
pub use read::Nothing;
pub use store::{Fate, Store};

use std::time::Duration;

/// Series that are kept. Further ones are refused; those that are kept go on.
pub const SERIES_MAX: usize = 1_000;
/// Resources that are remembered as reporting.
pub const SOURCES_MAX: usize = 4_096;
/// How long a point is kept, how old it may be when it comes, and after which silence a series is forgotten.
pub const KEPT: Duration = Duration::from_mins(10);
/// Times that a query can read over.
pub const OVER: std::ops::RangeInclusive<Duration> = Duration::from_secs(10)..=KEPT;
/// How far a point may be ahead of the clock.
pub const AHEAD_MAX: Duration = Duration::from_mins(1);
/// Stretches that follow each other are kept as one up to this length, so that a series has at most 240.
const STRETCH: Duration = Duration::from_secs(5);
/// Points of one request that are taken.
pub const POINTS_MAX: usize = 16_384;
/// Attributes of a point, and of a resource.
pub const ATTRIBUTES_MAX: usize = 64;
/// Bytes of a metric's name, and of an attribute's name or value.
pub const TEXT_BYTES_MAX: usize = 1_024;
/// Buckets of a histogram.
pub const BUCKETS_MAX: usize = 64;

const fn ns(duration: Duration) -> u64 {
    duration.as_secs() * 1_000_000_000 + duration.subsec_nanos() as u64
}

#[cfg(test)]
mod tests;
