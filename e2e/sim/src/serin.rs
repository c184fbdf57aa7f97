//! Serin at work: a rollout on paper by the scenario's plan, fed as the control plane is fed.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow};
use serin_analysis::risk::Prediction;
use serin_analysis::{Arm, ComponentIndex, Learned, Verdict};
use serin_rollout::{
    Creation, Event, Fact, HoldReason, Judgement, Phase, Plan, RolloutId, Salt, Trial, UnixMillis, Weight,
};

use crate::latency::Latencies;
use crate::plan;
use crate::scenario::{Baseline, Scenario};
use crate::world::{Delivery, Second, UNEXPOSED_S, World};

/// The reporter of all increments.
const SOURCE: u64 = 1;
/// Seconds of an earlier rollout from which overdispersion is known.
const EARLIER_S: u64 = 7_200;

/// What Serin has done.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Deeds {
    /// When it first undid something, in seconds from the canary's first request. `None`: it did not.
    pub rolled_back_at: Option<u64>,
    /// Whether the version was undone.
    pub version: bool,
    /// Components that were undone.
    pub components: BTreeSet<String>,
    /// When it first found the version healthy.
    pub healthy_at: Option<u64>,
    /// Whether it held, and said so, before it undid anything.
    pub held: bool,
    /// When it first saw a limit about to be exceeded, before it undid anything.
    pub predicted_at: Option<u64>,
    /// Canary requests that a fault struck.
    pub struck: u64,
}

impl Deeds {
    /// Keeps what was seen so many seconds after the canary's first request, if there was one.
    pub(crate) fn see(&mut self, judgement: &Judgement, since_exposure: u64, is_exposed: bool) {
        let components = judgement.components.iter().map(|component| &component.assessment);
        let mut trends = components.chain([&judgement.version]).filter_map(|scope| scope.trend);
        if self.predicted_at.is_none()
            && self.rolled_back_at.is_none()
            && trends.any(|trend| trend.prediction != Prediction::Quiet)
        {
            self.predicted_at = Some(since_exposure);
        }
        if is_exposed && judgement.version.verdict == Verdict::Healthy {
            self.healthy_at.get_or_insert(since_exposure);
        }
    }

    /// Keeps what was done so many seconds after the canary's first request.
    pub(crate) fn note(&mut self, events: &[Event], since_exposure: u64) {
        for event in events {
            match &event.fact {
                Fact::ComponentsRolledBack { components, .. } => {
                    self.components.extend(components.iter().cloned());
                    self.rolled_back_at.get_or_insert(since_exposure);
                }
                Fact::BlocksRestored { component, .. } => {
                    self.components.insert(component.clone());
                    self.rolled_back_at.get_or_insert(since_exposure);
                }
                Fact::RolledBack { .. } | Fact::RollbackBegan { .. } => {
                    self.version = true;
                    self.rolled_back_at.get_or_insert(since_exposure);
                }
                Fact::Held { reason, .. } if *reason != HoldReason::MissingData => {
                    self.held |= self.rolled_back_at.is_none();
                }
                Fact::Created { .. }
                | Fact::StepStarted { .. }
                | Fact::Held { .. }
                | Fact::HoldLifted { .. }
                | Fact::Completing { .. }
                | Fact::Promoted { .. }
                | Fact::Ready
                | Fact::WatchEnded
                | Fact::RollbackLowered { .. }
                | Fact::QuotaLowered { .. }
                | Fact::WindowsOverridden { .. }
                | Fact::Queued { .. }
                | Fact::HandedOver { .. }
                | Fact::RollbackStage { .. }
                | Fact::ArmsStopped { .. }
                | Fact::ExperimentEnded { .. }
                | Fact::WeightSet { .. }
                | Fact::Paused { .. }
                | Fact::Resumed { .. }
                | Fact::Superseded { .. }
                | Fact::Begun { .. }
                | Fact::HookStarted(_)
                | Fact::HookEnded(_)
                | Fact::Approved { .. }
                | Fact::TriggerFired { .. }
                | Fact::TriggerCleared { .. }
                | Fact::EvidenceMissing { .. }
                | Fact::EvidenceIncomplete { .. }
                | Fact::EvidenceReturned { .. }
                | Fact::DecisionMarked { .. } => {}
            }
        }
    }
}

/// Serin with the scenario's plan: created paused, so that the canary gets nothing until [`resume`](Self::resume).
///
/// Reports that are late hold back the source's progress, as in service: a second closes when its report has come,
/// or at the watermark.
#[derive(Debug)]
pub struct Serin {
    trial: Trial,
    names: Vec<String>,
    start: u64,
    /// Late parts of reports by the second in which they arrive.
    held: BTreeMap<u64, Vec<Delivery>>,
    deeds: Deeds,
}

