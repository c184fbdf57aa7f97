//! The loop: what comes in, and what is done about it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serin_proto::assignment::raw;
use serin_rollout::{Command, Creation, Input, Plan, RolloutId, Salt, Transition, UnixMillis, create, step};
use tokio::sync::mpsc;
use tokio::time::{Instant as Moment, MissedTickBehavior, interval, sleep_until};

use super::perform::Decision;
use super::tracked::Tracked;
use super::{CommandError, Message, RestoreError, restore};
use crate::assignment::Board;
use crate::clock;
use crate::fleet::Fleet;
use crate::fleet::report::{Report, Vm};
use crate::metrics::Metrics;
use crate::shutdown::Ending;
use crate::snapshot::{Directory, ROLLOUTS_MAX, Snapshot};
use crate::store::{Loaded, StoreHandle};

/// All running rollouts are judged at least so often.
const TICK: Duration = Duration::from_secs(1);
/// Those with news are judged at most so often.
const SPACING: Duration = Duration::from_millis(200);
/// A judgement may take up this part of the task's time.
const EVALUATION_PART: u32 = 10;
/// Reports that are merged before anything else is looked at.
const REPORTS_AT_ONCE: usize = 256;
/// Ticks between two writings of the evidence.
const EVIDENCE_TICKS: u64 = 5;
/// Ticks between two cleanings of the node registry.
const FORGET_TICKS: u64 = 60;

/// What the task works with.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) store: StoreHandle,
    pub(crate) board: Arc<Board>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) metrics: Arc<Metrics>,
    /// How the filters report.
    pub(crate) report: raw::Report,
}

/// The owner of all rollouts.
#[derive(Debug)]
pub(crate) struct Task {
    pub(super) shared: Shared,
    /// In order of creation.
    pub(super) tracked: Vec<Tracked>,
    /// Position of the newest rollout of each service.
    current: BTreeMap<String, usize>,
    /// True when the store holds something else than memory: only a restart helps.
    pub(super) lost: bool,
    ticks: u64,
}

/// The store's answer is not known, so memory may be wrong.
#[derive(Debug, thiserror::Error)]
#[error("the outcome of a write is not known; a restart learns it from the journal")]
pub struct Lost;

impl Task {
    /// Takes up what was stored and offers its assignment again.
    pub(crate) fn restore(shared: Shared, loaded: &Loaded) -> Result<Self, RestoreError> {
        let tracked = loaded.rollouts.iter().map(|stored| restore::restore(stored, loaded.generation));
        let tracked = tracked.collect::<Result<_, _>>()?;
        let mut task = Self { shared, tracked, current: BTreeMap::new(), lost: false, ticks: 0 };
        task.index();
        task.shared.board.post(task.assignment(loaded.generation, None), Instant::now());
        let now = clock::now();
        (0..task.tracked.len()).for_each(|index| task.show(index, now));
        Ok(task)
    }

