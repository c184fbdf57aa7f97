//! What is learned: how the sources share the error budget, how much room each margin leaves, how much each detector is believed.
//!
//! A rollout takes a tuning when it begins and keeps it. Its weights sum to 1, so the sources' budgets sum to the rollout's, and its
//! margins are part of what is tested: the bound on false rollbacks of a canary within its margins holds for any tuning
//! (`any_tuning_keeps_the_error_budget`, `at_its_learned_margins_a_canary_is_undone_no_more_often_than_the_budget_allows`).
//!
//! What any feedback can move is bounded: a weight lies within [`WEIGHT_FACTOR`] of its default, so no source is ever turned off, and
//! a room within [`Kind::rooms`]. A tuning never holds anything else: what is given is brought within, what is read is refused.

mod confidence;
mod weights;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serin_analysis::risk::{BySource, SourceWeights};
use serin_analysis::streams::{Kind, Margins, Source, Sources, Streams};
use thiserror::Error;

pub use confidence::{Belief, Confidences, Example};
pub use weights::WEIGHT_FACTOR;

/// What is learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuning {
    weights: BySource<f64>,
    margins: Margins,
    confidences: Confidences,
}

impl Default for Tuning {
    fn default() -> Self {
        Self::new(SourceWeights::default().0, Margins::default(), Confidences::default())
    }
}

impl Tuning {
    /// A tuning of this, brought within the bounds.
    #[must_use]
    pub fn new(weights: BySource<f64>, margins: Margins, confidences: Confidences) -> Self {
        Self { weights: weights::within(weights), margins, confidences }
    }

    /// The parts of the sources, which sum to 1.
    #[must_use]
    pub const fn weights(&self) -> BySource<f64> {
        self.weights
    }

    /// The margins.
    #[must_use]
    pub const fn margins(&self) -> Margins {
        self.margins
    }

    /// How much detectors are believed.
    #[must_use]
    pub const fn confidences(&self) -> &Confidences {
        &self.confidences
    }

    /// The sources of a rollout with this error budget.
    #[must_use]
    pub fn sources(&self, alpha: f64, behaviour: bool, logs: bool) -> Sources {
        Sources::new(alpha, SourceWeights(self.weights), behaviour, logs)
    }

    /// The streams of a rollout that begins with these sources, where a harm is expected to begin within `horizon_s` and the plan
    /// asks for the part `least_conversion` of conversions.
    #[must_use]
    pub fn streams(&self, sources: Sources, horizon_s: u64, least_conversion: f64) -> Streams {
        Streams::new(sources, horizon_s).with_least_conversion(least_conversion).with_margins(self.margins)
    }
}

/// What the logarithms of the evidence of requests, users and logs must reach. `None`: the rollout began without that source.
pub(crate) fn thresholds(sources: &Sources) -> BySource<Option<f64>> {
    BySource {
        metrics: Some(-sources.metrics_alpha().ln()),
        behaviour: sources.log_threshold(Source::Behaviour),
        logs: sources.log_threshold(Source::Logs),
    }
}

/// The written form.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    weights: BySource<f64>,
    rooms: BTreeMap<Kind, f64>,
    confidences: Confidences,
}

impl From<&Tuning> for Written {
    fn from(tuning: &Tuning) -> Self {
        Self {
            weights: tuning.weights,
            rooms: Kind::ALL.into_iter().map(|kind| (kind, tuning.margins.room(kind))).collect(),
            confidences: tuning.confidences.clone(),
        }
    }
}

/// Why what is written is no tuning.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum TuningError {
    /// The weights.
    #[error("weights: are not a sum of 1 with each within a factor of {WEIGHT_FACTOR} of its default")]
    Weights,
    /// A room.
    #[error("rooms.{kind}: {room} is not from {least} to {most}")]
    Room {
        /// The kind.
        kind: &'static str,
        /// What it says.
        room: f64,
        /// The least.
        least: f64,
        /// The most.
        most: f64,
    },
    /// A kind has no room.
    #[error("rooms.{kind}: is missing")]
    NoRoom {
        /// The kind.
        kind: &'static str,
    },
    /// A confidence.
    #[error("confidences: {rule}")]
    Confidence {
        /// The rule.
        rule: &'static str,
    },
}

impl TryFrom<Written> for Tuning {
    type Error = TuningError;

    fn try_from(written: Written) -> Result<Self, TuningError> {
        let mut margins = Margins::default();
        for kind in Kind::ALL {
            let room = *written.rooms.get(&kind).ok_or(TuningError::NoRoom { kind: kind.name() })?;
            let (least, most) = kind.rooms().into_inner();
            if !(least..=most).contains(&room) {
                return Err(TuningError::Room { kind: kind.name(), room, least, most });
            }
            margins = margins.with_room(kind, room);
        }
        if !weights::is_within(written.weights) {
            return Err(TuningError::Weights);
        }
        written.confidences.check().map_err(|rule| TuningError::Confidence { rule })?;
        Ok(Self { weights: written.weights, margins, confidences: written.confidences })
    }
}

#[cfg(test)]
mod tests;
