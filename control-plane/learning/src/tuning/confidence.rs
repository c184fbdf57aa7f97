//! How much a detector is to be believed when it would undo a version: the share of such cases that were harmful.
//!
//! By detector and by how far the difference is beyond its default margin, as the mean of a Beta distribution that starts from
//! [`BEFORE`]; that a larger difference is believed no less is then made so by pooling neighbours. Confidences rank and explain, and
//! undo nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serin_analysis::streams::Kind;

/// What is believed before anything is learned.
pub(super) const BEFORE: f64 = 0.9;
/// Outcomes that this counts for.
const BEFORE_COUNTS: f64 = 4.0;
/// Differences relative to the default margin at which bands begin.
const BANDS: [f64; 3] = [0.0, 2.0, 4.0];

/// A detector that would have undone a version, and what was true.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Example {
    /// The kind of stream. `None`: the evidence of requests.
    pub detector: Option<Kind>,
    /// The difference relative to what the default margin leaves.
    pub effect: f64,
    /// Whether the version was harmful.
    pub is_harmful: bool,
    /// How much it counts.
    pub weight: f64,
}

/// What is believed of one band of a detector.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Belief {
    /// Difference relative to the default margin from which it holds.
    pub from: f64,
    /// Probability that the version is harmful.
    pub probability: f64,
    /// Outcomes that it was learned from, as they count.
    pub outcomes: f64,
}

/// What is believed of one detector, by band.
type Beliefs = [Belief; BANDS.len()];

/// What is believed of every detector: the evidence of requests, and each kind of stream.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Confidences {
    metrics: Beliefs,
    #[serde(flatten)]
    streams: BTreeMap<Kind, Beliefs>,
}

impl Default for Confidences {
    fn default() -> Self {
        Self::learn(&[])
    }
}

fn band(effect: f64) -> usize {
    BANDS.iter().rposition(|from| effect >= *from).unwrap_or(0)
}

impl Confidences {
    /// Learns from what detectors said.
    #[must_use]
    pub fn learn(examples: &[Example]) -> Self {
        let of = |detector: Option<Kind>| {
            let mut sums = [(0.0, 0.0); BANDS.len()];
            for example in examples.iter().filter(|example| example.detector == detector) {
                if let Some((harmful, all)) = sums.get_mut(band(example.effect)) {
                    *harmful += if example.is_harmful { example.weight } else { 0.0 };
                    *all += example.weight;
                }
            }
            rising(sums)
        };
        let streams = Kind::ALL.into_iter().map(|kind| (kind, of(Some(kind))));
        Self { metrics: of(None), streams: streams.collect() }
    }

    /// The probability that a version is harmful of which `detector` says that it is so far beyond its default margin.
    #[must_use]
    pub fn probability(&self, detector: Option<Kind>, effect: f64) -> f64 {
        let beliefs = detector.map_or(Some(&self.metrics), |kind| self.streams.get(&kind));
        beliefs.and_then(|beliefs| beliefs.get(band(effect))).map_or(BEFORE, |belief| belief.probability)
    }

    /// What is believed of each kind of stream, by band.
    pub fn of_streams(&self) -> impl Iterator<Item = (Kind, &[Belief])> {
        self.streams.iter().map(|(kind, beliefs)| (*kind, beliefs.as_slice()))
    }

    pub(super) fn check(&self) -> Result<(), &'static str> {
        for beliefs in self.streams.values().chain([&self.metrics]) {
            let is_each = beliefs.iter().zip(BANDS).all(|(belief, from)| {
                let counts = belief.outcomes.is_finite() && belief.outcomes >= 0.0;
                belief.from == from && (0.0..=1.0).contains(&belief.probability) && counts
            });
            if !is_each {
                return Err("hold a number that is no probability, or a band that is not known");
            }
            if !beliefs.is_sorted_by(|near, far| near.probability <= far.probability) {
                return Err("fall where a difference grows");
            }
        }
        if self.streams.len() == Kind::ALL.len() { Ok(()) } else { Err("are not those of all detectors") }
    }
}

/// Means of the bands, none less than the one before: those that fall are pooled (pool adjacent violators).
fn rising(sums: [(f64, f64); BANDS.len()]) -> Beliefs {
    // A pool: what was harmful, all, and how many bands.
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for (harmful, all) in sums {
        let mut pool = (harmful + BEFORE * BEFORE_COUNTS, all + BEFORE_COUNTS, 1);
        while let Some(last) = pools.last()
            && last.0 * pool.1 > pool.0 * last.1
        {
            pool = (last.0 + pool.0, last.1 + pool.1, last.2 + pool.2);
            pools.pop();
        }
        pools.push(pool);
    }
    let means = pools.into_iter().flat_map(|(harmful, all, bands)| std::iter::repeat_n(harmful / all, bands));
    let mut beliefs = [Belief { from: 0.0, probability: BEFORE, outcomes: 0.0 }; BANDS.len()];
    for (((belief, mean), from), (_, all)) in beliefs.iter_mut().zip(means).zip(BANDS).zip(sums) {
        *belief = Belief { from, probability: mean, outcomes: all };
    }
    beliefs
}
