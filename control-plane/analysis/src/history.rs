//! What is usual for one component, and how its last deployment went: what a canary is compared with where no baseline
//! runs beside it.
//!
//! Minute by minute the version that serves adds its share of failures and its median to robust profiles by hour of the
//! week ([`Profile`]): a single incident moves them little, even among the first minutes, and last month counts less than
//! last week. From centre and spread follows what is still usual: two standard deviations of the minutes about their
//! centre, without what chance adds to a minute, and what the centre itself may be wrong by. Beside that the course of the
//! latest promoted deployment is kept, in slots that double in length. The same profiles are the centre lines of control
//! charts.
//!
//! Bounded: at most 168 hours and [`SLOTS`] slots of a few numbers, and one histogram.

mod minute;

use serde::{Deserialize, Serialize};

use crate::chart::profile::KNOWN;
use crate::chart::{Profile, Reference};
use crate::histogram::LatencyHistogram;
use minute::VALUE_S;
pub(crate) use minute::{FullMinute, Minute};

/// Standard deviations of the minutes about their centre that are usual.
const SPREADS: f64 = 2.0;
/// Standard deviations, and failures, by which a measured share may be too low: beyond that with probability 0.0013, and
/// 0.007 where no failure was seen.
const CHANCE: (f64, f64) = (3.0, 5.0);
/// Bounds of a slow-down relative to the histogram.
const SLOW_DOWNS: (f64, f64) = (0.2, 5.0);
/// Slots of a deployment: 1, 2, 4 ... minutes, the last one 22 days.
const SLOTS: usize = 16;
/// Requests of a slot without which it says nothing.
const LEAST_IN_SLOT: u64 = 300;
/// Part by which a deployment's medians may be missed: one deployment says nothing about how much they spread.
const DEPLOYMENT_SPREAD: f64 = 0.1;
/// Logarithm by which a median may be rounded.
const BIN_WIDTH: f64 = 0.016;
/// Latencies of a histogram without which it says nothing.
pub(crate) const LEAST_LATENCIES: u64 = 200;

/// What is usual at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Usual {
    /// Share of requests that fails.
    pub(crate) failing: f64,
    /// Share up to which that is still usual.
    pub(crate) failing_limit: f64,
    /// Latency relative to the histogram.
    pub(crate) slow_down: f64,
    /// Relative latency up to which that is still usual.
    pub(crate) slow_down_limit: f64,
}

impl Usual {
    fn checked(self) -> Option<Self> {
        let Self { failing, failing_limit, slow_down, slow_down_limit } = self;
        let numbers = [failing, failing_limit, slow_down, slow_down_limit];
        let bounded = |value: f64| value.clamp(SLOW_DOWNS.0, SLOW_DOWNS.1);
        numbers.iter().all(|number| number.is_finite()).then(|| Self {
            failing: failing.clamp(0.0, 1.0),
            failing_limit: failing_limit.clamp(0.0, 1.0),
            slow_down: bounded(slow_down),
            slow_down_limit: bounded(slow_down_limit),
        })
    }
}

/// What is usual for a component.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct History {
    /// Shares of failures.
    failing: Profile,
    /// Logarithms of the median in µs.
    medians: Profile,
    /// Requests behind a value, smoothed.
    requests: f64,
    /// All latencies, as of when this was handed on.
    pub(crate) latencies: LatencyHistogram,
    /// The latest deployment that was promoted.
    pub(crate) deployment: Deployment,
}

impl History {
    /// Takes in a minute of the version that serves.
    pub(crate) fn see(&mut self, minute: FullMinute) {
        const WEIGHT: f64 = 0.1;
        let weight = if self.requests > 0.0 { WEIGHT } else { 1.0 };
        self.requests += weight * (minute.requests as f64 - self.requests);
        let requests = minute.requests as f64;
        self.failing.observe(minute.second, minute.failing(), |share| by_chance(share, requests));
        if let Some(median) = minute.log_median() {
            self.medians.observe(minute.second, median, |_| BIN_WIDTH);
        }
    }

    /// What is usual at the Unix second `second`. `None`: too little is known.
    pub(crate) fn usual(&self, second: u64) -> Option<Usual> {
        let (failing, median) = (self.failing.usual(second)?, self.medians.usual(second)?);
        let centre = failing.centre.max(0.0);
        let by_chance = centre / self.requests.max(1.0);
        let spread = (failing.spread * failing.spread - by_chance).max(0.0).sqrt();
        let of_all = self.median()?.ln();
        let usual = Usual {
            failing: centre,
            failing_limit: at_most(centre, KNOWN * self.requests) + SPREADS * spread,
            slow_down: (median.centre - of_all).exp(),
            slow_down_limit: (median.centre + SPREADS * median.spread - of_all).exp(),
        };
        usual.checked()
    }

