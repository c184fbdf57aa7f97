//! From the metadata of a route, as the proxy writes it, to tags.
//!
//! Envoy 1.40 gives the metadata as a whole as the protobuf message that it is. Asked for `filter_metadata.serin` alone, it
//! gives an untyped form in which text and numbers look alike, and nothing at all when one value in it is null; so the
//! whole is read. Its YAML takes `2.5` for text and `2` for a number, so a weight may be either.

use serin_proto::assignment::{OVERFLOW, UNMATCHED, bounds};
use serin_proto::fleet::v1 as wire;

use super::protobuf::{Fields, Payload};

/// Key of `filter_metadata` whose value is Serin's.
const KEY: &[u8] = b"serin";
/// Bytes of a route's metadata, that of other filters included; longer ones are not read.
const METADATA_BYTES: usize = 65_536;
/// Other components that one can depend on.
const MAX_DEPENDENCIES: usize = 16;
/// Faults that are told of one route.
const MAX_FAULTS: usize = 8;
/// Bytes of a key that a fault shows.
const SHOWN_BYTES: usize = 64;
/// Bytes of the owner.
const OWNER_BYTES: usize = 128;
/// Weights that are taken.
const WEIGHTS: std::ops::RangeInclusive<f64> = 0.001..=1000.0;

/// What a route carries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// The tags that could be taken.
    pub tags: wire::Tags,
    /// What could not, in words.
    pub malformed: Vec<String>,
}

/// A value of the metadata, of `google.protobuf.Value`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Value<'b> {
    Number(f64),
    Text(&'b str),
    /// The encoded `google.protobuf.ListValue`.
    List(&'b [u8]),
    /// Null, a truth value or a struct: no tag is any of these.
    Other,
}

type Fault = &'static str;

impl Metadata {
    /// Parses the metadata of a route; `None` if it says nothing to Serin. Total: any bytes give tags and faults.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut metadata = Self::default();
        if bytes.len() > METADATA_BYTES {
            metadata.fault("metadata", "is longer than 65536 bytes");
            return Some(metadata);
        }
        match said(bytes) {
            Ok(None) => return None,
            Ok(Some(said)) if metadata.all(said).is_some() => {}
            Ok(Some(_)) | Err(()) => metadata.fault("metadata", "cannot be read"),
        }
        Some(metadata)
    }

    /// Takes the fields of a `google.protobuf.Struct`.
    fn all(&mut self, message: &[u8]) -> Option<()> {
        for field in Fields::of(message) {
            if let (1, Payload::Bytes(entry)) = field? {
                let key = std::str::from_utf8(Fields::of(entry).bytes(1)?).ok()?;
                let value = Value::of(Fields::of(entry).bytes(2)?)?;
                if let Err(rule) = self.take(key, value) {
                    self.fault(key, rule);
                }
            }
        }
        Some(())
    }

    fn take(&mut self, key: &str, value: Value<'_>) -> Result<(), Fault> {
        let tags = &mut self.tags;
        match key {
            "component" => tags.component = component(value)?,
            "granularity" => tags.set_granularity(granularity(value)?),
            "depends_on" => tags.depends_on = dependencies(value)?,
            "weight" => tags.business_weight = weight(value)?,
            "owner" => tags.owner = owner(value)?,
            _ => return Err("is no tag; tags are component, granularity, depends_on, weight and owner"),
        }
        Ok(())
    }

    fn fault(&mut self, key: &str, rule: Fault) {
        if self.malformed.len() < MAX_FAULTS {
            let key = key.get(..key.floor_char_boundary(SHOWN_BYTES)).unwrap_or_default();
            let key: String = key
                .chars()
                .map(|one| if one.is_control() { char::REPLACEMENT_CHARACTER } else { one })
                .collect();
            insert(&mut self.malformed, format!("{key}: {rule}"));
        }
    }
}

