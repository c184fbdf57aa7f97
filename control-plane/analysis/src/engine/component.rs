//! One component's part of the engine: its open stratum, its cells, its evidence.

mod activity;
mod alone;
mod blocks;
mod categories;
mod control;
mod late;
mod trend;

use serde::{Deserialize, Serialize};

use super::ComponentSpec;
use super::close::Judged;
use super::course::Course;
use super::lessons::Lessons;
use super::solo::{Presence, Solo};
use crate::categories::Categories;
use crate::cells::{Archetypes, Cells};
use crate::config::RawEngineConfig;
use crate::history::{Deployment, History, Minute};
use crate::increment::{Arm, ByArm, HostSample};
use crate::ledger::{ClosedStrata, OpenRequests};
use crate::placebo::{Dispersion, Phi, Placebo, Whole};
use crate::power::Needed;
use crate::scope::{Agreeing, Process};
use crate::stratum::{ArmStratum, BETS, Evidence, Stratum};
use crate::summary::SummaryWindow;
use crate::users::Users;
use crate::verdict::{ControlChart, EffectSize, Veto};
use crate::watch::Watch;
use crate::window::PendingArm;
use blocks::{Blocks, Judging};
use control::Control;

/// Weight of the newest second in the estimate of a component's traffic.
const RATE_WEIGHT: f64 = 0.1;
/// How often a component's need for requests is foreseen anew, in seconds.
const FORESIGHT_INTERVAL_S: u64 = 5;

/// What a component must know about a closed second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Second {
    pub(super) second: u64,
    pub(super) open_age_us: u64,
    /// The canary is warming up.
    pub(super) warm: bool,
    /// All requests are the canary's by weight.
    pub(super) at_full_weight: bool,
    /// A component without a baseline is no sign of missing reports.
    pub(super) may_be_alone: bool,
    /// No baseline runs beside the version.
    pub(super) version_alone: bool,
    /// The warm-up ends with it, so no stratum may reach beyond.
    pub(super) ends_warm_up: bool,
}

/// A component of the service.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Component {
    name: String,
    /// What it means for the business, 0 to 1.
    impact: f64,
    alpha: f64,
    active: bool,
    stratum: Stratum,
    open: OpenRequests,
    strata: ClosedStrata,
    process: Process,
    cells: Option<Cells>,
    lessons: Lessons,
    summary: SummaryWindow,
    /// Requests a second in the arm that has fewer, smoothed.
    least_rate: f64,
    /// The open stratum is part of the thin components' common one.
    pooled: bool,
    /// Part in the version's evidence, by bet, since the version's CUSUM was zero.
    parts: Vec<Part>,
    needed: Needed,
    next_foresight: u64,
    placebo: Placebo,
    watch: Watch,
    /// What speaks against acting on the evidence, while it is beyond its threshold.
    vetoes: Vec<Veto>,
    /// How much slower the canary is, as of the last few seconds.
    slow_down: Option<EffectSize>,
    #[serde(default)]
    course: Course,
    #[serde(default)]
    minutes: ByArm<Minute>,
    /// What is usual for the version that serves.
    #[serde(default)]
    history: History,
    /// How the canary's deployment went.
    #[serde(default)]
    deployment: Deployment,
    #[serde(default)]
    presence: Presence,
    /// While no baseline runs beside the canary.
    #[serde(default)]
    solo: Option<Box<Solo>>,
    #[serde(default)]
    users: Users,
    #[serde(default)]
    control: Control,
    #[serde(default)]
    blocks: Option<Box<Blocks>>,
    #[serde(default)]
    categories: Categories,
    /// Until when it is not judged, to recover.
    #[serde(default)]
    resting_until: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Part {
    log_e: f64,
    since_update: u64,
}

impl Component {
    pub(super) fn new(spec: &ComponentSpec, alpha: f64, impact: f64, config: &RawEngineConfig) -> Self {
        Self {
            name: spec.name.clone(),
            impact,
            alpha,
            active: true,
            stratum: Stratum::default(),
            open: OpenRequests::default(),
            strata: ClosedStrata::default(),
            process: Process::new(alpha, config.beta),
            cells: None,
            lessons: Lessons::default(),
            summary: SummaryWindow::default(),
            least_rate: 0.0,
            pooled: true,
            parts: vec![Part::default(); BETS],
            needed: Needed::default(),
            next_foresight: 0,
            placebo: Placebo::default(),
            watch: Watch::default(),
            vetoes: Vec::new(),
            slow_down: None,
            course: Course::default(),
            minutes: ByArm::default(),
            history: History::default(),
            deployment: Deployment::default(),
            presence: Presence::default(),
            solo: None,
            users: Users::default(),
            control: Control::new(config.chart_rules),
            blocks: Blocks::new(&spec.blocks, config),
            categories: Categories::default(),
            resting_until: None,
        }
    }

