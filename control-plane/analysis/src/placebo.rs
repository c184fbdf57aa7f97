//! Overdispersion, measured on placebo hosts.
//!
//! Requests of one host share its speed and its bad moments, and retries come in clusters, so counts vary more than
//! those of independent requests. How much more is seen on the baseline: each of its hosts is a canary that changed
//! nothing. Per block of 60 s and per count (failures; requests slower than the baseline's p50, p85, p95) the hosts'
//! Pearson statistic over its degrees of freedom estimates phi, the variance relative to independent requests
//! (McCullagh and Nelder 1989, section 4.5). Log evidence is divided by phi.
//!
//! If only 1 in N requests is sampled, the sample's excess of variance is N times smaller: phi = 1 + N (phi_s - 1).
//! Blocks are weighted by their precision, the configured value counts as one estimate among them, and old blocks fade
//! within hours. What is used at any second comes from blocks that ended before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cells::{CELLS, Cells, Edges};
use crate::increment::{Arm, ByArm, HostSample};

const BLOCK_S: u64 = 60;
/// A block is complete this long after it ended, in seconds.
const GRACE_S: u64 = 5;
/// Hosts per arm and block; of more, those with the smallest hashes are kept, whatever order they come in.
const MOST_HOSTS: usize = 32;
/// Blocks that are open at a time; of more, the earliest are kept.
const MOST_BLOCKS: usize = 4;
/// With fewer hosts their spread says nothing.
const LEAST_HOSTS: usize = 4;
/// Edges beyond which slow requests are counted: p50, p85, p95.
const SLOW_EDGES: [usize; 3] = [1, 5, 8];
/// Standard deviation of the configured value about the truth: how much it counts beside what is measured.
const PRIOR_SD: f64 = 2.0;
/// What was learned is halved in weight after this many blocks: four hours.
const HALF_LIFE_BLOCKS: f64 = 240.0;
/// Largest overdispersion that is told apart.
pub(crate) const MOST_PHI: f64 = 1_000.0;

/// One host within a block.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
struct HostBlock {
    requests: u64,
    /// Requests that the sampled ones stand for.
    stand_for: u64,
    failed: u64,
    /// Samples with a failure, of one second each.
    failing: u64,
    cells: [u32; CELLS],
}

/// The hosts of both arms within 60 s.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Block {
    /// The edges when it began. `None`: latency is not sorted.
    edges: Option<Edges>,
    hosts: ByArm<BTreeMap<u64, HostBlock>>,
}

impl Block {
    fn host(&mut self, arm: Arm, host: u64) -> Option<&mut HostBlock> {
        let hosts = self.hosts.of_mut(arm);
        if hosts.len() >= MOST_HOSTS && !hosts.contains_key(&host) {
            if hosts.last_key_value().is_none_or(|(largest, _)| *largest < host) {
                return None;
            }
            hosts.pop_last();
        }
        Some(hosts.entry(host).or_default())
    }

    fn add(&mut self, sample: &HostSample) {
        let edges = self.edges;
        let Some(host) = self.host(sample.arm, sample.host) else { return };
        host.requests = host.requests.saturating_add(sample.requests);
        let one_in = u64::from(sample.one_in.max(1));
        host.stand_for = host.stand_for.saturating_add(sample.requests.saturating_mul(one_in));
        host.failed = host.failed.saturating_add(sample.failed);
        host.failing = host.failing.saturating_add(sample.failed.min(1));
        if let (Some(edges), Some(latency)) = (edges, &sample.latency) {
            let mut cells = [0; CELLS];
            edges.sort(latency, &mut cells);
            for (into, count) in host.cells.iter_mut().zip(cells) {
                *into = into.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
            }
        }
    }

    /// Requests that one sampled request stands for.
    fn one_in(&self) -> f64 {
        let hosts = self.hosts.baseline.values();
        let (sampled, all) = hosts.fold((0_u64, 0_u64), |(sampled, all), host| {
            (sampled.saturating_add(host.requests), all.saturating_add(host.stand_for))
        });
        if sampled > 0 { all as f64 / sampled as f64 } else { 1.0 }
    }