    /// Works until `ending` says true or nobody can send any more.
    ///
    /// # Errors
    /// When memory and store may differ.
    pub(crate) async fn run(
        mut self,
        mut messages: mpsc::Receiver<Message>,
        mut reports: mpsc::Receiver<Report>,
        mut ending: Ending,
    ) -> Result<(), Lost> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let (mut batch, mut judged_at, mut spacing) = (Vec::new(), Moment::now(), SPACING);
        while !self.lost {
            let has_news = self.tracked.iter().any(|tracked| tracked.has_news);
            tokio::select! {
                biased;
                () = ending.begun() => break,
                message = messages.recv() => match message {
                    Some(message) => self.obey(message).await,
                    None => break,
                },
                due = ticks.tick() => {
                    let began = Instant::now();
                    self.tick().await;
                    self.shared.metrics.tick(due.elapsed(), began.elapsed());
                    judged_at = Moment::now();
                },
                () = sleep_until(judged_at + spacing), if has_news => {
                    let began = Instant::now();
                    self.judge(|tracked| tracked.has_news).await;
                    spacing = SPACING.max(began.elapsed() * EVALUATION_PART);
                    judged_at = Moment::now();
                },
                count = reports.recv_many(&mut batch, REPORTS_AT_ONCE) => {
                    if count == 0 {
                        break;
                    }
                    batch.drain(..).for_each(|report| self.merge(&report));
                },
            }
        }
        self.save_evidence().await;
        if self.lost { Err(Lost) } else { Ok(()) }
    }

    async fn obey(&mut self, message: Message) {
        let decided = Instant::now();
        match message {
            Message::Create { plan_yaml, actor, answer } => {
                let outcome = self.create(&plan_yaml, actor, decided).await;
                let _caller_may_be_gone = answer.send(outcome);
            }
            Message::Command { id, command, answer } => {
                let outcome = self.command(&id, command, decided).await;
                let _caller_may_be_gone = answer.send(outcome);
            }
        }
    }

    async fn create(
        &mut self,
        plan_yaml: &str,
        actor: String,
        decided: Instant,
    ) -> Result<Arc<Snapshot>, CommandError> {
        let plan = Plan::parse(plan_yaml)?;
        let now = clock::now();
        let before = self.current.get(plan.service()).copied();
        let before = before.and_then(|index| self.tracked.get(index).map(|tracked| (index, tracked)));
        if let Some((_, tracked)) = before.filter(|(_, tracked)| !tracked.state.phase.is_terminal()) {
            let (service, id) = (tracked.state.service.clone(), tracked.state.id.0.clone());
            return Err(CommandError::Active { service, id });
        }
        let id = self.new_id(plan.service())?;
        let creation = Creation { id: id.clone(), salt: Salt(random()?), actor: actor.clone() };
        let transition = create(&plan, creation, now);
        let superseded = before.map(|(index, tracked)| -> Result<_, CommandError> {
            let input = Input::Superseded { by: id.clone(), actor };
            Ok(Decision { index, transition: step(&tracked.plan, &tracked.state, &input, now)? })
        });
        let superseded = superseded.transpose()?;
        self.begin(plan, transition, superseded, (now, decided)).await?;
        self.shared
            .directory
            .find(&id.0)
            .map(|found| found.borrow().clone())
            .ok_or(CommandError::NotFound(id.0))
    }

    /// Adds a rollout to the list, or leaves the list as it was.
    async fn begin(
        &mut self,
        plan: Plan,
        transition: Transition,
        superseded: Option<Decision>,
        (now, decided): (UnixMillis, Instant),
    ) -> Result<(), CommandError> {
        let tracked = Tracked::new(plan, transition.state.clone(), 0, None);
        let tracked = tracked.map_err(|error| CommandError::Internal(error.to_string()))?;
        self.tracked.push(tracked);
        let index = self.tracked.len() - 1;
        let replaced = superseded.as_ref().map(|decision| (decision.index, &decision.transition.state));
        let checked = self.assignment(0, replaced).check().map_err(CommandError::Assignment);
        let performed = match checked {
            Ok(()) => {
                let decisions = superseded.into_iter().chain([Decision { index, transition }]).collect();
                self.perform(decisions, now, decided).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = performed {
            self.tracked.truncate(index);
            return Err(error);
        }
        self.make_room();
        self.index();
        Ok(())
    }

    async fn command(
        &mut self,
        name: &str,
        command: Command,
        decided: Instant,
    ) -> Result<Arc<Snapshot>, CommandError> {
        let not_found = || CommandError::NotFound(name.to_owned());
        let by_id = self.tracked.iter().position(|tracked| tracked.state.id.0 == name);
        let index = by_id.or_else(|| self.current.get(name).copied()).ok_or_else(not_found)?;
        let tracked = self.tracked.get(index).ok_or_else(not_found)?;
        let (id, now) = (tracked.state.id.0.clone(), clock::now());
        let seen = tracked.judgement.clone().map(Box::new);
        let transition = step(&tracked.plan, &tracked.state, &Input::Commanded { command, seen }, now)?;
        self.perform(vec![Decision { index, transition }], now, decided).await?;
        self.shared.directory.find(&id).map(|found| found.borrow().clone()).ok_or_else(not_found)
    }

    async fn tick(&mut self) {
        self.ticks += 1;
        self.judge(|_| true).await;
        let now = clock::now();
        for index in 0..self.tracked.len() {
            if self.tracked.get(index).is_some_and(|tracked| tracked.state.is_current()) {
                self.show(index, now);
            }
        }
        if self.ticks.is_multiple_of(EVIDENCE_TICKS) {
            self.save_evidence().await;
        }
        if self.ticks.is_multiple_of(FORGET_TICKS) {
            self.shared.fleet.nodes().forget(now);
        }
    }

    /// Judges the running rollouts that are `due`, and performs what follows before the next one is looked at.
    async fn judge(&mut self, due: impl Fn(&Tracked) -> bool) {
        for index in 0..self.tracked.len() {
            let Some(tracked) = self.tracked.get_mut(index).filter(|tracked| tracked.runs() && due(tracked))
            else {
                continue;
            };
            let (now, decided) = (clock::now(), Instant::now());
            tracked.has_news = false;
            let Some(evaluation) = &mut tracked.evaluation else { continue };
            let judgement = evaluation.judge(now);
            tracked.judgement = Some(judgement.clone());
            let Ok(transition) =
                step(&tracked.plan, &tracked.state, &Input::Assessed(Box::new(judgement)), now)
            else {
                continue;
            };
            if let Err(error) = self.perform(vec![Decision { index, transition }], now, decided).await {
                tracing::error!(%error, "a decision could not be carried out and will be made again");
            }
        }
        self.measure_spread();
    }

    fn merge(&mut self, report: &Report) {
        let (now, source) = (clock::now(), source(&report.vm));
        for stratum in &report.strata {
            let Some(&index) = self.current.get(&stratum.service) else { continue };
            let Some(tracked) = self.tracked.get_mut(index) else { continue };
            if let Some(evaluation) = &mut tracked.evaluation {
                evaluation.merge(source, stratum);
                tracked.has_news = true;
            }
        }
        let Some(complete_until) = report.complete_until else { return };
        for evaluation in self.tracked.iter_mut().filter_map(|tracked| tracked.evaluation.as_mut()) {
            evaluation.progress(source, complete_until, now);
        }
    }

    /// Notes when the last living VM applies a decision.
    fn measure_spread(&mut self) {
        let (fleet, now) = (&self.shared.fleet, clock::now());
        for tracked in &mut self.tracked {
            let Some(decided) = tracked.spreading else { continue };
            let spread = fleet.nodes().spread(tracked.generation, now, fleet.live_within());
            if spread.known > 0 && spread.applied == spread.known {
                tracked.spreading = None;
                self.shared.metrics.applied(decided.elapsed());
                let (rollout, generation) = (tracked.state.id.0.as_str(), tracked.generation);
                let (vms, ms) =
                    (spread.known, u64::try_from(decided.elapsed().as_millis()).unwrap_or(u64::MAX));
                tracing::info!(rollout, generation, vms, ms, "all living VMs apply the decision");
            }
        }
    }

    /// Puts the snapshot of a rollout on show.
    pub(super) fn show(&self, index: usize, now: UnixMillis) {
        let Some(tracked) = self.tracked.get(index) else { return };
        let fleet = &self.shared.fleet;
        let spread = fleet.nodes().spread(tracked.generation, now, fleet.live_within());
        self.shared.directory.put(tracked.snapshot(spread, now));
    }

    async fn save_evidence(&mut self) {
        let running = self.tracked.iter().filter_map(|tracked| {
            let stored = tracked.evaluation.as_ref()?.stored();
            let stored =
                stored.inspect_err(|error| tracing::warn!(%error, "evidence cannot be written")).ok()?;
            Some((tracked.state.id.0.clone(), stored))
        });
        let evidence: Vec<_> = running.collect();
        if evidence.is_empty() {
            return;
        }
        if let Err(error) = self.shared.store.call(move |store| store.save_evidence(&evidence)).await {
            tracing::warn!(%error, "evidence could not be stored; a restart would gather it anew");
        }
    }

    fn index(&mut self) {
        let current = self.tracked.iter().enumerate().filter(|(_, tracked)| tracked.state.is_current());
        self.current = current.map(|(index, tracked)| (tracked.state.service.clone(), index)).collect();
    }

    /// Forgets the oldest rollout that is over and replaced, once there are too many.
    fn make_room(&mut self) {
        while self.tracked.len() > ROLLOUTS_MAX {
            let Some(index) = self.tracked.iter().position(|tracked| !tracked.state.is_current()) else {
                return;
            };
            let forgotten = self.tracked.remove(index);
            self.shared.directory.remove(&forgotten.state.id.0);
        }
    }

    fn new_id(&self, service: &str) -> Result<RolloutId, CommandError> {
        let (active, name) =
            (self.current.len(), service.get(..service.floor_char_boundary(40)).unwrap_or_default());
        if active >= ROLLOUTS_MAX {
            return Err(CommandError::TooMany);
        }
        let plain = |character: char| if character.is_ascii_alphanumeric() { character } else { '-' };
        let name: String = name.chars().map(plain).collect();
        Ok(RolloutId(format!("{name}-{:08x}", random()? & 0xffff_ffff)))
    }
}

fn random() -> Result<u128, CommandError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| CommandError::Internal(error.to_string()))?;
    Ok(u128::from_le_bytes(bytes))
}

/// A number for one life of one VM. The epoch is random already; the node sets apart VMs that drew the same one.
fn source(vm: &Vm) -> u64 {
    vm.node.bytes().fold(vm.epoch, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
