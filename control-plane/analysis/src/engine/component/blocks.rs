//! Which block of a component's code is at fault?
//!
//! A failed request may name the blocks that failed. Those failures, block by block, are judged by the same bets as all
//! failures of the component: against the baseline in the same seconds, with the same margins, whenever the fault began. A
//! block is at fault when the evidence against it reaches odds of [`LOCATED_ODDS`] to 1 for each block there is, while the
//! failures that name no block carry none ([`REST_ODDS`]). Blocks never raise an alarm of their own: they say what an alarm
//! of their component is about.
//!
//! Where no baseline runs beside the canary, each block is compared with what is expected of the whole component, which is
//! more than any block's part.
//!
//! Names that come late still count in their own second, until it settles ([`names`], [`strata`]).

mod names;
mod strata;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Component;
use crate::chance::{ENOUGH, least_beyond};
use crate::config::RawEngineConfig;
use crate::increment::{Arm, BlockFailures, ByArm};
use crate::placebo::Phi;
use crate::scope::{Agreeing, Process};
use crate::stratum::ArmStratum;
use crate::verdict::{BlockEvidence, Signal};
use names::Names;
use strata::{Beliefs, JudgedStratum};

/// Odds against a block from which it is at fault, times the number of blocks.
const LOCATED_ODDS: f64 = 20.0;
/// Odds against the failures that name no block from which the blocks do not explain the regression. Low, because in doubt
/// more is undone; chance seldom gives as much, and an alarm can wait until it is gone.
const REST_ODDS: f64 = 3.0;
/// How long an alarm waits for its block, in seconds.
const LOCATING_S: u64 = 5;
/// Time in which names come, where log records tell them, in seconds.
const LOGS_S: u64 = 3;
/// Time after which a judged second takes no more names, in seconds.
const SETTLED_S: u64 = 10;

/// The blocks of a component.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Blocks {
    blocks: Vec<String>,
    /// Failures that named a block, of seconds that are not settled.
    names: Names,
    /// What was judged and is not settled, oldest first.
    unsettled: VecDeque<JudgedStratum>,
    /// Evidence of what is settled.
    settled: Beliefs,
    /// All evidence.
    present: Beliefs,
    /// Names came for what was judged since `present` was computed.
    is_stale: bool,
    /// First second that is not judged.
    open_from: u64,
    /// When the component's alarm began.
    #[serde(default)]
    alarmed_at: Option<u64>,
}

/// What the component's stratum was judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judging<'a> {
    /// Last second of the stratum.
    pub(super) second: u64,
    pub(super) arms: &'a ByArm<ArmStratum>,
    pub(super) alone: bool,
    pub(super) warm: bool,
    pub(super) config: &'a RawEngineConfig,
    pub(super) phi: Phi,
    pub(super) mass: f64,
    pub(super) agreeing: Agreeing,
}

impl Blocks {
    /// `None` without names.
    pub(super) fn new(blocks: &[String], config: &RawEngineConfig) -> Option<Box<Self>> {
        if blocks.is_empty() {
            return None;
        }
        let beliefs = Beliefs::new(blocks.len(), config);
        Some(Box::new(Self {
            blocks: blocks.to_vec(),
            names: Names::new(blocks.len()),
            unsettled: VecDeque::new(),
            settled: beliefs.clone(),
            present: beliefs,
            is_stale: false,
            open_from: 0,
            alarmed_at: None,
        }))
    }

    /// The same without evidence. `mass` is the prior mass that is past.
    fn restarted(&self, config: &RawEngineConfig, mass: f64) -> Option<Box<Self>> {
        let mut blocks = Self::new(&self.blocks, config)?;
        blocks.settled.skip_mass(mass);
        blocks.present.skip_mass(mass);
        blocks.names = self.names.restarted();
        Some(blocks)
    }

    fn add(&mut self, failures: &BlockFailures) {
        let settled_until = self.unsettled.front().map_or(self.open_from, |oldest| oldest.first);
        let second = failures.start_second;
        // What comes later than that counts as if it was new.
        let second = if second < settled_until { self.open_from } else { second };
        let changes_past = self.names.add(second, failures);
        self.is_stale |= changes_past || second < self.open_from;
    }

    /// Requests of a judged second failed after it had closed.
    fn fail_late(&mut self, second: u64, arm: Arm, failed: u64) {
        if let Some(stratum) = self.unsettled.iter_mut().find(|stratum| stratum.covers(second)) {
            stratum.fail(arm, failed);
            self.is_stale = true;
        }
    }

    /// A second closed.
    fn pass(&mut self, second: u64) {
        if self.is_stale || (self.names.logs_tell() && !self.unsettled.is_empty()) {
            self.refresh(second);
        }
    }

    fn judge(&mut self, at: &Judging<'_>) {
        let stratum = JudgedStratum::new(self.open_from, at);
        self.unsettled.push_back(stratum);
        self.open_from = at.second.saturating_add(1);
        if self.is_stale || self.names.logs_tell() {
            self.refresh(at.second);
        } else {
            self.present.update(&stratum, &self.names.clone().take(&stratum));
        }
        while let Some(oldest) = self.unsettled.front().copied()
            && oldest.last.saturating_add(SETTLED_S) <= at.second
        {
            let named = self.names.take(&oldest);
            self.settled.update(&oldest, &named);
            self.names.forget_before(oldest.last.saturating_add(1));
            self.unsettled.pop_front();
        }
    }

