//! The messages of the `opentelemetry-proto` crate are the oracle of both encodings.

use std::borrow::Cow;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value::Value as Any};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as WireSpan};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::otlp::json;
use crate::otlp::span::SPANS_MAX;

fn text(text: &str) -> AnyValue {
    AnyValue { value: Some(Any::StringValue(text.to_owned())) }
}

fn pair() -> impl Strategy<Value = KeyValue> {
    let keys = prop::sample::select(vec![
        "serin.service",
        "service.name",
        "service.version",
        "serin.arm",
        "serin.component",
        "http.route",
        "url.path",
        "http.target",
        "http.request.method",
        "http.method",
        "http.request.header.x-serin-arm",
        "thread.id",
    ]);
    let list = |values| Some(AnyValue { value: Some(Any::ArrayValue(ArrayValue { values })) });
    let values = prop_oneof![
        4 => "[a-z/{}:\"é]{0,8}".prop_map(|word| Some(text(&word))),
        1 => any::<i64>().prop_map(|number| Some(AnyValue { value: Some(Any::IntValue(number)) })),
        2 => vec("[a-z]{0,4}", 0..3)
            .prop_map(move |words| list(words.iter().map(|word| text(word)).collect())),
        1 => Just(None),
    ];
    (keys, values).prop_map(|(key, value)| KeyValue { key: key.to_owned(), value, ..KeyValue::default() })
}

/// An id of the right length, or none, or a wrong one.
fn id(length: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![6 => vec(any::<u8>(), length), 1 => Just(Vec::new()), 1 => vec(any::<u8>(), 3), 1 => Just(vec![0; length])]
}

fn span() -> impl Strategy<Value = WireSpan> {
    let ids = (id(16), id(8), id(8));
    (ids, 0..6_i32, any::<u64>(), any::<u64>(), vec(pair(), 0..5)).prop_map(
        |((trace_id, span_id, parent_span_id), kind, start, end, attributes)| WireSpan {
            trace_id,
            span_id,
            parent_span_id,
            kind,
            name: "GET /".to_owned(),
            start_time_unix_nano: start,
            end_time_unix_nano: end,
            attributes,
            flags: 1,
            ..WireSpan::default()
        },
    )
}

fn request() -> impl Strategy<Value = ExportTraceServiceRequest> {
    let scope = vec(span(), 0..4).prop_map(|spans| ScopeSpans { spans, ..ScopeSpans::default() });
    let resource = prop::option::of(vec(pair(), 0..4));
    let spans = (resource, vec(scope, 0..3)).prop_map(|(attributes, scope_spans)| ResourceSpans {
        resource: attributes.map(|attributes| Resource { attributes, ..Resource::default() }),
        scope_spans,
        ..ResourceSpans::default()
    });
    vec(spans, 0..3).prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

fn attributes(pairs: &[KeyValue]) -> Attributes<'_> {
    let mut attributes = Attributes::default();
    for pair in pairs {
        let word = |value: &AnyValue| match &value.value {
            Some(Any::StringValue(word)) => Some(word.clone()),
            _ => None,
        };
        let told = pair.value.as_ref().and_then(|value| match &value.value {
            Some(Any::ArrayValue(list)) => list.values.first().and_then(word),
            _ => word(value),
        });
        attributes.set(&pair.key, told.map(Cow::Owned));
    }
    attributes
}

/// What has to be read of a request.
fn expected(request: &ExportTraceServiceRequest) -> Spans<'_> {
    let id = |bytes: &[u8]| bytes.try_into().map(u64::from_be_bytes).unwrap_or_default();
    let mut spans = Spans::default();
    for group in &request.resource_spans {
        for span in group.scope_spans.iter().flat_map(|scope| &scope.spans) {
            spans.add(Span {
                trace: span.trace_id.as_slice().try_into().map(u128::from_be_bytes).unwrap_or_default(),
                span: id(&span.span_id),
                parent: id(&span.parent_span_id),
                kind: u64::try_from(span.kind).unwrap(),
                end_ns: span.end_time_unix_nano,
                attributes: attributes(&span.attributes),
            });
        }
        spans.close(attributes(group.resource.as_ref().map_or(&[], |resource| &resource.attributes)));
    }
    spans
}

proptest! {
    #[test]
    fn both_encodings_of_spans_give_what_the_messages_hold(request in request()) {
        let (bytes, text) = (request.encode_to_vec(), serde_json::to_vec(&request).unwrap());
        prop_assert_eq!(read(&bytes).unwrap(), expected(&request));
        prop_assert_eq!(json::spans::read(&text).unwrap(), expected(&request));
    }

    #[test]
    fn any_bytes_give_spans_or_an_error(request in request(), damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4), cut: prop::sample::Index, noise in vec(any::<u8>(), 0..200)) {
        let _ = read(&noise);
        let _ = json::spans::read(&noise);
        for mut bytes in [request.encode_to_vec(), serde_json::to_vec(&request).unwrap()] {
            if bytes.is_empty() {
                continue;
            }
            for (at, byte) in &damage {
                *at.get_mut(&mut bytes) = *byte;
            }
            bytes.truncate(cut.index(bytes.len()) + 1);
            let _ = read(&bytes);
            let _ = json::spans::read(&bytes);
        }
    }
}

#[test]
fn spans_beyond_the_bound_and_without_ids_are_counted() {
    let wire = WireSpan { trace_id: vec![1; 16], span_id: vec![2; 8], ..WireSpan::default() };
    let mut spans = vec![wire; SPANS_MAX + 5];
    spans.extend(vec![WireSpan::default(); 3]);
    let scope = ScopeSpans { spans, ..ScopeSpans::default() };
    let resource_spans = vec![ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() }];
    let bytes = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
    let read = read(&bytes).unwrap();
    assert_eq!((read.groups[0].spans.len(), read.beyond_bound, read.without_id), (SPANS_MAX, 5, 3));
}
