//! The messages of the `opentelemetry-proto` crate are the oracle of both encodings.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, KeyValue, KeyValueList, any_value::Value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::otlp::json;
use crate::otlp::record::RECORDS_MAX;

fn value(value: Value) -> Option<AnyValue> {
    Some(AnyValue { value: Some(value) })
}

fn pair() -> impl Strategy<Value = KeyValue> {
    let keys = prop::sample::select(vec![
        "serin.block",
        "code.function.name",
        "serin.service",
        "service.name",
        "service.version",
        "serin.arm",
        "serin.component",
        "exception.type",
        "exception.message",
        "thread.id",
    ]);
    let list =
        || Value::ArrayValue(ArrayValue { values: vec![AnyValue { value: Some(Value::IntValue(-1)) }] });
    let values = prop_oneof![
        4 => "[a-z.:\"é]{0,8}".prop_map(|text| value(Value::StringValue(text))),
        1 => any::<i64>().prop_map(|number| value(Value::IntValue(number))),
        1 => Just(list()).prop_map(value),
        1 => Just(None),
    ];
    (keys, values).prop_map(|(key, value)| KeyValue { key: key.to_owned(), value, ..KeyValue::default() })
}

fn a_body() -> impl Strategy<Value = AnyValue> {
    let any_value = |value| AnyValue { value };
    let leaf = prop_oneof![
        3 => "[a-z é]{0,8}".prop_map(Value::StringValue).prop_map(Some),
        1 => any::<bool>().prop_map(Value::BoolValue).prop_map(Some),
        1 => any::<i64>().prop_map(Value::IntValue).prop_map(Some),
        1 => (-1e6..1e6).prop_map(Value::DoubleValue).prop_map(Some),
        1 => vec(any::<u8>(), 0..4).prop_map(Value::BytesValue).prop_map(Some),
        1 => Just(None),
    ];
    let leaf = leaf.prop_map(any_value);
    leaf.prop_recursive(4, 16, 3, move |inner| {
        let names = prop::sample::select(vec!["message", "msg", "body", "order", "é"]);
        let pair = (names, prop::option::of(inner.clone())).prop_map(|(key, value)| KeyValue {
            key: key.to_owned(),
            value,
            ..KeyValue::default()
        });
        let list = vec(inner, 0..4).prop_map(|values| Value::ArrayValue(ArrayValue { values }));
        let members = vec(pair, 0..4).prop_map(|values| Value::KvlistValue(KeyValueList { values }));
        prop_oneof![list, members].prop_map(Some).prop_map(any_value)
    })
}

/// What a body says, by the documented rules. Empty: nothing.
fn says(body: &AnyValue) -> String {
    let joined =
        |texts: Vec<String>| texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ");
    match &body.value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(truth)) => truth.to_string(),
        Some(Value::IntValue(whole)) => whole.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::ArrayValue(list)) => joined(list.values.iter().map(says).collect()),
        Some(Value::KvlistValue(list)) => {
            let texts =
                list.values.iter().map(|pair| (&pair.key, pair.value.as_ref().map(says).unwrap_or_default()));
            let told: Vec<_> = texts.filter(|(_, text)| !text.is_empty()).collect();
            let message = ["message", "msg", "body"]
                .into_iter()
                .find_map(|name| told.iter().find(|(key, _)| *key == name));
            match message {
                Some((_, text)) => text.clone(),
                None => joined(told.iter().map(|(key, text)| format!("{key}={text}")).collect()),
            }
        }
        Some(Value::BytesValue(_) | Value::StringValueStrindex(_)) | None => String::new(),
    }
}

fn log_record() -> impl Strategy<Value = LogRecord> {
    let ids = (vec(any::<u8>(), 16), vec(any::<u8>(), 8));
    (any::<u64>(), any::<u64>(), 0..25_i32, vec(pair(), 0..5), ids, a_body()).prop_map(
        |(
            time_unix_nano,
            observed_time_unix_nano,
            severity_number,
            attributes,
            (trace_id, span_id),
            body,
        )| {
            LogRecord {
                time_unix_nano,
                observed_time_unix_nano,
                severity_number,
                severity_text: "ERROR".to_owned(),
                body: Some(body),
                attributes,
                trace_id,
                span_id,
                ..LogRecord::default()
            }
        },
    )
}

fn request() -> impl Strategy<Value = ExportLogsServiceRequest> {
    let scope =
        vec(log_record(), 0..4).prop_map(|log_records| ScopeLogs { log_records, ..ScopeLogs::default() });
    let resource = prop::option::of(vec(pair(), 0..4));
    let logs = (resource, vec(scope, 0..3)).prop_map(|(attributes, scope_logs)| ResourceLogs {
        resource: attributes.map(|attributes| Resource { attributes, ..Resource::default() }),
        scope_logs,
        ..ResourceLogs::default()
    });
    vec(logs, 0..3).prop_map(|resource_logs| ExportLogsServiceRequest { resource_logs })
}

