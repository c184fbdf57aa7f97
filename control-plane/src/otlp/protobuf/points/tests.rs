//! The messages of the `opentelemetry-proto` crate are the oracle of both encodings.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::common::v1::{KeyValueList, any_value::Value as Any};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as WireNumber;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram as WireHistogram,
    HistogramDataPoint, Metric as WireMetric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint,
};
use opentelemetry_proto::tonic::resource::v1::Resource as WireResource;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::otlp::json;

fn value() -> impl Strategy<Value = Option<Any>> {
    prop_oneof![
        4 => "[a-z\"é]{0,6}".prop_map(|word| Some(Any::StringValue(word))),
        1 => any::<bool>().prop_map(|told| Some(Any::BoolValue(told))),
        1 => any::<i64>().prop_map(|number| Some(Any::IntValue(number))),
        1 => (-1e9..1e9).prop_map(|number| Some(Any::DoubleValue(number))),
        1 => Just(Some(Any::ArrayValue(ArrayValue { values: Vec::new() }))),
        1 => Just(Some(Any::KvlistValue(KeyValueList { values: Vec::new() }))),
        1 => vec(any::<u8>(), 0..4).prop_map(|bytes| Some(Any::BytesValue(bytes))),
        1 => Just(None),
    ]
}

fn pairs() -> impl Strategy<Value = Vec<KeyValue>> {
    let pair = ("[a-z.]{1,6}", prop::option::of(value().prop_map(|value| AnyValue { value })));
    vec(pair.prop_map(|(key, value)| KeyValue { key, value, ..KeyValue::default() }), 0..4)
}

fn number() -> impl Strategy<Value = NumberDataPoint> {
    let number = prop_oneof![
        3 => (-1e9..1e9).prop_map(|number| Some(WireNumber::AsDouble(number))),
        3 => any::<i32>().prop_map(|number| Some(WireNumber::AsInt(number.into()))),
        1 => Just(None),
    ];
    (pairs(), any::<u64>(), any::<u64>(), number, 0..2_u32).prop_map(
        |(attributes, start, time, value, flags)| NumberDataPoint {
            attributes,
            start_time_unix_nano: start,
            time_unix_nano: time,
            value,
            flags,
            ..NumberDataPoint::default()
        },
    )
}

fn seen() -> impl Strategy<Value = HistogramDataPoint> {
    let buckets = vec((any::<u32>(), -1e9..1e9), 0..5);
    (pairs(), any::<u64>(), buckets, prop::option::of(0.0..1e9), 0..2_u32).prop_map(
        |(attributes, time, buckets, sum, flags)| HistogramDataPoint {
            attributes,
            time_unix_nano: time,
            count: 7,
            sum,
            bucket_counts: buckets.iter().map(|(count, _)| (*count).into()).collect(),
            explicit_bounds: buckets.iter().skip(1).map(|(_, bound)| *bound).collect(),
            flags,
            min: Some(1.0),
            max: Some(2.0),
            ..HistogramDataPoint::default()
        },
    )
}

fn exponential() -> impl Strategy<Value = ExponentialHistogramDataPoint> {
    (pairs(), any::<u64>(), any::<u32>(), prop::option::of(0.0..1e9)).prop_map(
        |(attributes, time, count, sum)| ExponentialHistogramDataPoint {
            attributes,
            start_time_unix_nano: time / 2,
            time_unix_nano: time,
            count: count.into(),
            sum,
            scale: -3,
            zero_count: 5,
            positive: Some(Buckets { offset: -2, bucket_counts: vec![1, 2] }),
            ..ExponentialHistogramDataPoint::default()
        },
    )
}

fn data() -> impl Strategy<Value = Option<Data>> {
    let temporality = || 0..3_i32;
    prop_oneof![
        vec(number(), 0..4).prop_map(|data_points| Some(Data::Gauge(Gauge { data_points }))),
        (vec(number(), 0..4), temporality(), any::<bool>()).prop_map(
            |(data_points, temporality, is_monotonic)| {
                Some(Data::Sum(Sum { data_points, aggregation_temporality: temporality, is_monotonic }))
            }
        ),
        (vec(seen(), 0..4), temporality()).prop_map(|(data_points, aggregation_temporality)| Some(
            Data::Histogram(WireHistogram { data_points, aggregation_temporality })
        )),
        (vec(exponential(), 0..4), temporality()).prop_map(|(data_points, aggregation_temporality)| Some(
            Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality })
        )),
        Just(Some(Data::Summary(Summary { data_points: vec![SummaryDataPoint::default()] }))),
        Just(None),
    ]
}

