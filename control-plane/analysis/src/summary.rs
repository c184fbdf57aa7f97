//! What happened in the last minute, for people to read. Never part of a test.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::histogram::{Bin, LatencyHistogram, quantile_bin};
use crate::increment::{Arm, ByArm};

const SLOT_S: u64 = 5;
const SLOTS: u64 = 12;

/// One arm of a scope over the last 55 to 60 closed seconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ArmSummary {
    /// Requests that started.
    pub requests: u64,
    /// Of these, those that failed.
    pub errors: u64,
    /// Median latency in µs of the requests that did not fail; `None` if there were none.
    pub p50_us: Option<u64>,
    /// 99th percentile of latency in µs; `None` if there were no requests.
    pub p99_us: Option<u64>,
}

/// Both arms of a scope over the last minute.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ScopeSummary {
    /// The baseline.
    pub baseline: ArmSummary,
    /// The canary.
    pub canary: ArmSummary,
}

/// Counts of one arm.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) latency: LatencyHistogram,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.errors = self.errors.saturating_add(other.errors);
        self.latency.merge(&other.latency);
    }

    fn subtract(&mut self, other: &Self) {
        self.requests = self.requests.saturating_sub(other.requests);
        self.errors = self.errors.saturating_sub(other.errors);
        self.latency.subtract(&other.latency);
    }
}

/// The last minute of one component, in slots of 5 seconds, with a running sum.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct SummaryWindow {
    slots: VecDeque<(u64, ByArm<Tally>)>,
    sum: ByArm<Tally>,
}

impl SummaryWindow {
    /// Adds what started in `second`; ignored if the window has moved beyond it.
    pub(crate) fn add(&mut self, second: u64, arm: Arm, tally: &Tally) {
        let slot = second / SLOT_S;
        let at = match self.slots.binary_search_by_key(&slot, |entry| entry.0) {
            Ok(at) => at,
            Err(at) if at == self.slots.len() => {
                self.slots.push_back((slot, ByArm::default()));
                at
            }
            Err(at) => {
                self.slots.insert(at, (slot, ByArm::default()));
                at
            }
        };
        if let Some((_, tallies)) = self.slots.get_mut(at) {
            tallies.of_mut(arm).add(tally);
            self.sum.of_mut(arm).add(tally);
        }
    }

    /// Forgets what is older than a minute at `second`.
    pub(crate) fn slide(&mut self, second: u64) {
        let oldest = (second / SLOT_S).saturating_sub(SLOTS - 1);
        while self.slots.front().is_some_and(|(slot, _)| *slot < oldest) {
            if let Some((_, tallies)) = self.slots.pop_front() {
                self.sum.baseline.subtract(&tallies.baseline);
                self.sum.canary.subtract(&tallies.canary);
            }
        }
    }
}

/// Sums several windows.
pub(crate) fn summarise<'a>(windows: impl Iterator<Item = &'a SummaryWindow> + Clone) -> ScopeSummary {
    let arm = |arm: Arm| summarise_arm(windows.clone().map(|window| window.sum.of(arm)));
    ScopeSummary { baseline: arm(Arm::Baseline), canary: arm(Arm::Canary) }
}

fn summarise_arm<'a>(tallies: impl Iterator<Item = &'a Tally> + Clone) -> ArmSummary {
    let mut summary = ArmSummary::default();
    let mut latency = vec![0_u64; if tallies.clone().nth(1).is_some() { Bin::COUNT } else { 0 }];
    let mut only = None;
    for tally in tallies {
        summary.requests = summary.requests.saturating_add(tally.requests);
        summary.errors = summary.errors.saturating_add(tally.errors);
        only = Some(&tally.latency);
        for (bin, count) in tally.latency.bins() {
            if let Some(into) = latency.get_mut(bin.index()) {
                *into = into.saturating_add(count);
            }
        }
    }
    if latency.is_empty() {
        let only = only.map(LatencyHistogram::bins).into_iter().flatten();
        return with_quantiles(summary, only);
    }
    let bins = latency.iter().enumerate().filter(|(_, count)| **count > 0);
    with_quantiles(summary, bins.map(|(index, count)| (Bin::from_index(index), *count)))
}

fn with_quantiles(summary: ArmSummary, bins: impl Iterator<Item = (Bin, u64)> + Clone) -> ArmSummary {
    let count = bins.clone().fold(0, |sum: u64, (_, count)| sum.saturating_add(count));
    let quantile = |quantile| quantile_bin(bins.clone(), count, quantile).map(Bin::highest_us);
    ArmSummary { p50_us: quantile(0.5), p99_us: quantile(0.99), ..summary }
}
