//! Points as they come: the resources of a request, their scopes, metrics and points.

use std::borrow::Cow;

/// The points of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points<'a> {
    /// By resource.
    pub resources: Vec<Resource<'a>>,
    /// Points beyond [`POINTS_MAX`](crate::POINTS_MAX), which are not here.
    pub beyond_bound: u64,
}

/// What reports: most often one process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource<'a> {
    /// Its attributes, as far as they are text, numbers or truth values.
    pub attributes: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// What it reports.
    pub scopes: Vec<Scope<'a>>,
}

/// A part of a process, by the library that measures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its metrics.
    pub metrics: Vec<Metric<'a>>,
}

/// A metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metric<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Of which kind its points are.
    pub kind: Kind,
    /// Its points.
    pub points: Vec<Point<'a>>,
}

/// Kinds of metrics.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Kind {
    /// A value that holds when it is read.
    Gauge,
    /// What adds up.
    Sum {
        /// Since when.
        temporality: Temporality,
        /// Whether it only ever grows.
        is_monotonic: bool,
    },
    /// How often values were seen, by bounds that are written with them, or by exponential ones.
    Histogram(Temporality),
    /// None of these.
    #[default]
    Other,
}

/// Since when a point counts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Temporality {
    /// It does not say.
    #[default]
    Unspecified,
    /// Since the point before.
    Delta,
    /// Since its start.
    Cumulative,
}

impl Temporality {
    /// By its number in OTLP.
    #[must_use]
    pub const fn of(number: u64) -> Self {
        match number {
            1 => Self::Delta,
            2 => Self::Cumulative,
            _ => Self::Unspecified,
        }
    }
}

/// A point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point<'a> {
    /// Unix time in ns since which it counts. 0: not known.
    pub start_ns: u64,
    /// Unix time in ns until which it counts.
    pub time_ns: u64,
    /// Its attributes.
    pub attributes: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// It has an attribute that is a list, a map or bytes.
    pub has_other_attributes: bool,
    /// Its value.
    pub value: Value,
}

/// What a point says.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Nothing: its series has ended.
    #[default]
    Absent,
    /// A number.
    Number(f64),
    /// How often values were seen.
    Histogram(Histogram),
}

/// How often values were seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// How often.
    pub count: u64,
    /// Their sum, where it is known.
    pub sum: Option<f64>,
    /// How many were at most as large as the bound of the same place and larger than the one before; the last has no bound. Empty: it
    /// is not told.
    pub buckets: Vec<u64>,
    /// The bounds, one fewer.
    pub bounds: Vec<f64>,
}
