//! A component whose canary runs alone: at full weight, at a first deployment, on a route that the baseline lacks. A version
//! none of whose components has a baseline at less than full weight is not alone: there reports are missing, which holds.
//!
//! Its requests are then judged by the same bets as beside a baseline, which here is a [`Reference`]: as if so many
//! requests ran beside the canary that their shares are known. In order of preference it is what is usual for the component
//! at this hour, what the previous deployment did at the same age, or the plan's limits ([`History`]). A ratio of rates
//! becomes the likelihood ratio of one rate against a bound, which is an e-value for "at most the bound", so the bound on
//! false rollbacks holds as long as what is usual stays usual.
//!
//! Nothing cancels what strikes all versions alike, as it does beside a baseline: so evidence has to grow for
//! [`RawEngineConfig::sustained_s`], whatever its strength, and a single good second takes from it without bound. What is
//! usual includes how minutes differ from each other. The number of requests is not judged: a fall cannot be told from one
//! of the demand.

use serde::{Deserialize, Serialize};

use crate::cells::{CELLS, Cells};
use crate::chart::HourOfWeek;
use crate::config::{Limits, Margins, RawEngineConfig};
use crate::histogram::{DenseHistogram, LatencyHistogram};
use crate::history::{FullMinute, History, LEAST_LATENCIES, Usual};
use crate::increment::ByArm;
use crate::stratum::ArmStratum;
use crate::verdict::BaselineUsed;

/// The baseline has next to no traffic if the canary has so many times its requests.
const NEXT_TO_NONE: u64 = 200;
/// Requests in a row, and seconds, without the baseline that are no chance while it has a weight.
const ALONE_REQUESTS: u64 = 200;
const ALONE_S: u32 = 30;
const LACKING_S: u32 = 10;
/// Seconds without the baseline at full weight: requests under way have ended.
const ALONE_AT_FULL_S: u32 = 5;
/// Requests of a reference for each one of the canary: so many that an e-value exceeds its fair one by no more than rounding.
const KNOWN: u64 = 1_000_000_000;
/// Share of requests that a 99th percentile allows beyond it.
const SLOW: f64 = 0.01;

/// How long a scope's canary has been alone.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Presence {
    alone_s: u32,
    alone_requests: u64,
}

impl Presence {
    pub(super) fn see(&mut self, started: ByArm<u64>) {
        let ByArm { baseline, canary } = started;
        if baseline > 0 && baseline.saturating_mul(NEXT_TO_NONE) >= canary {
            *self = Self::default();
        } else if canary > 0 || self.alone_s > 0 {
            self.alone_s = self.alone_s.saturating_add(1);
            self.alone_requests = self.alone_requests.saturating_add(canary);
        }
    }

    /// So long without any baseline that at less than the full weight its reports are missing, rather than its requests.
    pub(super) fn is_lacking(self) -> bool {
        self.alone_s >= LACKING_S
    }

    pub(super) fn is_alone(self, at_full_weight: bool) -> bool {
        if at_full_weight {
            self.alone_s >= ALONE_AT_FULL_S
        } else {
            self.alone_s >= ALONE_S && self.alone_requests >= ALONE_REQUESTS
        }
    }
}

/// What a canary is compared with that runs alone.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Reference {
    pub(super) kind: BaselineUsed,
    /// Share of failures to be shown, and to be judged by.
    failing: f64,
    failing_limit: f64,
    /// 99th percentile to be shown, in µs.
    p99_us: f64,
    cells: Cells,
    shares: [f64; CELLS],
}

impl Reference {
    fn of_history(kind: BaselineUsed, usual: Usual, history: &History, latency_ratio: f64) -> Option<Self> {
        let latencies = &history.latencies;
        let cells = Cells::learn(latencies, (1.0 + latency_ratio) * usual.slow_down_limit - 1.0)?;
        let mut counts = [0; CELLS];
        cells.baseline_edges().sort(latencies, &mut counts);
        let all = latencies.count().max(1) as f64;
        Some(Self {
            kind,
            failing: usual.failing,
            failing_limit: usual.failing_limit,
            p99_us: latencies.quantile_us(1.0 - SLOW)? as f64 * usual.slow_down,
            shares: counts.map(|count| count as f64 / all),
            cells,
        })
    }

    fn of_limits(limits: Limits) -> Self {
        let (cells, shares) = Cells::beyond(limits.latency_p99_us, SLOW);
        Self {
            kind: BaselineUsed::Thresholds,
            failing: limits.error_rate,
            failing_limit: limits.error_rate,
            p99_us: limits.latency_p99_us as f64,
            cells,
            shares,
        }
    }

    /// The best that is known.
    fn best(history: &History, second: u64, age_s: u64, config: &RawEngineConfig) -> Option<Self> {
        let of = |kind, usual: Option<Usual>| {
            Self::of_history(kind, usual?, history, config.margins.latency_ratio)
        };
        of(BaselineUsed::Profile, history.usual(second))
            .or_else(|| of(BaselineUsed::PreviousDeployment, history.at_age(age_s)))
            .or_else(|| config.limits.map(Self::of_limits))
    }

