//! One line of a trace, in which nothing can be wrong any more.

use std::collections::BTreeMap;

use serde::Serialize;
use serin_analysis::{Arm, LatencyHistogram, Outcomes, UserMasks};

use crate::base64_hdr::{self, HdrError};
use crate::merged::{self, Merged};
use crate::number::{Count, UserBuckets};
use crate::raw;
use crate::text::{column_of, read, text_of};

/// Requests of one component and arm that started in one second.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Unix time, in whole seconds, in which they started.
    pub t: u64,
    /// Their component.
    pub component: String,
    /// The arm that served them.
    pub arm: Arm,
    /// Requests that started: at least those that finished, but in a recording, whose lines are increments.
    pub started: u64,
    /// Finished requests.
    pub outcomes: Outcomes,
    /// Latency of finished requests. Empty: not measured.
    pub latency: LatencyHistogram,
    /// The upstream host that served them. `None`: not told apart.
    pub host: Option<String>,
    /// Weight of the canary in parts per million, at most 1,000,000. `None`: as before.
    pub weight_ppm: Option<u32>,
    /// Values of other signals, all finite.
    pub signals: BTreeMap<String, f64>,
    /// The Envoy that measured.
    pub node: Option<String>,
    /// Whose requests they were.
    pub users: UserMasks,
    /// Failures that named a block of the component's code, by block.
    pub blocks: BTreeMap<String, u64>,
    /// How the control plane came to know of it: in recordings.
    pub merged: Option<Merged>,
}

/// What is wrong with a line.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}{rule}", if field.is_empty() { String::new() } else { format!("{field}: ") })]
pub struct LineError {
    /// Column in characters, from 1.
    pub column: u64,
    /// Path of the field, for example `outcomes.ok`. Empty: the line as a whole.
    pub field: String,
    /// The rule.
    pub rule: Rule,
}

/// Rules of a line.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Rule {
    /// Not JSON, or not of the right shape; says what was expected.
    #[error("{0}")]
    Shape(String),
    /// Not UTF-8.
    #[error("is not UTF-8 text")]
    Encoding,
    /// Longer than [`crate::LINE_BYTES_MAX`].
    #[error("is longer than {} bytes", crate::LINE_BYTES_MAX)]
    TooLong,
    /// A text of the wrong length.
    #[error("must be 1 to {0} bytes long")]
    Text(usize),
    /// Both forms of latency.
    #[error("must not be given together with latency_us: write one of them")]
    BothLatencies,
    /// Bytes that are no histogram.
    #[error("{0}")]
    Histogram(#[from] HdrError),
    /// More latencies than requests finished.
    #[error("counts {counted} requests, more than the {finished} that finished in outcomes")]
    LatencySum {
        /// Latencies.
        counted: u64,
        /// Finished requests.
        finished: u64,
    },
    /// Fewer started than are accounted for.
    #[error("is {started}, less than the {known} requests in outcomes and open")]
    Started {
        /// What it says.
        started: u64,
        /// Outcomes and open requests.
        known: u64,
    },
    /// A line of a recording among others.
    #[error("must be in all lines of a recording, and in no line of another trace")]
    Mixed,
    /// A start that is not one of a recording, or not at its beginning.
    #[error("must come once, before all other lines of a recording")]
    NotFirst,
    /// An act in a trace that is no recording.
    #[error("must follow the start of a recording")]
    NoStart,
    /// Above 100 %.
    #[error("must be 0 to 1000000")]
    Weight,
    /// Counts that exceed 2^40 together.
    #[error("counts exceed 2^40 together")]
    Overflow,
    /// More components than can be judged.
    #[error("is one component more than {0}")]
    TooManyComponents(usize),
    /// Time goes back further than lines may be late.
    #[error("goes back {0} s; lines may be at most {late} s late: sort the trace by t", late = crate::LATE_S)]
    Back(u64),
}

impl Line {
    /// Reads one line, without its end. Total: any bytes give a line or an error.
    ///
    /// # Errors
    /// Names column, field and rule.
    pub fn parse(bytes: &[u8]) -> Result<Self, LineError> {
        let text = text_of(bytes)?;
        check(read(text)?).map_err(|(field, rule)| LineError {
            column: column_of(text, field),
            field: field.to_owned(),
            rule,
        })
    }

