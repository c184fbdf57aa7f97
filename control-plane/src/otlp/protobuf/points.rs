//! `ExportMetricsServiceRequest` in protobuf, read in place as requests with log records are.

use std::borrow::Cow;

use serin_series::{
    BUCKETS_MAX, Histogram, Kind, Metric, Point, Points, Resource, Scope, Temporality, Value,
};

use super::super::points::{Kept, add_attribute};
use super::{Value as Field, each, text};

/// Field numbers of the messages, from opentelemetry-proto 1.
mod number {
    pub(super) const REQUEST_RESOURCE_METRICS: u32 = 1;
    pub(super) const RESOURCE_METRICS_RESOURCE: u32 = 1;
    pub(super) const RESOURCE_METRICS_SCOPE_METRICS: u32 = 2;
    pub(super) const RESOURCE_ATTRIBUTES: u32 = 1;
    pub(super) const SCOPE_METRICS_SCOPE: u32 = 1;
    pub(super) const SCOPE_METRICS_METRICS: u32 = 2;
    pub(super) const SCOPE_NAME: u32 = 1;
    pub(super) const METRIC_NAME: u32 = 1;
    pub(super) const METRIC_GAUGE: u32 = 5;
    pub(super) const METRIC_SUM: u32 = 7;
    pub(super) const METRIC_HISTOGRAM: u32 = 9;
    pub(super) const METRIC_EXPONENTIAL: u32 = 10;
    pub(super) const METRIC_SUMMARY: u32 = 11;
    pub(super) const DATA_POINTS: u32 = 1;
    pub(super) const DATA_TEMPORALITY: u32 = 2;
    pub(super) const DATA_MONOTONIC: u32 = 3;
    pub(super) const POINT_START: u32 = 2;
    pub(super) const POINT_TIME: u32 = 3;
    pub(super) const NUMBER_DOUBLE: u32 = 4;
    pub(super) const NUMBER_INT: u32 = 6;
    pub(super) const NUMBER_ATTRIBUTES: u32 = 7;
    pub(super) const NUMBER_FLAGS: u32 = 8;
    pub(super) const HISTOGRAM_COUNT: u32 = 4;
    pub(super) const HISTOGRAM_SUM: u32 = 5;
    pub(super) const HISTOGRAM_BUCKETS: u32 = 6;
    pub(super) const HISTOGRAM_BOUNDS: u32 = 7;
    pub(super) const HISTOGRAM_ATTRIBUTES: u32 = 9;
    pub(super) const HISTOGRAM_FLAGS: u32 = 10;
    pub(super) const EXPONENTIAL_ATTRIBUTES: u32 = 1;
    pub(super) const PAIR_KEY: u32 = 1;
    pub(super) const PAIR_VALUE: u32 = 2;
    pub(super) const VALUE_TEXT: u32 = 1;
    pub(super) const VALUE_BOOL: u32 = 2;
    pub(super) const VALUE_INT: u32 = 3;
    pub(super) const VALUE_DOUBLE: u32 = 4;
}

/// The flag of a point that has no value.
const NO_RECORDED_VALUE: u64 = 1;

/// Reads a request. Total: any bytes give points or what is wrong.
pub(in crate::otlp) fn read(bytes: &[u8]) -> Result<Points<'_>, String> {
    let mut resources = Kept::default();
    each(bytes, &mut |field, value| match (field, value) {
        (number::REQUEST_RESOURCE_METRICS, Field::Bytes(bytes)) => resource(bytes, &mut resources),
        _ => Ok(()),
    })?;
    Ok(Points { resources: resources.all, beyond_bound: resources.beyond })
}

fn resource<'a>(bytes: &'a [u8], into: &mut Kept<Resource<'a>>) -> Result<(), String> {
    let (mut attributes, mut scopes) = (Vec::new(), Kept::default());
    each(bytes, &mut |field, value| match (field, value) {
        (number::RESOURCE_METRICS_RESOURCE, Field::Bytes(bytes)) => each(bytes, &mut |field, value| {
            if let (number::RESOURCE_ATTRIBUTES, Field::Bytes(bytes)) = (field, value) {
                pair(bytes, &mut attributes)?;
            }
            Ok(())
        }),
        (number::RESOURCE_METRICS_SCOPE_METRICS, Field::Bytes(bytes)) => scope(bytes, &mut scopes),
        _ => Ok(()),
    })?;
    into.absorb(scopes, |scopes| Resource { attributes, scopes });
    Ok(())
}

