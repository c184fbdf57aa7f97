//! What a stream shows, as data and in words.

use serde::{Deserialize, Serialize};

use super::{Kind, Peculiarity, Source};
use crate::behaviour::Cohort;
use crate::evalue::Margin;
use crate::increment::ByArm;
use crate::risk::{Anomaly, Harm};
use crate::verdict::Verdict;

/// Texts that are kept of a stream.
pub(super) const SAMPLES: usize = 3;

/// What a stream shows.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Finding {
    /// What is counted.
    pub kind: Kind,
    /// Component of the events. Empty: the whole version.
    pub component: String,
    /// Which one, where there are many of a kind: the template, or of page views the [cohort](crate::Cohort). Else empty.
    pub name: String,
    /// Masked texts.
    pub samples: Vec<String>,
    /// Unix time, in whole seconds, in which it was first seen.
    pub first_second: u64,
    /// A harm by itself. Else it is only told, whatever the evidence.
    pub is_harmful: bool,
    /// Only the canary has it.
    pub is_new: bool,
    /// Regressed, or not decided: what is not found is no health.
    pub verdict: Verdict,
    /// Natural logarithm of the evidence that the canary is beyond its margin. 0 while there is none.
    pub log_evidence: f64,
    /// Value of `log_evidence` at which it counts as regressed.
    pub log_threshold: f64,
    /// The share of events that the canary may have, at most, or of conversions at least.
    pub allowed: f64,
    /// Events since it was first seen.
    pub events: ByArm<u64>,
    /// Requests or page views since then.
    pub exposures: ByArm<u64>,
    /// How often a version was harmful of which a finding said this, 0 to 1, as experience has it. It is the confidence in the risk,
    /// less as the evidence is short of its threshold. `None`: nothing is known, and evidence alone says how sure it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned_confidence: Option<f64>,
    /// Of the page views as a whole: how far they are from the baseline's. Else `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peculiarity: Option<Peculiarity>,
}

impl Finding {
    /// Events per exposure, by arm; 0 without exposure.
    #[must_use]
    pub fn rates(&self) -> ByArm<f64> {
        let rate = |events: u64, of: u64| if of > 0 { events as f64 / of as f64 } else { 0.0 };
        ByArm {
            baseline: rate(self.events.baseline, self.exposures.baseline),
            canary: rate(self.events.canary, self.exposures.canary),
        }
    }

    /// Whose page views it is about. `None`: everybody's, or it is about logs.
    #[must_use]
    pub fn cohort(&self) -> Option<Cohort> {
        (self.kind.source() == Source::Behaviour).then(|| Cohort::parse(&self.name).ok()).flatten()
    }

    /// How near its evidence is to its threshold.
    pub(super) fn weighted(&self) -> f64 {
        self.log_evidence - self.log_threshold
    }

    /// In words: one sentence without a full stop.
    #[must_use]
    pub fn sentence(&self) -> String {
        if let Some(peculiarity) = &self.peculiarity {
            return peculiarity.sentence();
        }
        let ByArm { baseline, canary } = self.rates();
        let percent = crate::verdict::percent;
        let of = if self.component.is_empty() { String::new() } else { format!(" of {}", self.component) };
        let what = match (self.kind, self.is_new) {
            (Kind::LogTemplate, true) => format!("only the canary logs {:?}{of}", self.name),
            (Kind::LogTemplate, false) => format!("{} {:?}{of}", self.kind.words(), self.name),
            (_, _) => match self.cohort() {
                Some(cohort) => format!("{}{of}, {}", self.kind.words(), cohort.words()),
                None => format!("{}{of}", self.kind.words()),
            },
        };
        let judged = match (self.verdict, self.is_harmful) {
            (Verdict::Regressed, _) => {
                format!("worse than the margin allows ({})", crate::verdict::odds(self.log_evidence))
            }
            (_, true) => format!("not decided ({})", crate::verdict::odds(self.log_evidence)),
            (_, false) => "no harm by itself".to_owned(),
        };
        let learned = match self.learned_confidence {
            Some(part) => format!(", and of such findings {:.0} % proved right", 100.0 * part),
            None => String::new(),
        };
        format!(
            "{what}: {} on the canary ({} of {}), {} on the baseline ({} of {}): {judged}{learned}",
            percent(canary),
            self.events.canary,
            self.exposures.canary,
            percent(baseline),
            self.events.baseline,
            self.exposures.baseline,
        )
    }

    /// By how much the canary is worse; negative where it is better.
    fn excess(&self) -> f64 {
        let ByArm { baseline, canary } = self.rates();
        if self.kind.is_wanted() { baseline - canary } else { canary - baseline }
    }

    /// The difference relative to what the canary may have, 0 where it is no worse.
    fn effect(&self, allowed: f64) -> f64 {
        let (excess, room) = (self.excess(), (allowed - self.rates().baseline).abs());
        if excess > 0.0 { excess / room.max(1e-9) } else { 0.0 }
    }

    /// The difference relative to what `margin` leaves.
    pub(super) fn effect_to(&self, margin: Margin) -> f64 {
        self.effect(margin.ratio * self.rates().baseline + margin.absolute)
    }

    /// As a part of the risk, where the component means `impact` for the business.
    pub(super) fn anomaly(&self, impact: f64) -> Anomaly {
        let seen = self.exposures.canary as f64;
        Anomaly {
            harms: vec![Harm { class: self.kind.harm(), effect_to_margin: self.effect(self.allowed) }],
            excess_per_minute: self.excess().max(0.0) * seen,
            requests_per_minute: seen,
            impact,
            log_evidence: self.log_evidence,
            learned_confidence: self.learned_confidence,
        }
    }
}
