//! `ExportLogsServiceRequest` in protobuf, read in place: no message is built, so a request takes no more memory than its
//! records that may count, and what nests too deep is passed over.

pub(super) mod points;
pub(super) mod spans;

use std::borrow::Cow;

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use super::record::{Attributes, Gathered, Record};
use super::said::{DEEPEST, Said};

/// Field numbers of the messages, from opentelemetry-proto 1.
mod number {
    pub(super) const REQUEST_RESOURCE_LOGS: u32 = 1;
    pub(super) const RESOURCE_LOGS_RESOURCE: u32 = 1;
    pub(super) const RESOURCE_LOGS_SCOPE_LOGS: u32 = 2;
    pub(super) const RESOURCE_ATTRIBUTES: u32 = 1;
    pub(super) const SCOPE_LOGS_RECORDS: u32 = 2;
    pub(super) const RECORD_TIME: u32 = 1;
    pub(super) const RECORD_SEVERITY: u32 = 2;
    pub(super) const RECORD_BODY: u32 = 5;
    pub(super) const RECORD_ATTRIBUTES: u32 = 6;
    pub(super) const RECORD_TRACE: u32 = 9;
    pub(super) const RECORD_SPAN: u32 = 10;
    pub(super) const RECORD_OBSERVED: u32 = 11;
    pub(super) const PAIR_KEY: u32 = 1;
    pub(super) const PAIR_VALUE: u32 = 2;
    pub(super) const VALUE_TEXT: u32 = 1;
    pub(super) const VALUE_TRUTH: u32 = 2;
    pub(super) const VALUE_WHOLE: u32 = 3;
    pub(super) const VALUE_NUMBER: u32 = 4;
    pub(super) const VALUE_LIST: u32 = 5;
    pub(super) const VALUE_MEMBERS: u32 = 6;
    pub(super) const LIST_VALUES: u32 = 1;
}

/// Reads a request. Total: any bytes give records or what is wrong.
pub(super) fn read(bytes: &[u8]) -> Result<Gathered<'_>, String> {
    let mut gathered = Gathered::default();
    each(bytes, &mut |field, value| match (field, value) {
        (number::REQUEST_RESOURCE_LOGS, Value::Bytes(bytes)) => resource_logs(bytes, &mut gathered),
        _ => Ok(()),
    })?;
    Ok(gathered)
}

fn resource_logs<'a>(bytes: &'a [u8], gathered: &mut Gathered<'a>) -> Result<(), String> {
    let mut resource = Attributes::default();
    each(bytes, &mut |field, value| match (field, value) {
        (number::RESOURCE_LOGS_RESOURCE, Value::Bytes(bytes)) => attributes(bytes, &mut resource),
        (number::RESOURCE_LOGS_SCOPE_LOGS, Value::Bytes(bytes)) => each(bytes, &mut |field, value| {
            if let (number::SCOPE_LOGS_RECORDS, Value::Bytes(bytes)) = (field, value) {
                gathered.add(record(bytes)?);
            }
            Ok(())
        }),
        _ => Ok(()),
    })?;
    gathered.close(resource);
    Ok(())
}

/// Those of a resource.
fn attributes<'a>(resource: &'a [u8], into: &mut Attributes<'a>) -> Result<(), String> {
    each(resource, &mut |field, value| {
        let (number::RESOURCE_ATTRIBUTES, Value::Bytes(pair)) = (field, value) else { return Ok(()) };
        attribute(pair, into)
    })
}

fn record(bytes: &[u8]) -> Result<Record<'_>, String> {
    let mut record = Record::default();
    each(bytes, &mut |field, value| {
        match (field, value) {
            (number::RECORD_TIME, Value::Fixed(ns)) => record.time_ns = ns,
            (number::RECORD_OBSERVED, Value::Fixed(ns)) => record.observed_ns = ns,
            (number::RECORD_SEVERITY, Value::Varint(severity)) => {
                record.severity = i32::try_from(severity).unwrap_or_default();
            }
            (number::RECORD_TRACE, Value::Bytes(id)) => {
                record.trace = id.try_into().map(u128::from_be_bytes).unwrap_or_default();
            }
            (number::RECORD_SPAN, Value::Bytes(id)) => {
                record.span = id.try_into().map(u64::from_be_bytes).unwrap_or_default();
            }
            (number::RECORD_BODY, Value::Bytes(value)) => record.body = body(value, 0)?,
            (number::RECORD_ATTRIBUTES, Value::Bytes(pair)) => attribute(pair, &mut record.attributes)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(record)
}

/// What a body says as text, whatever it is. What nests too deep is passed over.
fn body(value: &[u8], depth: usize) -> Result<Option<Cow<'_, str>>, String> {
    let mut told = None;
    each(value, &mut |field, content| {
        told = match (field, content) {
            (number::VALUE_TEXT, Value::Bytes(bytes)) => {
                std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty()).map(Cow::Borrowed)
            }
            (number::VALUE_TRUTH, Value::Varint(truth)) => Some(Cow::Owned((truth != 0).to_string())),
            (number::VALUE_WHOLE, Value::Varint(whole)) => Some(Cow::Owned(whole.cast_signed().to_string())),
            (number::VALUE_NUMBER, Value::Fixed(bits)) => Some(Cow::Owned(f64::from_bits(bits).to_string())),
            (number::VALUE_LIST, Value::Bytes(list)) if depth < DEEPEST => list_body(list, depth + 1)?,
            (number::VALUE_MEMBERS, Value::Bytes(list)) if depth < DEEPEST => members_body(list, depth + 1)?,
            _ => None,
        };
        Ok(())
    })?;
    Ok(told)
}

