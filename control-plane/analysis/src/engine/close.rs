//! From closed seconds to evidence.

use super::Engine;
use super::component::Second;
use super::course::{STEP_S, Step};
use super::solo::Beside;
use crate::categories::ByCategory;
use crate::increment::{Arm, ByArm, Increment};
use crate::placebo::Phi;
use crate::scope::Agreeing;
use crate::stratum::{ArmStratum, Evidence};
use crate::users::UserMasks;
use crate::window::ClosedSecond;

impl Engine {
    pub(super) fn merge_late(&mut self, increment: &Increment, finished: u64) {
        let failed = self.config.raw().failures.among(&increment.outcomes);
        self.version_summary = None;
        let Some(component) = self.components.get_mut(increment.component.0) else { return };
        let is_active = component.is_active();
        let (booked, pooled) = component.merge_late(increment, finished, failed);
        if is_active && increment.arm == Arm::Canary && booked.total() > 0 {
            self.users.fail_late(booked.total(), increment.users.with_failures(failed.total()).failed);
        }
        if pooled && booked.total() > 0 {
            self.pool.fail(increment.start_second, increment.arm, &booked);
        }
    }

    pub(super) fn close(&mut self, closed: ClosedSecond) {
        let ClosedSecond { second, open_age_us, components } = closed;
        let mut reported = components.into_iter().peekable();
        let at = Second {
            second,
            open_age_us,
            warm: second < self.exclude_until,
            ends_warm_up: second.saturating_add(1) == self.exclude_until,
            at_full_weight: self.at_full_weight,
            may_be_alone: self.at_full_weight || !self.presence.is_lacking(),
            version_alone: self.alone.is_some(),
        };
        let raw = self.present();
        let config = if at.warm { raw.in_warm_up() } else { raw };
        self.mass += self.prior.mass_at(second);
        self.components.iter_mut().for_each(|component| component.close_hosts(second, &mut self.hosts));
        self.hosts.learn();
        let version_phi = self.version_phi();
        let mut of_version = None;
        let mut split = ByArm::<(u64, u64)>::default();
        let mut users = UserMasks::default();
        for (index, component) in self.components.iter_mut().enumerate() {
            let arms = reported.next_if(|(of, _)| *of == index).map(|(_, arms)| arms).unwrap_or_default();
            if arms.baseline.started > 0 || arms.canary.started > 0 {
                self.last_exposed_second = Some(second);
            }
            if component.is_active() {
                users.add(arms.canary.users);
                for (into, arm) in [(&mut split.baseline, &arms.baseline), (&mut split.canary, &arms.canary)]
                {
                    into.0 = into.0.saturating_add(arm.started);
                    into.1 = into.1.saturating_add(arm.failed.total());
                }
            }
            let pooled = component.absorb(&at, arms);
            if let Some(arms) = pooled {
                self.pool.absorb(&arms);
            }
            if let Some(judged) = component.judge(&at, &config, self.mass, &self.version) {
                judged.scaled(component.phi(self.config.raw()).max(version_phi)).add_to(&mut of_version);
            }
        }
        let started = ByArm { baseline: split.baseline.0, canary: split.canary.0 };
        self.share.update(second, started, self.mass);
        let failed = ByArm { baseline: split.baseline.1, canary: split.canary.1 };
        self.watch.add(second, started, failed);
        self.users.add(started, failed, users);
        self.gaps.see(second, started);
        let of_pool = self.pool.judge(&at, &config, &self.components);
        if let Some(judged) = of_pool.filter(|_| !at.version_alone) {
            judged.scaled(version_phi).add_to(&mut of_version);
        }
        if let Some(judged) = of_version {
            let sustained_s = at.version_alone.then_some(raw.sustained_s);
            let agreeing = Agreeing::of(1, sustained_s, &self.hosts.dispersion);
            self.version.update(&judged.evidence, &judged.arms, self.mass, agreeing);
            self.version_categories.update(&judged.categories);
        }
        self.presence.see(started);
        self.refresh_alone();
        if second.saturating_add(1).is_multiple_of(STEP_S) {
            self.follow(&at);
        }
    }

    /// Takes in where the components are going, and so the version.
    fn follow(&mut self, at: &Second) {
        let config = *self.config.raw();
        let steps: Vec<Step> =
            self.components.iter_mut().map(|component| component.follow(at, &config)).collect();
        self.course.observe(Step::mean(steps.into_iter()), self.version_phi(), &config.forecast);
    }

    /// Begins or ends to judge the version alone, at full weight, and keeps up what it is judged by: what its components
    /// are, the weakest first.
    fn refresh_alone(&mut self) {
        let was_alone = self.alone.is_some();
        let is_alone = self.at_full_weight && self.presence.is_alone(true);
        self.alone = is_alone.then(|| {
            let parts = self.active_components().filter_map(|component| {
                let requests = component.process().totals().canary.started;
                component.solo().filter(|_| requests > 0).map(|solo| (Beside::of(solo), requests))
            });
            Beside::mean(parts)
        });
        if self.alone.is_some() != was_alone {
            self.version.turn(self.config.raw().beta);
        }
    }
}

/// A stratum that was judged, with what it said were its requests independent.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) evidence: Evidence,
    pub(super) categories: ByCategory,
    pub(super) arms: ByArm<ArmStratum>,
}

impl Judged {
    pub(super) fn scaled(mut self, phi: Phi) -> Self {
        self.evidence = self.evidence.scaled(phi);
        self.categories = self.categories.scaled(phi);
        self
    }

    fn add_to(self, sum: &mut Option<Self>) {
        match sum {
            None => *sum = Some(self),
            Some(sum) => {
                sum.evidence.add(&self.evidence);
                sum.categories.add(&self.categories);
                sum.arms.baseline.add(&self.arms.baseline);
                sum.arms.canary.add(&self.arms.canary);
            }
        }
    }
}