    pub(super) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Who uses the canary, and whose requests fail there.
    pub(super) fn users(&self) -> &Users {
        &self.users
    }

    /// A step of the plan starts.
    pub(super) fn step_started(&mut self, second: u64) {
        self.watch.step_started(second);
    }

    pub(super) fn vetoes(&self) -> &[Veto] {
        &self.vetoes
    }

    pub(super) fn set_vetoes(&mut self, vetoes: Vec<Veto>) {
        self.vetoes = vetoes;
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn impact(&self) -> f64 {
        self.impact
    }

    pub(super) fn set_impact(&mut self, impact: f64) {
        self.impact = impact;
    }

    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    pub(super) fn summary(&self) -> &SummaryWindow {
        &self.summary
    }

    /// Computes the summary once for all who read it.
    pub(super) fn refresh_summary(&mut self) {
        self.summary.refresh();
    }

    /// What its control charts show at `second` of the last minute.
    pub(super) fn charts(&self, second: u64) -> impl Iterator<Item = &ControlChart> {
        self.control.shown(second)
    }

    /// Requests still needed, as of the last few seconds.
    pub(super) fn needed(&self) -> Needed {
        self.needed
    }

    /// Those of the baseline that runs beside the canary, or of what stands for it.
    pub(super) fn archetypes(&self) -> Option<&Archetypes> {
        self.judging_cells().map(Cells::archetypes)
    }

    /// Takes in what one of its hosts saw.
    pub(super) fn merge_host(&mut self, sample: &HostSample) {
        self.placebo.add(sample, self.cells.as_ref());
    }

    /// Learns from the hosts' blocks that are complete.
    pub(super) fn close_hosts(&mut self, second: u64, whole: &mut Whole) {
        self.placebo.close(second, whole);
    }

    pub(super) fn dispersion(&self) -> Dispersion {
        self.placebo.dispersion
    }

    /// Begins with what was learned before.
    pub(super) fn recall(&mut self, dispersion: Dispersion) {
        self.placebo.dispersion = dispersion.checked();
    }

    pub(super) fn phi(&self, config: &RawEngineConfig) -> Phi {
        config.phi_beside(&self.placebo.dispersion)
    }

    /// Takes in a closed second; gives what the thin components' common stratum gets of it.
    pub(super) fn absorb(&mut self, at: &Second, arms: ByArm<PendingArm>) -> Option<ByArm<ArmStratum>> {
        self.summary.slide(at.second, self.lessons.seen_mut());
        let least = arms.baseline.started.min(arms.canary.started) as f64;
        self.least_rate += RATE_WEIGHT * (least - self.least_rate);
        let judged = ByArm {
            baseline: self.absorb_arm(at, Arm::Baseline, &arms.baseline),
            canary: self.absorb_arm(at, Arm::Canary, &arms.canary),
        };
        self.learn(at.second, &arms);
        self.pass_blocks(at.second);
        if !self.active {
            return None;
        }
        let failed = ByArm { baseline: judged.baseline.failed, canary: judged.canary.failed };
        let started = ByArm { baseline: judged.baseline.started, canary: judged.canary.started };
        self.watch.add(at.second, started, failed);
        self.users.add(started, failed, arms.canary.users);
        self.stratum.cover(at.second);
        self.stratum.arms.baseline.add(&judged.baseline);
        self.stratum.arms.canary.add(&judged.canary);
        let open = ByArm { baseline: arms.baseline.open(), canary: arms.canary.open() };
        self.stratum.had_open |= open != ByArm::default();
        let pooled = self.pooled && self.solo.is_none();
        self.open.remember(at.second, open, pooled);
        self.presence.see(started);
        pooled.then_some(judged)
    }

    /// Judges the stratum if it is full; gives what the version's process gets of it.
    pub(super) fn judge(
        &mut self,
        at: &Second,
        config: &RawEngineConfig,
        mass: f64,
        version: &Process,
    ) -> Option<Judged> {
        let second = at.second;
        let is_alone = at.may_be_alone && self.presence.is_alone(at.at_full_weight);
        let turns = self.active && is_alone != self.solo.is_some();
        let is_full = self.stratum.is_full(config, self.solo.is_some());
        let is_due = is_full || ((at.ends_warm_up || turns) && !self.stratum.is_empty());
        let judged = if is_due { self.close(at, config, mass, version) } else { None };
        self.refresh_solo(turns, second, config);
        let to_learn = self.summary.unlearned().count();
        let margin = config.margins.latency_ratio;
        let is_outdated = self.cells.as_ref().is_some_and(|cells| !cells.are_of(margin));
        let is_due = self.lessons.is_due(second, to_learn) || (is_outdated && self.lessons.are_enough());
        if self.stratum.is_empty() && self.solo.is_none() && is_due {
            self.summary.fold(self.lessons.seen_mut());
            self.cells = self.lessons.take(second, margin);
        }
        if second >= self.next_foresight {
            self.next_foresight = second.saturating_add(FORESIGHT_INTERVAL_S);
            self.slow_down = self.measure_slow_down(config);
            self.needed = self.foresee(config);
        }
        judged
    }

    /// Log evidence in each of the version's bets since its CUSUM was zero at the update in `since`, with the open stratum.
    pub(super) fn parts_in(&self, since: &[u64], phi: Phi, config: &RawEngineConfig) -> [f64; BETS] {
        let mut evidence = match self.reference() {
            Some(reference) => {
                let canary = self.stratum.arms.canary;
                let arms = ByArm { baseline: reference.beside(&canary), canary };
                Evidence::of(&arms, &[], self.archetypes(), &reference.config(config, false))
            }
            None => Evidence::of(&self.stratum.arms, &[], self.archetypes(), config),
        };
        for ((log_e, part), since_update) in evidence.harm.iter_mut().zip(&self.parts).zip(since) {
            if part.since_update >= *since_update {
                *log_e += part.log_e;
            }
        }
        evidence.scaled(phi).harm
    }

    fn absorb_arm(&mut self, at: &Second, arm: Arm, pending: &PendingArm) -> ArmStratum {
        if pending.started > 0 || pending.finished > 0 || !pending.latency.is_empty() {
            self.summary.add(at.second, arm, pending.tally(), self.lessons.seen_mut());
        }
        let mut judged = ArmStratum {
            started: pending.started,
            failed: pending.failed.total(),
            categories: pending.failed,
            ..ArmStratum::default()
        };
        if let Some(cells) = self.judging_cells() {
            cells.sort(arm, at.warm, &pending.latency, &mut judged.cells);
            cells.sort_open(arm, at.warm, at.open_age_us, pending.open(), &mut judged.cells);
        }
        judged
    }

    fn close(
        &mut self,
        at: &Second,
        config: &RawEngineConfig,
        mass: f64,
        version: &Process,
    ) -> Option<Judged> {
        let (warm, had_open, age_s) = (at.warm, self.stratum.had_open, self.stratum.age_s());
        let alone = self.solo.is_some();
        let judging = self.reference().map(|reference| reference.config(config, warm));
        if alone {
            let beside = self.reference().map(|reference| reference.beside(&self.stratum.arms.canary));
            self.stratum.arms.baseline = beside.unwrap_or_default();
        }
        let (mut arms, closed) = self.stratum.close();
        let late = self.strata.take_late();
        // Failures that come late are judged by the usual margin, so those of the warm-up are not judged.
        if had_open && !warm {
            let open = &self.open;
            self.strata.push(closed, |seconds| open.is_any(seconds));
        }
        let pooled = self.pooled;
        self.pooled = self.least_rate < config.min_exposure as f64;
        if arms.baseline.started == 0 && arms.canary.started == 0 && late.is_empty() {
            return None;
        }
        let agreeing = Agreeing::of(age_s, alone.then_some(config.sustained_s), &self.dispersion());
        let (config, phi) = (judging.as_ref().unwrap_or(config), self.phi(config));
        let second = at.second;
        self.judge_blocks(&Judging { second, arms: &arms, alone, warm, config, phi, mass, agreeing });
        let evidence = Evidence::of(&arms, &late, self.archetypes(), config);
        let evidence = if warm { evidence.harm_alone() } else { evidence };
        let categories = self.judge_categories(&evidence, &mut arms, &late, alone, config, phi);
        if alone {
            arms.baseline = ArmStratum::default();
        }
        self.process.update(&evidence.scaled(phi), &arms, mass, agreeing);
        if alone != at.version_alone {
            return None;
        }
        for ((part, log_e), since_update) in
            self.parts.iter_mut().zip(evidence.harm).zip(version.since_updates())
        {
            if part.since_update < since_update {
                *part = Part { log_e: 0.0, since_update };
            }
            part.log_e += log_e;
        }
        (!pooled || alone).then_some(Judged { evidence, categories, arms })
    }
}
