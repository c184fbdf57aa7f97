//! `ExportMetricsServiceRequest` in OTLP's JSON encoding, read as requests with log records are.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, Visitor};
use serin_series::{
    BUCKETS_MAX, Histogram, Kind, Metric, Point, Points, Resource, Scope, Temporality, Value,
};

use super::super::points::{Kept, add_attribute};
use super::{Collect, Each, Number};

/// The flag of a point that has no value.
const NO_RECORDED_VALUE: u64 = 1;

/// Reads a request. Total: any bytes give points or what is wrong.
pub(in crate::otlp) fn read(bytes: &[u8]) -> Result<Points<'_>, String> {
    let request: Request<'_> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let resources = request.resource_metrics.into;
    Ok(Points { resources: resources.all, beyond_bound: resources.beyond })
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow)]
    resource_metrics: Each<ResourceMetrics<'a>, Kept<Resource<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ResourceMetrics<'a> {
    #[serde(borrow)]
    resource: Option<RawResource<'a>>,
    #[serde(borrow)]
    scope_metrics: Each<ScopeMetrics<'a>, Kept<Scope<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawResource<'a> {
    #[serde(borrow)]
    attributes: Each<Pair<'a>, Attributes<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ScopeMetrics<'a> {
    #[serde(borrow)]
    scope: Option<RawScope<'a>>,
    #[serde(borrow)]
    metrics: Each<RawMetric<'a>, Kept<Metric<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawScope<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawMetric<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    gauge: Option<Data<'a>>,
    #[serde(borrow)]
    sum: Option<Data<'a>>,
    #[serde(borrow)]
    histogram: Option<Data<'a>>,
    #[serde(borrow)]
    exponential_histogram: Option<Data<'a>>,
    #[serde(borrow)]
    summary: Option<Data<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Data<'a> {
    #[serde(borrow)]
    data_points: Each<RawPoint<'a>, Kept<Point<'a>>>,
    aggregation_temporality: Number,
    is_monotonic: bool,
}

/// A point of any kind: which fields it has tells of which.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawPoint<'a> {
    #[serde(borrow)]
    attributes: Each<Pair<'a>, Attributes<'a>>,
    start_time_unix_nano: Number,
    time_unix_nano: Number,
    as_double: Option<Real>,
    as_int: Option<Real>,
    count: Option<Number>,
    sum: Option<Real>,
    bucket_counts: Each<Number, Few<u64>>,
    explicit_bounds: Each<Real, Few<f64>>,
    flags: Number,
}

/// Buckets, and of those that are too many one, which tells that there are.
#[derive(Default)]
struct Few<T>(Vec<T>);

impl<T> Few<T> {
    fn add(&mut self, one: T) {
        if self.0.len() <= BUCKETS_MAX {
            self.0.push(one);
        }
    }
}

impl Collect<Number> for Few<u64> {
    fn collect(&mut self, count: Number) {
        self.add(count.0);
    }
}

impl Collect<Real> for Few<f64> {
    fn collect(&mut self, bound: Real) {
        self.add(bound.0);
    }
}

/// Attributes as text.
#[derive(Default)]
struct Attributes<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Some are lists, maps or bytes.
    has_others: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pair<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    value: Option<AnyValue<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AnyValue<'a> {
    #[serde(borrow)]
    string_value: Option<Cow<'a, str>>,
    bool_value: Option<bool>,
    int_value: Option<Whole>,
    double_value: Option<Real>,
    array_value: Option<IgnoredAny>,
    kvlist_value: Option<IgnoredAny>,
    bytes_value: Option<IgnoredAny>,
}

