//! What is happening in an experiment, in one sentence.

use std::time::Duration;

use serin_proto::assignment::Weight;

use crate::plan::Experiment;
use crate::step::exceeded;
use crate::text::{Percent, Time, list};
use crate::{Judgement, Phase, Plan, State, UnixMillis};

pub(super) fn summary(
    (plan, experiment): (&Plan, &Experiment),
    state: &State,
    judgement: Option<&Judgement>,
    now: UnixMillis,
) -> String {
    let mut text = match (&state.superseded_by, state.phase) {
        (Some(by), Phase::RolledBack) => format!("{}; rollout {by} followed", ended(state)),
        (Some(by), _) => format!("Ended: rollout {by} took over"),
        (None, Phase::RolledBack | Phase::Failed | Phase::Promoted) => ended(state),
        (None, Phase::Paused { .. }) => "Paused by a person: all users are on the control".to_owned(),
        (None, Phase::WarmingUp) => {
            let left = plan.warm_up().saturating_sub(now.since(state.evaluating_since));
            let held = state.hold.as_ref().map(|hold| format!("; {}", hold.reason)).unwrap_or_default();
            format!("Warming up, {} left; {}{held}", Time(left), arms(experiment, state))
        }
        (None, Phase::Progressing | Phase::Completing | Phase::RollingBack) => {
            running((plan, experiment), state, judgement, now)
        }
    };
    if !state.stopped.is_empty() && !state.phase.is_terminal() {
        let names: Vec<String> = state.stopped.keys().cloned().collect();
        text.push_str(&format!("; stopped: {}", list(&names)));
    }
    text
}

fn ended(state: &State) -> String {
    state.cause.as_ref().map_or_else(|| "Ended".to_owned(), |cause| format!("Ended: {cause}"))
}

fn running(
    (plan, experiment): (&Plan, &Experiment),
    state: &State,
    judgement: Option<&Judgement>,
    now: UnixMillis,
) -> String {
    let mut text = format!("Running; {}", arms(experiment, state));
    if let (Some(duration), Some(began_at)) = (experiment.duration(), state.began_at) {
        let left = duration.saturating_sub(now.since(began_at));
        text.push_str(&format!("; {} left", Time(Duration::from_secs(left.as_secs()))));
    }
    if let Some(hold) = &state.hold {
        text.push_str(&format!("; {}", hold.reason));
    } else if judgement.is_none_or(|judgement| !judgement.is_fresh()) {
        text.push_str("; waiting for fresh evidence");
    }
    let judged = judgement.map(|judgement| judgement.arms.as_slice()).unwrap_or_default();
    for arm in judged.iter().filter(|arm| state.arm_runs(&arm.name)) {
        if let Some(breach) = exceeded(plan.limits(), &arm.judgement.canary) {
            let words = breach.to_string();
            let words = words.strip_prefix("the canary's ").unwrap_or(&words);
            text.push_str(&format!("; {}: {words}", arm.name));
        }
    }
    text
}

/// `control 50 %, large 30 %, small 20 %`: those that run.
fn arms(experiment: &Experiment, state: &State) -> String {
    let running = experiment.arms().iter().filter(|arm| state.arm_runs(&arm.name));
    let control = Weight::FULL.ppm().saturating_sub(state.weight.ppm());
    let control = Percent(Weight::from_ppm(control).unwrap_or_default());
    std::iter::once(format!("{} {control}", experiment.control()))
        .chain(running.map(|arm| format!("{} {}", arm.name, Percent(arm.weight))))
        .collect::<Vec<_>>()
        .join(", ")
}
