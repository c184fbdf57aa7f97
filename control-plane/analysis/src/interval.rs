//! How much an arm of an experiment differs from the control, in intervals that may be looked at every second.
//!
//! An experiment runs until a person ends it, and everybody looks at it all the time. An interval for one look is wrong
//! sooner or later then. These intervals are confidence sequences: with probability 1 - alpha the truth lies inside at all
//! times at once, so any of them may be acted on, and the experiment may end at any time. Each metric of a [`Comparison`]
//! has that coverage on its own. Who acts on any of several metrics, arms or components divides alpha by how many there are.
//!
//! **Error rate.** Let S of n requests of an arm have failed, and p be the mean of their probabilities to fail. For any m,
//! `exp(-m S - n ln(1 - p (1 - exp(-m))))` is at most a supermartingale that begins at 1, whatever the probability does over
//! time: the logarithm is concave, so the mean is the worst case of all probabilities that have it. A mixture over a grid
//! of m keeps that (Robbins 1970; Howard, Ramdas, McAuliffe and Sekhon 2021, arXiv 1810.08240), and so does the product of the
//! mixtures of two arms, whose requests are independent. By Ville's inequality the pairs of means against which the product
//! stays below 2 / alpha hold the true pair at all times with probability 1 - alpha / 2. The upper end of the interval is the
//! largest difference among these pairs; the lower end is the same with the arms exchanged. What is covered is the difference of
//! the mean probabilities over all requests so far; nothing is assumed about how they change.
//!
//! **Latency quantiles.** The requests that take at most as long as the q-quantile are a share q or more of all, so the same
//! mixture at the known p = q bounds which ranks the quantile lies between (Howard and Ramdas 2022, arXiv 1906.09712). Each arm
//! gets half of alpha, and each end half of that; the interval of the ratio joins the ends. This assumes that the quantile of
//! each arm is constant. Bins count with their full width, so no interval is narrower than 0.8 % on either side.
//!
//! **Clusters.** Requests of one host or one retry storm are not independent. Counts are divided by the [`Overdispersion`],
//! which is exact for clusters of that size.
//!
//! **What it costs.** At alpha 0.05 an interval of error rates is this many times as wide as Newcombe's for one look, with as
//! many requests in each arm:
//!
//! | requests | at 0.1 % | at 1 % | at 20 % |
//! |---|---|---|---|
//! | 1,000 | 1.71 | 1.99 | 2.08 |
//! | 10,000 | 1.99 | 2.10 | 2.19 |
//! | 100,000 | 2.10 | 2.15 | 2.22 |
//! | 1,000,000 | 2.15 | 2.20 | 2.27 |
//!
//! A rise of the error rate from 1 % to 2 % is concluded after 4,600 requests of each arm in the median run, where a test of
//! one look, planned for a power of 80 %, needs 2,315.
//!
//! The control and the arm see the same hours only while the weights are fixed: whoever changes them scales what was counted
//! after that to the weights before.

use serde::{Deserialize, Serialize};

use crate::config::EngineConfig;
use crate::placebo::{Dispersion, Phi};

mod bets;
mod quantile;
mod share;
mod totals;

use bets::Mixture;
pub use totals::ArmTotals;

/// Smallest alpha that is used.
const LEAST_ALPHA: f64 = 1e-12;

/// An estimate, and an interval around it that holds the truth at all times at once.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Interval {
    /// What was seen.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What an interval says about the arm.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// The arm and the control may be alike.
    #[default]
    Undecided,
    /// The arm fails less, or is faster: the interval excludes "no difference".
    Better,
    /// The arm fails more, or is slower: the interval excludes "no difference".
    Worse,
}

impl Conclusion {
    /// Its name in interfaces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Undecided => "undecided",
            Self::Better => "better",
            Self::Worse => "worse",
        }
    }

    /// For a metric of which less is better.
    fn of(interval: &Interval, no_difference: f64) -> Self {
        if interval.low > no_difference {
            Self::Worse
        } else if interval.high < no_difference {
            Self::Better
        } else {
            Self::Undecided
        }
    }
}

/// How an arm differs from the control in one metric.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Difference {
    /// The control's value: a share (0 to 1) for the error rate, µs for latency.
    pub control: f64,
    /// The arm's value, in the same unit.
    pub arm: f64,
    /// For the error rate, arm minus control, as a share (-1 to 1). For latency, arm over control; an end that nothing
    /// bounds yet is that of the range of latencies, 1 µs to an hour.
    pub interval: Interval,
    /// What the interval says.
    pub conclusion: Conclusion,
}

/// How an arm differs from the control. `None`: one of the two has nothing to compare.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Comparison {
    /// Share of requests that failed.
    #[serde(default)]
    pub error_rate: Option<Difference>,
    /// Median latency of the requests that did not fail.
    #[serde(default)]
    pub p50: Option<Difference>,
    /// 90th percentile.
    #[serde(default)]
    pub p90: Option<Difference>,
    /// 99th percentile.
    #[serde(default)]
    pub p99: Option<Difference>,
}

/// How much more counts vary than those of independent requests: variance relative to theirs, at least 1.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Overdispersion {
    /// Of failures.
    pub errors: f64,
    /// Of requests slower than a quantile.
    pub latency: f64,
}

impl Overdispersion {
    /// That of independent requests.
    pub const NONE: Self = Self { errors: 1.0, latency: 1.0 };

    /// What placebo hosts have shown, or what is configured as far as they have not.
    #[must_use]
    pub fn measured(dispersion: &Dispersion, config: &EngineConfig) -> Self {
        dispersion.checked().phi(config.raw().phi()).into()
    }
}

impl From<&EngineConfig> for Overdispersion {
    fn from(config: &EngineConfig) -> Self {
        config.raw().phi().into()
    }
}

impl From<Phi> for Overdispersion {
    fn from(phi: Phi) -> Self {
        Self { errors: phi.errors, latency: phi.latency }
    }
}

/// Compares an arm with the control at error probability `alpha` (0 to 1) for each metric.
///
/// Costs some 50 µs (`cargo bench -p serin-analysis --bench interval`), so it can be called each second. Total: an `alpha` or an overdispersion of no use counts as the
/// nearest that is of use, and every number is finite.
#[must_use]
pub fn compare(
    control: &ArmTotals,
    arm: &ArmTotals,
    alpha: f64,
    overdispersion: Overdispersion,
) -> Comparison {
    let alpha = if alpha.is_nan() { LEAST_ALPHA } else { alpha.clamp(LEAST_ALPHA, 1.0) };
    let phi = |phi: f64| if phi.is_nan() { 1.0 } else { phi.clamp(1.0, crate::placebo::MOST_PHI) };
    let mixture = Mixture::new();
    let [p50, p90, p99] = quantile::compare(&mixture, control, arm, alpha, phi(overdispersion.latency));
    Comparison {
        error_rate: share::compare(&mixture, control, arm, alpha, phi(overdispersion.errors)),
        p50,
        p90,
        p99,
    }
}

#[cfg(test)]
mod tests;