    /// Takes what is not settled into account anew. Where log records tell, what is too new for them to have come is left
    /// out.
    fn refresh(&mut self, second: u64) {
        self.is_stale = false;
        let wait_s = if self.names.logs_tell() { LOGS_S } else { 0 };
        let (mut present, mut names) = (self.settled.clone(), self.names.clone());
        let told = self.unsettled.iter().take_while(|one| one.last.saturating_add(wait_s) <= second);
        for stratum in told {
            present.update(stratum, &names.take(stratum));
        }
        self.present = present;
    }

    /// Positions of the blocks at fault, strongest first. Empty: none is known to be, or they do not explain what all
    /// failures show.
    fn at_fault(&self) -> Vec<usize> {
        let evidence = |process: &Process| process.log_evidence_of(Signal::ErrorRate);
        let crossed = self.present.blocks.iter().enumerate();
        let mut crossed: Vec<(usize, f64)> = crossed
            .filter(|(_, process)| evidence(process) >= process.log_threshold())
            .map(|(index, process)| (index, evidence(process)))
            .collect();
        crossed.sort_by(|a, b| b.1.total_cmp(&a.1));
        let crossed: Vec<usize> = crossed.into_iter().map(|(index, _)| index).collect();
        if self.explain(&crossed) { crossed } else { Vec::new() }
    }

    /// Whether the failures that name none of `blocks` are no more than usual.
    fn explain(&self, blocks: &[usize]) -> bool {
        let Beliefs { blocks: processes, rest, whole } = &self.present;
        if rest.log_evidence_of(Signal::ErrorRate) >= REST_ODDS.ln() {
            return false;
        }
        let since = whole.suspect_totals();
        let named = processes.iter().enumerate().filter(|(index, _)| blocks.contains(index));
        let named = named.map(|(_, process)| process.suspect_totals().failures().canary).sum::<u64>();
        let rest = since.failures().canary.saturating_sub(named);
        let usual = whole.totals().baseline;
        // As if half a failure more had been seen, so that what never failed may.
        let share = (usual.failed as f64 + 0.5) / (usual.started as f64 + 1.0);
        // Where more is expected, the evidence above tells.
        since.requests.canary as f64 * share >= ENOUGH || rest < least_beyond(since.requests.canary, share)
    }

    fn evidence(&self) -> Vec<BlockEvidence> {
        let at_fault = self.at_fault();
        let of = |(index, (name, process)): (usize, (&String, &Process))| {
            let since = process.suspect_totals();
            let failures = since.failures();
            (failures.canary > 0).then(|| BlockEvidence {
                name: name.clone(),
                at_fault: at_fault.contains(&index),
                log_evidence: crate::evalue::told(process.log_evidence_of(Signal::ErrorRate)),
                log_threshold: process.log_threshold(),
                baseline_failures: failures.baseline,
                canary_failures: failures.canary,
                baseline_requests: since.requests.baseline,
                canary_requests: since.requests.canary,
            })
        };
        self.blocks.iter().zip(&self.present.blocks).enumerate().filter_map(of).collect()
    }
}

impl Component {
    /// Adds failures that named a block.
    pub(in crate::engine) fn merge_block(&mut self, failures: &BlockFailures) {
        if let Some(blocks) = &mut self.blocks {
            blocks.add(failures);
        }
    }

    pub(super) fn fail_blocks_late(&mut self, second: u64, arm: Arm, failed: u64) {
        if let Some(blocks) = &mut self.blocks {
            blocks.fail_late(second, arm, failed);
        }
    }

    pub(super) fn pass_blocks(&mut self, second: u64) {
        if let Some(blocks) = &mut self.blocks {
            blocks.pass(second);
        }
    }

    pub(super) fn judge_blocks(&mut self, at: &Judging<'_>) {
        if let Some(blocks) = &mut self.blocks {
            blocks.judge(at);
        }
    }

    pub(super) fn restart_blocks(&mut self, config: &RawEngineConfig, mass: f64) {
        self.blocks = self.blocks.take().and_then(|blocks| blocks.restarted(config, mass));
    }

    /// What the failures that name blocks say, block by block.
    pub(in crate::engine) fn block_evidence(&self) -> Vec<BlockEvidence> {
        self.blocks.as_ref().map(|blocks| blocks.evidence()).unwrap_or_default()
    }

    /// The alarm began, at `second`.
    pub(in crate::engine) fn alarmed(&mut self, second: u64) {
        if let Some(blocks) = &mut self.blocks {
            blocks.alarmed_at.get_or_insert(second);
        }
    }

    /// Whether its alarm waits, at `second`, for more failures to say which block is at fault.
    pub(in crate::engine) fn is_locating(&self, second: u64) -> bool {
        let Some(blocks) = &self.blocks else { return false };
        blocks.alarmed_at.is_some_and(|at| second < at.saturating_add(LOCATING_S))
            && self.process.strongest_signal() == Signal::ErrorRate
            && blocks.at_fault().is_empty()
    }
}