impl<'a> Collect<Pair<'a>> for Attributes<'a> {
    fn collect(&mut self, pair: Pair<'a>) {
        let value = pair.value.unwrap_or_default();
        if value.array_value.or(value.kvlist_value).or(value.bytes_value).is_some() {
            self.has_others = true;
            return;
        }
        let of_number = || {
            let told = value.bool_value.map(|told| told.to_string());
            let told = told.or_else(|| value.int_value.map(|whole| whole.0.to_string()));
            told.or_else(|| value.double_value.map(|real| real.0.to_string())).unwrap_or_default()
        };
        let text = value.string_value.unwrap_or_else(|| Cow::Owned(of_number()));
        add_attribute(&mut self.pairs, (pair.key, text));
    }
}

impl<'a> Collect<ResourceMetrics<'a>> for Kept<Resource<'a>> {
    fn collect(&mut self, raw: ResourceMetrics<'a>) {
        let attributes = raw.resource.unwrap_or_default().attributes.into.pairs;
        self.absorb(raw.scope_metrics.into, |scopes| Resource { attributes, scopes });
    }
}

impl<'a> Collect<ScopeMetrics<'a>> for Kept<Scope<'a>> {
    fn collect(&mut self, raw: ScopeMetrics<'a>) {
        let name = raw.scope.unwrap_or_default().name;
        self.absorb(raw.metrics.into, |metrics| Scope { name, metrics });
    }
}

impl<'a> Collect<RawMetric<'a>> for Kept<Metric<'a>> {
    fn collect(&mut self, raw: RawMetric<'a>) {
        let RawMetric { name, gauge, sum, histogram, exponential_histogram, summary } = raw;
        let temporality = |data: &Data<'_>| Temporality::of(data.aggregation_temporality.0);
        let (kind, data) = if let Some(data) = gauge {
            (Kind::Gauge, data)
        } else if let Some(data) = sum {
            let is_monotonic = data.is_monotonic;
            (Kind::Sum { temporality: temporality(&data), is_monotonic }, data)
        } else if let Some(data) = histogram.or(exponential_histogram) {
            (Kind::Histogram(temporality(&data)), data)
        } else if let Some(data) = summary {
            (Kind::Other, data)
        } else {
            return;
        };
        self.absorb(data.data_points.into, |points| {
            // Of what is not read, how much there is suffices.
            let points = if kind == Kind::Other { vec![Point::default(); points.len()] } else { points };
            Metric { name, kind, points }
        });
    }
}

impl<'a> Collect<RawPoint<'a>> for Kept<Point<'a>> {
    fn collect(&mut self, raw: RawPoint<'a>) {
        let number = raw.as_double.or(raw.as_int).map(|real| Value::Number(real.0));
        let histogram = raw.count.map(|count| {
            let (buckets, bounds) = (raw.bucket_counts.into.0, raw.explicit_bounds.into.0);
            Value::Histogram(Histogram { count: count.0, sum: raw.sum.map(|sum| sum.0), buckets, bounds })
        });
        let value = number.or(histogram).filter(|_| raw.flags.0 & NO_RECORDED_VALUE == 0);
        self.add(Point {
            start_ns: raw.start_time_unix_nano.0,
            time_ns: raw.time_unix_nano.0,
            attributes: raw.attributes.into.pairs,
            has_other_attributes: raw.attributes.into.has_others,
            value: value.unwrap_or_default(),
        });
    }
}

/// A number, which JSON has as text where it is none of its own.
#[derive(Clone, Copy, Default)]
struct Real(f64);

/// A whole number, as a number or as text.
#[derive(Clone, Copy)]
struct Whole(i64);

impl<'de> Deserialize<'de> for Real {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl Visitor<'_> for Any {
            type Value = Real;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number, or the same as text")
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Real, E> {
                Ok(Real(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Real, E> {
                Ok(Real(number as f64))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Real, E> {
                Ok(Real(number as f64))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Real, E> {
                text.parse().map(Real).map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl Visitor<'_> for Any {
            type Value = Whole;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a whole number of at most 64 bits, or the same as text")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Whole, E> {
                i64::try_from(number)
                    .map(Whole)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(number), &self))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Whole, E> {
                Ok(Whole(number))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Whole, E> {
                text.parse().map(Whole).map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests;
