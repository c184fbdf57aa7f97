//! The evidence of one rollout: increments in, a judgement out.
//!
//! The one driver of the engine, shared by the server, replays and simulations: merge what was measured, [`judge`],
//! [`step()`](crate::step()), and tell it what was [`decided`]. Keeping what a plan means for the engine here, and only
//! here, is what makes a replay decide as the live rollout did. It never decides anything itself.
//!
//! [`judge`]: Evaluation::judge
//! [`decided`]: Evaluation::decided

mod blocks;
mod clients;
mod experiment;
mod judged;
mod number;
mod outside;
mod settings;
mod streams;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use serin_analysis::{
    Arm, ArmSummary, ByArm, ComponentIndex, ComponentSpec, ConfigError, ControlChart, Engine, HostSample,
    Increment, LatencyHistogram, Learned, Scope,
};
use serin_proto::assignment::Weight;

use crate::outside::Told;
use crate::plan::{Calendar, Margins};
use crate::{ActivePhase, Cause, Event, Fact, Judgement, Phase, Plan, RollbackWindow, State, UnixMillis};
use outside::OutsideEvidence;
use serin_analysis::risk::Impacts;
use serin_analysis::streams::Streams;
use settings::{Business, config, of_engine, specs, streams};

pub use experiment::{ArmResult, ComponentResult, ExperimentEvaluation, Seen, StoredExperiment};
pub use number::{host_number, source_number};

/// Seconds over which client errors are counted, as the engine's summaries.
const WINDOW_S: u64 = 60;

/// What is known about the canary of one rollout. Serialisable, so that a restart goes on from there.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Evaluation {
    engine: Engine,
    /// Start of the evaluation that this evidence belongs to.
    since: UnixMillis,
    client_errors: VecDeque<(u64, ByArm<u64>)>,
    /// Components that are judged although the plan does not name them.
    #[serde(default)]
    unplanned: Vec<String>,
    /// Whether the canary has served a request.
    #[serde(default)]
    exposed: bool,
    /// What logs and users tell. `None`: they are no evidence.
    #[serde(default)]
    streams: Option<Streams>,
    /// Triggers, queries and health checks.
    #[serde(default)]
    outside: OutsideEvidence,
    /// Components that are on the baseline.
    #[serde(skip)]
    inactive: BTreeSet<ComponentIndex>,
    /// The rollback window, and when it opened.
    #[serde(skip)]
    window: Option<(RollbackWindow, UnixMillis)>,
    /// Margins that windows of the plan's calendar may tighten.
    #[serde(skip)]
    calendar: Option<(Margins, Calendar)>,
    #[serde(skip)]
    business: Business,
    #[serde(skip)]
    indices: BTreeMap<String, ComponentIndex>,
    /// Position of each block in its component.
    #[serde(skip)]
    blocks: BTreeMap<(ComponentIndex, String), usize>,
}

/// Evidence as it was read, of a rollout that is yet to be named.
#[derive(Clone, Debug)]
pub struct Stored(Evaluation);

impl Stored {
    /// Reads what [`Evaluation::stored`] gave.
    ///
    /// # Errors
    /// When it is damaged, or of a version that kept it otherwise.
    pub fn read(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes).map(Self)
    }
}

impl Evaluation {
    /// Begins without evidence.
    ///
    /// # Errors
    /// When the engine refuses what the plan asks for.
    pub fn new(plan: &Plan, state: &State) -> Result<Self, ConfigError> {
        Self::with_components(plan, state, &[])
    }

    /// As [`new`](Self::new), judging components that the plan does not name too, each at weight 1.
    ///
    /// # Errors
    /// As [`new`](Self::new), and when a name is given twice or is in the plan.
    pub fn with_components(plan: &Plan, state: &State, unplanned: &[String]) -> Result<Self, ConfigError> {
        let specs = specs(plan, unplanned);
        let engine = Engine::new(config(plan)?, &specs)?;
        let mut evaluation = Self {
            engine,
            since: state.evaluating_since,
            client_errors: VecDeque::new(),
            unplanned: unplanned.to_vec(),
            exposed: false,
            streams: streams(plan),
            outside: OutsideEvidence::default(),
            inactive: BTreeSet::new(),
            window: Some((*plan.rollback_window(), state.changed_at)),
            calendar: None,
            business: Business::default(),
            indices: BTreeMap::new(),
            blocks: BTreeMap::new(),
        };
        evaluation.expose(plan, state);
        evaluation.set_full_weight(state);
        Ok(evaluation.completed(plan, &specs, state))
    }