    /// Requests of a canary host for each one of a baseline host. At least 1: clusters do not shrink with traffic.
    fn load_ratio(&self) -> f64 {
        let mean = |hosts: &BTreeMap<u64, HostBlock>| {
            let all: f64 = hosts.values().map(|host| host.stand_for as f64).sum();
            all / hosts.len().max(1) as f64
        };
        let (baseline, canary) = (mean(&self.hosts.baseline), mean(&self.hosts.canary));
        if baseline > 0.0 { (canary / baseline).max(1.0) } else { 1.0 }
    }
}

/// Estimate of one overdispersion.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Estimate {
    /// Sum of the blocks' precisions (reciprocal variances).
    precision: f64,
    /// Their mean, weighted by precision. May lie below 1.
    mean: f64,
}

impl Estimate {
    /// Takes in the hosts of a block, each as events among requests of which 1 in `one_in` was sampled.
    fn learn(&mut self, hosts: impl Iterator<Item = (f64, f64)> + Clone, one_in: f64, load_ratio: f64) {
        self.precision *= 0.5_f64.powf(1.0 / HALF_LIFE_BLOCKS);
        let Some(sampled) = pearson(hosts) else { return };
        let scale = one_in * load_ratio;
        let phi = 1.0 + scale * (sampled.phi - 1.0);
        // The variance of chi-squared over its degrees of freedom, at the dispersion of the blocks before: weights that
        // looked at this block's would favour small estimates.
        let believed = if self.precision > 0.0 { self.mean } else { phi };
        let believed = 1.0 + (believed.max(1.0) - 1.0) / scale;
        let precision = sampled.freedom / (2.0 * (scale * believed).powi(2));
        if phi.is_finite() && precision > 0.0 {
            self.precision += precision;
            self.mean += precision / self.precision * (phi.min(MOST_PHI) - self.mean);
        }
    }

    /// What is measured so far, with the configured value as one more estimate.
    fn phi(&self, configured: f64) -> f64 {
        // The uncertainty of a large estimate grows with it, and so does that of the configured value beside it: else
        // many blocks that say 50 count less than one word that says 4.
        let sd = PRIOR_SD * (self.mean / configured).max(1.0);
        let prior = 1.0 / (sd * sd);
        let mean = (prior * configured + self.precision * self.mean) / (prior + self.precision);
        mean.clamp(1.0, MOST_PHI)
    }
}

#[derive(Clone, Copy, Debug)]
struct Pearson {
    phi: f64,
    freedom: f64,
}

/// Pearson's statistic of homogeneity over its degrees of freedom. `None`: too few hosts or events to say anything.
fn pearson(hosts: impl Iterator<Item = (f64, f64)> + Clone) -> Option<Pearson> {
    let hosts = hosts.filter(|(_, requests)| *requests > 0.0);
    let count = hosts.clone().count();
    let (events, requests) =
        hosts.clone().fold((0.0, 0.0), |(events, requests), host| (events + host.0, requests + host.1));
    let share = events / requests;
    if count < LEAST_HOSTS || events < 2.0 || share >= 1.0 {
        return None;
    }
    let distance = |(events, of): (f64, f64)| (events - of * share).powi(2) / (of * share * (1.0 - share));
    let freedom = (count - 1) as f64;
    let statistic: f64 = hosts.map(distance).sum();
    // One event alone always gives the same statistic, so of few events only those beyond the first say something.
    Some(Pearson { phi: statistic / freedom, freedom: freedom * (1.0 - 1.0 / events) })
}

/// Overdispersion of one scope's counts.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Phi {
    pub(crate) errors: f64,
    /// Of the first failure of each second alone.
    pub(crate) firsts: f64,
    pub(crate) latency: f64,
}

impl Phi {
    /// The larger of each.
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            errors: self.errors.max(other.errors),
            firsts: self.firsts.max(other.firsts),
            latency: self.latency.max(other.latency),
        }
    }
}

/// What placebo hosts taught about one scope, to be stored for the next rollout.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Dispersion {
    errors: Estimate,
    firsts: Estimate,
    latency: [Estimate; SLOW_EDGES.len()],
}

impl Dispersion {
    pub(crate) fn phi(&self, configured: Phi) -> Phi {
        let latency = self.latency.iter().map(|estimate| estimate.phi(configured.latency));
        Phi {
            errors: self.errors.phi(configured.errors),
            firsts: self.firsts.phi(configured.firsts),
            latency: latency.fold(1.0, f64::max),
        }
    }