fn request() -> impl Strategy<Value = ExportMetricsServiceRequest> {
    let metric = ("[a-z.]{0,6}", data()).prop_map(|(name, data)| WireMetric {
        name,
        description: "what".to_owned(),
        unit: "1".to_owned(),
        data,
        ..WireMetric::default()
    });
    let scope = ("[a-z]{0,4}", vec(metric, 0..3)).prop_map(|(name, metrics)| ScopeMetrics {
        scope: Some(InstrumentationScope { name, ..InstrumentationScope::default() }),
        metrics,
        ..ScopeMetrics::default()
    });
    let resource = (prop::option::of(pairs()), vec(scope, 0..3)).prop_map(|(attributes, scope_metrics)| {
        ResourceMetrics {
            resource: attributes.map(|attributes| WireResource { attributes, ..WireResource::default() }),
            scope_metrics,
            ..ResourceMetrics::default()
        }
    });
    vec(resource, 0..3).prop_map(|resource_metrics| ExportMetricsServiceRequest { resource_metrics })
}

/// What of a request should be read, told from its generated messages. Text of numbers is compared apart.
fn told(request: &ExportMetricsServiceRequest) -> Vec<(String, String, String, Kind, Point<'static>)> {
    let mut told = Vec::new();
    for resource in &request.resource_metrics {
        let of_resource =
            resource.resource.as_ref().map(|one| words(&one.attributes).attributes).unwrap_or_default();
        for scope in &resource.scope_metrics {
            for metric in &scope.metrics {
                let (kind, points) = points_of(metric);
                let scope = scope.scope.as_ref().unwrap().name.clone();
                told.extend(points.into_iter().map(|point| {
                    (format!("{of_resource:?}"), scope.clone(), metric.name.clone(), kind, point)
                }));
            }
        }
    }
    told
}

fn flat(points: Points<'_>) -> Vec<(String, String, String, Kind, Point<'static>)> {
    let mut flat = Vec::new();
    for resource in points.resources {
        let of_resource = format!("{:?}", owned(resource.attributes));
        for scope in resource.scopes {
            for metric in scope.metrics {
                for point in metric.points {
                    let Point { start_ns, time_ns, attributes, has_other_attributes, value } = point;
                    let attributes = owned(attributes);
                    let point = Point { start_ns, time_ns, attributes, has_other_attributes, value };
                    let (scope, name) = (scope.name.to_string(), metric.name.to_string());
                    flat.push((of_resource.clone(), scope, name, metric.kind, point));
                }
            }
        }
    }
    flat
}

fn owned(pairs: Vec<(Cow<'_, str>, Cow<'_, str>)>) -> Vec<(Cow<'static, str>, Cow<'static, str>)> {
    pairs.into_iter().map(|(name, value)| (name.into_owned().into(), value.into_owned().into())).collect()
}

/// A point of these attributes.
fn words(pairs: &[KeyValue]) -> Point<'static> {
    let (mut words, mut has_others) = (Vec::new(), false);
    for pair in pairs {
        let value = match pair.value.as_ref().and_then(|value| value.value.clone()) {
            Some(Any::StringValue(word)) => word,
            Some(Any::BoolValue(told)) => told.to_string(),
            Some(Any::IntValue(number)) => number.to_string(),
            Some(Any::DoubleValue(number)) => number.to_string(),
            None => String::new(),
            Some(_) => {
                has_others = true;
                continue;
            }
        };
        words.push((pair.key.clone().into(), value.into()));
    }
    Point { attributes: words, has_other_attributes: has_others, ..Point::default() }
}

