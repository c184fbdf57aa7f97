//! The thin components together: one stratum for the version's process.
//!
//! Each component's latencies are sorted by its own cells, which lie at the same quantiles everywhere, so cells of
//! different components can be added.

use serde::{Deserialize, Serialize};

use super::close::Judged;
use super::component::{Component, Second};
use crate::categories::ByCategory;
use crate::cells::Archetypes;
use crate::config::RawEngineConfig;
use crate::failures::FailureCounts;
use crate::increment::{Arm, ByArm};
use crate::ledger::ClosedStrata;
use crate::stratum::{ArmStratum, Evidence, Stratum};

/// Least time between two updates of the common archetypes, in seconds.
const REFRESH_S: u64 = 10;

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Pool {
    stratum: Stratum,
    strata: ClosedStrata,
    archetypes: Option<Archetypes>,
    next_refresh: u64,
}

impl Pool {
    pub(super) fn archetypes(&self) -> Option<&Archetypes> {
        self.archetypes.as_ref()
    }

    pub(super) fn absorb(&mut self, arms: &ByArm<ArmStratum>) {
        self.stratum.arms.baseline.add(&arms.baseline);
        self.stratum.arms.canary.add(&arms.canary);
    }

    /// Books late failures of requests that started in `second`.
    pub(super) fn fail(&mut self, second: u64, arm: Arm, failed: &FailureCounts) {
        if self.stratum.covers(second) {
            self.stratum.arms.of_mut(arm).fail(failed);
        } else {
            self.strata.fail(second, arm, failed);
        }
    }

    pub(super) fn judge(
        &mut self,
        at: &Second,
        config: &RawEngineConfig,
        components: &[Component],
    ) -> Option<Judged> {
        let second = at.second;
        self.stratum.cover(second);
        if !(self.stratum.is_full(config, false) || at.ends_warm_up) {
            return None;
        }
        let (mut arms, closed) = self.stratum.close();
        let late = self.strata.take_late();
        if !at.warm {
            self.strata.push(closed, |_| true);
        }
        let evidence = Evidence::of(&arms, &late, self.archetypes.as_ref(), config);
        let evidence = if at.warm { evidence.harm_alone() } else { evidence };
        let categories = ByCategory::of(&evidence, &arms, &late, false, config);
        late.iter().for_each(|late| late.count_in(&mut arms));
        if second >= self.next_refresh {
            self.next_refresh = second.saturating_add(REFRESH_S);
            self.archetypes = Archetypes::mean(components.iter().filter_map(Component::archetypes));
        }
        let empty = arms.baseline.started == 0 && arms.canary.started == 0 && late.is_empty();
        (!empty).then_some(Judged { evidence, categories, arms })
    }
}