    /// Whether hosts have shown how much their latencies differ.
    pub(crate) fn is_latency_measured(&self) -> bool {
        self.latency.iter().any(|estimate| estimate.precision > 0.0)
    }

    fn learn(&mut self, block: &Block) {
        let (one_in, ratio) = (block.one_in(), block.load_ratio());
        let hosts = block.hosts.baseline.values();
        let failures = hosts.clone().map(|host| (host.failed as f64, host.requests as f64));
        self.errors.learn(failures, one_in, ratio);
        let firsts = hosts.clone().map(|host| (host.failing as f64, host.requests as f64));
        self.firsts.learn(firsts, one_in, ratio);
        for (estimate, edge) in self.latency.iter_mut().zip(SLOW_EDGES) {
            let slow = hosts.clone().map(|host| {
                let beyond = host.cells.iter().skip(edge + 1).map(|count| f64::from(*count)).sum();
                (beyond, host.cells.iter().map(|count| f64::from(*count)).sum())
            });
            estimate.learn(slow, one_in, ratio);
        }
    }

    /// Numbers that can be used, whatever was stored.
    pub(crate) fn checked(self) -> Self {
        let checked = |estimate: Estimate| {
            let Estimate { precision, mean } = estimate;
            let sound = (0.0..=1e6).contains(&precision) && (-1e6..=1e6).contains(&mean);
            if sound { estimate } else { Estimate::default() }
        };
        Self {
            errors: checked(self.errors),
            firsts: checked(self.firsts),
            latency: self.latency.map(checked),
        }
    }
}

/// The placebo hosts of one component.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Placebo {
    blocks: BTreeMap<u64, Block>,
    /// Blocks before this one have been learned from.
    next_block: u64,
    pub(crate) dispersion: Dispersion,
}

impl Placebo {
    /// Adds a sample. What comes after its block was learned from is left out.
    pub(crate) fn add(&mut self, sample: &HostSample, cells: Option<&Cells>) {
        let number = sample.start_second / BLOCK_S;
        if number < self.next_block {
            return;
        }
        if self.blocks.len() >= MOST_BLOCKS && !self.blocks.contains_key(&number) {
            if self.blocks.last_key_value().is_none_or(|(latest, _)| *latest < number) {
                return;
            }
            self.blocks.pop_last();
        }
        let edges = || Block { edges: cells.map(Cells::baseline_edges), ..Block::default() };
        self.blocks.entry(number).or_insert_with(edges).add(sample);
    }

    /// Learns from the blocks that are complete now that `second` has closed. Hosts are handed to `whole`, which sums
    /// them over all components.
    pub(crate) fn close(&mut self, second: u64, whole: &mut Whole) {
        let complete = second.saturating_sub(GRACE_S) / BLOCK_S;
        while let Some(entry) = self.blocks.first_entry().filter(|entry| *entry.key() < complete) {
            let (number, block) = entry.remove_entry();
            self.dispersion.learn(&block);
            whole.add(number, &block);
        }
        self.next_block = self.next_block.max(complete);
    }
}

/// The hosts of all components together: a slow pod is slow on every route.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Whole {
    /// What the components handed over and was not learned from.
    blocks: BTreeMap<u64, Block>,
    pub(crate) dispersion: Dispersion,
}

impl Whole {
    fn add(&mut self, number: u64, block: &Block) {
        let sum = self.blocks.entry(number).or_default();
        for arm in [Arm::Baseline, Arm::Canary] {
            for (host, counts) in block.hosts.of(arm) {
                let Some(into) = sum.host(arm, *host) else { continue };
                into.requests = into.requests.saturating_add(counts.requests);
                into.stand_for = into.stand_for.saturating_add(counts.stand_for);
                into.failed = into.failed.saturating_add(counts.failed);
                into.failing = into.failing.saturating_add(counts.failing);
                for (into, count) in into.cells.iter_mut().zip(counts.cells) {
                    *into = into.saturating_add(count);
                }
            }
        }
    }

    /// Learns from what the components handed over.
    pub(crate) fn learn(&mut self) {
        for block in std::mem::take(&mut self.blocks).values() {
            self.dispersion.learn(block);
        }
    }
}

#[cfg(test)]
mod tests;