fn scope<'a>(bytes: &'a [u8], into: &mut Kept<Scope<'a>>) -> Result<(), String> {
    let (mut name, mut metrics) = ("", Kept::default());
    each(bytes, &mut |field, value| match (field, value) {
        (number::SCOPE_METRICS_SCOPE, Field::Bytes(bytes)) => each(bytes, &mut |field, value| {
            if let (number::SCOPE_NAME, Field::Bytes(bytes)) = (field, value) {
                name = text(bytes)?;
            }
            Ok(())
        }),
        (number::SCOPE_METRICS_METRICS, Field::Bytes(bytes)) => metric(bytes, &mut metrics),
        _ => Ok(()),
    })?;
    into.absorb(metrics, |metrics| Scope { name: Cow::Borrowed(name), metrics });
    Ok(())
}

fn metric<'a>(bytes: &'a [u8], into: &mut Kept<Metric<'a>>) -> Result<(), String> {
    let (mut name, mut data) = ("", None);
    each(bytes, &mut |field, value| {
        match (field, value) {
            (number::METRIC_NAME, Field::Bytes(bytes)) => name = text(bytes)?,
            (
                number::METRIC_GAUGE
                | number::METRIC_SUM
                | number::METRIC_HISTOGRAM
                | number::METRIC_EXPONENTIAL
                | number::METRIC_SUMMARY,
                Field::Bytes(bytes),
            ) => data = Some((field, bytes)),
            _ => {}
        }
        Ok(())
    })?;
    let Some((form, bytes)) = data else { return Ok(()) };
    let (mut points, mut temporality, mut is_monotonic) = (Kept::default(), 0, false);
    each(bytes, &mut |field, value| {
        match (field, value) {
            (number::DATA_POINTS, Field::Bytes(bytes)) => points.add(match form {
                number::METRIC_GAUGE | number::METRIC_SUM => of_number(bytes)?,
                number::METRIC_HISTOGRAM => of_histogram(bytes, number::HISTOGRAM_ATTRIBUTES)?,
                number::METRIC_EXPONENTIAL => of_histogram(bytes, number::EXPONENTIAL_ATTRIBUTES)?,
                _ => Point::default(),
            }),
            (number::DATA_TEMPORALITY, Field::Varint(number)) => temporality = number,
            (number::DATA_MONOTONIC, Field::Varint(number)) => is_monotonic = number != 0,
            _ => {}
        }
        Ok(())
    })?;
    let temporality = Temporality::of(temporality);
    let kind = match form {
        number::METRIC_GAUGE => Kind::Gauge,
        number::METRIC_SUM => Kind::Sum { temporality, is_monotonic },
        number::METRIC_SUMMARY => Kind::Other,
        _ => Kind::Histogram(temporality),
    };
    into.absorb(points, |points| Metric { name: Cow::Borrowed(name), kind, points });
    Ok(())
}

fn of_number(bytes: &[u8]) -> Result<Point<'_>, String> {
    let (mut point, mut flags) = (Point::default(), 0);
    each(bytes, &mut |field, value| {
        match (field, value) {
            (number::NUMBER_DOUBLE, Field::Fixed(bits)) => point.value = Value::Number(f64::from_bits(bits)),
            (number::NUMBER_INT, Field::Fixed(bits)) => {
                point.value = Value::Number(bits.cast_signed() as f64);
            }
            (number::NUMBER_ATTRIBUTES, Field::Bytes(bytes)) => attribute(bytes, &mut point)?,
            (number::NUMBER_FLAGS, Field::Varint(number)) => flags = number,
            _ => time(field, value, &mut point),
        }
        Ok(())
    })?;
    if flags & NO_RECORDED_VALUE != 0 {
        point.value = Value::Absent;
    }
    Ok(point)
}

