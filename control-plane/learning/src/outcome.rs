//! Finished rollouts as training data: JSON Lines, read strictly.
//!
//! A line is one rollout. A rollout may have several lines, since what is true is told later, perhaps by several: a person outranks a
//! verification, which outranks the default, and of equals the later one counts. So the order of lines changes nothing. What breaks a
//! rule is refused with its line and field, never repaired.

mod raw;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serin_analysis::evalue::Counts;
use serin_analysis::increment::ByArm;
use serin_analysis::risk::BySource;
use serin_analysis::streams::Kind;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// Lines that are read at most.
pub const LINES_MAX: usize = 100_000;
/// Bytes of a line.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a file.
pub const BYTES_MAX: usize = 512 * 1024 * 1024;
/// Bytes of a name.
pub const NAME_BYTES_MAX: usize = 200;
/// Findings of one rollout.
pub const FINDINGS_MAX: usize = 64;

/// What was decided.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// The canary became the baseline.
    Promoted,
    /// The canary was undone.
    RolledBack,
}

/// What is true of the canary.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    /// It was worse than it may be.
    Harmful,
    /// It was not.
    Harmless,
}

/// Who says what is true, in rising order of rank.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Teller {
    /// Nobody. What was promoted without a complaint is taken for harmless; of what was rolled back silence says nothing, since nobody
    /// met it.
    Default,
    /// What was measured after the decision.
    Verification,
    /// A person, by name.
    Person(String),
}

impl Teller {
    const fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::Verification => 1,
            Self::Person(_) => 2,
        }
    }
}

/// What is said of a rollout afterwards.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// What is true.
    pub truth: Truth,
    /// Who says so.
    pub by: Teller,
    /// When it was said, seconds since the Unix epoch.
    pub at: u64,
}

/// What a source told.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// Its part of all sources; 0 where the rollout began without it.
    pub weight: f64,
    /// Natural logarithm of its strongest evidence.
    pub log_evidence: f64,
}

/// What one stream counted that is a harm by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// What is counted.
    pub kind: Kind,
    /// Its part of the source's evidence, above 0, at most 1.
    pub share: f64,
    /// Natural logarithm of its evidence.
    pub log_evidence: f64,
    /// Events.
    pub events: ByArm<u64>,
    /// Requests or page views in which they could have happened.
    pub exposures: ByArm<u64>,
}

impl Seen {
    /// Its counts, if it had gone on for `times` as long.
    #[must_use]
    pub fn counts(&self, times: f64) -> Counts {
        let scaled =
            |of: ByArm<u64>| ByArm { baseline: of.baseline as f64 * times, canary: of.canary as f64 * times };
        Counts { events: scaled(self.events), exposures: scaled(self.exposures) }
    }

    /// The canary's events per exposure relative to the baseline's. `None`: the baseline has none.
    #[must_use]
    pub fn rate_ratio(&self) -> Option<f64> {
        let rate = |events: u64, of: u64| events as f64 / of.max(1) as f64;
        let baseline = rate(self.events.baseline, self.exposures.baseline);
        let canary = rate(self.events.canary, self.exposures.canary);
        (baseline > 0.0).then(|| canary / baseline)
    }
}

/// One finished rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Its id.
    pub rollout: String,
    /// The service.
    pub service: String,
    /// When it ended, seconds since the Unix epoch.
    pub ended_at: u64,
    /// What was decided.
    pub decided: Decided,
    /// What is true. `None`: not known.
    pub label: Option<Label>,
    /// Its bound on false rollbacks.
    pub alpha: f64,
    /// Part of the baseline's conversions that its plan asked for.
    pub least_conversion: f64,
    /// Part of the planned time after which it ended, above 0, at most 1.
    pub progress: f64,
    /// By source.
    pub said: BySource<Said>,
    /// Streams that are harms by themselves.
    pub seen: Vec<Seen>,
}

