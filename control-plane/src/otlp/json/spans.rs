//! `ExportTraceServiceRequest` in OTLP's JSON encoding, read as requests with log records are.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::record::Attributes;
use super::super::span::{Span, Spans};
use super::{Collect, Each, Number, Pair, Resource, hex};

/// Reads a request. Total: any bytes give spans or what is wrong.
pub(in crate::otlp) fn read(bytes: &[u8]) -> Result<Spans<'_>, String> {
    let request: Request<'_> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    Ok(request.resource_spans.into)
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow)]
    resource_spans: Each<ResourceSpans<'a>, Spans<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ResourceSpans<'a> {
    #[serde(borrow)]
    resource: Option<Resource<'a>>,
    #[serde(borrow)]
    scope_spans: Each<ScopeSpans<'a>, Spans<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ScopeSpans<'a> {
    #[serde(borrow)]
    spans: Each<RawSpan<'a>, Spans<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawSpan<'a> {
    #[serde(borrow)]
    trace_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    span_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    parent_span_id: Option<Cow<'a, str>>,
    kind: Number,
    end_time_unix_nano: Number,
    #[serde(borrow)]
    attributes: Each<Pair<'a>, Attributes<'a>>,
}

impl<'a> Collect<ResourceSpans<'a>> for Spans<'a> {
    fn collect(&mut self, spans: ResourceSpans<'a>) {
        self.absorb(spans.scope_spans.into);
        self.close(spans.resource.unwrap_or_default().attributes.into);
    }
}

impl<'a> Collect<ScopeSpans<'a>> for Spans<'a> {
    fn collect(&mut self, spans: ScopeSpans<'a>) {
        self.absorb(spans.spans.into);
    }
}

impl<'a> Collect<RawSpan<'a>> for Spans<'a> {
    fn collect(&mut self, raw: RawSpan<'a>) {
        let id = |id| u64::try_from(hex(id, 16)).unwrap_or_default();
        self.add(Span {
            trace: hex(raw.trace_id, 32),
            span: id(raw.span_id),
            parent: id(raw.parent_span_id),
            kind: raw.kind.0,
            end_ns: raw.end_time_unix_nano.0,
            attributes: raw.attributes.into,
        });
    }
}
