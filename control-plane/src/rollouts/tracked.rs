//! One rollout in memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serin_analysis::{Arm, ConfigError, HostSample, Increment, Learned};
use serin_evidence::course::{Course, Reported};
use serin_proto::assignment::{BASELINE, CANARY, UNMATCHED};
use serin_rollout::{
    Counted, Evaluation, Event, Input, Judgement, Measured, Phase, Plan, Sighting, State, Stored, Transition,
    UnixMillis, Weight, host_number, step, summary,
};

use super::addenda::Pending;
use super::behaviour::Views;
use super::charts::ChartMinutes;
use super::compared::Compared;
use super::recorders::Started;
use crate::fleet::nodes::Spread;
use crate::fleet::report::Stratum;
use crate::snapshot::{self, ComponentWindow, Snapshot, Windows};

/// How long the evidence of an experiment is stored after its end.
const STORED_AFTER_END: Duration = Duration::from_secs(60);

/// A rollout, its plan and its evidence.
#[derive(Debug)]
pub struct Tracked {
    pub(super) plan: Arc<Plan>,
    pub(super) state: State,
    /// Generation of the assignment that carries the last change.
    pub(super) generation: u64,
    /// Newest judgement since the start of the process.
    pub(super) judgement: Option<Judgement>,
    /// Evidence; only while the rollout runs.
    pub(super) evaluation: Option<Evaluation>,
    /// Evidence of an experiment, in place of that of a rollout; after its end too.
    experiment: Option<Compared>,
    /// The last minute before it ended, to be shown from then on.
    last: Option<Windows>,
    /// What the next rollout of the service should begin with. Current once this one ended.
    learned: Learned,
    /// A decision whose spread is measured.
    pub(super) spreading: Option<Instant>,
    /// What is measured while a rollback is carried out.
    counted: Option<Counted>,
    /// Decisions whose evidence is not finished, oldest first.
    pub(super) pending: Vec<Pending>,
    /// How it got where it is, for the evidence of decisions.
    pub(super) course: Course,
    /// What control charts were drawn through.
    pub(super) charts: ChartMinutes,
    /// What is known of page views.
    pub(super) views: Views,
    /// True when reports came since the last judgement.
    pub(super) has_news: bool,
}

impl Tracked {
    /// A rollout that begins, or goes on after a restart with `evidence`. It goes by `plan` and what it took where that is silent.
    ///
    /// # Errors
    /// When the engine refuses what the plan asks for.
    pub fn new(
        plan: Plan,
        state: State,
        generation: u64,
        evidence: Option<&[u8]>,
    ) -> Result<Self, ConfigError> {
        if plan.experiment().is_some() {
            let compared = Compared::take_up(&plan, &state, evidence)?;
            return Ok(Self::of(plan, state, generation, Learned::default(), None, Some(compared)));
        }
        let stored = evidence.map(Stored::read).transpose().unwrap_or_else(|error| {
            let rollout = state.id.0.as_str();
            tracing::warn!(rollout, %error, "the stored evidence cannot be read, and is gathered anew");
            None
        });
        let plan = plan.with_taken(&state.taken);
        let evaluation = Evaluation::restore(&plan, &state, stored)?;
        let learned = learned(&state, &evaluation);
        let runs = state.runs();
        let mut tracked = Self::of(plan, state, generation, learned, runs.then_some(evaluation), None);
        tracked.tell_weight();
        Ok(tracked)
    }

    fn of(
        plan: Plan,
        state: State,
        generation: u64,
        learned: Learned,
        evaluation: Option<Evaluation>,
        experiment: Option<Compared>,
    ) -> Self {
        Self {
            plan: Arc::new(plan),
            state,
            generation,
            judgement: None,
            evaluation,
            experiment,
            last: None,
            learned,
            spreading: None,
            counted: None,
            pending: Vec::new(),
            course: Course::default(),
            charts: ChartMinutes::default(),
            views: Views::default(),
            has_news: false,
        }
    }

    /// Begins with what an earlier rollout of the service taught.
    pub fn recall(&mut self, learned: Learned) {
        if let Some(evaluation) = &mut self.evaluation {
            evaluation.recall(&learned);
        }
        if let Some(experiment) = &mut self.experiment {
            experiment.evidence().recall(&learned);
        }
        self.learned = learned;
    }

    /// Takes what an earlier rollout of the service taught to the next one, where this one teaches nothing: in an experiment,
    /// also when it goes on with evidence of its own.
    pub(super) fn hand_on(&mut self, learned: Learned) {
        if self.experiment.is_some() {
            self.learned = learned;
        }
    }