    /// Writes the line as JSON, without its end, so that [`Line::parse`] gives it back. Latencies are written as
    /// the upper end of their bin.
    ///
    /// # Errors
    /// When a signal cannot be written as JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let Outcomes { ok, client_error, server_error, timeout, connect_failure, reset, overload, cancelled } =
            self.outcomes;
        let named = [
            ("ok", ok),
            ("client_error", client_error),
            ("server_error", server_error),
            ("timeout", timeout),
            ("connect_failure", connect_failure),
            ("reset", reset),
            ("overload", overload),
            ("cancelled", cancelled),
        ];
        serde_json::to_string(&Written {
            t: self.t,
            component: &self.component,
            arm: self.arm,
            outcomes: named.into_iter().filter(|(_, count)| *count > 0).collect(),
            latency_us: if self.merged.is_none() { self.latency.highest_us().collect() } else { Vec::new() },
            latency_hdr: self.packed_latency(),
            started: (self.started != self.outcomes.finished()).then_some(self.started),
            host: self.host.as_deref(),
            weight_ppm: self.weight_ppm,
            signals: &self.signals,
            node: self.node.as_deref(),
            users_seen: UserBuckets(self.users.seen).told(),
            users_failed: UserBuckets(self.users.failed).told(),
            blocks: &self.blocks,
            open: self.open(),
            merged: self.merged.as_ref().map(Merged::raw),
        })
    }

    /// Recordings hold many latencies, so they are written as a histogram.
    fn packed_latency(&self) -> Option<String> {
        (self.merged.is_some() && !self.latency.is_empty()).then(|| base64_hdr::encode(&self.latency))
    }

    /// Open requests with their age when the line was merged.
    fn open(&self) -> Vec<(u64, u64)> {
        let open = self.merged.as_ref().filter(|merged| merged.open > 0);
        open.map(|merged| ((merged.at_ms / 1_000).saturating_sub(self.t), merged.open)).into_iter().collect()
    }
}

#[derive(Serialize)]
struct Written<'a> {
    t: u64,
    component: &'a str,
    arm: Arm,
    outcomes: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    latency_us: Vec<(u64, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_hdr: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight_ppm: Option<u32>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    signals: &'a BTreeMap<String, f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    users_seen: Option<UserBuckets>,
    #[serde(skip_serializing_if = "Option::is_none")]
    users_failed: Option<UserBuckets>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    blocks: &'a BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    open: Vec<(u64, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merged: Option<merged::Raw>,
}

type Broken = (&'static str, Rule);

fn check(raw: raw::Line) -> Result<Line, Broken> {
    let outcomes = outcomes(&raw.outcomes);
    let finished = outcomes.finished();
    let open = total(raw.open.iter().flatten().map(|(_, count)| *count)).ok_or(("open", Rule::Overflow))?;
    let known = finished.saturating_add(open);
    if known > crate::number::COUNT_MAX {
        return Err(("outcomes", Rule::Overflow));
    }
    let is_recorded = raw.merged.is_some();
    let started = raw.started.map_or(if is_recorded { finished } else { known }, |count| count.0);
    if started < known && !is_recorded {
        return Err(("started", Rule::Started { started, known }));
    }
    let latency = latency(&raw, finished)?;
    let weight_ppm = raw.weight_ppm.map(|Count(ppm)| u32::try_from(ppm).unwrap_or(u32::MAX));
    if weight_ppm.is_some_and(|ppm| ppm > 1_000_000) {
        return Err(("weight_ppm", Rule::Weight));
    }
    Ok(Line {
        t: raw.t.0,
        component: text("component", raw.component, 128)?,
        arm: raw.arm.checked(),
        started,
        outcomes,
        latency,
        host: raw.host.map(|host| text("host", host, raw::HOST_BYTES_MAX)).transpose()?,
        weight_ppm,
        signals: raw.signals,
        node: raw.node.map(|node| text("node", node, 256)).transpose()?,
        users: UserMasks {
            seen: raw.users_seen.unwrap_or_default().0,
            failed: raw.users_failed.unwrap_or_default().0,
        },
        blocks: raw.blocks.into_iter().map(|(block, Count(failed))| (block, failed)).collect(),
        merged: raw
            .merged
            .map(|raw| Merged::check(raw, open).map_err(|rule| ("merged", rule)))
            .transpose()?,
    })
}

fn latency(raw: &raw::Line, finished: u64) -> Result<LatencyHistogram, Broken> {
    let (field, latency) = match (&raw.latency_us, &raw.latency_hdr) {
        (Some(_), Some(_)) => return Err(("latency_hdr", Rule::BothLatencies)),
        (None, Some(text)) => {
            ("latency_hdr", base64_hdr::decode(text).map_err(|error| ("latency_hdr", error.into()))?)
        }
        (pairs, None) => {
            let mut latency = LatencyHistogram::new();
            for (us, count) in pairs.iter().flatten() {
                latency.record_n(us.0, count.0);
            }
            ("latency_us", latency)
        }
    };
    let counted = latency.count();
    if counted > finished {
        return Err((field, Rule::LatencySum { counted, finished }));
    }
    Ok(latency)
}

fn outcomes(raw: &raw::Outcomes) -> Outcomes {
    Outcomes {
        ok: raw.ok.0,
        client_error: raw.client_error.0,
        server_error: raw.server_error.0,
        timeout: raw.timeout.0,
        connect_failure: raw.connect_failure.0,
        reset: raw.reset.0,
        overload: raw.overload.0,
        cancelled: raw.cancelled.0,
    }
}

fn total(counts: impl Iterator<Item = Count>) -> Option<u64> {
    let sum = counts.fold(0_u64, |sum, count| sum.saturating_add(count.0));
    (sum <= crate::number::COUNT_MAX).then_some(sum)
}

fn text(field: &'static str, value: String, most: usize) -> Result<String, Broken> {
    if (1..=most).contains(&value.len()) { Ok(value) } else { Err((field, Rule::Text(most))) }
}

#[cfg(test)]
mod tests;