    /// Goes on with what was [`stored`](Self::stored), if it belongs to the present evaluation; else begins anew, with
    /// what was learned.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn restore(plan: &Plan, state: &State, stored: Option<Stored>) -> Result<Self, ConfigError> {
        match stored {
            Some(Stored(stored)) if stored.since == state.evaluating_since => {
                let specs = specs(plan, &stored.unplanned);
                let stored = Self { window: Some((*plan.rollback_window(), state.changed_at)), ..stored };
                Ok(stored.completed(plan, &specs, state))
            }
            Some(Stored(other)) => {
                let mut evaluation = Self::new(plan, state)?;
                evaluation.recall(&other.engine.learned(state.phase == Phase::Promoted));
                Ok(evaluation)
            }
            None => Self::new(plan, state),
        }
    }

    /// The canary gets its first requests, if it has a weight.
    fn expose(&mut self, plan: &Plan, state: &State) {
        if state.weight == Weight::ZERO {
            return;
        }
        self.step_started(state.evaluating_since.second());
        let mut warm = None;
        if state.phase.active() == Some(ActivePhase::WarmingUp) {
            let warm_up = u64::try_from(plan.warm_up().as_millis()).unwrap_or(u64::MAX);
            let end = UnixMillis(state.evaluating_since.0.saturating_add(warm_up));
            self.engine.exclude_until(end.second());
            self.outside.exclude_until(end.second());
            warm = Some(end.second());
        }
        self.exclude_streams_until(plan, state.evaluating_since, warm);
    }

    fn completed(mut self, plan: &Plan, specs: &[ComponentSpec], state: &State) -> Self {
        self.calendar = Some((*plan.margins(), plan.calendar().clone()));
        self.business = Business::of(plan, specs);
        self.indices = specs
            .iter()
            .enumerate()
            .map(|(index, spec)| (spec.name.clone(), ComponentIndex(index)))
            .collect();
        let blocks = |(index, spec): (usize, &ComponentSpec)| {
            let blocks = spec.blocks.clone().into_iter().enumerate();
            blocks.map(move |(at, name)| ((ComponentIndex(index), name), at))
        };
        self.blocks = specs.iter().enumerate().flat_map(blocks).collect();
        self.set_inactive(state.pinned.keys());
        let Self { outside, indices, .. } = &mut self;
        outside.follow(plan, state.evaluating_since, |name| indices.get(name).copied());
        self
    }

    /// How increments name a component: one of the plan, or `unmatched`. `None`: it is not judged.
    #[must_use]
    pub fn index(&self, component: &str) -> Option<ComponentIndex> {
        self.indices.get(component).copied()
    }

    /// Adds what a source measured.
    pub fn merge(&mut self, increment: &Increment) {
        let Increment { start_second, arm, outcomes, .. } = *increment;
        self.count_client_errors(start_second, arm, outcomes.client_error);
        self.exposed |= arm == Arm::Canary && increment.started > 0;
        if !self.inactive.contains(&increment.component) {
            self.outside.merge(increment);
            self.expose_streams(increment);
        }
        self.engine.merge(increment);
    }

    /// Takes over what something outside answered. What the plan does not ask for is left out.
    pub fn hear(&mut self, told: &Told) {
        self.outside.hear(told);
    }

    /// Adds what a sample of one host's requests saw.
    pub fn merge_host(&mut self, sample: &HostSample) {
        self.engine.merge_host(sample);
    }

    /// The canary's configured weight, in parts per million, for requests that start from `second` on. `None`: not
    /// known, or not by weight alone, so its share of the requests is not judged. Only who owns the traffic knows.
    pub fn set_weight(&mut self, second: u64, canary_ppm: Option<u32>) {
        self.engine.set_weight(second, canary_ppm);
        self.outside.set_weight(second, canary_ppm);
    }

    /// What the next rollout of the service should begin with.
    #[must_use]
    pub fn learned(&self) -> Learned {
        self.engine.learned(false)
    }

    /// The same once the canary was promoted: what was usual for it is what the next one is compared with.
    #[must_use]
    pub fn learned_by_promotion(&self) -> Learned {
        self.engine.learned(true)
    }

    /// Begins with what an earlier rollout taught.
    pub fn recall(&mut self, learned: &Learned) {
        self.engine.recall(learned);
    }

    /// `source` lives and has reported everything that finished before the second `complete_until`.
    pub fn progress(&mut self, source: u64, complete_until: u64, now: UnixMillis) {
        self.engine.source_progress(source, complete_until, now.second());
    }

    /// Closes the seconds that are due and judges.
    pub fn judge(&mut self, now: UnixMillis) -> Judgement {
        let factor = self.window.map_or(1.0, |(window, opened_at)| window.factor(opened_at, now));
        self.engine.set_odds_factor(factor);
        let tight =
            self.calendar.as_ref().map(|(margins, calendar)| calendar.tightened_margins(margins, now));
        self.engine.set_widest_margins(tight.as_ref().map(of_engine));
        let impacts = match &self.calendar {
            Some((_, calendar)) => self.business.at(calendar, now),
            None => Impacts::default(),
        };
        self.engine.set_impacts(&impacts);
        let assessment = self.engine.advance(now.second());
        let outside = self.outside.read(now);
        let judgement = Judgement { outside, ..self.judgement(assessment, now.second()) };
        self.with_streams(judgement, factor, &impacts, now.second())
    }

    /// Takes over what was decided on a judgement of this evidence, or by a person. `state` is the state after `events`.
    ///
    /// # Errors
    /// As [`new`](Self::new); what was known before is kept.
    pub fn decided(&mut self, plan: &Plan, state: &State, events: &[Event]) -> Result<(), ConfigError> {
        for event in events {
            match &event.fact {
                Fact::StepStarted { .. }
                | Fact::Completing { .. }
                | Fact::Promoted { cause: Cause::Person { .. }, .. } => {
                    self.step_started(event.at.second());
                }
                Fact::ComponentsRolledBack { components, disabled, recovering, .. } => {
                    self.set_inactive(components);
                    self.outside.begin_anew(event.at);
                    self.rest(disabled.0.keys().chain(recovering), event.at, plan);
                }
                Fact::BlocksRestored { component, .. } => {
                    self.outside.begin_anew(event.at);
                    self.rest([component], event.at, plan);
                }
                // What the baseline did before the canary served anyone is what the canary is compared with.
                Fact::Resumed { .. } if !self.exposed => self.expose(plan, state),
                Fact::Begun { .. } => self.expose(plan, state),
                Fact::Resumed { .. } => {
                    let (learned, mut outside) = (self.learned(), std::mem::take(&mut self.outside));
                    outside.begin_anew(event.at);
                    *self = Self::with_components(plan, state, &self.unplanned)?;
                    self.recall(&learned);
                    outside.set_full_weight(state.weight == Weight::FULL);
                    self.outside = outside;
                }
                Fact::Created { .. }
                | Fact::Held { .. }
                | Fact::HoldLifted { .. }
                | Fact::ArmsStopped { .. }
                | Fact::ExperimentEnded { .. }
                | Fact::RolledBack { .. }
                | Fact::RollbackBegan { .. }
                | Fact::RollbackLowered { .. }
                | Fact::QuotaLowered { .. }
                | Fact::WindowsOverridden { .. }
                | Fact::Queued { .. }
                | Fact::Promoted { .. }
                | Fact::TriggerFired { .. }
                | Fact::TriggerCleared { .. }
                | Fact::EvidenceMissing { .. }
                | Fact::EvidenceIncomplete { .. }
                | Fact::DecisionMarked { .. }
                | Fact::EvidenceReturned { .. }
                | Fact::Ready
                | Fact::WatchEnded
                | Fact::WeightSet { .. }
                | Fact::Paused { .. }
                | Fact::HandedOver { .. }
                | Fact::RollbackStage { .. }
                | Fact::Superseded { .. }
                | Fact::HookStarted(_)
                | Fact::HookEnded(_)
                | Fact::Approved { .. } => {}
            }
        }
        self.since = state.evaluating_since;
        self.window = Some((*plan.rollback_window(), state.changed_at));
        self.set_full_weight(state);
        Ok(())
    }

    fn set_full_weight(&mut self, state: &State) {
        let is_full = state.weight == Weight::FULL;
        self.engine.set_full_weight(is_full);
        self.outside.set_full_weight(is_full);
    }

    /// Both arms of a component over the last minute.
    #[must_use]
    pub fn component(&self, name: &str) -> ByArm<ArmSummary> {
        self.indices.get(name).map(|index| self.engine.summary(Scope::Component(*index))).unwrap_or_default()
    }

    /// Latencies of both arms of a component over the last minute.
    #[must_use]
    pub fn latencies(&self, name: &str) -> ByArm<LatencyHistogram> {
        self.indices.get(name).map(|index| self.engine.latencies(*index)).unwrap_or_default()
    }

    /// What the control charts of a component show of its last minute.
    pub fn charts(&self, name: &str) -> impl Iterator<Item = &ControlChart> {
        self.indices.get(name).into_iter().flat_map(|index| self.engine.charts(*index))
    }

    /// Both arms of the version over the last minute.
    #[must_use]
    pub fn version(&self) -> ByArm<ArmSummary> {
        self.engine.summary(Scope::Version)
    }

    /// As JSON, for [`Stored::read`].
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn stored(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    fn set_inactive<'a>(&mut self, components: impl IntoIterator<Item = &'a String>) {
        for name in components {
            if let Some(index) = self.indices.get(name) {
                self.engine.set_component_active(*index, false);
                self.inactive.insert(*index);
                // The canary's page views are of fewer pages than the baseline's from then on.
                self.streams.iter_mut().for_each(Streams::stop_profile);
            }
        }
    }

    /// Lets components recover from what was undone for them.
    fn rest<'a>(&mut self, components: impl IntoIterator<Item = &'a String>, at: UnixMillis, plan: &Plan) {
        let until = at.second().saturating_add(plan.recovery().as_secs().max(1));
        for name in components {
            if let Some(index) = self.indices.get(name) {
                self.engine.rest_component(*index, until);
            }
        }
    }
}

#[cfg(test)]
mod tests;
