//! `ExportTraceServiceRequest` in protobuf, read in place as requests with log records are.

use super::super::record::Attributes;
use super::super::span::{Span, Spans};
use super::{Value, attribute, attributes, each};

/// Field numbers of the messages, from opentelemetry-proto 1.
mod number {
    pub(super) const REQUEST_RESOURCE_SPANS: u32 = 1;
    pub(super) const RESOURCE_SPANS_RESOURCE: u32 = 1;
    pub(super) const RESOURCE_SPANS_SCOPE_SPANS: u32 = 2;
    pub(super) const SCOPE_SPANS_SPANS: u32 = 2;
    pub(super) const SPAN_TRACE: u32 = 1;
    pub(super) const SPAN_SPAN: u32 = 2;
    pub(super) const SPAN_PARENT: u32 = 4;
    pub(super) const SPAN_KIND: u32 = 6;
    pub(super) const SPAN_END: u32 = 8;
    pub(super) const SPAN_ATTRIBUTES: u32 = 9;
}

/// Reads a request. Total: any bytes give spans or what is wrong.
pub(in crate::otlp) fn read(bytes: &[u8]) -> Result<Spans<'_>, String> {
    let mut spans = Spans::default();
    each(bytes, &mut |field, value| match (field, value) {
        (number::REQUEST_RESOURCE_SPANS, Value::Bytes(bytes)) => resource_spans(bytes, &mut spans),
        _ => Ok(()),
    })?;
    Ok(spans)
}

fn resource_spans<'a>(bytes: &'a [u8], spans: &mut Spans<'a>) -> Result<(), String> {
    let mut resource = Attributes::default();
    each(bytes, &mut |field, value| match (field, value) {
        (number::RESOURCE_SPANS_RESOURCE, Value::Bytes(bytes)) => attributes(bytes, &mut resource),
        (number::RESOURCE_SPANS_SCOPE_SPANS, Value::Bytes(bytes)) => each(bytes, &mut |field, value| {
            if let (number::SCOPE_SPANS_SPANS, Value::Bytes(bytes)) = (field, value) {
                spans.add(span(bytes)?);
            }
            Ok(())
        }),
        _ => Ok(()),
    })?;
    spans.close(resource);
    Ok(())
}

fn span(bytes: &[u8]) -> Result<Span<'_>, String> {
    let mut span = Span::default();
    let id = |bytes: &[u8]| bytes.try_into().map(u64::from_be_bytes).unwrap_or_default();
    each(bytes, &mut |field, value| {
        match (field, value) {
            (number::SPAN_TRACE, Value::Bytes(trace)) => {
                span.trace = trace.try_into().map(u128::from_be_bytes).unwrap_or_default();
            }
            (number::SPAN_SPAN, Value::Bytes(bytes)) => span.span = id(bytes),
            (number::SPAN_PARENT, Value::Bytes(bytes)) => span.parent = id(bytes),
            (number::SPAN_KIND, Value::Varint(kind)) => span.kind = kind,
            (number::SPAN_END, Value::Fixed(ns)) => span.end_ns = ns,
            (number::SPAN_ATTRIBUTES, Value::Bytes(pair)) => attribute(pair, &mut span.attributes)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(span)
}

#[cfg(test)]
mod tests;