fn points_of(metric: &WireMetric) -> (Kind, Vec<Point<'static>>) {
    let of = |pairs: &[KeyValue], start_ns, time_ns, value: Option<Value>, flags: u32| {
        let value = value.filter(|_| flags & 1 == 0).unwrap_or_default();
        Point { start_ns, time_ns, value, ..words(pairs) }
    };
    let number = |one: &NumberDataPoint| {
        let value = one.value.map(|value| match value {
            WireNumber::AsDouble(number) => Value::Number(number),
            WireNumber::AsInt(number) => Value::Number(number as f64),
        });
        of(&one.attributes, one.start_time_unix_nano, one.time_unix_nano, value, one.flags)
    };
    let temporality = |number: i32| Temporality::of(u64::try_from(number).unwrap());
    match metric.data.as_ref() {
        None => (Kind::Other, Vec::new()),
        Some(Data::Gauge(gauge)) => (Kind::Gauge, gauge.data_points.iter().map(number).collect()),
        Some(Data::Sum(sum)) => {
            let (temporality, is_monotonic) = (temporality(sum.aggregation_temporality), sum.is_monotonic);
            (Kind::Sum { temporality, is_monotonic }, sum.data_points.iter().map(number).collect())
        }
        Some(Data::Histogram(all)) => {
            let points = all.data_points.iter().map(|one| {
                let (buckets, bounds) = (one.bucket_counts.clone(), one.explicit_bounds.clone());
                let value = Value::Histogram(Histogram { count: one.count, sum: one.sum, buckets, bounds });
                of(&one.attributes, one.start_time_unix_nano, one.time_unix_nano, Some(value), one.flags)
            });
            (Kind::Histogram(temporality(all.aggregation_temporality)), points.collect())
        }
        Some(Data::ExponentialHistogram(all)) => {
            let points = all.data_points.iter().map(|one| {
                let value =
                    Value::Histogram(Histogram { count: one.count, sum: one.sum, ..Histogram::default() });
                of(&one.attributes, one.start_time_unix_nano, one.time_unix_nano, Some(value), one.flags)
            });
            (Kind::Histogram(temporality(all.aggregation_temporality)), points.collect())
        }
        Some(Data::Summary(all)) => (Kind::Other, vec![Point::default(); all.data_points.len()]),
    }
}

proptest! {
    #[test]
    fn both_encodings_give_what_the_messages_say(request in request()) {
        let expected = told(&request);
        let bytes = request.encode_to_vec();
        prop_assert_eq!(&flat(read(&bytes).unwrap()), &expected);
        let text = serde_json::to_string(&request).unwrap();
        prop_assert_eq!(&flat(json::points::read(text.as_bytes()).unwrap()), &expected, "{}", text);
    }

    #[test]
    fn any_bytes_give_points_or_an_error(bytes in vec(any::<u8>(), 0..200), request in request(), cut in any::<prop::sample::Index>()) {
        _ = read(&bytes);
        _ = json::points::read(&bytes);
        let whole = request.encode_to_vec();
        _ = read(&whole[..cut.index(whole.len() + 1)]);
        let text = serde_json::to_vec(&request).unwrap();
        _ = json::points::read(&text[..cut.index(text.len() + 1)]);
    }
}

#[test]
fn no_request_takes_more_points_attributes_or_buckets_than_its_bounds() {
    use serin_series::{ATTRIBUTES_MAX, POINTS_MAX};
    let point = NumberDataPoint {
        attributes: vec![KeyValue { key: "a".to_owned(), ..KeyValue::default() }; ATTRIBUTES_MAX + 9],
        ..NumberDataPoint::default()
    };
    let metric = |data_points| WireMetric {
        name: "m".to_owned(),
        data: Some(Data::Gauge(Gauge { data_points })),
        ..WireMetric::default()
    };
    let metrics = vec![metric(vec![NumberDataPoint::default(); POINTS_MAX + 2]), metric(vec![point])];
    let scope = ScopeMetrics { metrics, ..ScopeMetrics::default() };
    let resource = |scope: &ScopeMetrics| ResourceMetrics {
        scope_metrics: vec![scope.clone()],
        ..ResourceMetrics::default()
    };
    let request = ExportMetricsServiceRequest { resource_metrics: vec![resource(&scope)] };
    let bytes = request.encode_to_vec();
    let points = read(&bytes).unwrap();
    assert_eq!(points.beyond_bound, 3);
    assert_eq!(flat(points).len(), POINTS_MAX);
    let few = ScopeMetrics { metrics: scope.metrics[1..].to_vec(), ..ScopeMetrics::default() };
    let bytes = ExportMetricsServiceRequest { resource_metrics: vec![resource(&few)] }.encode_to_vec();
    assert_eq!(flat(read(&bytes).unwrap())[0].4.attributes.len(), ATTRIBUTES_MAX + 1);
}
