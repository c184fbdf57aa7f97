//! What logs and users told while a rollout was recorded, a line for each stream, second and arm.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serin_analysis::streams::{Kind, StreamCounts, StreamId};

use crate::line::Rule;
use crate::merged::MILLIS_MAX;
use crate::number::{Count, UnixSecond};
use crate::raw;

/// Bytes of the name of a component or a stream.
const NAME_BYTES_MAX: usize = 1_024;
/// Samples, and bytes of one.
const SAMPLES_MAX: (usize, usize) = (8, 4_096);

/// Events of one stream, as they were merged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Streamed {
    /// Unix time in ms at which they were merged.
    pub at_ms: u64,
    /// The events.
    pub counts: StreamCounts,
}

/// Events of one stream while the rollout was recorded.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TraceStream")]
pub(crate) struct Raw {
    /// Unix time in ms at which the control plane merged them.
    #[schemars(range(max = 253_402_300_799_999_u64))]
    at_ms: u64,
    /// Unix time, in whole seconds, in which they happened.
    t: UnixSecond,
    /// What is counted: `log_template`, `script_error`, `rage_click`, `abandonment`, `slow_load` or `conversion`, or of page
    /// views as a whole `used_feature`, `slow_interaction` or `unstable_layout`.
    kind: String,
    /// The component, at most 1,024 bytes. Empty: the whole version.
    #[serde(default)]
    component: String,
    /// Which stream of its kind, at most 1,024 bytes: the template, or of page views `desktop`, `phone` or a
    /// country. Else empty.
    #[serde(default)]
    name: String,
    /// `baseline` or `canary`.
    arm: raw::Arm,
    /// Events.
    events: Count,
    /// Page views in which they could have happened. Absent: requests of the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exposures: Option<Count>,
    /// A harm by itself.
    harmful: bool,
    /// Masked texts, at most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    samples: Vec<String>,
}

impl Streamed {
    pub(crate) fn check(raw: Raw) -> Result<Self, (&'static str, Rule)> {
        let Raw {
            at_ms,
            t: UnixSecond(second),
            kind,
            component,
            name,
            arm,
            events,
            exposures,
            harmful,
            samples,
        } = raw;
        if at_ms > MILLIS_MAX {
            return Err(("at_ms", Rule::Shape("is beyond the year 9999".to_owned())));
        }
        let kind =
            Kind::named(&kind).ok_or_else(|| ("kind", Rule::Shape("is no kind of stream".to_owned())))?;
        for (field, text) in [("component", &component), ("name", &name)] {
            if text.len() > NAME_BYTES_MAX {
                return Err((field, Rule::Shape(format!("is longer than {NAME_BYTES_MAX} bytes"))));
            }
        }
        let (most, bytes) = SAMPLES_MAX;
        if samples.len() > most || samples.iter().any(|sample| sample.len() > bytes) {
            return Err((
                "samples",
                Rule::Shape(format!("are more than {most}, or one exceeds {bytes} bytes")),
            ));
        }
        let id = StreamId { kind, component, name };
        let exposures = exposures.map(|Count(exposures)| exposures);
        let (arm, Count(events), is_harmful) = (arm.checked(), events, harmful);
        Ok(Self { at_ms, counts: StreamCounts { id, second, arm, events, exposures, is_harmful, samples } })
    }

    pub(crate) fn raw(&self) -> Raw {
        let StreamCounts { id, second, arm, events, exposures, is_harmful, samples } = &self.counts;
        Raw {
            at_ms: self.at_ms,
            t: UnixSecond(*second),
            kind: id.kind.name().to_owned(),
            component: id.component.clone(),
            name: id.name.clone(),
            arm: raw::Arm::of(*arm),
            events: Count(*events),
            exposures: exposures.map(Count),
            harmful: *is_harmful,
            samples: samples.clone(),
        }
    }
}
