//! The loop: what comes in, and what is done about it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serin_evidence::mask::Masker;
use serin_hooks::Targets;
use serin_proto::assignment::raw;
use serin_rollout::{UnixMillis, source_number};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant as Moment, MissedTickBehavior, interval, sleep_until};

use super::evidence::Writer;
use super::perform::Decision;
use super::recorders::{Recorders, Running};
use super::tracked::Tracked;
use super::trains::{self, Train};
use super::{Message, RestoreError, restore};
use crate::assignment::Board;
use crate::calls::Calls;
use crate::clock;
use crate::config::Concurrency;
use crate::evidence::Samples;
use crate::fleet::Fleet;
use crate::fleet::report::Report;
use crate::hooks::Executor;
use crate::metrics::Metrics;
use crate::notify::Bell;
use crate::otlp::LoggedCounts;
use crate::probe::{Heard, Watched};
use crate::shutdown::Ending;
use crate::snapshot::{Directory, ROLLOUTS_MAX};
use crate::store::{Loaded, StoreHandle};
use crate::train_key::TrainKey;

/// All running rollouts are judged at least so often.
pub const TICK: Duration = Duration::from_secs(1);
/// Those with news are judged at most so often.
pub const SPACING: Duration = Duration::from_millis(200);
/// A judgement may take up this part of the task's time.
const EVALUATION_PART: u32 = 10;
/// Reports that are merged before anything else is looked at.
const REPORTS_AT_ONCE: usize = 256;
/// Ticks between two writings of the evidence.
pub const EVIDENCE_TICKS: u64 = 5;
/// Ticks between two cleanings of the node registry.
pub const FORGET_TICKS: u64 = 60;

/// What the task works with.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) store: StoreHandle,
    pub(crate) board: Arc<Board>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) fleet: Arc<Fleet>,
    /// What traces tell of who calls whom.
    pub(crate) calls: Arc<Calls>,
    pub(crate) metrics: Arc<Metrics>,
    /// Who runs, for those who ask outside.
    pub(crate) watched: watch::Sender<Vec<Watched>>,
    /// Rings when the journal grows.
    pub(crate) journal: Bell,
    /// Takes secrets out of evidence.
    pub(crate) masker: Arc<Masker>,
    /// A few failing log records of each component.
    pub(crate) samples: Arc<Samples>,
    /// How the filters report.
    pub(crate) report: raw::Report,
    /// How many rollouts may run at once.
    pub(crate) limits: Concurrency,
    /// What plans may ask for.
    pub(crate) targets: Arc<Targets>,
    /// Where the keys of trains come from.
    pub(crate) train_key: TrainKey,
}

/// The owner of all rollouts.
#[derive(Debug)]
pub(crate) struct Task {
    pub(super) shared: Shared,
    /// In order of creation.
    pub(super) tracked: Vec<Tracked>,
    /// In order of creation.
    pub(super) trains: Vec<Train>,
    /// Position of the newest rollout of each service.
    pub(super) current: BTreeMap<String, usize>,
    /// Who records what is merged.
    pub(super) recorders: Recorders,
    evidence: Writer,
    pub(super) hooks: Executor,
    /// True when the store holds something else than memory: only a restart helps.
    pub(super) lost: bool,
    ticks: u64,
    /// When the last tick came.
    pub(super) ticked: Option<UnixMillis>,
}

/// The store's answer is not known, so memory may be wrong.
#[derive(Debug, thiserror::Error)]
#[error("the outcome of a write is not known; a restart learns it from the journal")]
pub struct Lost;

