//! What the engine shows of the last minute.

use super::component::Component;
use super::{Engine, Scope};
use crate::effect;
use crate::histogram::{DenseHistogram, LatencyHistogram};
use crate::increment::{Arm, ByArm, ComponentIndex};
use crate::summary::{ArmSummary, p99_least_us, summarise};
use crate::verdict::{ControlChart, EffectSize};

impl Engine {
    /// What happened in the last minute, as far as it is closed.
    pub fn summary(&self, scope: Scope) -> ByArm<ArmSummary> {
        match scope {
            Scope::Version => self
                .version_summary
                .unwrap_or_else(|| summarise(self.active_components().map(Component::summary))),
            Scope::Component(index) => self
                .components
                .get(index.0)
                .map_or_else(ByArm::default, |component| component.summary().summary()),
        }
    }

    /// Latencies of both arms of a component in the last minute.
    #[must_use]
    pub fn latencies(&self, index: ComponentIndex) -> ByArm<LatencyHistogram> {
        let of = |arm| {
            let component = self.components.get(index.0);
            let mut all = DenseHistogram::default();
            component.into_iter().flat_map(|one| one.summary().latency(arm)).for_each(|one| all.merge(one));
            all.to_sparse()
        };
        ByArm { baseline: of(Arm::Baseline), canary: of(Arm::Canary) }
    }

    /// What the control charts of a component show of its last minute: none until something is usual for it, and none of an
    /// arm without traffic.
    pub fn charts(&self, index: ComponentIndex) -> impl Iterator<Item = &ControlChart> {
        self.components.get(index.0).into_iter().flat_map(|component| component.charts(self.at_second))
    }

    /// What the 99th percentile of latency of one arm of the version is at the least in the last minute, in µs, but for
    /// chance ([`crate::chance`]). `None` if no request finished.
    pub fn version_p99_least_us(&self, arm: Arm) -> Option<u64> {
        p99_least_us(self.version_latency(arm))
    }

    /// The version's slow-down costs a pass over all histograms, so it is computed every few seconds, or when it is asked
    /// for by an alarm.
    pub(super) fn refresh_slow_down(&mut self) {
        const INTERVAL_S: u64 = 5;
        if self.at_second < self.next_slow_down && !self.version_flagged {
            return;
        }
        self.next_slow_down = self.at_second.saturating_add(INTERVAL_S);
        self.version_slow_down = self.slow_down();
    }

    pub(super) fn slow_down(&self) -> Option<EffectSize> {
        let of_arm = |arm| self.version_latency(arm);
        let latency = ByArm { baseline: of_arm(Arm::Baseline), canary: of_arm(Arm::Canary) };
        let phi = self.version_phi().latency;
        match self.alone {
            Some(beside) if beside.p99_us > 0.0 => effect::slow_beside(latency.canary, beside.p99_us, phi),
            Some(_) => None,
            None => effect::slow_ratio(latency, phi),
        }
    }

    pub(super) fn version_latency(&self, arm: Arm) -> impl Iterator<Item = &DenseHistogram> + Clone {
        self.active_components().flat_map(move |component| component.summary().latency(arm))
    }
}
