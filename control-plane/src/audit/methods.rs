//! The gRPC methods, as their descriptors tell: which are streams, and how their requests are read.

use std::collections::BTreeMap;

use prost::Message;
use prost_types::FileDescriptorSet;
use prost_types::field_descriptor_proto::{Label, Type};
use serde_json::Value;

use super::arguments;

/// What the names of methods begin with that only read.
const READS: [&str; 7] = ["Get", "List", "Watch", "Diff", "Verify", "Check", "Describe"];

/// All methods and messages.
#[derive(Debug, Default)]
pub(crate) struct Methods {
    /// By `SERVICE/METHOD`: the message that is sent, and whether it is a stream.
    methods: BTreeMap<String, (String, bool)>,
    /// By full name: its fields by number.
    messages: BTreeMap<String, BTreeMap<u32, Field>>,
    /// By full name: names by number.
    enums: BTreeMap<String, BTreeMap<i32, String>>,
}

/// A field of a message.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Type,
    /// Full name of the message or enum.
    pub(super) of: String,
    pub(super) is_repeated: bool,
}

/// Descriptors that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the descriptors of the services: {0}")]
pub struct MethodsError(#[from] prost::DecodeError);

impl Methods {
    /// Reads descriptors.
    ///
    /// # Errors
    /// When they are none.
    pub(crate) fn read(descriptors: &[u8]) -> Result<Self, MethodsError> {
        let mut methods = Self::default();
        for file in FileDescriptorSet::decode(descriptors)?.file {
            let package = file.package().to_owned();
            for service in &file.service {
                for method in &service.method {
                    let name = format!("{package}.{}/{}", service.name(), method.name());
                    let input = method.input_type().trim_start_matches('.').to_owned();
                    methods.methods.insert(name, (input, method.client_streaming()));
                }
            }
            file.message_type.iter().for_each(|message| methods.add(&package, message));
            file.enum_type.iter().for_each(|one| methods.add_enum(&package, one));
        }
        Ok(methods)
    }

    fn add(&mut self, within: &str, message: &prost_types::DescriptorProto) {
        let name = format!("{within}.{}", message.name());
        let fields = message.field.iter().map(|field| {
            let of = field.type_name().trim_start_matches('.').to_owned();
            let (kind, is_repeated) = (field.r#type(), field.label() == Label::Repeated);
            let number = u32::try_from(field.number()).unwrap_or_default();
            (number, Field { name: field.name().to_owned(), kind, of, is_repeated })
        });
        self.messages.insert(name.clone(), fields.collect());
        message.nested_type.iter().for_each(|nested| self.add(&name, nested));
        message.enum_type.iter().for_each(|nested| self.add_enum(&name, nested));
    }

    fn add_enum(&mut self, within: &str, one: &prost_types::EnumDescriptorProto) {
        let names = one.value.iter().map(|value| (value.number(), value.name().to_owned()));
        self.enums.insert(format!("{within}.{}", one.name()), names.collect());
    }

    /// Whether a method only reads. Exports are told by their names to be more than that.
    pub(crate) fn is_read(method: &str) -> bool {
        let (service, name) = method.rsplit_once('/').unwrap_or(("", method));
        service.starts_with("grpc.") || READS.iter().any(|read| name.starts_with(read))
    }

    /// Whether requests of a method come as a stream. Of one that is not known nothing is read either.
    pub(super) fn is_stream(&self, method: &str) -> bool {
        self.methods.get(method).is_none_or(|(_, is_stream)| *is_stream)
    }

    /// What a request asks for. `body` is framed as gRPC frames messages.
    pub(super) fn arguments(&self, method: &str, body: &[u8]) -> Value {
        match (self.methods.get(method), body.split_first_chunk::<5>()) {
            (Some((input, _)), Some(([0, ..], message))) => arguments::read(self, input, message),
            (Some(_), Some(_)) => Value::String("compressed".to_owned()),
            (_, _) => Value::Null,
        }
    }

    pub(super) fn field(&self, message: &str, number: u32) -> Option<&Field> {
        self.messages.get(message)?.get(&number)
    }

    pub(super) fn enum_name(&self, of: &str, number: i32) -> Option<&str> {
        self.enums.get(of)?.get(&number).map(String::as_str)
    }
}