    /// What is usual for such a minute: the share that fails, and the logarithm of the median in µs. With fewer requests than
    /// usual it may lie farther from that. `None`: too little is known.
    pub(crate) fn of_minute(&self, minute: FullMinute) -> Option<[Reference; 2]> {
        let (failing, median) = (self.failing.usual(minute.second)?, self.medians.usual(minute.second)?);
        let (usually, requests) = (self.requests.max(1.0), minute.requests as f64);
        let centre = failing.centre.max(0.0);
        let beyond_chance = (failing.spread * failing.spread - centre / usually).max(0.0);
        let median = Reference { spread: median.spread.max(BIN_WIDTH), ..median };
        Some([
            Reference { centre, spread: beyond_chance.sqrt().hypot(by_chance(centre, requests)) },
            median.of_requests(requests, usually),
        ])
    }

    /// What the latest deployment did `age_s` after it began.
    pub(crate) fn at_age(&self, age_s: u64) -> Option<Usual> {
        let slot = self.deployment.slots.get(slot_of(age_s))?;
        if slot.requests < LEAST_IN_SLOT || slot.medians == 0 {
            return None;
        }
        let requests = slot.requests as f64;
        let failing = slot.failed as f64 / requests;
        let slow_down = (slot.log_median - self.median()?.ln()).exp();
        let usual = Usual {
            failing,
            failing_limit: at_most(failing, requests),
            slow_down,
            slow_down_limit: slow_down * (1.0 + DEPLOYMENT_SPREAD),
        };
        usual.checked()
    }

    /// The median of all latencies in µs; `None` while they are few.
    fn median(&self) -> Option<f64> {
        let known = self.latencies.count() >= LEAST_LATENCIES;
        known.then(|| self.latencies.quantile_us(0.5)).flatten().map(|us| us.max(1) as f64)
    }
}

/// Standard deviation of a share over `requests`, with one failure more than there were, so that the first one is not thought
/// impossible.
fn by_chance(share: f64, requests: f64) -> f64 {
    (share.max(0.0) * requests + 1.0).sqrt() / requests
}

/// A share that was measured over `requests`, with what chance may have taken from it.
fn at_most(share: f64, requests: f64) -> f64 {
    let requests = requests.max(1.0);
    share + CHANCE.0 * (share / requests).sqrt() + CHANCE.1 / requests
}

/// The course of one deployment since its first request.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Deployment {
    began: Option<u64>,
    /// By age; the n-th begins `2^n - 1` minutes after the first request.
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Slot {
    requests: u64,
    failed: u64,
    /// Mean of the logarithms of the median in µs, once a minute.
    log_median: f64,
    medians: u32,
}

impl Deployment {
    /// Takes in a second of the deployed version.
    pub(crate) fn see(
        &mut self,
        second: u64,
        requests: u64,
        failed: u64,
        median_us: impl FnOnce() -> Option<u64>,
    ) {
        if requests == 0 {
            return;
        }
        let age_s = second.saturating_sub(*self.began.get_or_insert(second));
        let at = slot_of(age_s);
        if self.slots.len() <= at {
            self.slots.resize(at + 1, Slot::default());
        }
        let Some(slot) = self.slots.get_mut(at) else { return };
        slot.requests = slot.requests.saturating_add(requests);
        slot.failed = slot.failed.saturating_add(failed.min(requests));
        if age_s % VALUE_S == VALUE_S - 1
            && let Some(us) = median_us()
        {
            slot.medians = slot.medians.saturating_add(1);
            slot.log_median += ((us.max(1) as f64).ln() - slot.log_median) / f64::from(slot.medians);
        }
    }

    /// Seconds since its first request.
    pub(crate) fn age_s(&self, second: u64) -> u64 {
        self.began.map_or(0, |began| second.saturating_sub(began))
    }

    /// Changes when something else is known of its course.
    pub(crate) fn slot(&self, second: u64) -> usize {
        slot_of(self.age_s(second))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

fn slot_of(age_s: u64) -> usize {
    let minutes = age_s / VALUE_S + 1;
    usize::try_from(minutes.ilog2()).unwrap_or(SLOTS).min(SLOTS - 1)
}

#[cfg(test)]
mod tests;
