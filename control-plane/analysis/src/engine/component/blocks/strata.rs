//! Strata that are judged block by block, and what they add up to.

use serde::{Deserialize, Serialize};

use super::{Judging, LOCATED_ODDS, REST_ODDS};
use crate::config::RawEngineConfig;
use crate::failures::FailureCounts;
use crate::increment::{Arm, ByArm};
use crate::placebo::Phi;
use crate::scope::{Agreeing, Process};
use crate::stratum::{ArmStratum, Evidence};

/// A stratum of the component as it was judged, to be judged again when names came late.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct JudgedStratum {
    pub(super) first: u64,
    pub(super) last: u64,
    arms: ByArm<ArmStratum>,
    alone: bool,
    warm: bool,
    config: RawEngineConfig,
    phi: Phi,
    mass: f64,
    agreeing: Agreeing,
}

impl JudgedStratum {
    pub(super) fn new(first: u64, at: &Judging<'_>) -> Self {
        let Judging { second, arms, alone, warm, config, phi, mass, agreeing } = *at;
        Self {
            first: first.min(second),
            last: second,
            arms: *arms,
            alone,
            warm,
            config: *config,
            phi,
            mass,
            agreeing,
        }
    }

    pub(super) fn covers(&self, second: u64) -> bool {
        (self.first..=self.last).contains(&second)
    }

    /// Failures of one arm.
    pub(super) fn failed(&self, arm: Arm) -> u64 {
        self.arms.of(arm).failed
    }

    /// More of its requests failed than were known to.
    pub(super) fn fail(&mut self, arm: Arm, failed: u64) {
        let known = &mut self.arms.of_mut(arm).failed;
        *known = known.saturating_add(failed);
    }

    fn judge(&self, process: &mut Process, failed: ByArm<u64>) {
        let of = |arm: Arm| {
            let whole = self.arms.of(arm);
            if self.alone && arm == Arm::Baseline { *whole } else { failing(whole.started, *failed.of(arm)) }
        };
        let arms = ByArm { baseline: of(Arm::Baseline), canary: of(Arm::Canary) };
        let evidence = Evidence::of(&arms, &[], None, &self.config);
        let evidence = if self.warm { evidence.harm_alone() } else { evidence };
        process.update(&evidence.scaled(self.phi), &arms, self.mass, self.agreeing);
    }
}

/// Evidence on the blocks of a component.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Beliefs {
    /// By block.
    pub(super) blocks: Vec<Process>,
    /// On the failures that name no block.
    pub(super) rest: Process,
    /// On all failures.
    pub(super) whole: Process,
}

impl Beliefs {
    pub(super) fn new(blocks: usize, config: &RawEngineConfig) -> Self {
        let process = |odds: f64| Process::new(1.0 / odds, config.beta);
        let located = process(LOCATED_ODDS * blocks as f64);
        Self { blocks: vec![located.clone(); blocks], rest: process(REST_ODDS), whole: located }
    }

    /// Leaves out the prior mass that is past.
    pub(super) fn skip_mass(&mut self, mass: f64) {
        let Self { blocks, rest, whole } = self;
        blocks.iter_mut().chain([rest, whole]).for_each(|process| process.skip_mass(mass));
    }

    /// Takes in a stratum in which the failures `named` blocks.
    pub(super) fn update(&mut self, stratum: &JudgedStratum, named: &[ByArm<u64>]) {
        let sum = |arm| named.iter().fold(0_u64, |sum, block| sum.saturating_add(*block.of(arm)));
        let all = ByArm { baseline: stratum.failed(Arm::Baseline), canary: stratum.failed(Arm::Canary) };
        let rest = ByArm {
            baseline: all.baseline.saturating_sub(sum(Arm::Baseline)),
            canary: all.canary.saturating_sub(sum(Arm::Canary)),
        };
        for (process, failed) in self.blocks.iter_mut().zip(named) {
            stratum.judge(process, *failed);
        }
        stratum.judge(&mut self.rest, rest);
        stratum.judge(&mut self.whole, all);
    }
}

/// An arm of which `failed` requests failed.
fn failing(started: u64, failed: u64) -> ArmStratum {
    let failed = failed.min(started);
    let categories = FailureCounts::unnamed(failed);
    ArmStratum { started, failed, categories, ..ArmStratum::default() }
}
