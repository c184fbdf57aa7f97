//! What is told of page views that are unlike the baseline's, as data and in words.

use serde::{Deserialize, Serialize};

use crate::increment::ByArm;
use crate::streams::Kind;
use crate::verdict::percent;

/// Traits that are named in a sentence.
const NAMED: usize = 3;

/// How far the canary's page views as a whole are from the baseline's.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Peculiarity {
    /// The Mahalanobis distance, in standard errors: the root of Hotelling's T². Chance gives about the root of the number of traits.
    pub distance: f64,
    /// Probability that alike page views come to be so far apart at this look or any other, at most.
    pub probability: f64,
    /// The traits that were looked at, those that make most of the distance first.
    pub traits: Vec<Trait>,
}

/// A trait of page views in a distance.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Trait {
    /// The trait.
    pub kind: Kind,
    /// Its part of the squared distance; all sum to 1, and one that only explains others may be below 0.
    pub part: f64,
    /// Page views with it.
    pub events: ByArm<u64>,
    /// Page views.
    pub exposures: ByArm<u64>,
}

impl Trait {
    /// In words, with its numbers.
    pub(in crate::streams) fn words(&self) -> String {
        let rate = |events: u64, of: u64| percent(events as f64 / of.max(1) as f64);
        format!(
            "{}: {} on the canary, {} on the baseline, {:.0} % of the distance",
            self.kind.words(),
            rate(self.events.canary, self.exposures.canary),
            rate(self.events.baseline, self.exposures.baseline),
            100.0 * self.part,
        )
    }
}

impl Peculiarity {
    /// In words: one sentence without a full stop.
    pub(in crate::streams) fn sentence(&self) -> String {
        let named: Vec<String> = self.traits.iter().take(NAMED).map(Trait::words).collect();
        format!(
            "page views as a whole are unlike the baseline's: distance {:.1} where chance gives about {:.1}, and so much to at most one in \
             {:.0} rollouts (most of it are {}): no harm by itself",
            self.distance,
            (self.traits.len() as f64).sqrt(),
            1.0 / self.probability.clamp(1e-9, 1.0),
            named.join("; "),
        )
    }
}
