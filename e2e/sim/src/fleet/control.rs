//! The control plane without its shell: the product's ingest, registry, ledger, rollout, engine and restart, bound as its
//! tasks bind them, on a virtual clock.
//!
//! A report is decoded, admitted, added to the ledger and merged, and answered once the ledger is written. Judgements
//! are made once a second, and after news at most every 200 ms. Decisions are written before they are told.

use anyhow::{Context as _, Result, anyhow};
use prost::Message as _;
use serin_analysis::Learned;
use serin_control_plane::Config;
use serin_control_plane::assignment::{Published, report, services};
use serin_control_plane::fleet::AHEAD_MAX_S;
use serin_control_plane::fleet::ledger::{Pending, Ticket};
use serin_control_plane::fleet::nodes::{Admission, Nodes};
use serin_control_plane::fleet::report::Report;
use serin_control_plane::rollouts::{EVIDENCE_TICKS, FORGET_TICKS, Tracked, restore};
use serin_control_plane::store::{SqliteStore, Store as _};
use serin_proto::assignment::raw;
use serin_proto::fleet::v1::ReportRequest;
use serin_rollout::{
    AUTOMATIC, Command, Creation, Event, Input, Order, Plan, Transition, UnixMillis, create, source_number,
    step,
};

use super::envoy::VmId;

/// gRPC statuses.
const INVALID_ARGUMENT: u32 = 3;
const RESOURCE_EXHAUSTED: u32 = 8;

/// A call that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    pub(super) vm: VmId,
    pub(super) token: u32,
}

/// What becomes of a report.
#[derive(Debug)]
pub(super) enum Received {
    /// It was merged before: answered at once.
    Known(u64),
    /// It is answered when the ledger is written.
    Waits,
    /// It fails with this gRPC status.
    Failed(u32),
}

/// What followed from a decision.
#[derive(Debug, Default)]
pub(super) struct Decided {
    /// In order.
    pub(super) events: Vec<Event>,
    /// Whether the fleet has to be told.
    pub(super) publishes: bool,
}

/// One life of the control plane.
#[derive(Debug)]
pub(super) struct ControlPlane {
    nodes: Nodes,
    pending: Pending,
    committed: Ticket,
    waiting: Vec<(Ticket, u64, Caller)>,
    tracked: Vec<Tracked>,
    generation: u64,
    ticks: u64,
    /// How the filters report, by a configuration that says nothing.
    report: raw::Report,
    /// Evidence that is written once the reports that it holds are.
    evidence: Option<(Ticket, Evidence)>,
}

/// By rollout.
type Evidence = Vec<(String, Vec<u8>)>;

impl ControlPlane {
    /// Takes up what was written.
    pub(super) fn restore(store: &mut SqliteStore) -> Result<Self> {
        let mut loaded = store.load()?;
        let ledger = std::mem::take(&mut loaded.ledger);
        let pending = Pending::new(ledger.counts);
        Ok(Self {
            nodes: Nodes::new(&ledger.seen),
            committed: pending.newest(),
            pending,
            waiting: Vec::new(),
            tracked: restore(&loaded)?,
            generation: loaded.generation,
            ticks: 0,
            report: report(&Config::parse("", false)?),
            evidence: None,
        })
    }

    /// Begins a rollout with what an earlier one taught.
    pub(super) fn create(
        &mut self,
        plan: Plan,
        creation: Creation,
        learned: &Learned,
        store: &mut SqliteStore,
        now: UnixMillis,
    ) -> Result<Decided> {
        let transition = create(&plan, creation, now);
        let mut tracked = Tracked::new(plan, transition.state.clone(), 0, None)?;
        tracked.recall(learned.clone());
        self.tracked.push(tracked);
        self.perform(&transition, store, now)
    }

    /// The rollout.
    pub(super) fn rollout(&self) -> Result<&Tracked> {
        self.tracked.last().ok_or_else(|| anyhow!("there is no rollout"))
    }

    /// A person lets the rollout go on.
    pub(super) fn resume(&mut self, store: &mut SqliteStore, now: UnixMillis) -> Result<Decided> {
        let tracked = self.rollout()?;
        let command = Command { order: Order::Resume, actor: AUTOMATIC.to_owned(), reason: String::new() };
        let seen = tracked.judgement().cloned().map(Box::new);
        let transition = step(tracked.plan(), tracked.state(), &Input::Commanded { command, seen }, now)?;
        self.perform(&transition, store, now)
    }

