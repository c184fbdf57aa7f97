//! Requests that were still open when their second closed, and the strata that paid for their exposure.
//!
//! A request that fails after its second has closed is not a new exposure. It is booked on the stratum in which it
//! started: there if that stratum is still open, else at the odds that stratum had. Bounded by the retention: what
//! is older is forgotten, and only as many failures are booked as requests were open.

use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::evalue::Counts;
use crate::failures::FailureCounts;
use crate::increment::{Arm, ByArm};
use crate::stratum::ArmStratum;
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
    /// The canary's first failure has been judged.
    canary_failed: bool,
    /// The same by category, as bits.
    #[serde(default)]
    categories_failed: u8,
}

impl ClosedStratum {
    pub(crate) fn new(
        first_second: u64,
        last_second: u64,
        exposures: ByArm<u64>,
        canary_failed: &FailureCounts,
    ) -> Self {
        let earlier_s = u32::try_from(last_second.saturating_sub(first_second)).unwrap_or(u32::MAX);
        let exposures = ByArm { baseline: exposures.baseline as f32, canary: exposures.canary as f32 };
        let categories_failed = canary_failed.mask();
        Self { last_second, earlier_s, exposures, canary_failed: categories_failed > 0, categories_failed }
    }

    fn first_second(&self) -> u64 {
        self.last_second.saturating_sub(u64::from(self.earlier_s))
    }
}

/// Failures that became known after their stratum was judged.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct LateFailures {
    /// As it was before them.
    stratum: ClosedStratum,
    failed: ByArm<FailureCounts>,
}

impl LateFailures {
    /// Counts them among the failures of a stratum that has been judged.
    pub(crate) fn count_in(&self, arms: &mut ByArm<ArmStratum>) {
        arms.baseline.categories.add(&self.failed.baseline);
        arms.canary.categories.add(&self.failed.canary);
    }

    /// The categories of which something failed, as bits.
    pub(crate) fn mask(&self) -> u8 {
        self.failed.baseline.mask() | self.failed.canary.mask()
    }

    /// All of them.
    pub(crate) fn counts(&self) -> Counts {
        let ByArm { baseline, canary } = &self.failed;
        self.counts_of(ByArm { baseline: baseline.total(), canary: canary.total() })
    }

    /// The same with the canary's first failure of all alone.
    pub(crate) fn counts_to_first(&self) -> Counts {
        to_first(self.counts(), self.stratum.canary_failed)
    }

    /// Those of one category, by its position.
    pub(crate) fn counts_in(&self, category: usize) -> Counts {
        let ByArm { baseline, canary } = &self.failed;
        self.counts_of(ByArm { baseline: baseline.at(category), canary: canary.at(category) })
    }

    /// The same with the canary's first failure of that category alone.
    pub(crate) fn counts_in_to_first(&self, category: usize) -> Counts {
        to_first(self.counts_in(category), self.stratum.categories_failed >> category & 1 == 1)
    }

    fn counts_of(&self, failed: ByArm<u64>) -> Counts {
        let exposures = self.stratum.exposures;
        Counts {
            events: ByArm { baseline: failed.baseline as f64, canary: failed.canary as f64 },
            exposures: ByArm { baseline: exposures.baseline.into(), canary: exposures.canary.into() },
        }
    }
}

/// `counts` with at most one failure of the canary, and with none if one was judged before.
fn to_first(counts: Counts, has_failed: bool) -> Counts {
    let canary = if has_failed { 0.0 } else { counts.events.canary.min(1.0) };
    Counts { events: ByArm { canary, ..counts.events }, ..counts }
}

/// The strata of one component, or of the thin ones together, that may still see late failures.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct ClosedStrata {
    strata: VecDeque<ClosedStratum>,
    /// What is not judged yet, at most one for each stratum.
    #[serde(default)]
    late: Vec<LateFailures>,
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

    /// Books failures of requests that started in `second`. Where its stratum is not known they have no exposure: they are
    /// counted and say nothing.
    pub(crate) fn fail(&mut self, second: u64, arm: Arm, failed: &FailureCounts) {
        let at = self.strata.partition_point(|stratum| stratum.last_second < second);
        let known = self.strata.get(at).filter(|stratum| stratum.first_second() <= second).copied();
        let stratum = known.unwrap_or_else(|| {
            ClosedStratum::new(second, second, ByArm::default(), &FailureCounts::default())
        });
        let booked = self.late.iter_mut().find(|late| late.stratum.last_second == stratum.last_second);
        match booked {
            Some(late) => late.failed.of_mut(arm).add(failed),
            None => {
                let mut late = LateFailures { stratum, failed: ByArm::default() };
                late.failed.of_mut(arm).add(failed);
                self.late.push(late);
            }
        }
    }

    /// Takes late failures out of account, those of earlier strata first: each is judged once.
    pub(crate) fn take_late(&mut self) -> Vec<LateFailures> {
        let mut taken = std::mem::take(&mut self.late);
        taken.sort_unstable_by_key(|late| late.stratum.last_second);
        for late in &taken {
            let second = late.stratum.last_second;
            let at = self.strata.partition_point(|stratum| stratum.last_second < second);
            if let Some(stratum) = self.strata.get_mut(at).filter(|of| of.last_second == second) {
                stratum.categories_failed |= late.failed.canary.mask();
                stratum.canary_failed |= stratum.categories_failed > 0;
            }
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
