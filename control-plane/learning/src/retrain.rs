//! A candidate from the earlier outcomes, judged in shadow on the later ones.
//!
//! Learning looks at three things, in this order. The room of each margin: what costs least on the earlier outcomes, where a missed fault
//! costs four false rollbacks, an error counts the more the farther a case lies on the wrong side, every step away from the default has a
//! price, and no more faults may be missed than with the tuning in force. The sources' weights: the mean of a Dirichlet distribution
//! that starts from the defaults and counts which source finds harmful versions. The confidences: [`Confidences`].
//!
//! The candidate is adopted as it was judged, and only if on the later outcomes it is better in something stated and worse in nothing
//! that counts ([`judge`]). Everything else is refused, with reasons; too little data is one. It draws nothing at random and looks at
//! no clock: the same outcomes give the same bits in whatever order they came.

use serde::{Deserialize, Serialize};
use serin_analysis::risk::{BySource, SourceWeights};
use serin_analysis::streams::{Kind, Margins};
use thiserror::Error;

use crate::document::{Card, Data, Document};
use crate::outcome::Outcomes;
use crate::shadow::{Case, Figures, ROOMS};
use crate::trust;
use crate::tuning::{Confidences, Example, Tuning};

/// Part of the outcomes that is learned from; the rest is later and only judged on.
pub const EARLIER: f64 = 0.7;
/// Earlier outcomes with a known truth that are needed.
pub const EARLIER_LEAST: usize = 40;
/// Later ones.
pub const LATER_LEAST: usize = 15;
/// Harmful ones that are needed in each part: without any, missed faults cannot be told.
pub const HARMFUL_LEAST: usize = 3;
/// What fewer false rollbacks or missed faults must come to on the later outcomes, in outcomes as they count.
pub const GAIN_LEAST: f64 = 0.5;
/// What the Brier score of confidences must fall by, where nothing else changes.
pub const BRIER_GAIN_LEAST: f64 = 0.01;
/// What a missed fault costs beside a false rollback.
const MISSED_COST: f64 = 4.0;
/// What a room costs that is twice or half the default, in outcomes.
const STEP_COST: f64 = 0.25;
/// Evidence, as a logarithm, that a harmful version must have beyond its threshold to count as found by what is learned from.
const SLACK: f64 = 3.0;
/// By how much evidence varies between versions that differ alike, as a logarithm.
const SPREAD: f64 = 3.0;
/// Rounds in which the rooms are looked at one by one.
const ROUNDS: usize = 2;
/// Outcomes that the default weights count for.
const WEIGHTS_COUNT: f64 = 40.0;
/// What is no difference.
const NONE: f64 = 1e-9;

/// Why a candidate is refused.
#[derive(Clone, Debug, Deserialize, Error, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Too few outcomes.
    #[error("too few {what}: {found} of {least}")]
    TooFew {
        /// Of what.
        what: String,
        /// How many there are.
        found: usize,
        /// How many are needed.
        least: usize,
    },
    /// More faults would be missed.
    #[error("it would miss more faults on later outcomes: {to:.2} instead of {from:.2}")]
    MoreMissed {
        /// With the tuning in force.
        from: f64,
        /// With the candidate.
        to: f64,
    },
    /// More harmless versions would be undone.
    #[error("it would undo more harmless versions on later outcomes: {to:.2} instead of {from:.2}")]
    MoreFalseRollbacks {
        /// With the tuning in force.
        from: f64,
        /// With the candidate.
        to: f64,
    },
    /// Nothing becomes better.
    #[error("nothing becomes better on later outcomes")]
    NoGain,
}

/// What is to be done with a candidate.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It replaces the tuning in force.
    Adopt(Box<Document>),
    /// The tuning in force stays.
    Refuse {
        /// Why; at least one.
        reasons: Vec<Refusal>,
        /// How right the tuning in force and the candidate were, where there were outcomes enough.
        compared: Option<Box<Card>>,
    },
}

/// Learns from what is known at `now`, beside the tuning in force, whose version is `parent` (`None`: the defaults).
#[must_use]
pub fn retrain(outcomes: &Outcomes, current: &Tuning, parent: Option<&str>, now: u64) -> Verdict {
    let (earlier, later) = outcomes.known_at(now).split(EARLIER);
    let (to_learn, to_judge) = (cases(&earlier), cases(&later));
    let reasons = too_few(&to_learn, &to_judge);
    if !reasons.is_empty() {
        return Verdict::Refuse { reasons, compared: None };
    }
    let candidate = learn(&to_learn, current);
    let card = Card {
        learned_at: now,
        data: Data::of(&earlier),
        later: Data::of(&later),
        candidate: Figures::of(&to_judge, &candidate),
        replaced: Figures::of(&to_judge, current),
    };
    let reasons = judge(&card.replaced, &card.candidate);
    if reasons.is_empty() {
        Verdict::Adopt(Box::new(Document::new(parent, card, candidate)))
    } else {
        Verdict::Refuse { reasons, compared: Some(Box::new(card)) }
    }
}

