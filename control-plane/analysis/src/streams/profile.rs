//! Whether the page views of the canary as a whole are unlike the baseline's, where no trait of them shows it alone.
//!
//! In each stratum a trait's events of both arms are shared out by chance if the arms are alike: given their sum, those of the canary
//! have the mean and the variance of the hypergeometric distribution (Mantel and Haenszel 1959). What is beyond the mean adds up over
//! blocks of time, divided by its standard deviation: one vector a block. Of [`BLOCKS`] of them it is asked how far their mean is from
//! 0 by their own spread ([`distance`]), so that traits which come together count once. Then neighbours are added up to half as
//! many blocks of twice the length. So looks come when the views have doubled, and the kth may err with [`ALPHA`] / (k (k + 1)), which
//! sums to [`ALPHA`] over all.
//!
//! It is told, and undoes and holds nothing. It is bounded: counts of one stratum, and a few blocks of numbers.

mod distance;
mod peculiarity;

use serde::{Deserialize, Serialize};

use super::{Finding, Kind};
use crate::increment::ByArm;
use crate::verdict::Verdict;
pub use peculiarity::{Peculiarity, Trait};

/// Probability that it is told of a canary whose page views are like the baseline's, at most, over all looks.
pub(super) const ALPHA: f64 = 0.01;
/// Traits of a page view.
const TRAITS: usize = Kind::OF_PAGE_VIEWS.len();
/// Blocks at which it is looked.
const BLOCKS: usize = 32;
/// Seconds of a block at least, before blocks are added up.
const BLOCK_S: u64 = 10;
/// Page views of each arm in a block at least.
const BLOCK_VIEWS: u64 = 10;
/// Page views of each arm in a stratum at least, and the seconds after which it is closed anyway.
const STRATUM: (u64, u64) = (3, 30);
/// Variance that a trait's events have in a block, on average, from which on it is looked at: rarer ones are not normal enough.
const VARIANCE_LEAST: f64 = 2.0;
/// People come back: their page views in several blocks are alike, so the variance of a mean of blocks exceeds what the blocks show.
const ALLOWANCE: f64 = 1.25;

