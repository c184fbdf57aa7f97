//! From state, judgement and windows to a snapshot.

use std::collections::BTreeMap;

use serin_analysis::{ArmSummary, ByArm, ControlChart};
use serin_proto::assignment::{BASELINE, CANARY, UNMATCHED};
use serin_rollout::plan::{OnRollback, PlannedComponent};
use serin_rollout::{
    ComponentResult, Granularity, Judgement, Pin, Plan, Restored, State, UnixMillis, next_step_at, plan,
};

use super::{Arm, Block, BlockEvidence, Chart, Component, PlannedStep, Reason, Snapshot};
use crate::fleet::nodes::Spread;

/// The last minute of a rollout.
#[derive(Debug)]
pub struct Windows {
    /// Both arms of the version over the last 60 seconds.
    pub version: ByArm<ArmSummary>,
    /// By name of the component.
    pub components: BTreeMap<String, ComponentWindow>,
}

/// The last minute of a component.
#[derive(Debug)]
pub struct ComponentWindow {
    /// Both arms over the last 60 seconds.
    pub arms: ByArm<ArmSummary>,
    /// What its control charts show.
    pub charts: Vec<ControlChart>,
}

/// What was seen of a rollout.
pub struct Seen<'a> {
    /// The newest judgement.
    pub judgement: Option<&'a Judgement>,
    /// Its last minute; `None` while nothing is gathered.
    pub windows: Option<&'a Windows>,
    /// How far its last change got in the fleet.
    pub spread: Spread,
    /// When it is shown.
    pub now: UnixMillis,
    /// What an experiment shows. Empty in a rollout.
    pub results: &'a [ComponentResult],
}

/// Builds the snapshot.
#[must_use]
pub fn build(plan: &Plan, state: &State, generation: u64, summary: String, seen: &Seen<'_>) -> Snapshot {
    let experiment = super::experiment::build(plan, state, seen.judgement, seen.results);
    let version = seen.judgement.map(|judgement| &judgement.version).filter(|_| experiment.is_none());
    let unmatched = component(state, seen, UNMATCHED, Granularity::Coarse, None);
    let planned = plan.components();
    let planned = planned.map(|one| {
        let component = component(state, seen, one.name, one.granularity, Some(one));
        with_needs(component, plan)
    });
    Snapshot {
        id: state.id.0.clone(),
        service: state.service.clone(),
        baseline_version: state.baseline.clone(),
        canary_version: state.canary.clone(),
        phase: state.phase,
        current: state.is_current(),
        weight_ppm: state.weight.ppm(),
        step: state.step,
        steps: u32::try_from(plan.steps().len()).unwrap_or(u32::MAX),
        planned_steps: planned_steps(plan),
        next_step_at: next_step_at(plan, state),
        data_age_s: data_age_s(state, seen.judgement),
        verdict: version.map(|assessment| assessment.verdict).unwrap_or_default(),
        reasons: version.map(|assessment| reasons(&assessment.reasons)).unwrap_or_default(),
        vetoes: version.map(|assessment| assessment.vetoes.clone()).unwrap_or_default(),
        risk: version.map(|assessment| assessment.risk).unwrap_or_default(),
        trend: version.and_then(|assessment| assessment.trend),
        action: version.map(|assessment| assessment.action).unwrap_or_default(),
        arms: arms(seen.windows.map(|windows| &windows.version)),
        components: planned.chain([unmatched]).collect(),
        created_at: state.created_at,
        changed_at: state.changed_at,
        rollback_window_until: plan.rollback_window().until(state, seen.now),
        watched: state.watched,
        hold: state.hold.as_ref().map(|hold| crate::words::hold(&hold.reason)),
        summary,
        revision: state.revision,
        generation,
        taken: state.taken.clone(),
        not_taken: state.not_taken.clone(),
        hooks: state.hooks.clone(),
        rollback: state.rollback.clone(),
        vms_applied: seen.spread.applied,
        vms_known: seen.spread.known,
        outside: seen.judgement.map(|judgement| judgement.outside.clone()).unwrap_or_default(),
        findings: seen.judgement.map(|judgement| judgement.findings.clone()).unwrap_or_default(),
        sources: seen.judgement.and_then(|judgement| judgement.sources),
        experiment,
    }
}

