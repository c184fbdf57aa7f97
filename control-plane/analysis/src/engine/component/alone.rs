//! What a component learns about what is usual and charts beside it, and how it is judged while its canary runs alone.

use super::Component;
use crate::cells::Cells;
use crate::config::RawEngineConfig;
use crate::effect::{slow_beside, slow_ratio};
use crate::engine::solo::{Reference, Solo};
use crate::histogram::LatencyHistogram;
use crate::history::History;
use crate::increment::{Arm, ByArm};
use crate::power::Needed;
use crate::verdict::EffectSize;
use crate::window::PendingArm;

impl Component {
    /// What the canary runs without: `Some` while no baseline runs beside it.
    pub(in crate::engine) fn solo(&self) -> Option<&Solo> {
        self.solo.as_deref()
    }

    pub(super) fn reference(&self) -> Option<&Reference> {
        self.solo()?.reference()
    }

    pub(super) fn judging_cells(&self) -> Option<&Cells> {
        match &self.solo {
            Some(solo) => solo.reference().map(Reference::cells),
            None => self.cells.as_ref(),
        }
    }

    /// Begins with what was usual before.
    pub(in crate::engine) fn recall_history(&mut self, history: &History) {
        self.history.clone_from(history);
    }

    /// What is usual for the version that serves: the baseline, or the canary once it is `promoted`.
    pub(in crate::engine) fn history(&self, promoted: bool) -> History {
        let solo = self.solo.as_ref().filter(|_| promoted);
        let mut history = solo.map_or_else(|| self.baseline_history(), |solo| solo.promoted());
        if promoted && !self.deployment.is_empty() {
            history.deployment.clone_from(&self.deployment);
        }
        history
    }

    pub(super) fn baseline_history(&self) -> History {
        let mut history = self.history.clone();
        if let Some(latencies) = self.lessons.latencies(self.summary.unlearned()) {
            history.latencies = latencies;
        }
        history
    }

    /// Gives back what [`Component::baseline_history`] has from the lessons by now.
    fn forget_recalled(&mut self) {
        if self.solo.is_none() && self.lessons.are_enough() {
            self.history.latencies = LatencyHistogram::default();
        }
    }

    /// Learns what is usual, and how the canary's deployment goes.
    pub(super) fn learn(&mut self, second: u64, arms: &ByArm<PendingArm>) {
        let [baseline, canary] = [Arm::Baseline, Arm::Canary].map(|arm| {
            let (minute, of_arm) = (self.minutes.of_mut(arm), arms.of(arm));
            let full = minute.add(second, of_arm.started, of_arm.failed.total(), || {
                self.summary.summary().of(arm).p50_us
            })?;
            self.control.see(arm, full, &self.history);
            Some(full)
        });
        if let Some(minute) = baseline {
            self.history.see(minute);
        }
        self.forget_recalled();
        let median_us = || self.summary.summary().canary.p50_us;
        self.deployment.see(second, arms.canary.started, arms.canary.failed.total(), median_us);
        if let Some(solo) = &mut self.solo {
            solo.see(&arms.canary.latency, canary);
        }
    }

    pub(super) fn foresee(&self, config: &RawEngineConfig) -> Needed {
        let (process, phi) = (&self.process, self.phi(config));
        let Some(reference) = self.reference() else {
            return Needed::of(process, process.totals(), self.archetypes(), phi, config);
        };
        let canary = process.totals().canary;
        let totals = ByArm { baseline: reference.beside(&canary), canary };
        let config = reference.config(config, false);
        Needed::of(process, &totals, self.archetypes(), phi, &config)
    }

    /// Begins or ends to judge the canary alone, and keeps up what it is judged by. The stratum is empty.
    pub(super) fn refresh_solo(&mut self, turns: bool, second: u64, config: &RawEngineConfig) {
        let age = (self.deployment.age_s(second), self.deployment.slot(second));
        let turned = if !turns {
            let empty = self.stratum.is_empty();
            let solo = self.solo.as_mut().filter(|_| empty);
            solo.is_some_and(|solo| solo.refresh(&self.history, second, age, config))
        } else if self.solo.is_some() {
            self.solo = None;
            true
        } else {
            self.history = self.baseline_history();
            self.solo = Some(Box::new(Solo::new(&self.history, second, age, config)));
            true
        };
        if turned {
            self.process.turn(config.beta);
        }
    }

    pub(super) fn measure_slow_down(&self, config: &RawEngineConfig) -> Option<EffectSize> {
        let [baseline, canary] = [Arm::Baseline, Arm::Canary].map(|arm| self.summary.latency(arm));
        let phi = self.phi(config).latency;
        if let Some(solo) = &self.solo {
            let reference = solo.reference()?;
            return slow_beside(canary, reference.p99_us(), phi);
        }
        slow_ratio(ByArm { baseline, canary }, phi)
    }

    /// How much slower the canary is: as of now, or of the last few seconds.
    pub(in crate::engine) fn slow_down(&self, now: bool, config: &RawEngineConfig) -> Option<EffectSize> {
        if now { self.measure_slow_down(config) } else { self.slow_down }
    }
}