/// Events of one trait, and the page views beside which they are counted.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Tally {
    events: ByArm<u64>,
    exposures: ByArm<u64>,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        let add = |into: &mut u64, count: u64| *into = into.saturating_add(count);
        add(&mut self.events.baseline, other.events.baseline.min(other.exposures.baseline));
        add(&mut self.events.canary, other.events.canary.min(other.exposures.canary));
        add(&mut self.exposures.baseline, other.exposures.baseline);
        add(&mut self.exposures.canary, other.exposures.canary);
    }

    /// What the canary's events are beyond their mean if the arms are alike, and the variance of that.
    fn beyond(&self) -> Beyond {
        let float = |of: ByArm<u64>| (of.baseline as f64, of.canary as f64);
        let ((baseline, canary), (of_baseline, of_canary)) = (float(self.events), float(self.exposures));
        let (events, all) = (baseline + canary, of_baseline + of_canary);
        if of_baseline < 1.0 || of_canary < 1.0 {
            return Beyond::default();
        }
        let part = of_canary / all;
        Beyond {
            sum: canary - events * part,
            variance: events * (all - events) * part * (1.0 - part) / (all - 1.0),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Beyond {
    sum: f64,
    variance: f64,
}

/// Sums of all traits over a stretch of time.
type Block = [Beyond; TRAITS];

fn add(into: &mut Block, other: &Block) {
    for (into, other) in into.iter_mut().zip(other) {
        into.sum += other.sum;
        into.variance += other.variance;
    }
}

/// Page views: those of the trait that most of them tell of.
fn views(tallies: &[Tally; TRAITS]) -> ByArm<u64> {
    let most = |one: ByArm<u64>, other: ByArm<u64>| ByArm {
        baseline: one.baseline.max(other.baseline),
        canary: one.canary.max(other.canary),
    };
    tallies.iter().map(|tally| tally.exposures).fold(ByArm::default(), most)
}

/// The page views of both arms.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(super) struct Profile {
    stratum: [Tally; TRAITS],
    stratum_since: Option<u64>,
    totals: [Tally; TRAITS],
    first_second: u64,
    /// The block that is not full, its views and its first second.
    open: Block,
    open_views: ByArm<u64>,
    open_since: Option<u64>,
    /// Full blocks that are being added up to one.
    gathered: Block,
    gathered_count: u64,
    /// How many make one: two to this power.
    doublings: u32,
    blocks: Vec<Block>,
    looks: u32,
    is_stopped: bool,
    found: Option<Peculiarity>,
}

impl Profile {
    /// Nothing further is taken in; what was found stays.
    pub(super) fn stop(&mut self) {
        self.is_stopped = true;
    }

    /// Takes in a closed second: the events and exposures of each trait, in the order of [`Kind::OF_PAGE_VIEWS`].
    pub(super) fn close(&mut self, second: u64, counts: [(ByArm<u64>, ByArm<u64>); TRAITS]) {
        if self.is_stopped {
            return;
        }
        for (tally, (events, exposures)) in self.stratum.iter_mut().zip(counts) {
            tally.add(&Tally { events, exposures });
        }
        let views = views(&self.stratum);
        if views.baseline.saturating_add(views.canary) == 0 {
            return;
        }
        let (least, oldest_s) = STRATUM;
        let since = *self.stratum_since.get_or_insert(second);
        if views.baseline.min(views.canary) < least && second.saturating_sub(since) < oldest_s {
            return;
        }
        self.stratum_since = None;
        let stratum = std::mem::take(&mut self.stratum);
        for (total, tally) in self.totals.iter_mut().zip(&stratum) {
            total.add(tally);
        }
        add(&mut self.open, &stratum.map(|tally| tally.beyond()));
        self.open_views.baseline = self.open_views.baseline.saturating_add(views.baseline);
        self.open_views.canary = self.open_views.canary.saturating_add(views.canary);
        let since = *self.open_since.get_or_insert(since);
        if self.first_second == 0 {
            self.first_second = since;
        }
        let is_full = self.open_views.baseline.min(self.open_views.canary) >= BLOCK_VIEWS;
        if is_full && second.saturating_sub(since).saturating_add(1) >= BLOCK_S {
            self.gather();
        }
    }

    /// The open block is full.
    fn gather(&mut self) {
        add(&mut self.gathered, &std::mem::take(&mut self.open));
        (self.open_views, self.open_since) = (ByArm::default(), None);
        self.gathered_count += 1;
        if self.gathered_count < 1_u64.checked_shl(self.doublings).unwrap_or(u64::MAX) {
            return;
        }
        self.gathered_count = 0;
        self.blocks.push(std::mem::take(&mut self.gathered));
        if self.blocks.len() < BLOCKS {
            return;
        }
        self.look();
        self.doublings += 1;
        let double = |pair: &[Block]| {
            let mut sum = Block::default();
            pair.iter().for_each(|block| add(&mut sum, block));
            sum
        };
        self.blocks = self.blocks.chunks(2).map(double).collect();
    }

    fn look(&mut self) {
        let many = self.blocks.len() as f64;
        let variance = |at: usize| {
            let of_trait = self.blocks.iter().filter_map(|block| block.get(at));
            of_trait.map(|beyond| beyond.variance).sum::<f64>() / many
        };
        let common: Vec<usize> = (0..TRAITS).filter(|at| variance(*at) >= VARIANCE_LEAST).collect();
        let standardised = |beyond: &Beyond| {
            if beyond.variance > 0.0 { beyond.sum / beyond.variance.sqrt() } else { 0.0 }
        };
        let vector =
            |block: &Block| common.iter().filter_map(|at| block.get(*at)).map(standardised).collect();
        let vectors: Vec<Vec<f64>> = self.blocks.iter().map(vector).collect();
        let Some(distance) = distance::of(&vectors, ALLOWANCE) else { return };
        self.looks += 1;
        let look = f64::from(self.looks);
        let probability = (distance.probability * look * (look + 1.0)).min(1.0);
        if probability > self.found.as_ref().map_or(ALPHA, |found| found.probability) {
            return;
        }
        let told = common.iter().zip(distance.parts).filter_map(|(at, part)| {
            let (kind, total) = (*Kind::OF_PAGE_VIEWS.get(*at)?, self.totals.get(*at)?);
            Some(Trait { kind, part, events: total.events, exposures: total.exposures })
        });
        let mut traits: Vec<Trait> = told.collect();
        traits.sort_by(|one, other| other.part.total_cmp(&one.part));
        self.found = Some(Peculiarity { distance: distance.squared.max(0.0).sqrt(), probability, traits });
    }

    /// What it shows. `None`: nothing.
    pub(super) fn finding(&self) -> Option<Finding> {
        let found = self.found.as_ref()?;
        // A calibrator that makes an e-value of a probability: p^(-1/2) / 2 (Vovk and Wang 2021).
        let log_evidence = |probability: f64| 0.5_f64.ln() - probability.max(f64::MIN_POSITIVE).ln() / 2.0;
        let most = found.traits.iter().max_by_key(|one| one.exposures.canary);
        Some(Finding {
            kind: Kind::Profile,
            component: String::new(),
            name: String::new(),
            samples: Vec::new(),
            first_second: self.first_second,
            is_harmful: false,
            is_new: false,
            verdict: Verdict::Inconclusive,
            log_evidence: log_evidence(found.probability),
            log_threshold: log_evidence(ALPHA),
            allowed: 0.0,
            events: ByArm::default(),
            exposures: most.map(|one| one.exposures).unwrap_or_default(),
            learned_confidence: None,
            peculiarity: Some(found.clone()),
        })
    }
}

#[cfg(test)]
mod tests;