/// Of either form. What the exponential one has in place of buckets is passed over: it tells how often and how much.
fn of_histogram(bytes: &[u8], attributes: u32) -> Result<Point<'_>, String> {
    let (mut point, mut histogram, mut flags) = (Point::default(), Histogram::default(), 0);
    let is_explicit = attributes == number::HISTOGRAM_ATTRIBUTES;
    each(bytes, &mut |field, value| {
        match (field, value) {
            (number::HISTOGRAM_COUNT, Field::Fixed(count)) => histogram.count = count,
            (number::HISTOGRAM_SUM, Field::Fixed(bits)) => histogram.sum = Some(f64::from_bits(bits)),
            (number::HISTOGRAM_BUCKETS, value) if is_explicit => {
                numbers(value, |count| add_bucket(&mut histogram.buckets, count));
            }
            (number::HISTOGRAM_BOUNDS, value) if is_explicit => {
                numbers(value, |bits| add_bucket(&mut histogram.bounds, f64::from_bits(bits)));
            }
            (number::HISTOGRAM_FLAGS, Field::Varint(number)) => flags = number,
            (field, Field::Bytes(bytes)) if field == attributes => attribute(bytes, &mut point)?,
            _ => time(field, value, &mut point),
        }
        Ok(())
    })?;
    if flags & NO_RECORDED_VALUE == 0 {
        point.value = Value::Histogram(histogram);
    }
    Ok(point)
}

/// Of buckets that are too many one is kept, which tells that there are.
fn add_bucket<T>(buckets: &mut Vec<T>, one: T) {
    if buckets.len() <= BUCKETS_MAX {
        buckets.push(one);
    }
}

/// Numbers of 64 bits, packed or one by one.
fn numbers(value: Field<'_>, mut take: impl FnMut(u64)) {
    match value {
        Field::Fixed(bits) => take(bits),
        Field::Bytes(bytes) => {
            bytes.as_chunks::<8>().0.iter().for_each(|bytes| take(u64::from_le_bytes(*bytes)));
        }
        Field::Varint(_) => {}
    }
}

const fn time(field: u32, value: Field<'_>, point: &mut Point<'_>) {
    match (field, value) {
        (number::POINT_START, Field::Fixed(ns)) => point.start_ns = ns,
        (number::POINT_TIME, Field::Fixed(ns)) => point.time_ns = ns,
        _ => {}
    }
}

fn attribute<'a>(bytes: &'a [u8], point: &mut Point<'a>) -> Result<(), String> {
    let is_read = pair(bytes, &mut point.attributes)?;
    point.has_other_attributes |= !is_read;
    Ok(())
}

/// Adds an attribute as text. False: its value is a list, a map or bytes, and it is not added.
fn pair<'a>(bytes: &'a [u8], into: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>) -> Result<bool, String> {
    let (mut key, mut value) = ("", None);
    each(bytes, &mut |field, content| {
        match (field, content) {
            (number::PAIR_KEY, Field::Bytes(bytes)) => key = text(bytes)?,
            (number::PAIR_VALUE, Field::Bytes(bytes)) => value = Some(bytes),
            _ => {}
        }
        Ok(())
    })?;
    let mut told = Some(Cow::Borrowed(""));
    each(value.unwrap_or_default(), &mut |field, content| {
        told = match (field, content) {
            (number::VALUE_TEXT, Field::Bytes(bytes)) => Some(Cow::Borrowed(text(bytes)?)),
            (number::VALUE_BOOL, Field::Varint(number)) => Some(Cow::Owned((number != 0).to_string())),
            (number::VALUE_INT, Field::Varint(number)) => Some(Cow::Owned(number.cast_signed().to_string())),
            (number::VALUE_DOUBLE, Field::Fixed(bits)) => Some(Cow::Owned(f64::from_bits(bits).to_string())),
            _ => None,
        };
        Ok(())
    })?;
    let is_read = told.is_some();
    if let Some(told) = told {
        add_attribute(into, (Cow::Borrowed(key), told));
    }
    Ok(is_read)
}

#[cfg(test)]
mod tests;