    /// A report arrives.
    pub(super) fn receive(&mut self, body: &[u8], caller: Caller, now: UnixMillis) -> Received {
        let report = ReportRequest::decode(body).ok().and_then(|wire| Report::try_from(wire).ok());
        let report = report.and_then(|report| report.not_ahead(now.second() + AHEAD_MAX_S).ok());
        let Some(report) = report else { return Received::Failed(INVALID_ARGUMENT) };
        let ticket = match self.nodes.admit(&report, now) {
            Admission::New => {
                let ticket = self.pending.add(&report, now);
                self.merge(&report, now);
                ticket
            }
            Admission::Repeated => self.pending.newest(),
            Admission::Full => return Received::Failed(RESOURCE_EXHAUSTED),
        };
        if ticket <= self.committed {
            return Received::Known(report.seq);
        }
        self.waiting.push((ticket, report.seq, caller));
        Received::Waits
    }

    fn merge(&mut self, report: &Report, now: UnixMillis) {
        let source = source_number(&report.vm.node, report.vm.epoch);
        for tracked in self.tracked.iter_mut().filter(|tracked| tracked.state().is_current()) {
            for stratum in &report.strata {
                if stratum.service == tracked.state().service {
                    tracked.merge(source, stratum, self.report.host_sample.max(1));
                }
            }
        }
        let Some(complete_until) = report.complete_until else { return };
        for tracked in &mut self.tracked {
            tracked.progress(source, complete_until, now);
        }
    }

    /// Writes what was added to the ledger. Gives who is answered by that, with the seq.
    pub(super) fn flush(&mut self, store: &mut SqliteStore) -> Result<Vec<(Caller, u64)>> {
        let (ticket, ledger) = self.pending.take();
        store.record(&ledger)?;
        self.committed = ticket;
        self.save_evidence(store)?;
        let done = self.waiting.extract_if(.., |(waits_for, ..)| *waits_for <= ticket);
        Ok(done.map(|(_, seq, caller)| (caller, seq)).collect())
    }

    /// A second has passed.
    pub(super) fn tick(&mut self, store: &mut SqliteStore, now: UnixMillis) -> Result<Decided> {
        self.ticks += 1;
        let decided = self.judge(store, now)?;
        if self.ticks.is_multiple_of(EVIDENCE_TICKS) {
            self.gather_evidence()?;
            self.save_evidence(store)?;
        }
        if self.ticks.is_multiple_of(FORGET_TICKS) {
            self.nodes.forget(now);
        }
        Ok(decided)
    }

    fn gather_evidence(&mut self) -> Result<()> {
        if self.evidence.is_some() {
            return Ok(());
        }
        let running = self.tracked.iter().filter_map(|tracked| Some((tracked.state(), tracked.evidence()?)));
        let evidence = running.map(|(state, evidence)| Ok((state.id.0.clone(), evidence.stored()?)));
        self.evidence = Some((self.pending.newest(), evidence.collect::<Result<_>>()?));
        Ok(())
    }

    fn save_evidence(&mut self, store: &mut SqliteStore) -> Result<()> {
        let committed = self.committed;
        if let Some((_, evidence)) = self.evidence.take_if(|(ticket, _)| *ticket <= committed) {
            store.save_evidence(&evidence)?;
        }
        Ok(())
    }

    /// Judges what is known and does what follows.
    pub(super) fn judge(&mut self, store: &mut SqliteStore, now: UnixMillis) -> Result<Decided> {
        match self.tracked.last_mut().and_then(|tracked| tracked.judge(now)) {
            Some(transition) => self.perform(&transition, store, now),
            None => Ok(Decided::default()),
        }
    }

    /// Persists, then takes over; the caller publishes.
    fn perform(
        &mut self,
        transition: &Transition,
        store: &mut SqliteStore,
        now: UnixMillis,
    ) -> Result<Decided> {
        if transition.events().is_empty() {
            return Ok(Decided::default());
        }
        let tracked = self.tracked.last_mut().context("there is no rollout")?;
        let append = tracked.append(transition, now)?;
        let publishes = append.assignment_changed;
        for appended in store.append(&[append])? {
            if publishes {
                self.generation = appended.sequence;
            }
        }
        tracked.decided(transition.state.clone(), transition.events());
        Ok(Decided { events: transition.events().to_vec(), publishes })
    }

    /// The assignment on offer, as JSON, and its generation.
    pub(super) fn assignment(&self) -> (u64, String) {
        let rollouts = self.tracked.iter().map(|tracked| (tracked.plan(), tracked.state()));
        let published = Published {
            generation: self.generation,
            report: self.report.clone(),
            services: services(rollouts),
        };
        (self.generation, published.json(None))
    }
}
