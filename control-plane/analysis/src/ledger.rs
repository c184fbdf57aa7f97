//! Requests that were still open when their second closed, and the strata that paid for their exposure.
//!
//! A request that fails after its second has closed is not a new exposure. It is booked on the stratum in which it
//! started: there if that stratum is still open, else at the odds that stratum had. Bounded by the retention: what
//! is older is forgotten, and only as many failures are booked as requests were open.

use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::evalue::Counts;
use crate::increment::{Arm, ByArm};
use crate::window::RETENTION_S;

/// Strata for which there is room at least, whenever there is none left.
const ROOM: usize = 8;

/// A stratum that was judged. Small, as a component may keep one for each second of the retention.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct ClosedStratum {
    last_second: u64,
    /// Seconds that it covers before the last one.
    earlier_s: u32,
    /// Rounded to 24 bits: only their ratio counts.
    exposures: ByArm<f32>,
    late_failures: ByArm<u32>,
    /// The canary's first failure has been judged.
    canary_failed: bool,
}

impl ClosedStratum {
    pub(crate) fn new(
        first_second: u64,
        last_second: u64,
        exposures: ByArm<u64>,
        canary_failed: bool,
    ) -> Self {
        let earlier_s = u32::try_from(last_second.saturating_sub(first_second)).unwrap_or(u32::MAX);
        let exposures = ByArm { baseline: exposures.baseline as f32, canary: exposures.canary as f32 };
        Self { last_second, earlier_s, exposures, late_failures: ByArm::default(), canary_failed }
    }

    pub(crate) fn late_counts(&self) -> Counts {
        let Self { exposures, late_failures, .. } = self;
        Counts {
            events: ByArm {
                baseline: f64::from(late_failures.baseline),
                canary: f64::from(late_failures.canary),
            },
            exposures: ByArm { baseline: exposures.baseline.into(), canary: exposures.canary.into() },
        }
    }

    /// The same with the canary's first failure of all alone.
    pub(crate) fn late_counts_to_first(&self) -> Counts {
        let counts = self.late_counts();
        let canary = if self.canary_failed { 0.0 } else { counts.events.canary.min(1.0) };
        Counts { events: ByArm { canary, ..counts.events }, ..counts }
    }

    fn first_second(&self) -> u64 {
        self.last_second.saturating_sub(u64::from(self.earlier_s))
    }
}

/// The strata of one component, or of the thin ones together, that may still see late failures.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct ClosedStrata {
    strata: VecDeque<ClosedStratum>,
    has_late: bool,
}

impl ClosedStrata {
    /// Adds a stratum, after [`ClosedStrata::take_late`]. Those of which no request is `open` any more can see no late
    /// failure, so they make room first.
    pub(crate) fn push(&mut self, stratum: ClosedStratum, open: impl Fn(RangeInclusive<u64>) -> bool) {
        if self.strata.len() == self.strata.capacity() {
            self.strata.retain(|stratum| open(stratum.first_second()..=stratum.last_second));
            self.strata.reserve_exact(ROOM);
        }
        self.strata.push_back(stratum);
        let oldest = stratum.last_second.saturating_sub(RETENTION_S);
        while self.strata.front().is_some_and(|front| front.last_second < oldest) {
            self.strata.pop_front();
        }
    }

    /// Books failures of requests that started in `second`.
    pub(crate) fn fail(&mut self, second: u64, arm: Arm, count: u64) {
        let at = self.strata.partition_point(|stratum| stratum.last_second < second);
        if let Some(stratum) = self.strata.get_mut(at)
            && stratum.first_second() <= second
        {
            let failures = stratum.late_failures.of_mut(arm);
            *failures = failures.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
            self.has_late = true;
        }
    }

    /// Takes the strata with late failures out of account: each failure is judged once.
    pub(crate) fn take_late(&mut self) -> Vec<ClosedStratum> {
        let mut taken = Vec::new();
        if !std::mem::take(&mut self.has_late) {
            return taken;
        }
        let none = ByArm::default();
        for stratum in self.strata.iter_mut().filter(|stratum| stratum.late_failures != none) {
            taken.push(*stratum);
            stratum.canary_failed |= stratum.late_failures.canary > 0;
            stratum.late_failures = none;
        }
        taken
    }
}

/// Requests of one component that were open when their second closed, by that second.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct OpenRequests(BTreeMap<u64, OpenSecond>);

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
struct OpenSecond {
    open: ByArm<u64>,
    pooled: bool,
}

impl OpenRequests {
    /// Remembers the requests of `second` that were open when it closed. `pooled`: the second went to the thin
    /// components' common stratum too.
    pub(crate) fn remember(&mut self, second: u64, open: ByArm<u64>, pooled: bool) {
        if open != ByArm::default() {
            self.0.insert(second, OpenSecond { open, pooled });
        }
        let oldest = second.saturating_sub(RETENTION_S);
        while self.0.first_key_value().is_some_and(|(second, _)| *second < oldest) {
            self.0.pop_first();
        }
    }

    /// Settles late outcomes of `second`; gives the failures that belong to requests known to be open, and whether
    /// they are pooled.
    pub(crate) fn settle(&mut self, second: u64, arm: Arm, finished: u64, failed: u64) -> (u64, bool) {
        let Some(entry) = self.0.get_mut(&second) else { return (0, false) };
        let open = entry.open.of_mut(arm);
        let booked = failed.min(*open);
        *open = open.saturating_sub(finished);
        let pooled = entry.pooled;
        if entry.open == ByArm::default() {
            self.0.remove(&second);
        }
        (booked, pooled)
    }

    /// Whether a request that started in one of `seconds` is still open.
    pub(crate) fn is_any(&self, seconds: RangeInclusive<u64>) -> bool {
        self.0.range(seconds).next().is_some()
    }
}