    /// What the next rollout of the service should begin with.
    #[must_use]
    pub fn learned(&self) -> Learned {
        let of = |evaluation| learned(&self.state, evaluation);
        self.evaluation.as_ref().map_or_else(|| self.learned.clone(), of)
    }

    /// How it stands now, for a recorder, when the last tick came at `ticked`. `None`: it has ended.
    pub(super) fn started(&self, at: UnixMillis, ticked: Option<UnixMillis>) -> Option<Started> {
        let evaluation = self.evaluation.as_ref()?;
        let evidence = evaluation.stored();
        let evidence = evidence
            .inspect_err(|error| tracing::warn!(%error, "evidence cannot be recorded"))
            .unwrap_or_default();
        let (plan, state) = (Arc::clone(&self.plan), Box::new(self.state.clone()));
        Some(Started { at, ticked, plan, state, evidence })
    }

    /// What it goes by.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The newest judgement since the start of the process.
    #[must_use]
    pub const fn judgement(&self) -> Option<&Judgement> {
        self.judgement.as_ref()
    }

    /// The evidence, while the rollout runs.
    #[must_use]
    pub const fn evidence(&self) -> Option<&Evaluation> {
        self.evaluation.as_ref()
    }

    /// True when reports came since the last judgement.
    #[must_use]
    pub const fn has_news(&self) -> bool {
        self.has_news
    }