/// The cases of outcomes whose truth is known, as they count.
#[must_use]
pub fn cases(outcomes: &Outcomes) -> Vec<Case> {
    let weighted = outcomes.as_slice().iter().zip(trust::weights(outcomes.as_slice()));
    weighted
        .filter_map(|(outcome, weight)| Case::of(outcome, weight))
        .filter(|case| case.weight() > 0.0)
        .collect()
}

fn too_few(earlier: &[Case], later: &[Case]) -> Vec<Refusal> {
    let harmful = |of: &[Case]| of.iter().filter(|case| case.is_harmful()).count();
    let needed = [
        ("earlier outcomes", earlier.len(), EARLIER_LEAST),
        ("later outcomes", later.len(), LATER_LEAST),
        ("harmful ones among the earlier outcomes", harmful(earlier), HARMFUL_LEAST),
        ("harmful ones among the later outcomes", harmful(later), HARMFUL_LEAST),
    ];
    let missing = needed.into_iter().filter(|(_, found, least)| found < least);
    missing.map(|(what, found, least)| Refusal::TooFew { what: what.to_owned(), found, least }).collect()
}

/// Why a candidate with these figures does not replace what has those of `current`; none: it does.
#[must_use]
pub fn judge(current: &Figures, candidate: &Figures) -> Vec<Refusal> {
    let mut reasons = Vec::new();
    let (missed, fewer_missed) = (candidate.missed, current.missed - candidate.missed);
    let (wrong, fewer_wrong) =
        (candidate.false_rollbacks, current.false_rollbacks - candidate.false_rollbacks);
    if fewer_missed < -NONE {
        reasons.push(Refusal::MoreMissed { from: current.missed, to: missed });
    }
    if fewer_wrong < -NONE {
        reasons.push(Refusal::MoreFalseRollbacks { from: current.false_rollbacks, to: wrong });
    }
    let is_better = fewer_missed >= GAIN_LEAST
        || fewer_wrong >= GAIN_LEAST
        || current.brier - candidate.brier >= BRIER_GAIN_LEAST;
    if reasons.is_empty() && !is_better {
        reasons.push(Refusal::NoGain);
    }
    reasons
}

/// What these cases teach, beside the tuning in force.
#[must_use]
pub fn learn(cases: &[Case], current: &Tuning) -> Tuning {
    let margins = margins(cases, current);
    let weights = weights(cases, &Tuning::new(current.weights(), margins, Confidences::default()));
    let tuned = Tuning::new(weights, margins, Confidences::default());
    let examples: Vec<Example> = cases.iter().flat_map(|case| case.examples(&tuned)).collect();
    Tuning::new(weights, margins, Confidences::learn(&examples))
}

/// What a tuning does to cases.
struct Errors {
    /// What is lost: an error counts the more, the farther a case lies on the wrong side, and a little when it is near.
    cost: f64,
    /// Harmful versions that are not found with [`SLACK`].
    missed: f64,
}

fn errors(cases: &[Case], weights: BySource<f64>, margins: Margins) -> Errors {
    let mut errors = Errors { cost: 0.0, missed: 0.0 };
    for case in cases {
        let beyond = case.beyond(weights, margins);
        // The chance that such a version is undone where there is a little more or less traffic.
        let undone = 1.0 / (1.0 + libm::exp(-(beyond / SPREAD).clamp(-500.0, 500.0)));
        if case.is_harmful() {
            errors.cost += MISSED_COST * case.weight() * (1.0 - undone);
            errors.missed += if beyond >= SLACK { 0.0 } else { case.weight() };
        } else {
            errors.cost += case.weight() * undone;
        }
    }
    let steps: f64 = Kind::ALL.into_iter().map(|kind| libm::log2(margins.room(kind)).abs()).sum();
    Errors { cost: errors.cost + STEP_COST * steps, ..errors }
}

fn margins(cases: &[Case], current: &Tuning) -> Margins {
    let weights = current.weights();
    let mut best = current.margins();
    let Errors { mut cost, missed: missed_most } = errors(cases, weights, best);
    for _ in 0..ROUNDS {
        for kind in Kind::ALL {
            for room in ROOMS.into_iter().filter(|room| kind.rooms().contains(room)) {
                let tried = best.with_room(kind, room);
                let errors = errors(cases, weights, tried);
                if errors.missed <= missed_most + NONE && errors.cost < cost - NONE {
                    (best, cost) = (tried, errors.cost);
                }
            }
        }
    }
    best
}

/// Which sources find harmful versions.
fn weights(cases: &[Case], tuning: &Tuning) -> BySource<f64> {
    let BySource { metrics, behaviour, logs } = SourceWeights::default().0;
    let mut counts = [metrics, behaviour, logs].map(|default| default * WEIGHTS_COUNT);
    for case in cases.iter().filter(|case| case.is_harmful()) {
        let BySource { metrics, behaviour, logs } = case.found_by(tuning);
        let found = [metrics, behaviour, logs];
        let finders = found.iter().filter(|is| **is).count();
        for (count, is) in counts.iter_mut().zip(found) {
            *count += if is { case.weight() / finders as f64 } else { 0.0 };
        }
    }
    let [metrics, behaviour, logs] = counts;
    BySource { metrics, behaviour, logs }
}

#[cfg(test)]
mod tests;
