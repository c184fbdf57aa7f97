//! What users saw: requests and failures of both arms, from the first bad second to the decision.

use std::collections::BTreeMap;

use serin_rollout::UnixMillis;

use crate::documents::{Counts, Decision};

const BASELINE: &str = "baseline";

/// Requests of one arm.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Tally {
    pub(super) finished: u64,
    pub(super) failed: u64,
}

impl Tally {
    /// Share of failed requests. 0: there were none.
    pub(super) fn rate(self) -> f64 {
        if self.finished == 0 { 0.0 } else { self.failed as f64 / self.finished as f64 }
    }

    pub(super) fn add(&mut self, finished: u64, failed: u64) {
        self.finished = self.finished.saturating_add(finished);
        self.failed = self.failed.saturating_add(failed);
    }
}

/// Both sides of one component, or of all.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Sides {
    pub(super) baseline: Tally,
    pub(super) canary: Tally,
}

impl Sides {
    /// Failures beyond those that the same requests would have had on the baseline.
    pub(super) fn excess(self) -> u64 {
        let expected = self.canary.finished as f64 * self.baseline.rate();
        (self.canary.failed as f64 - expected).round().max(0.0) as u64
    }
}

/// What users saw.
#[derive(Clone, Debug, Default)]
pub(super) struct Impact {
    /// First second that is counted.
    pub(super) from_second: u64,
    /// True: it began before anything that is known.
    pub(super) is_cut: bool,
    pub(super) all: Sides,
    pub(super) components: BTreeMap<String, Sides>,
    /// All requests since the decision, of both arms.
    pub(super) after: Sides,
}

impl Impact {
    pub(super) fn of(counts: &Counts, decision: &Decision, decided: UnixMillis) -> Self {
        let first = counts.slots.first().map_or(decided.second(), |slot| slot.second);
        let onset = decision.onset_second.unwrap_or(decision.evaluating_since.second());
        let slot_s = counts.slot_s.max(1);
        let from = (onset / slot_s) * slot_s;
        let mut impact = Self { from_second: from.max(first), is_cut: from < first, ..Self::default() };
        for slot in counts.slots.iter().filter(|slot| slot.second >= impact.from_second) {
            // The slot of the decision is still before it, as its requests are.
            let is_after = slot.second > decided.second();
            let part = impact.components.entry(slot.component.clone()).or_default();
            let sides =
                if is_after { [&mut impact.after, &mut Sides::default()] } else { [&mut impact.all, part] };
            for side in sides {
                let tally = if slot.arm == BASELINE { &mut side.baseline } else { &mut side.canary };
                tally.add(slot.finished, slot.failed);
            }
        }
        impact.components.retain(|_, sides| sides.canary.finished > 0);
        impact
    }
}
