//! Statistical process control: is a series still what it was?
//!
//! A series is first made comparable: its usual value and spread at this hour of the week ([`profile`]) turn each value
//! into a distance in standard deviations. That goes into an EWMA chart and a CUSUM chart for small lasting shifts
//! ([`ewma`], [`cusum`]) and into run rules for shapes ([`rules`]).
//!
//! Charts are for people and for times without a concurrent baseline: each has a known mean number of values between
//! false signals (its ARL), not a bound per rollout, so none of them rolls back by itself. All state is bounded and
//! can be stored; values that are no numbers are left out.

use serde::{Deserialize, Serialize};

pub mod cusum;
pub mod ewma;
pub mod profile;
pub mod reference;
pub mod rules;

pub use cusum::{Cusum, CusumSettings};
pub use ewma::{Ewma, EwmaSettings};
pub use profile::{HourOfWeek, Profile};
pub use reference::Reference;
pub use rules::{Rule, RuleSet, RunRules};

/// Distances from the usual are cut off here, so that one absurd value cannot outweigh all others.
const FARTHEST: f64 = 50.0;

/// A side of the centre line.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Above what is usual.
    High,
    /// Below what is usual.
    Low,
}

/// What a chart shows after a value.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Reading {
    /// Distance of the value from the usual, in standard deviations.
    pub distance: f64,
    /// The EWMA, in standard deviations.
    pub ewma: f64,
    /// The EWMA's limit on either side.
    pub ewma_limit: f64,
    /// Side on which the EWMA is beyond its limit.
    pub ewma_signal: Option<Side>,
    /// Side on which the CUSUM is beyond its limit.
    pub cusum_signal: Option<Side>,
    /// Run rules that the last values break.
    pub rules: Vec<Rule>,
}

impl Reading {
    /// All that signals.
    pub fn broken(&self) -> impl Iterator<Item = Broken> {
        let charts = [(self.ewma_signal, Broken::Ewma), (self.cusum_signal, Broken::Cusum)];
        let charts = charts.into_iter().filter(|(signal, _)| signal.is_some()).map(|(_, broken)| broken);
        charts.chain(self.rules.iter().copied().map(Broken::Rule))
    }
}

/// A chart or rule that signals. Written by its name.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Broken {
    /// The EWMA is beyond its limits.
    Ewma,
    /// The CUSUM is.
    Cusum,
    /// The last values break a run rule.
    #[serde(untagged)]
    Rule(Rule),
}

impl Broken {
    /// Its name in interfaces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ewma => "ewma",
            Self::Cusum => "cusum",
            Self::Rule(rule) => rule.name(),
        }
    }
}

/// The charts of one series.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Chart {
    ewma: Ewma,
    cusum: Cusum,
    rules: RunRules,
}

impl Chart {
    /// Takes in a value that usually lies around `usual`, and watches for `rules` too. `None`: it is no number.
    pub fn observe(&mut self, value: f64, usual: Reference, rules: RuleSet) -> Option<Reading> {
        let distance = usual.distance(value)?;
        Some(Reading {
            distance,
            ewma_signal: self.ewma.observe(distance, EwmaSettings::CHART),
            ewma: self.ewma.value(),
            ewma_limit: self.ewma.limit(EwmaSettings::CHART),
            cusum_signal: self.cusum.observe(distance, CusumSettings::CHART),
            rules: self.rules.observe(distance, rules.rules()),
        })
    }
}

#[cfg(test)]
mod tests;