impl<'b> Value<'b> {
    fn of(message: &'b [u8]) -> Option<Self> {
        let mut value = Self::Other;
        for field in Fields::of(message) {
            value = match field? {
                (2, Payload::Double(number)) => Self::Number(number),
                (3, Payload::Bytes(text)) => Self::Text(std::str::from_utf8(text).ok()?),
                (6, Payload::Bytes(list)) => Self::List(list),
                _ => Self::Other,
            };
        }
        Some(value)
    }

    fn text(self) -> Option<&'b str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) | Self::List(_) | Self::Other => None,
        }
    }
}

/// What the metadata, an encoded `envoy.config.core.v3.Metadata`, says to Serin.
fn said(metadata: &[u8]) -> Result<Option<&[u8]>, ()> {
    for field in Fields::of(metadata) {
        if let (1, Payload::Bytes(entry)) = field.ok_or(())?
            && Fields::of(entry).bytes(1).ok_or(())? == KEY
        {
            return Fields::of(entry).bytes(2).map(Some).ok_or(());
        }
    }
    Ok(None)
}

fn name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=bounds::NAME_BYTES).contains(&text.len()) && text.bytes().all(fits)
}

fn component(value: Value<'_>) -> Result<String, Fault> {
    match value.text() {
        Some(UNMATCHED | OVERFLOW) => Err("must not be unmatched or overflow"),
        Some(text) if name(text) => Ok(text.to_owned()),
        Some(_) | None => Err("must be text of letters, digits, '.', '_' and '-', at most 64"),
    }
}

fn granularity(value: Value<'_>) -> Result<wire::Granularity, Fault> {
    match value.text() {
        Some("coarse") => Ok(wire::Granularity::Coarse),
        Some("medium") => Ok(wire::Granularity::Medium),
        Some("fine") => Ok(wire::Granularity::Fine),
        Some(_) | None => Err("must be coarse, medium or fine"),
    }
}

fn weight(value: Value<'_>) -> Result<f64, Fault> {
    let number = match value {
        Value::Number(number) => Some(number),
        Value::Text(text) => decimal(text),
        Value::List(_) | Value::Other => None,
    };
    number.filter(|number| WEIGHTS.contains(number)).ok_or("must be a number from 0.001 to 1000")
}

/// A number such as `2.5`. What the standard library parses beyond that would cost the module 5 % of its size.
fn decimal(text: &str) -> Option<f64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u32>().ok());
    let scale = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9].get(fraction.len())?;
    Some(f64::from(digits(whole)??) + f64::from(digits(fraction)??) / scale)
}

fn owner(value: Value<'_>) -> Result<String, Fault> {
    let fits = |text: &&str| (1..=OWNER_BYTES).contains(&text.len()) && !text.contains(char::is_control);
    value.text().filter(fits).map(str::to_owned).ok_or("must be text of at most 128 bytes")
}

/// One name, or a list of names; sorted, each once.
fn dependencies(value: Value<'_>) -> Result<Vec<String>, Fault> {
    const RULE: Fault = "must be a list of at most 16 components, each as NAME or SERVICE/NAME";
    let mut names = Vec::new();
    let mut add = |value: Value<'_>| {
        let name = value.text().filter(|text| dependency(text) && names.len() < MAX_DEPENDENCIES)?;
        insert(&mut names, name.to_owned());
        Some(())
    };
    match value {
        Value::List(list) => {
            for field in Fields::of(list) {
                if let (1, Payload::Bytes(value)) = field.ok_or(RULE)? {
                    Value::of(value).and_then(&mut add).ok_or(RULE)?;
                }
            }
        }
        one @ (Value::Number(_) | Value::Text(_) | Value::Other) => add(one).ok_or(RULE)?,
    }
    Ok(names)
}

/// Adds to a sorted list, each text once: Envoy gives the keys of a struct in any order.
fn insert(sorted: &mut Vec<String>, text: String) {
    if let Err(at) = sorted.binary_search(&text) {
        sorted.insert(at, text);
    }
}

fn dependency(text: &str) -> bool {
    match text.split_once('/') {
        Some((service, component)) => name(service) && name(component),
        None => name(text),
    }
}

#[cfg(test)]
mod tests;
