//! What is known of a template: when it came, how bad it is, who wrote it, and what lines of it look like.

use serde::{Deserialize, Serialize};
use serin_analysis::Arm;
use serin_evidence::mask::Masker;

use crate::line::{LogLine, Severity};

/// Samples of a template.
pub const SAMPLES_MAX: usize = 3;
/// Bytes of a sample.
pub const SAMPLE_BYTES: usize = 512;
/// Bytes of an exception's type.
pub const EXCEPTION_BYTES: usize = 128;

/// Bytes of a line that are masked for a sample: a secret that begins in the sample may end beyond it.
const SAMPLED_BYTES: usize = 4_096;
/// Lines of an arm that are looked at for samples.
const LOOKED_AT_MAX: u64 = 16;

/// Number of a template within its service, in the order of their discovery.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct TemplateId(pub u32);

impl TemplateId {
    /// What lines count for whose template has no room.
    pub const OVERFLOW: Self = Self(0);
}

/// A line of a template, without secrets.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Sample {
    /// The arm that wrote it.
    pub arm: Arm,
    /// At most [`SAMPLE_BYTES`] of it.
    pub text: String,
}

/// A template, as it is by now.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Template<'a> {
    /// Its number.
    pub id: TemplateId,
    /// Its tokens; [`MASK`](crate::mask::MASK) stands for what varies.
    pub tokens: Vec<&'a str>,
    /// The worst severity of its lines.
    pub severity: Severity,
    /// The type of exception that its lines tell of.
    pub exception: Option<&'a str>,
    /// Unix second of its first line.
    pub first_seen: u64,
    /// Unix second of its last line.
    pub last_seen: u64,
    /// Lines of the baseline since the start.
    pub baseline: u64,
    /// Lines of the canary since the start.
    pub canary: u64,
    /// Up to [`SAMPLES_MAX`] different lines, those of the canary before those of the baseline.
    pub samples: &'a [Sample],
}

impl<'a> Template<'a> {
    pub(super) fn new(known: &'a Known, tokens: impl Iterator<Item = &'a str>) -> Self {
        let Known { id, severity, first_seen, last_seen, lines: [baseline, canary], .. } = *known;
        let (exception, tokens) = (known.exception.as_deref(), tokens.collect());
        let samples = &known.samples;
        Self { id, tokens, severity, exception, first_seen, last_seen, baseline, canary, samples }
    }

    /// Its tokens with one space between them.
    #[must_use]
    pub fn text(&self) -> String {
        self.tokens.join(" ")
    }
}

/// The same as it is kept.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) id: TemplateId,
    severity: Severity,
    exception: Option<Box<str>>,
    first_seen: u64,
    pub(super) last_seen: u64,
    lines: [u64; 2],
    samples: Vec<Sample>,
}

impl Known {
    pub(super) fn new(id: TemplateId, line: &LogLine<'_>, masker: &Masker) -> Self {
        let exception = line.exception.map(|name| cut(&masker.mask(name), EXCEPTION_BYTES).into());
        Self {
            id,
            severity: line.severity,
            exception,
            first_seen: line.second,
            last_seen: line.second,
            lines: [0, 0],
            samples: Vec::new(),
        }
    }

    /// Another line of it.
    pub(super) fn note(&mut self, line: &LogLine<'_>, arm: Arm, masker: &Masker) {
        self.severity = self.severity.max(line.severity);
        self.first_seen = self.first_seen.min(line.second);
        self.last_seen = self.last_seen.max(line.second);
        let [baseline, canary] = &mut self.lines;
        let lines = match arm {
            Arm::Baseline => baseline,
            Arm::Canary => canary,
        };
        *lines += 1;
        if *lines <= LOOKED_AT_MAX {
            self.sample(line.body, arm, masker);
        }
    }

    /// Keeps the line as a sample if it is another one and there is room. The canary's take the baseline's places.
    fn sample(&mut self, body: &str, arm: Arm, masker: &Masker) {
        let replaced = self.samples.iter().rposition(|sample| sample.arm == Arm::Baseline);
        let at = match arm {
            _ if self.samples.len() < SAMPLES_MAX => None,
            Arm::Canary if replaced.is_some() => replaced,
            Arm::Baseline | Arm::Canary => return,
        };
        let text = cut(&masker.mask(cut(body, SAMPLED_BYTES)), SAMPLE_BYTES).to_owned();
        if self.samples.iter().any(|sample| sample.text == text && sample.arm == arm) {
            return;
        }
        if let Some(at) = at {
            self.samples.remove(at);
        }
        self.samples.push(Sample { arm, text });
        // Stable, so samples of an arm stay in the order in which they came.
        self.samples.sort_by_key(|sample| sample.arm == Arm::Baseline);
    }
}

fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default()
}
