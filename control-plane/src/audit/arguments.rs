//! Requests as JSON, by the descriptors of their messages. Total: what cannot be read is left out.

use prost_types::field_descriptor_proto::Type;
use serde_json::{Map, Value, json};
use serin_evidence::Hash;

use super::methods::{Field, Methods};
use crate::otlp::{FieldValue, each_field};

/// Deepest nesting that is read.
const DEPTH_MAX: u32 = 8;
/// Members of one message, and elements of one list.
const MEMBERS_MAX: usize = 100;
/// Bytes of a text that are kept.
const TEXT_KEPT: usize = 1_000;

/// The members of a message.
pub(super) fn read(methods: &Methods, message: &str, bytes: &[u8]) -> Value {
    nested(methods, message, bytes, 0)
}

fn nested(methods: &Methods, message: &str, bytes: &[u8], depth: u32) -> Value {
    let mut members = Map::new();
    let read = each_field(bytes, &mut |number, content| {
        let Some(field) = methods.field(message, number) else { return Ok(()) };
        let Some(value) = value(methods, field, content, depth) else { return Ok(()) };
        if members.len() >= MEMBERS_MAX && !members.contains_key(&field.name) {
            return Ok(());
        }
        if field.is_repeated {
            let list = members.entry(field.name.clone()).or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut().filter(|list| list.len() < MEMBERS_MAX) {
                list.push(value);
            }
        } else {
            members.insert(field.name.clone(), value);
        }
        Ok(())
    });
    if read.is_err() {
        members.insert("unreadable".to_owned(), json!(true));
    }
    Value::Object(members)
}

fn value(methods: &Methods, field: &Field, content: FieldValue<'_>, depth: u32) -> Option<Value> {
    Some(match (content, field.kind) {
        (FieldValue::Bytes(bytes), Type::String) => json!(String::from_utf8_lossy(bytes)),
        (FieldValue::Bytes(bytes), Type::Message) if depth < DEPTH_MAX => {
            nested(methods, &field.of, bytes, depth + 1)
        }
        (FieldValue::Bytes(bytes), _) => json!({"bytes": bytes.len(), "sha256": Hash::of(bytes)}),
        (FieldValue::Varint(number), Type::Bool) => json!(number != 0),
        (FieldValue::Varint(number), Type::Enum) => {
            let number = i32::try_from(number).unwrap_or(-1);
            methods.enum_name(&field.of, number).map_or(json!(number), |name| json!(name))
        }
        (FieldValue::Varint(number), Type::Int32 | Type::Int64) => json!(number.cast_signed()),
        (FieldValue::Varint(number), _) => json!(number),
        (FieldValue::Fixed(bits), Type::Double) => json!(f64::from_bits(bits)),
        (FieldValue::Fixed(bits), _) => json!(bits),
    })
}

/// Cuts long texts, and says what they were.
pub(super) fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > TEXT_KEPT => {
            let (bytes, sha256) = (text.len(), Hash::of(text.as_bytes()));
            let begin = text.get(..text.floor_char_boundary(TEXT_KEPT)).unwrap_or_default();
            *value = json!({"begins": begin, "bytes": bytes, "sha256": sha256});
        }
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Object(members) => members.values_mut().for_each(shorten),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use serin_proto::FILE_DESCRIPTOR_SET;
    use serin_proto::admin::v1::{RecordRequest, RollbackRequest, SetWeightRequest, record_request::Target};

    use super::*;

    fn framed(message: &impl Message) -> Vec<u8> {
        let bytes = message.encode_to_vec();
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        [&[0], length.as_slice(), bytes.as_slice()].concat()
    }

    #[test]
    fn the_arguments_of_any_method_are_read_by_its_descriptor() {
        let methods = Methods::read(FILE_DESCRIPTOR_SET).unwrap();
        let rollback = RollbackRequest {
            id: "shop".to_owned(),
            component: "cart".to_owned(),
            reason: "it is bad".to_owned(),
            ..RollbackRequest::default()
        };
        assert_eq!(
            methods.arguments("serin.admin.v1.AdminService/Rollback", &framed(&rollback)),
            json!({"id": "shop", "component": "cart", "reason": "it is bad"})
        );
        let weight = SetWeightRequest { id: "shop".to_owned(), weight_ppm: 250_000, reason: "x".to_owned() };
        assert_eq!(
            methods.arguments("serin.admin.v1.AdminService/SetWeight", &framed(&weight)),
            json!({"id": "shop", "weight_ppm": 250_000, "reason": "x"})
        );
        let record = RecordRequest {
            target: Some(Target::Service("shop".to_owned())),
            duration: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        };
        assert_eq!(
            methods.arguments("serin.admin.v1.AdminService/Record", &framed(&record)),
            json!({"service": "shop", "duration": {"seconds": 60}})
        );
        assert_eq!(methods.arguments("serin.admin.v1.AdminService/Nothing", b"\0\0\0\0\0"), Value::Null);
        let cut = methods.arguments("serin.admin.v1.AdminService/Rollback", &[0, 0, 0, 0, 9, 10, 200]);
        assert_eq!(cut, json!({"unreadable": true}));
    }

    #[test]
    fn commands_and_exports_are_noted_and_reads_are_not() {
        for command in ["Create", "Rollback", "SetWeight", "Pause", "Resume", "Promote", "HandOver", "Record"]
        {
            assert!(!Methods::is_read(&format!("serin.admin.v1.AdminService/{command}")), "{command}");
        }
        for read in ["Get", "List", "Watch", "ListEvents", "GetAssignment"] {
            assert!(Methods::is_read(&format!("serin.admin.v1.AdminService/{read}")), "{read}");
        }
        assert!(!Methods::is_read("serin.evidence.v1.EvidenceService/ExportEvidence"));
        assert!(!Methods::is_read("serin.registry.v1.RegistryService/RegisterRelease"));
        assert!(Methods::is_read("grpc.health.v1.Health/Check"));
        let methods = Methods::read(FILE_DESCRIPTOR_SET).unwrap();
        assert!(methods.is_stream("serin.registry.v1.RegistryService/RegisterRelease"));
    }

    #[test]
    fn long_texts_are_cut_and_told_by_their_hash() {
        let mut value = json!({"plan_yaml": "x".repeat(5_000)});
        shorten(&mut value);
        assert_eq!(value["plan_yaml"]["bytes"], json!(5_000));
        assert_eq!(value["plan_yaml"]["begins"].as_str().unwrap().len(), TEXT_KEPT);
    }
}