    /// True while evidence is gathered and judged.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.evaluation.is_some() || (self.experiment.is_some() && !self.state.phase.is_terminal())
    }

    /// The evidence as it is stored. That of an experiment is stored for a minute after its end too, because its result is
    /// shown from it. `None`: there is none.
    pub(super) fn stored(&self, now: UnixMillis) -> Option<Result<Vec<u8>, serde_json::Error>> {
        let lately = now.since(self.state.changed_at) <= STORED_AFTER_END;
        let experiment = self.experiment.as_ref().filter(|_| self.runs() || lately);
        experiment.map(Compared::stored).or_else(|| self.evaluation.as_ref().map(Evaluation::stored))
    }

    /// Adds what a VM measured. Arms that are not compared with each other and unknown components are left out.
    /// One request in `one_in` was sampled for its host.
    pub fn merge(&mut self, source: u64, stratum: &Stratum, one_in: u32) {
        self.count_return(stratum);
        self.remember(stratum);
        if let Some(experiment) = &mut self.experiment {
            experiment.merge(source, stratum, one_in);
            self.has_news = self.runs();
            return;
        }
        let Some(evaluation) = &mut self.evaluation else { return };
        let Some(component) = evaluation.index(&stratum.component) else { return };
        for reported in &stratum.arms {
            let arm = match reported.name.as_str() {
                BASELINE => Arm::Baseline,
                CANARY => Arm::Canary,
                _ => continue,
            };
            evaluation.merge(&Increment {
                component,
                start_second: stratum.second,
                arm,
                source,
                started: reported.started,
                outcomes: reported.outcomes,
                latency: reported.latency.clone(),
                users: reported.users,
            });
            for (block, failed) in &reported.blocks {
                evaluation.merge_block(block, component, arm, stratum.second, *failed);
            }
            for host in &reported.hosts {
                evaluation.merge_host(&HostSample {
                    component,
                    start_second: stratum.second,
                    arm,
                    host: host_number(&host.address),
                    one_in,
                    requests: host.requests,
                    failed: host.errors,
                    latency: host.latency.clone(),
                });
            }
        }
        self.has_news = true;
    }

    /// Keeps the counts of a report for the evidence of decisions, after the end as well.
    fn remember(&mut self, stratum: &Stratum) {
        for arm in &stratum.arms {
            let reported = Reported {
                component: &stratum.component,
                arm: &arm.name,
                second: stratum.second,
                started: arm.started,
                outcomes: &arm.outcomes,
                users: arm.users,
            };
            self.course.count(&reported, self.plan.failures());
        }
    }

    /// A VM lives and has reported everything that finished before the second `complete_until`.
    pub fn progress(&mut self, source: u64, complete_until: u64, now: UnixMillis) {
        if let Some(counted) = &mut self.counted {
            counted.progress(source, complete_until, now);
        }
        if let Some(evaluation) = &mut self.evaluation {
            evaluation.progress(source, complete_until, now);
        }
        if let Some(experiment) = &mut self.experiment {
            experiment.evidence().progress(source, complete_until, now);
        }
    }

    /// Judges the evidence and says what follows, which is still to be persisted. `None`: the rollout does not run.
    pub fn judge(&mut self, now: UnixMillis) -> Option<Transition> {
        self.has_news = false;
        let judgement = match &mut self.experiment {
            Some(_) if self.state.phase.is_terminal() => return None,
            Some(experiment) => experiment.judge(&self.plan, now),
            None => self.evaluation.as_mut()?.judge(now),
        };
        self.course.judged(&judgement, self.state.weight, now);
        self.judgement = Some(judgement.clone());
        self.keep_charts(now);
        step(&self.plan, &self.state, &Input::Assessed(Box::new(judgement)), now).ok()
    }

    /// Says what follows while a rollback is carried out, by how far it got among the proxies. `None`: none is.
    pub fn carry_on(&mut self, spread: Spread, now: UnixMillis) -> Option<Transition> {
        if self.state.rollback.as_ref().is_none_or(|rollback| rollback.stage.is_none()) {
            self.counted = None;
            return None;
        }
        let counted = self.counted.get_or_insert_with(|| Counted::new(now));
        let seen = counted.look(self.plan.limits(), now);
        let seen = Sighting { vms: spread.known, applied: spread.applied, ..seen };
        step(&self.plan, &self.state, &Input::Sighted(seen), now).ok()
    }

    fn count_return(&mut self, stratum: &Stratum) {
        let (Some(counted), Some(rollback)) = (&mut self.counted, &self.state.rollback) else { return };
        for arm in &stratum.arms {
            let measured = Measured {
                component: &stratum.component,
                arm: &arm.name,
                second: stratum.second,
                started: arm.started,
                outcomes: &arm.outcomes,
                latency: arm.latency.as_ref(),
            };
            counted.add(&rollback.returned, self.plan.failures(), &measured);
        }
    }

    /// Takes over what was decided, once it is persisted.
    pub fn decided(&mut self, state: State, events: &[Event]) {
        let decided_at = |state: &State| state.rollback.as_ref().map(|rollback| rollback.decided_at);
        if decided_at(&self.state) != decided_at(&state) {
            self.counted = decided_at(&state).map(Counted::new);
        }
        self.state = state;
        if let Some(experiment) = &mut self.experiment {
            experiment.decided(&self.plan, &self.state, events);
            return;
        }
        if !self.state.runs() {
            self.learned = self.learned();
            let last = self.evaluation.take();
            self.last = last.map(|evaluation| self.windows(&evaluation)).or(self.last.take());
            return;
        }
        let Some(evaluation) = &mut self.evaluation else { return };
        if let Err(error) = evaluation.decided(&self.plan, &self.state, events) {
            tracing::error!(rollout = %self.state.id, %error, "the evidence cannot begin anew");
        }
        self.tell_weight();
    }

    /// The canary's share of the requests is judged while weights alone split them between two arms.
    fn tell_weight(&mut self) {
        let weight = self.state.weight;
        // Users of a train come whatever the weight.
        let alone = self.plan.splits_by_weight_alone() && self.state.train.is_none();
        let splits = weight > Weight::ZERO && weight < Weight::FULL && alone;
        if let Some(evaluation) = &mut self.evaluation {
            evaluation.set_weight(self.state.changed_at.second(), splits.then_some(weight.ppm()));
        }
    }

    /// As everyone sees it.
    pub(crate) fn snapshot(&self, spread: Spread, now: UnixMillis) -> Snapshot {
        let summary = summary(&self.plan, &self.state, self.judgement.as_ref(), now);
        let present = self.evaluation.as_ref().map(|evaluation| self.windows(evaluation));
        let windows = present.as_ref().or(self.last.as_ref());
        let results = self.experiment.as_ref().map(Compared::results).unwrap_or_default();
        let seen = snapshot::Seen { judgement: self.judgement.as_ref(), windows, spread, now, results };
        snapshot::build(&self.plan, &self.state, self.generation, summary, &seen)
    }

    fn windows(&self, evaluation: &Evaluation) -> Windows {
        let names = self.plan.components().map(|component| component.name);
        let window = |name: &str| ComponentWindow {
            arms: evaluation.component(name),
            charts: evaluation.charts(name).cloned().collect(),
        };
        let components = names.chain([UNMATCHED]).map(|name| (name.to_owned(), window(name)));
        Windows { version: evaluation.version(), components: components.collect() }
    }
}

/// What the next rollout of the service should begin with: once the canary was promoted, what is usual for it.
fn learned(state: &State, evaluation: &Evaluation) -> Learned {
    match state.phase {
        Phase::Promoted => evaluation.learned_by_promotion(),
        Phase::WarmingUp
        | Phase::Progressing
        | Phase::Paused { .. }
        | Phase::Completing
        | Phase::RollingBack
        | Phase::RolledBack
        | Phase::Failed => evaluation.learned(),
    }
}