impl Task {
    /// Takes up what was stored and offers its assignment again.
    pub(crate) fn restore(shared: Shared, loaded: &Loaded) -> Result<Self, RestoreError> {
        let tracked = restore::restore(loaded)?;
        let hooks = Executor::new(Arc::clone(&shared.targets), Arc::clone(&shared.masker));
        let mut task = Self {
            shared,
            hooks,
            tracked,
            trains: trains::restore(loaded)?,
            current: BTreeMap::new(),
            recorders: Recorders::default(),
            evidence: Writer::default(),
            lost: false,
            ticks: 0,
            ticked: None,
        };
        task.index();
        task.take_up_addenda(&loaded.owed);
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
        mut logged: mpsc::Receiver<LoggedCounts>,
        mut heard: mpsc::Receiver<Heard>,
        mut ending: Ending,
    ) -> Result<(), Lost> {
        let Some(mut hooks) = self.hooks.ended() else { return Err(Lost) };
        self.perform_hooks();
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
                    batch.drain(..).for_each(|report| self.merge(&Arc::new(report)));
                    self.measure_spread();
                },
                Some(ended) = hooks.recv() => self.hook_ended(ended).await,
                // After the reports, which it must never hold up.
                Some(logged) = logged.recv() => self.merge_logged(&logged),
                Some(heard) = heard.recv() => self.hear(&heard),
            }
        }
        self.evidence.finish().await;
        self.save_evidence();
        self.evidence.finish().await;
        if self.lost { Err(Lost) } else { Ok(()) }
    }

    async fn tick(&mut self) {
        self.ticks += 1;
        self.ticked = Some(clock::now());
        self.judge(|_| true).await;
        self.admit().await;
        self.go_on_with_hooks().await;
        let now = clock::now();
        for index in 0..self.tracked.len() {
            if self.tracked.get(index).is_some_and(|tracked| tracked.state.is_current()) {
                self.show(index, now);
            }
        }
        self.tell_who_runs();
        let Self { recorders, tracked, current, .. } = self;
        recorders.settle(|service| running(tracked, current, service));
        self.look_back();
        if self.ticks.is_multiple_of(EVIDENCE_TICKS) {
            self.save_evidence();
        }
        if self.ticks.is_multiple_of(FORGET_TICKS) {
            self.shared.fleet.nodes().forget(now);
            self.shared.calls.forget(now);
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
            let Some(transition) = tracked.judge(now) else { continue };
            if let Err(error) = self.perform(vec![Decision { index, transition }], now, decided).await {
                tracing::error!(%error, "a decision could not be carried out and will be made again");
            }
        }
        self.follow().await;
        self.run_trains().await;
        self.carry_on().await;
        self.measure_spread();
    }

    /// Carries on with the rollbacks that were decided.
    async fn carry_on(&mut self) {
        for index in 0..self.tracked.len() {
            let (now, decided, fleet) = (clock::now(), Instant::now(), &self.shared.fleet);
            let Some(tracked) = self.tracked.get_mut(index) else { continue };
            if tracked.state.rollback.is_none() {
                continue;
            }
            let spread = fleet.nodes().spread(tracked.generation, now, fleet.live_within());
            let Some(transition) = tracked.carry_on(spread, now) else { continue };
            if let Err(error) = self.perform(vec![Decision { index, transition }], now, decided).await {
                tracing::error!(%error, "a stage of a rollback could not be recorded and will be looked at again");
            }
        }
    }

    fn merge(&mut self, report: &Arc<Report>) {
        let (now, source) = (clock::now(), source_number(&report.vm.node, report.vm.epoch));
        let one_in = self.shared.report.host_sample.max(1);
        for stratum in &report.strata {
            let Some(&index) = self.current.get(&stratum.service) else { continue };
            let Some(tracked) = self.tracked.get_mut(index) else { continue };
            tracked.merge(source, stratum, one_in);
        }
        report.behaviour.iter().for_each(|behaviour| self.merge_views(behaviour));
        let Self { recorders, tracked, current, .. } = self;
        recorders.offer(report, now, |service| running(tracked, current, service));
        let Some(complete_until) = report.complete_until else { return };
        for tracked in &mut self.tracked {
            tracked.progress(source, complete_until, now);
        }
    }

    /// Notes when the last living VM applies a decision.
    fn measure_spread(&mut self) {
        let (fleet, now) = (&self.shared.fleet, clock::now());
        let mut has_spread = false;
        for tracked in &mut self.tracked {
            let Some(decided) = tracked.spreading else { continue };
            let spread = fleet.nodes().spread(tracked.generation, now, fleet.live_within());
            if spread.known > 0 && spread.applied == spread.known {
                tracked.spreading = None;
                has_spread = true;
                self.shared.metrics.applied(decided.elapsed());
                let (rollout, generation) = (tracked.state.id.0.as_str(), tracked.generation);
                let (vms, ms) =
                    (spread.known, u64::try_from(decided.elapsed().as_millis()).unwrap_or(u64::MAX));
                tracing::info!(rollout, generation, vms, ms, "all living VMs apply the decision");
            }
        }
        if has_spread {
            self.look_back();
        }
    }

    /// Puts the snapshot of a rollout on show.
    pub(super) fn show(&self, index: usize, now: UnixMillis) {
        let Some(tracked) = self.tracked.get(index) else { return };
        let fleet = &self.shared.fleet;
        let spread = fleet.nodes().spread(tracked.generation, now, fleet.live_within());
        self.shared.directory.put(tracked.snapshot(spread, now));
    }

    /// Begins to write the evidence, unless that is still under way.
    fn save_evidence(&mut self) {
        if !self.evidence.is_free() {
            return;
        }
        let now = clock::now();
        let running = self.tracked.iter().filter_map(|tracked| {
            let stored = tracked.stored(now)?;
            let stored =
                stored.inspect_err(|error| tracing::warn!(%error, "evidence cannot be written")).ok()?;
            Some((tracked.state.id.0.clone(), stored))
        });
        self.evidence.begin(&self.shared.fleet, &self.shared.store, running.collect());
    }

    pub(super) fn index(&mut self) {
        let current = self.tracked.iter().enumerate().filter(|(_, tracked)| tracked.state.is_current());
        self.current = current.map(|(index, tracked)| (tracked.state.service.clone(), index)).collect();
        self.current.keys().for_each(|service| self.shared.metrics.rollbacks.known(service));
    }

    /// Forgets the oldest rollout that is over and replaced, once there are too many.
    pub(super) fn make_room(&mut self) {
        while self.tracked.len() > ROLLOUTS_MAX {
            let Some(index) = self.tracked.iter().position(|tracked| !tracked.state.is_current()) else {
                return;
            };
            let forgotten = self.tracked.remove(index);
            self.shared.directory.remove(&forgotten.state.id.0);
        }
    }
}

/// The rollout of a service, while it runs.
pub(super) fn running(
    tracked: &[Tracked],
    current: &BTreeMap<String, usize>,
    service: &str,
) -> Option<Running> {
    let tracked =
        current.get(service).and_then(|index| tracked.get(*index)).filter(|tracked| tracked.runs())?;
    let state = &tracked.state;
    Some(Running { id: state.id.0.clone(), service: state.service.clone(), weight: state.weight })
}
