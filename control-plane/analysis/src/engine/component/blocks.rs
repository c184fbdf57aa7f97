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

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Component;
use crate::chance::{ENOUGH, least_beyond};
use crate::config::RawEngineConfig;
use crate::increment::{Arm, BlockFailures, ByArm};
use crate::placebo::Phi;
use crate::scope::{Agreeing, Process};
use crate::stratum::{ArmStratum, Evidence};
use crate::verdict::{BlockEvidence, Signal};
use crate::window::FailureCounts;

/// Odds against a block from which it is at fault, times the number of blocks.
const LOCATED_ODDS: f64 = 20.0;
/// Odds against the failures that name no block from which the blocks do not explain the regression. Low, because in doubt
/// more is undone; chance seldom gives as much, and an alarm can wait until it is gone.
const REST_ODDS: f64 = 3.0;
/// How long an alarm waits for its block, in seconds.
const LOCATING_S: u64 = 5;
/// Seconds whose failures by block wait for their second to close.
const MAX_PENDING_SECONDS: usize = 180;

/// The blocks of a component.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Blocks {
    names: Vec<String>,
    /// Failures by start second and block.
    pending: BTreeMap<u64, Vec<ByArm<u64>>>,
    /// Failures of the open stratum by block.
    stratum: Vec<ByArm<u64>>,
    /// Evidence by block.
    processes: Vec<Process>,
    /// Evidence on the failures that name no block.
    rest: Process,
    /// When the component's alarm began.
    #[serde(default)]
    alarmed_at: Option<u64>,
}

/// What the component's stratum was judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judging<'a> {
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
    pub(super) fn new(names: &[String], config: &RawEngineConfig) -> Option<Box<Self>> {
        if names.is_empty() {
            return None;
        }
        let process = |odds: f64| Process::new(1.0 / odds, config.beta);
        let located = LOCATED_ODDS * names.len() as f64;
        Some(Box::new(Self {
            names: names.to_vec(),
            pending: BTreeMap::new(),
            stratum: vec![ByArm::default(); names.len()],
            processes: vec![process(located); names.len()],
            rest: process(REST_ODDS),
            alarmed_at: None,
        }))
    }

    /// The same without evidence. `mass` is the prior mass that is past.
    fn restarted(&self, config: &RawEngineConfig, mass: f64) -> Option<Box<Self>> {
        let mut blocks = Self::new(&self.names, config)?;
        blocks.processes.iter_mut().chain([&mut blocks.rest]).for_each(|process| process.skip_mass(mass));
        Some(blocks)
    }

    fn add(&mut self, failures: &BlockFailures) {
        if self.pending.len() >= MAX_PENDING_SECONDS && !self.pending.contains_key(&failures.start_second) {
            self.pending.pop_first();
        }
        let none = || vec![ByArm::default(); self.names.len()];
        let second = self.pending.entry(failures.start_second).or_insert_with(none);
        if let Some(block) = second.get_mut(failures.block) {
            let count = block.of_mut(failures.arm);
            *count = count.saturating_add(failures.failed);
        }
    }

    /// Takes what is known of `second`, and what came late for earlier ones, into the open stratum.
    fn absorb(&mut self, second: u64) {
        let later = self.pending.split_off(&second.saturating_add(1));
        for blocks in std::mem::replace(&mut self.pending, later).into_values() {
            for (into, failed) in self.stratum.iter_mut().zip(blocks) {
                into.baseline = into.baseline.saturating_add(failed.baseline);
                into.canary = into.canary.saturating_add(failed.canary);
            }
        }
    }

    fn judge(&mut self, at: &Judging<'_>) {
        let named: Vec<ByArm<u64>> =
            std::mem::replace(&mut self.stratum, vec![ByArm::default(); self.names.len()]);
        let sum = |arm| named.iter().fold(0_u64, |sum, block| sum.saturating_add(*block.of(arm)));
        let rest = |arm| at.arms.of(arm).failed.saturating_sub(sum(arm));
        let rest = ByArm { baseline: rest(Arm::Baseline), canary: rest(Arm::Canary) };
        for (process, failed) in self.processes.iter_mut().zip(named).chain([(&mut self.rest, rest)]) {
            let of = |arm: Arm, failed: u64| {
                let whole = at.arms.of(arm);
                if at.alone && arm == Arm::Baseline { *whole } else { failing(whole.started, failed) }
            };
            let arms = ByArm {
                baseline: of(Arm::Baseline, failed.baseline),
                canary: of(Arm::Canary, failed.canary),
            };
            let evidence = Evidence::of(&arms, &[], None, at.config);
            let evidence = if at.warm { evidence.harm_alone() } else { evidence };
            process.update(&evidence.scaled(at.phi), &arms, at.mass, at.agreeing);
        }
    }

    /// Positions of the blocks at fault, strongest first. Empty: none is known to be, or they do not explain what the
    /// `whole` of the failures shows.
    fn at_fault(&self, whole: &Process) -> Vec<usize> {
        let evidence = |process: &Process| process.log_evidence_of(Signal::ErrorRate);
        let crossed = self.processes.iter().enumerate();
        let mut crossed: Vec<(usize, f64)> = crossed
            .filter(|(_, process)| evidence(process) >= process.log_threshold())
            .map(|(index, process)| (index, evidence(process)))
            .collect();
        crossed.sort_by(|a, b| b.1.total_cmp(&a.1));
        let crossed: Vec<usize> = crossed.into_iter().map(|(index, _)| index).collect();
        if self.explain(&crossed, whole) { crossed } else { Vec::new() }
    }

    /// Whether the failures that name none of `blocks` are no more than usual.
    fn explain(&self, blocks: &[usize], whole: &Process) -> bool {
        if self.rest.log_evidence_of(Signal::ErrorRate) >= REST_ODDS.ln() {
            return false;
        }
        let since = whole.suspect_totals();
        let named = self.processes.iter().enumerate().filter(|(index, _)| blocks.contains(index));
        let named = named.map(|(_, process)| process.suspect_totals().failures().canary).sum::<u64>();
        let rest = since.failures().canary.saturating_sub(named);
        let usual = whole.totals().baseline;
        // As if half a failure more had been seen, so that what never failed may.
        let share = (usual.failed as f64 + 0.5) / (usual.started as f64 + 1.0);
        // Where more is expected, the evidence above tells.
        since.requests.canary as f64 * share >= ENOUGH || rest < least_beyond(since.requests.canary, share)
    }

    fn evidence(&self, whole: &Process) -> Vec<BlockEvidence> {
        let at_fault = self.at_fault(whole);
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
        self.names.iter().zip(&self.processes).enumerate().filter_map(of).collect()
    }
}

impl Component {
    /// Adds failures that named a block.
    pub(in crate::engine) fn merge_block(&mut self, failures: &BlockFailures) {
        if let Some(blocks) = &mut self.blocks {
            blocks.add(failures);
        }
    }

    pub(super) fn absorb_blocks(&mut self, second: u64) {
        if let Some(blocks) = &mut self.blocks {
            blocks.absorb(second);
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
        self.blocks.as_ref().map(|blocks| blocks.evidence(&self.process)).unwrap_or_default()
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
            && blocks.at_fault(&self.process).is_empty()
    }
}

/// An arm of which `failed` requests failed.
fn failing(started: u64, failed: u64) -> ArmStratum {
    let failed = failed.min(started);
    let categories = FailureCounts::unnamed(failed);
    ArmStratum { started, failed, categories, ..ArmStratum::default() }
}
