//! What logs and users tell, and what each source of evidence makes of the risk.

use serde::Serialize;

use super::{Moment, Verdict};

/// What one stream of events shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Finding {
    /// `behaviour` or `logs`.
    pub(crate) source: String,
    /// In snake case.
    pub(crate) kind: String,
    /// Empty: the whole version.
    pub(crate) component: String,
    /// Of a log template: its text. Of page views of some people alone: `desktop`, `phone`, or the country. Else empty.
    pub(crate) name: String,
    /// Masked.
    pub(crate) samples: Vec<String>,
    pub(crate) first_seen: Option<Moment>,
    /// It may undo the version. Else it is only told.
    pub(crate) harmful: bool,
    /// Of a log template: the baseline never wrote it.
    pub(crate) only_canary: bool,
    pub(crate) verdict: Verdict,
    pub(crate) log_evidence: f64,
    pub(crate) log_threshold: f64,
    pub(crate) baseline_events: u64,
    pub(crate) baseline_exposures: u64,
    pub(crate) canary_events: u64,
    pub(crate) canary_exposures: u64,
    pub(crate) text: String,
    /// How often such findings proved right, 0 to 1. `None`: the plan has learned nothing of it.
    pub(crate) learned_confidence: Option<f64>,
    /// `None`: it is not about page views as a whole.
    pub(crate) peculiarity: Option<Peculiarity>,
}

/// How far the page views of the canary as a whole are from the baseline's.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Peculiarity {
    /// In standard errors.
    pub(crate) distance: f64,
    /// Of so large a distance by chance, at most.
    pub(crate) probability: f64,
    /// Those that make most of the distance first.
    pub(crate) traits: Vec<PeculiarTrait>,
}

/// A trait of page views in a distance.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PeculiarTrait {
    /// In snake case.
    pub(crate) kind: String,
    /// Its part of the squared distance.
    pub(crate) part: f64,
    pub(crate) baseline_events: u64,
    pub(crate) baseline_exposures: u64,
    pub(crate) canary_events: u64,
    pub(crate) canary_exposures: u64,
}

/// What one source makes of the risk.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SourceRisk {
    /// `metrics`, `behaviour` or `logs`.
    pub(crate) source: String,
    /// Its part of the error budget and of the risk, 0 to 1.
    pub(crate) weight: f64,
    /// Its own risk, 0 to 100.
    pub(crate) risk: f64,
    /// Its part of all risk, 0 to 1.
    pub(crate) share: f64,
    pub(crate) log_evidence: f64,
    /// Events that were not judged: too late, too far ahead, or of more streams than there may be.
    pub(crate) dropped_events: u64,
}
