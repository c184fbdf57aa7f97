//! An experiment as everyone sees it.

use serde::Serialize;
use serin_analysis::{Verdict, Veto};
use serin_rollout::plan::PlannedArm;
use serin_rollout::{
    ComponentJudgement, ComponentResult, Judgement, Pin, Plan, Seen, State, UnixMillis, Weight,
};

use super::Reason;

/// What an experiment compares, and what it shows so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Experiment {
    /// What people call the control.
    pub control: String,
    /// Part of the users that it has, in parts per million.
    pub control_weight_ppm: u32,
    /// Probability with which each interval holds the true value at all times, in parts per million.
    pub confidence_ppm: u32,
    /// How long it runs, in seconds. `None`: until a person ends it.
    pub duration_s: Option<u64>,
    /// When it began to take requests. `None`: it waits.
    pub began_at: Option<UnixMillis>,
    /// The arms beside the control, in the order of the plan.
    pub arms: Vec<ExperimentArm>,
    /// The service as a whole, then its components, then `unmatched` if it has requests.
    pub results: Vec<ExperimentResult>,
}

/// One arm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExperimentArm {
    /// Name.
    pub name: String,
    /// Version that it runs.
    pub version: String,
    /// Part of the users that it has, in parts per million. 0: it does not run.
    pub weight_ppm: u32,
    /// Part of the users that the plan gives it.
    pub planned_weight_ppm: u32,
    /// What the guard says.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Vec<Reason>,
    /// Why a regression that shows does not stop it.
    pub vetoes: Vec<Veto>,
    /// Why it was stopped, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_because: Option<String>,
    /// When it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<UnixMillis>,
}

/// What was counted of one component since the experiment began.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExperimentResult {
    /// Its name. `None`: the service as a whole.
    pub component: Option<String>,
    /// The control.
    pub control: Seen,
    /// The arms, in the order of the plan.
    pub arms: Vec<ArmResult>,
}

/// One arm beside the control.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArmResult {
    /// As data.
    #[serde(flatten)]
    pub data: serin_rollout::ArmResult,
    /// What the intervals say.
    pub text: String,
}

/// `None`: it is no experiment.
pub(super) fn build(
    plan: &Plan,
    state: &State,
    judgement: Option<&Judgement>,
    results: &[ComponentResult],
) -> Option<Experiment> {
    let experiment = plan.experiment()?;
    let text = |result: &serin_rollout::ArmResult| ArmResult { data: result.clone(), text: result.words() };
    let result = |one: &ComponentResult| ExperimentResult {
        component: one.component.clone(),
        control: one.control,
        arms: one.arms.iter().map(text).collect(),
    };
    Some(Experiment {
        control: experiment.control().to_owned(),
        control_weight_ppm: Weight::FULL.ppm().saturating_sub(state.weight.ppm()),
        confidence_ppm: experiment.confidence().ppm(),
        duration_s: experiment.duration().map(|duration| duration.as_secs()),
        began_at: state.began_at,
        arms: experiment.arms().iter().map(|planned| arm(planned, state, judgement)).collect(),
        results: results.iter().map(result).collect(),
    })
}

fn arm(planned: &PlannedArm, state: &State, judgement: Option<&Judgement>) -> ExperimentArm {
    let judged = judgement.and_then(|judgement| judgement.arm(&planned.name));
    let stopped = state.stopped.get(&planned.name);
    let weight_ppm = if state.arm_runs(&planned.name) { planned.weight.ppm() } else { 0 };
    ExperimentArm {
        name: planned.name.clone(),
        version: planned.version.clone(),
        weight_ppm,
        planned_weight_ppm: planned.weight.ppm(),
        verdict: judged.map(verdict).unwrap_or_default(),
        reasons: judged.map(reasons).unwrap_or_default(),
        vetoes: judged.map(|judged| judged.version.vetoes.clone()).unwrap_or_default(),
        stopped_because: stopped.map(Pin::text),
        stopped_at: stopped.map(|stopped| stopped.at),
    }
}

/// An arm is stopped as a whole, whichever part of it is worse.
fn verdict(judged: &Judgement) -> Verdict {
    if judged.alarm.is_some() { Verdict::Regressed } else { judged.version.verdict }
}

/// What is said against its components, and of it as a whole.
fn reasons(judged: &Judgement) -> Vec<Reason> {
    let of = |component: &ComponentJudgement| {
        let against = component.assessment.reasons.iter().filter(|one| one.verdict == Verdict::Regressed);
        let mut reasons = super::build::reasons(&against.cloned().collect::<Vec<_>>());
        reasons.iter_mut().for_each(|reason| reason.text = format!("{}: {}", component.name, reason.text));
        reasons
    };
    let whole = super::build::reasons(&judged.version.reasons);
    judged.components.iter().flat_map(of).chain(whole).collect()
}