fn list_body(list: &[u8], depth: usize) -> Result<Option<Cow<'_, str>>, String> {
    let mut said = Said::default();
    each(list, &mut |field, content| {
        if let (number::LIST_VALUES, Value::Bytes(value)) = (field, content) {
            said.element(&body(value, depth)?.unwrap_or_default());
        }
        Ok(())
    })?;
    Ok(said.text().map(Cow::Owned))
}

fn members_body(list: &[u8], depth: usize) -> Result<Option<Cow<'_, str>>, String> {
    let mut said = Said::default();
    each(list, &mut |field, content| {
        let (number::LIST_VALUES, Value::Bytes(pair)) = (field, content) else { return Ok(()) };
        let (key, value) = key_and_value(pair)?;
        if let Some(text) = body(value.unwrap_or_default(), depth)? {
            said.member(key, &text);
        }
        Ok(())
    })?;
    Ok(said.text().map(Cow::Owned))
}

fn key_and_value(pair: &[u8]) -> Result<(&str, Option<&[u8]>), String> {
    let (mut key, mut value) = ("", None);
    each(pair, &mut |field, content| {
        match (field, content) {
            (number::PAIR_KEY, Value::Bytes(bytes)) => key = text(bytes)?,
            (number::PAIR_VALUE, Value::Bytes(bytes)) => value = Some(bytes),
            _ => {}
        }
        Ok(())
    })?;
    Ok((key, value))
}

fn attribute<'a>(pair: &'a [u8], into: &mut Attributes<'a>) -> Result<(), String> {
    let (key, value) = key_and_value(pair)?;
    if !Attributes::knows(key) {
        return Ok(());
    }
    let (mut told, mut list) = (None, None);
    each(value.unwrap_or_default(), &mut |field, content| {
        match (field, content) {
            (number::VALUE_TEXT, Value::Bytes(bytes)) => told = Some(Cow::Borrowed(text(bytes)?)),
            (number::VALUE_LIST, Value::Bytes(bytes)) => list = Some(bytes),
            _ => {}
        }
        Ok(())
    })?;
    if let (None, Some(list)) = (&told, list) {
        told = first_of(list)?.map(Cow::Borrowed);
    }
    into.set(key, told);
    Ok(())
}

/// The first value of a list, if it is a text. What else is in the list is passed over.
fn first_of(list: &[u8]) -> Result<Option<&str>, String> {
    let mut first = None;
    each(list, &mut |field, content| {
        if let (number::LIST_VALUES, Value::Bytes(bytes), None) = (field, content, first) {
            first = Some(bytes);
        }
        Ok(())
    })?;
    let mut told = None;
    each(first.unwrap_or_default(), &mut |field, content| {
        if let (number::VALUE_TEXT, Value::Bytes(bytes)) = (field, content) {
            told = Some(text(bytes)?);
        }
        Ok(())
    })?;
    Ok(told)
}

/// The content of a field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed(u64),
    Bytes(&'a [u8]),
}

/// Visits the fields of a message. What has 32 bits, and groups, are passed over.
pub(crate) fn each<'a>(
    mut rest: &'a [u8],
    visit: &mut impl FnMut(u32, Value<'a>) -> Result<(), String>,
) -> Result<(), String> {
    while !rest.is_empty() {
        let (field, wire_type) = decode_key(&mut rest).map_err(|error| error.to_string())?;
        let value = match wire_type {
            WireType::Varint => Value::Varint(decode_varint(&mut rest).map_err(|error| error.to_string())?),
            WireType::SixtyFourBit => {
                let (bytes, after) = rest.split_first_chunk::<8>().ok_or_else(cut)?;
                rest = after;
                Value::Fixed(u64::from_le_bytes(*bytes))
            }
            WireType::LengthDelimited => {
                let length = decode_varint(&mut rest).map_err(|error| error.to_string())?;
                let length = usize::try_from(length).map_err(|_| cut())?;
                let (bytes, after) = rest.split_at_checked(length).ok_or_else(cut)?;
                rest = after;
                Value::Bytes(bytes)
            }
            WireType::StartGroup | WireType::EndGroup | WireType::ThirtyTwoBit => {
                let passed = skip_field(wire_type, field, &mut rest, DecodeContext::default());
                passed.map_err(|error| error.to_string())?;
                continue;
            }
        };
        visit(field, value)?;
    }
    Ok(())
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "an attribute is not UTF-8 text".to_owned())
}

fn cut() -> String {
    "the message is cut off".to_owned()
}

#[cfg(test)]
mod tests;
