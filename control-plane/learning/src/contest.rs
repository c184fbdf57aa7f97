//! Whether a model that tells probabilities replaces the one in force: the predictor, or the classifier of log lines.
//!
//! Both are asked about the same cases, which neither has learned from, and of which it is known what became of them. The candidate
//! replaces what is in force if its Brier score is lower by [`GAIN_LEAST`] and its errors cost no more. What they cost is in the threshold:
//! who tells from a probability `t` on holds a missed case for `(1 - t) / t` times as bad as a false alarm.

use serde::Serialize;
use thiserror::Error;

/// Cases that are needed.
pub const CASES_LEAST: usize = 30;
/// Cases that are needed in which it happened, and in which it did not.
pub const EACH_LEAST: usize = 3;
/// What the Brier score must fall by.
pub const GAIN_LEAST: f64 = 0.002;

/// The least threshold: below it costs would know no bound.
const THRESHOLD_LEAST: f64 = 0.001;

/// How right a model is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Scores {
    /// Cases.
    pub cases: usize,
    /// Those in which it happened.
    pub happened: usize,
    /// Of these, those that were not told.
    pub missed: usize,
    /// Those that were told and in which it did not happen.
    pub false_alarms: usize,
    /// Mean square of what is between probability and truth.
    pub brier: f64,
    /// What its errors cost, in false alarms.
    pub cost: f64,
}

impl Scores {
    /// Of cases as pairs of what was said and whether it happened, where it is told from `threshold` on. What is no probability counts
    /// as wholly wrong.
    #[must_use]
    pub fn of(cases: &[(f64, bool)], threshold: f64) -> Self {
        let mut scores = Self { cases: cases.len(), ..Self::default() };
        for (said, happened) in cases {
            let is_probability = (0.0..=1.0).contains(said);
            let is_told = *said >= threshold;
            scores.happened += usize::from(*happened);
            scores.missed += usize::from(*happened && !is_told);
            scores.false_alarms += usize::from(!*happened && is_told);
            let wrong = said - f64::from(u8::from(*happened));
            scores.brier += if is_probability { wrong * wrong } else { 1.0 };
        }
        scores.brier /= cases.len().max(1) as f64;
        let threshold = threshold.clamp(THRESHOLD_LEAST, 1.0);
        let missed_cost = (1.0 - threshold) / threshold;
        scores.cost = scores.missed as f64 * missed_cost + scores.false_alarms as f64;
        scores
    }
}

/// Why a candidate does not replace what is in force.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Refusal {
    /// Too few cases.
    #[error("too few {what}: {found} of {least}")]
    TooFew {
        /// Of what.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many are needed.
        least: usize,
    },
    /// Its errors cost more.
    #[error("its errors on later data cost more: {to:.1} false alarms instead of {from:.1}")]
    MoreCost {
        /// What is in force.
        from: f64,
        /// The candidate.
        to: f64,
    },
    /// It is not better.
    #[error("its Brier score on later data is not lower by {GAIN_LEAST}: {to:.4} instead of {from:.4}")]
    NoGain {
        /// What is in force.
        from: f64,
        /// The candidate.
        to: f64,
    },
}

/// Why a candidate with these scores does not replace what has those of `current` on the same cases; none: it does. Where nothing is in
/// force (`None`), the cases must be enough all the same.
#[must_use]
pub fn judge(current: Option<&Scores>, candidate: &Scores) -> Vec<Refusal> {
    let quiet = candidate.cases.saturating_sub(candidate.happened);
    let needed = [
        ("later cases", candidate.cases, CASES_LEAST),
        ("later cases in which it happened", candidate.happened, EACH_LEAST),
        ("later cases in which it did not", quiet, EACH_LEAST),
    ];
    let missing = needed.into_iter().filter(|(_, found, least)| found < least);
    let mut reasons: Vec<Refusal> =
        missing.map(|(what, found, least)| Refusal::TooFew { what, found, least }).collect();
    let Some(current) = current.filter(|_| reasons.is_empty()) else { return reasons };
    if candidate.cost > current.cost + 1e-9 {
        reasons.push(Refusal::MoreCost { from: current.cost, to: candidate.cost });
    }
    let is_better = current.brier - candidate.brier >= GAIN_LEAST;
    if !is_better {
        reasons.push(Refusal::NoGain { from: current.brier, to: candidate.brier });
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(said_of_bad: f64, said_of_good: f64) -> Vec<(f64, bool)> {
        (0..60)
            .map(|number| if number % 6 == 0 { (said_of_bad, true) } else { (said_of_good, false) })
            .collect()
    }

    #[test]
    fn scores_are_what_their_definitions_say() {
        let scores = Scores::of(&[(0.9, true), (0.1, true), (0.4, false), (f64::NAN, false)], 0.3);
        let brier = (0.01 + 0.81 + 0.16 + 1.0) / 4.0;
        assert!((scores.brier - brier).abs() < 1e-12, "{scores:?}");
        assert_eq!((scores.cases, scores.happened, scores.missed, scores.false_alarms), (4, 2, 1, 1));
        assert!((scores.cost - (0.7 / 0.3 + 1.0)).abs() < 1e-12, "{scores:?}");
    }

    #[test]
    fn only_a_model_that_is_better_and_whose_errors_cost_no_more_replaces_another() {
        let of = |bad, good| Scores::of(&cases(bad, good), 0.2);
        assert_eq!(judge(Some(&of(0.5, 0.3)), &of(0.8, 0.1)), []);
        let worse = judge(Some(&of(0.8, 0.1)), &of(0.5, 0.3));
        assert!(matches!(worse.as_slice(), [Refusal::MoreCost { .. }, Refusal::NoGain { .. }]), "{worse:?}");
        // Ten that are missed cost forty false alarms, which is better than fifty.
        assert_eq!(judge(Some(&of(0.5, 0.5)), &of(0.1, 0.0)), []);
        let quiet = judge(Some(&of(0.3, 0.1)), &of(0.19, 0.0));
        assert!(matches!(quiet.as_slice(), [Refusal::MoreCost { .. }, ..]), "{quiet:?}");
        assert!(matches!(judge(Some(&of(0.8, 0.1)), &of(0.8, 0.1)).as_slice(), [Refusal::NoGain { .. }]));
    }

    #[test]
    fn on_too_few_cases_nothing_is_said() {
        let few = Scores::of(&cases(0.9, 0.1)[..12], 0.2);
        let said: Vec<String> =
            judge(Some(&Scores::default()), &few).iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            ["too few later cases: 12 of 30", "too few later cases in which it happened: 2 of 3"]
        );
        assert_eq!(judge(None, &few), judge(Some(&Scores::default()), &few), "nor where nothing is in force");
        assert_eq!(judge(None, &Scores::of(&cases(0.1, 0.9), 0.2)), [], "nothing is there to be better than");
    }
}