    pub(super) fn cells(&self) -> &Cells {
        &self.cells
    }

    pub(super) fn p99_us(&self) -> f64 {
        self.p99_us
    }

    /// The arm that `canary` is judged beside.
    pub(super) fn beside(&self, canary: &ArmStratum) -> ArmStratum {
        let sorted = canary.cells.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
        let known = |requests: u64, share: f64| (requests.saturating_mul(KNOWN) as f64 * share) as u64;
        ArmStratum {
            started: canary.started.saturating_mul(KNOWN),
            failed: known(canary.started, self.failing_limit),
            cells: self.shares.map(|share| known(sorted, share)),
            ..ArmStratum::default()
        }
    }

    /// Limits are absolute: no margin is added to them, but for a warm-up.
    pub(super) fn config(&self, config: &RawEngineConfig, warm: bool) -> RawEngineConfig {
        if self.kind != BaselineUsed::Thresholds {
            return *config;
        }
        let margins = Margins { error_ratio: 1.0, error_absolute: 0.0, ..config.margins };
        let mut config = RawEngineConfig { margins, ..*config };
        config.healthy.error_ratio = 1.0;
        config.healthy.error_absolute = 0.0;
        config.healthy.slow_ratio = 1.0;
        config.healthy.slow_absolute = 0.0;
        if warm { config.in_warm_up() } else { config }
    }
}

/// What is shown in the baseline's place.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Beside {
    pub(super) kind: BaselineUsed,
    /// Share of failures.
    pub(super) failing: f64,
    /// 99th percentile in µs.
    pub(super) p99_us: f64,
}

impl Beside {
    pub(super) fn of(solo: &Solo) -> Self {
        let reference = solo.reference();
        Self {
            kind: solo.kind(),
            failing: reference.map_or(0.0, |reference| reference.failing),
            p99_us: reference.map_or(0.0, |reference| reference.p99_us),
        }
    }

    /// The mean over components by their requests, of the weakest kind among them.
    pub(super) fn mean(parts: impl Iterator<Item = (Self, u64)>) -> Self {
        let (mut sum, mut all) = (Self { kind: BaselineUsed::Concurrent, failing: 0.0, p99_us: 0.0 }, 0.0);
        for (part, requests) in parts {
            all += requests as f64;
            sum.kind = sum.kind.max(part.kind);
            sum.failing += (part.failing - sum.failing) * requests as f64 / all;
            sum.p99_us += (part.p99_us - sum.p99_us) * requests as f64 / all;
        }
        if all > 0.0 { sum } else { Self { kind: BaselineUsed::Nothing, ..sum } }
    }
}

/// A canary that runs alone.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Solo {
    /// `None`: nothing is known to compare it with.
    reference: Option<Reference>,
    /// Hour of the week and slot of the deployment for which that holds.
    valid_for: (Option<HourOfWeek>, usize),
    /// What becomes usual if the canary is promoted.
    next: History,
    /// All its latencies since it runs alone.
    latencies: DenseHistogram,
}

impl Solo {
    pub(super) fn new(history: &History, second: u64, age: (u64, usize), config: &RawEngineConfig) -> Self {
        let mut solo = Self {
            reference: None,
            valid_for: (None, 0),
            next: history.clone(),
            latencies: DenseHistogram::default(),
        };
        solo.refresh(history, second, age, config);
        solo
    }

    pub(super) fn reference(&self) -> Option<&Reference> {
        self.reference.as_ref()
    }

    pub(super) fn kind(&self) -> BaselineUsed {
        self.reference.as_ref().map_or(BaselineUsed::Nothing, |reference| reference.kind)
    }

    /// Looks for a better reference when the hour or the slot of the deployment has changed; says whether the kind did.
    pub(super) fn refresh(
        &mut self,
        history: &History,
        second: u64,
        (age_s, slot): (u64, usize),
        config: &RawEngineConfig,
    ) -> bool {
        let valid_for = (Some(HourOfWeek::of(second)), slot);
        if self.valid_for == valid_for {
            return false;
        }
        let before = self.kind();
        self.valid_for = valid_for;
        self.reference = Reference::best(history, second, age_s, config);
        self.kind() != before
    }

    /// Takes in the canary's latencies of a second, and the minute that it ends.
    pub(super) fn see(&mut self, latency: &LatencyHistogram, minute: Option<FullMinute>) {
        const ENOUGH: u64 = 100_000;
        self.latencies.add(latency.bins());
        if self.latencies.count() >= 2 * ENOUGH {
            self.latencies.halve();
        }
        if let Some(minute) = minute {
            self.next.see(minute);
        }
    }

    /// What is usual once the canary is promoted.
    pub(super) fn promoted(&self) -> History {
        let mut history = self.next.clone();
        if self.latencies.count() >= LEAST_LATENCIES {
            history.latencies = self.latencies.to_sparse();
        }
        history
    }
}

#[cfg(test)]
mod tests;