fn attributes(pairs: &[KeyValue]) -> Attributes<'_> {
    let mut attributes = Attributes::default();
    for pair in pairs {
        let text = pair.value.as_ref().and_then(|value| match &value.value {
            Some(Value::StringValue(text)) => Some(Cow::Borrowed(text.as_str())),
            _ => None,
        });
        attributes.set(&pair.key, text);
    }
    attributes
}

/// What has to be read of a request.
fn expected(request: &ExportLogsServiceRequest) -> Gathered<'_> {
    let mut gathered = Gathered::default();
    for logs in &request.resource_logs {
        for record in logs.scope_logs.iter().flat_map(|scope| &scope.log_records) {
            gathered.add(Record {
                time_ns: record.time_unix_nano,
                observed_ns: record.observed_time_unix_nano,
                severity: record.severity_number,
                trace: u128::from_be_bytes(record.trace_id.as_slice().try_into().unwrap()),
                span: u64::from_be_bytes(record.span_id.as_slice().try_into().unwrap()),
                attributes: attributes(&record.attributes),
                body: record.body.as_ref().map(says).filter(|text| !text.is_empty()).map(Cow::Owned),
            });
        }
        gathered.close(attributes(logs.resource.as_ref().map_or(&[], |resource| &resource.attributes)));
    }
    gathered
}

proptest! {
    #[test]
    fn both_encodings_give_what_the_messages_hold(request in request()) {
        let (bytes, text) = (request.encode_to_vec(), serde_json::to_vec(&request).unwrap());
        prop_assert_eq!(read(&bytes).unwrap(), expected(&request));
        prop_assert_eq!(json::read(&text).unwrap(), expected(&request));
    }

    #[test]
    fn any_bytes_give_records_or_an_error(request in request(), damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4), cut: prop::sample::Index, noise in vec(any::<u8>(), 0..200)) {
        let _ = read(&noise);
        let _ = json::read(&noise);
        for mut bytes in [request.encode_to_vec(), serde_json::to_vec(&request).unwrap()] {
            if bytes.is_empty() {
                continue;
            }
            for (at, byte) in &damage {
                *at.get_mut(&mut bytes) = *byte;
            }
            bytes.truncate(cut.index(bytes.len()) + 1);
            let _ = read(&bytes);
            let _ = json::read(&bytes);
        }
    }
}

/// Bytes of a field that holds others.
fn wrapped(field: u8, inner: &[u8]) -> Vec<u8> {
    let mut bytes = vec![field << 3 | 2];
    prost::encoding::encode_varint(inner.len() as u64, &mut bytes);
    bytes.extend_from_slice(inner);
    bytes
}

#[test]
fn what_nests_deeply_is_passed_over_and_what_is_many_is_bounded() {
    let mut value = Vec::new();
    for _ in 0..2_000 {
        value = wrapped(5, &wrapped(1, &value));
    }
    let deep = wrapped(1, &wrapped(2, &wrapped(2, &wrapped(5, &value))));
    assert_eq!(read(&deep).unwrap().not_errors, 1);
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let json =
        format!("{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{{\"body\":{nested}}}]}}]}}]}}");
    let _no_overflow_of_the_stack = json::read(json.as_bytes());

    let empty = wrapped(2, &[]).repeat(1_000_000);
    assert_eq!(read(&wrapped(1, &wrapped(2, &empty))).unwrap().not_errors, 1_000_000);
    let pair = [wrapped(1, b"serin.block"), wrapped(2, &wrapped(1, b"tax"))].concat();
    let failure = wrapped(2, &[vec![2 << 3, 17], wrapped(6, &pair)].concat());
    let many = wrapped(1, &wrapped(2, &failure.repeat(RECORDS_MAX + 5)));
    let gathered = read(&many).unwrap();
    assert_eq!((gathered.groups[0].records.len(), gathered.beyond_bound), (RECORDS_MAX, 5));
}

#[test]
fn what_is_wrong_is_said() {
    for (bytes, words) in [
        (&[0x0a, 0x05, 0x01][..], "cut off"),
        (&[0x09, 0x01], "cut off"),
        (&[0xff; 11], "varint"),
        (&wrapped(1, &wrapped(1, &wrapped(1, &wrapped(1, &[0xff])))), "UTF-8"),
    ] {
        let error = read(bytes).unwrap_err();
        assert!(error.contains(words), "{bytes:?}: {error}");
    }
}