fn data_age_s(state: &State, judgement: Option<&Judgement>) -> Option<u32> {
    let age = judgement.filter(|_| state.runs())?.data_age_s?;
    Some(u32::try_from(age).unwrap_or(u32::MAX))
}

fn planned_steps(plan: &Plan) -> Vec<PlannedStep> {
    let steps = plan.steps().iter();
    steps.map(|step| PlannedStep { weight_ppm: step.weight.ppm(), bake_s: step.bake.as_secs() }).collect()
}

fn component(
    state: &State,
    seen: &Seen<'_>,
    name: &str,
    granularity: Granularity,
    planned: Option<PlannedComponent<'_>>,
) -> Component {
    let judged = seen.judgement.and_then(|judgement| judgement.component(name));
    let window = seen.windows.and_then(|windows| windows.components.get(name));
    let evidence = judged.map(|one| one.assessment.blocks.as_slice()).unwrap_or_default();
    Component {
        granularity,
        rolled_back: state.pinned.contains_key(name),
        rolled_back_because: state.pinned.get(name).map(Pin::text),
        verdict: judged.map(|one| one.assessment.verdict).unwrap_or_default(),
        reasons: judged.map(|one| reasons(&one.assessment.reasons)).unwrap_or_default(),
        vetoes: judged.map(|one| one.assessment.vetoes.clone()).unwrap_or_default(),
        risk: judged.map(|one| one.assessment.risk).unwrap_or_default(),
        trend: judged.and_then(|one| one.assessment.trend),
        action: judged.map(|one| one.assessment.action).unwrap_or_default(),
        arms: arms(window.map(|window| &window.arms)),
        charts: window.map(|window| charts(&window.charts)).unwrap_or_default(),
        blocks: planned.iter().flat_map(|one| one.blocks).map(|one| block(state, one, evidence)).collect(),
        feature: planned.and_then(|one| one.feature).map(str::to_owned),
        switched_off_because: state.disabled.get(name).map(Pin::text),
        recovering: judged.is_some_and(|one| one.assessment.recovering),
        business_weight: planned.map_or(1.0, |one| one.business_weight),
        depends_on: Vec::new(),
        returns_with: Vec::new(),
        switched_off_with: Vec::new(),
        owner: planned.and_then(|one| one.owner).map(str::to_owned),
        said: planned.map(|one| *one.said).unwrap_or_default(),
        name: name.to_owned(),
    }
}

/// With what it needs, and what becomes of it when that returns.
fn with_needs(component: Component, plan: &Plan) -> Component {
    let needs = |of: &dyn Fn(OnRollback) -> bool| {
        let needs = plan.depends_on(&component.name).filter(|(_, on_rollback)| of(*on_rollback));
        needs.map(|(name, _)| name.to_owned()).collect()
    };
    Component {
        depends_on: needs(&|_| true),
        returns_with: needs(&|on_rollback| on_rollback == OnRollback::Move),
        switched_off_with: needs(&|on_rollback| on_rollback == OnRollback::Disable),
        ..component
    }
}

fn block(state: &State, planned: &plan::Block, evidence: &[serin_analysis::BlockEvidence]) -> Block {
    let restored = state.blocks.get(&planned.name);
    let evidence = evidence.iter().find(|one| one.name == planned.name);
    Block {
        name: planned.name.clone(),
        current: planned.current.clone(),
        previous: planned.previous.clone(),
        values: planned.values.clone(),
        restored: restored.map(|restored| restored.version.clone()),
        restored_because: restored.map(Restored::text),
        evidence: evidence.map(|one| BlockEvidence { text: one.sentence(), data: one.clone() }),
    }
}

pub(super) fn reasons(reasons: &[serin_analysis::Reason]) -> Vec<Reason> {
    reasons.iter().map(|reason| Reason { data: reason.clone(), text: reason.sentence() }).collect()
}

fn charts(charts: &[ControlChart]) -> Vec<Chart> {
    charts.iter().map(|chart| Chart { data: chart.clone(), text: chart.sentence() }).collect()
}

fn arms(summary: Option<&ByArm<ArmSummary>>) -> Vec<Arm> {
    let Some(ByArm { baseline, canary }) = summary else { return Vec::new() };
    vec![Arm { arm: BASELINE, summary: *baseline }, Arm { arm: CANARY, summary: *canary }]
}
