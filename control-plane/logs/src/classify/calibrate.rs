//! From a score to a probability that is right as often as it says.

use serde::{Deserialize, Serialize};

use super::{logistic, softplus};

const ITERATIONS_MAX: usize = 100;
const HALVINGS_MAX: usize = 40;
/// How strongly it is drawn to leaving scores alone: as if so many lines spoke for it.
const RESISTANCE: f64 = 1.0;

/// ln(odds) = slope · score + intercept: Platt, Probabilistic Outputs for Support Vector Machines (1999), drawn to slope 1 and
/// intercept 0, so that a few lines do not bend it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Never negative: the order of scores stays.
    pub slope: f64,
    /// ln(odds) where the score is 0.
    pub intercept: f64,
}

impl Calibration {
    /// Leaves scores alone.
    pub const NONE: Self = Self { slope: 1.0, intercept: 0.0 };

    /// Of scores, as ln(odds), with what is true, by Newton's method. Leaves scores alone where they speak against themselves.
    #[must_use]
    pub fn of(scored: &[(f64, bool)]) -> Self {
        let mut found = Self::NONE;
        for _ in 0..ITERATIONS_MAX {
            let step = found.step(scored);
            let Some(next) = found.lower(scored, step) else { break };
            found = next;
        }
        let is_sound = found.slope >= 0.0 && found.slope.is_finite() && found.intercept.is_finite();
        if is_sound { found } else { Self::NONE }
    }

    /// A part of the step that makes the labels likelier. `None`: no part does, so this is the likeliest.
    fn lower(self, scored: &[(f64, bool)], (slope, intercept): (f64, f64)) -> Option<Self> {
        let before = self.cost(scored);
        let parts = std::iter::successors(Some(1.0), |part| Some(part / 2.0)).take(HALVINGS_MAX);
        let mut nexts = parts.map(|part| Self {
            slope: self.slope - part * slope,
            intercept: self.intercept - part * intercept,
        });
        nexts.find(|next| next.cost(scored) < before)
    }

    /// −ln likelihood of the labels, with what resists.
    fn cost(self, scored: &[(f64, bool)]) -> f64 {
        let far = (self.slope - 1.0) * (self.slope - 1.0) + self.intercept * self.intercept;
        let of = |(score, truth): &(f64, bool)| {
            let log_odds = self.slope * score + self.intercept;
            softplus(if *truth { -log_odds } else { log_odds })
        };
        0.5 * RESISTANCE * far + scored.iter().map(of).sum::<f64>()
    }

    /// Gradient over curvature, both of the penalised log-likelihood.
    fn step(self, scored: &[(f64, bool)]) -> (f64, f64) {
        let (mut by_slope, mut by_intercept) = (RESISTANCE * (self.slope - 1.0), RESISTANCE * self.intercept);
        let (mut both_slope, mut mixed, mut both_intercept) = (RESISTANCE, 0.0, RESISTANCE);
        for (score, truth) in scored {
            let probability = self.probability(*score);
            let (error, weight) =
                (probability - f64::from(u8::from(*truth)), probability * (1.0 - probability));
            by_slope += error * score;
            by_intercept += error;
            both_slope += weight * score * score;
            mixed += weight * score;
            both_intercept += weight;
        }
        let determinant = both_slope * both_intercept - mixed * mixed;
        (
            (both_intercept * by_slope - mixed * by_intercept) / determinant,
            (both_slope * by_intercept - mixed * by_slope) / determinant,
        )
    }

    /// The probability for a score.
    #[must_use]
    pub fn probability(self, score: f64) -> f64 {
        logistic(self.slope * score + self.intercept)
    }
}