impl Serin {
    /// The rollout is created in second 0 of `world` and begins with what an earlier one taught.
    ///
    /// # Errors
    /// When the plan is refused.
    pub fn new(scenario: &Scenario, world: &World<'_>, learned: &Learned) -> Result<Self> {
        let plan = Plan::parse(&plan::yaml(scenario, world.components()))
            .map_err(|errors| anyhow!("the plan of {}: {errors}", scenario.id))?;
        let creation = Creation {
            id: RolloutId("simulated".to_owned()),
            salt: Salt(0),
            actor: "simulation".to_owned(),
            paused: true,
        };
        let mut trial = Trial::begin(plan, creation, millis(world.start()))?;
        trial.evaluation().recall(learned);
        let names = world.components().iter().map(|component| component.name.clone()).collect();
        let (held, deeds) = (BTreeMap::new(), Deeds::default());
        Ok(Self { trial, names, start: world.start(), held, deeds })
    }

    /// What the `service`-th service of `scenario` taught before: an earlier rollout of two hours, of which only the
    /// baseline matters, because overdispersion is measured on it and it is what is usual. Nothing, where there was no earlier one.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn learned(scenario: &Scenario, latencies: &Latencies, seed: u64, service: u64) -> Result<Learned> {
        if scenario.baseline == Baseline::Nowhere {
            return Ok(Learned::default());
        }
        let mut world = World::earlier(scenario, latencies, seed, service);
        let mut serin = Self::new(scenario, &world, &Learned::default())?;
        for second in 0..EARLIER_S {
            let Second { deliveries, struck, .. } = world.next(second, 0, true);
            serin.observe(second, deliveries, &struck)?;
        }
        Ok(serin.trial.evaluation().learned())
    }

    /// The canary gets its first requests in `second`.
    ///
    /// # Errors
    /// When the engine refuses the plan.
    pub fn resume(&mut self, second: u64) -> Result<()> {
        let now = millis(self.start + second);
        let events = self.trial.resume(now)?;
        self.note(&events, second);
        Ok(())
    }

    /// The canary's weight from now on, in parts per million.
    pub fn weight_ppm(&self) -> u32 {
        self.trial.state().weight.ppm()
    }

    /// Nothing more can follow.
    pub fn is_over(&self) -> bool {
        self.trial.state().phase.is_terminal()
    }

    /// The rollout.
    pub fn trial(&self) -> &Trial {
        &self.trial
    }

    /// What it has done so far.
    pub fn deeds(&self) -> &Deeds {
        &self.deeds
    }

    /// Takes in what is reported of `second` and judges at its end. `struck` has an entry for each component.
    ///
    /// # Errors
    /// When the engine refuses the plan.
    pub fn observe(&mut self, second: u64, deliveries: Vec<Delivery>, struck: &[u64]) -> Result<()> {
        let now = self.start + second + 1;
        for delivery in deliveries {
            if delivery.late_s == 0 {
                self.merge(delivery);
            } else {
                self.held.entry(now + delivery.late_s).or_default().push(delivery);
            }
        }
        let later = self.held.split_off(&(now + 1));
        for delivery in std::mem::replace(&mut self.held, later).into_values().flatten() {
            self.merge(delivery);
        }
        let struck = self.names.iter().zip(struck).filter(|(name, _)| !self.is_pinned(name));
        self.deeds.struck += struck.map(|(_, struck)| struck).sum::<u64>();
        let oldest = self.held.values().flatten().map(|delivery| delivery.increment.start_second).min();
        self.trial.evaluation().progress(SOURCE, oldest.unwrap_or(now), millis(now));
        let events = self.trial.judge(millis(now))?;
        self.note(&events, second + 1);
        Ok(())
    }

    fn is_pinned(&self, component: &str) -> bool {
        self.trial.state().pinned.contains_key(component)
    }

    /// Requests of a component that was returned are the baseline's.
    fn merge(&mut self, delivery: Delivery) {
        let Delivery { mut increment, hosts, .. } = delivery;
        let ComponentIndex(place) = increment.component;
        let Some(name) = self.names.get(place) else { return };
        let Some(component) = self.trial.evaluation().index(name) else { return };
        let is_returned = increment.arm == Arm::Canary && self.is_pinned(name);
        increment.component = component;
        if is_returned {
            increment.arm = Arm::Baseline;
        }
        let evaluation = self.trial.evaluation();
        evaluation.merge(&increment);
        for mut host in hosts.into_iter().filter(|_| !is_returned) {
            host.component = component;
            evaluation.merge_host(&host);
        }
    }

    /// Keeps what was done by the end of a second, and tells the weight as the server does.
    fn note(&mut self, events: &[Event], elapsed_s: u64) {
        let since_exposure = elapsed_s.saturating_sub(UNEXPOSED_S);
        self.deeds.note(events, since_exposure);
        self.deeds.see(self.trial.judgement(), since_exposure, elapsed_s > UNEXPOSED_S);
        if !events.is_empty() {
            let state = self.trial.state();
            let (weight, from) = (state.weight, state.changed_at.second());
            let splits = weight > Weight::ZERO && weight < Weight::FULL && state.phase != Phase::RolledBack;
            self.trial.evaluation().set_weight(from, splits.then_some(weight.ppm()));
        }
    }
}

const fn millis(second: u64) -> UnixMillis {
    UnixMillis(second * 1_000)
}