impl Outcome {
    /// As one line of JSON.
    #[must_use]
    pub fn to_line(&self) -> String {
        serde_json::to_string(&raw::Line::from(self)).unwrap_or_default() + "\n"
    }

    /// What stands when several lines tell of one rollout.
    fn outranks(&self, other: &Self) -> bool {
        let rank = |of: &Self| of.label.as_ref().map(|label| (label.by.rank(), label.at));
        (rank(self), self.to_line()) > (rank(other), other.to_line())
    }
}

/// Why a file of outcomes is refused.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum OutcomeError {
    /// A line breaks a rule.
    #[error("line {line}: {field}: {rule}")]
    Line {
        /// Line, from 1.
        line: usize,
        /// Path of the field; "line" for the whole.
        field: String,
        /// The rule.
        rule: String,
    },
    /// There are more lines than are read.
    #[error("line {}: line: there are more than {LINES_MAX} lines", LINES_MAX + 1)]
    TooMany,
}

/// Finished rollouts, each once, in the order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcomes(Vec<Outcome>);

impl Outcomes {
    /// Reads JSON Lines; empty lines are skipped.
    ///
    /// # Errors
    /// The first rule that is broken, with its line and field.
    pub fn read(text: &str) -> Result<Self, OutcomeError> {
        let mut found = Vec::new();
        for (at, line) in text.lines().enumerate() {
            if at >= LINES_MAX {
                return Err(OutcomeError::TooMany);
            }
            if !line.trim().is_empty() {
                let outcome = raw::read(line);
                found.push(outcome.map_err(|(field, rule)| OutcomeError::Line {
                    line: at + 1,
                    field,
                    rule,
                })?);
            }
        }
        Ok(Self::of(found))
    }

    /// Puts outcomes in order. Of several of one rollout, the one that outranks the others stands.
    #[must_use]
    pub fn of(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let mut by_rollout: BTreeMap<(String, String), Outcome> = BTreeMap::new();
        for outcome in outcomes {
            let key = (outcome.service.clone(), outcome.rollout.clone());
            match by_rollout.get_mut(&key) {
                Some(before) if outcome.outranks(before) => *before = outcome,
                Some(_) => {}
                None => {
                    by_rollout.insert(key, outcome);
                }
            }
        }
        let mut ordered: Vec<Outcome> = by_rollout.into_values().collect();
        ordered.sort_by(|one, other| {
            let key = |of: &Outcome| (of.ended_at, of.service.clone(), of.rollout.clone());
            key(one).cmp(&key(other))
        });
        Self(ordered)
    }

    /// Those whose truth was known at `now`. One of which something was said later that outranks it is left out: it may be wrong.
    #[must_use]
    pub fn known_at(&self, now: u64) -> Self {
        let is_known = |outcome: &&Outcome| outcome.label.as_ref().is_some_and(|label| label.at <= now);
        Self(self.0.iter().filter(is_known).cloned().collect())
    }

    /// The earlier `share` of them, and the later rest. Those that ended in one second stay together.
    #[must_use]
    pub fn split(&self, share: f64) -> (Self, Self) {
        let wanted = (self.0.len() as f64 * share.clamp(0.0, 1.0)) as usize;
        let border = self.0.get(wanted).map_or(u64::MAX, |outcome| outcome.ended_at);
        let (earlier, later) = self.0.iter().cloned().partition(|outcome| outcome.ended_at < border);
        (Self(earlier), Self(later))
    }

    /// In the order of time.
    #[must_use]
    pub fn as_slice(&self) -> &[Outcome] {
        &self.0
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As JSON Lines.
    #[must_use]
    pub fn to_lines(&self) -> String {
        self.0.iter().map(Outcome::to_line).collect()
    }

    /// SHA-256 of them as JSON Lines, in hexadecimal digits: the same outcomes have the same, however they came.
    #[must_use]
    pub fn sha256(&self) -> String {
        crate::document::hex(&Sha256::digest(self.to_lines().as_bytes()))
    }
}

#[cfg(test)]
mod tests;
