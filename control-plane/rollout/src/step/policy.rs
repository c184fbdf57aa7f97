//! What the plan's policies say, and what of it is done.
//!
//! They are asked beside the rules, and never in place of one: a rollback and a hold act, a promotion only ends the bake of a
//! step early whose verdict is healthy, and to go on changes nothing. So whatever a policy says, nothing is raised or promoted
//! that the rules hold. The step of a rollout by these rules is the only place where a policy acts.

use std::collections::BTreeMap;

use serin_analysis::verdict::Verdict;
use serin_analysis::{Reason, ScopeAssessment};
use serin_policy::{
    Answer, Arm, ComponentFacts, Context, Decision, LimitFacts, Outcome, ReasonFacts, Signals, StepFacts,
    Strictest, TimeFacts, Values, strictest,
};
use serin_proto::assignment::Weight;

use super::{Change, beside, limits};
use crate::{ArmWindow, Cause, HoldReason, Judgement, Phase, Plan, State, UnixMillis};

/// Seconds that the windows of a judgement hold.
const WINDOW_S: f64 = 60.0;

/// The strictest answer of the plan's policies. `None`: there are none, or the canary has no request to be judged by.
pub(super) fn ask(change: &Change<'_>, judgement: &Judgement) -> Option<Strictest> {
    let Change { plan, state, now, .. } = change;
    if plan.policies().is_empty() || state.began_at.is_none() || state.weight == Weight::ZERO {
        return None;
    }
    strictest(answers(plan, state, judgement, *now))
}

/// What each policy of a plan says, in the order of the plan.
pub fn answers<'a>(
    plan: &'a Plan,
    state: &State,
    judgement: &Judgement,
    now: UnixMillis,
) -> Vec<(&'a str, Answer)> {
    let values = Values::of(&context(plan, state, judgement, now));
    plan.policies().iter().map(|policy| (policy.name(), policy.ask(&values))).collect()
}

/// Why a policy rolls back. `None`: it does not.
pub(super) fn cause(said: Option<&Strictest>) -> Option<Cause> {
    let Strictest { name, answer } = said?;
    let asks = answer.outcome.decision() == Decision::Rollback;
    asks.then(|| Cause::Policy { name: name.clone(), values: answer.values.clone() })
}

/// Why a policy holds. `None`: it does not.
pub(super) fn obstacle(said: Option<&Strictest>) -> Option<HoldReason> {
    let Strictest { name, answer: Answer { outcome, values } } = said?;
    let (name, values, says) = (name.clone(), values.clone(), outcome.decision());
    match outcome {
        Outcome::Inconclusive { why } => {
            Some(HoldReason::Policy { name, says, why: Some(why.clone()), values })
        }
        Outcome::Decided(Decision::Hold | Decision::Rollback) => {
            Some(HoldReason::Policy { name, says, why: None, values })
        }
        Outcome::Decided(Decision::Promote | Decision::Continue) => None,
    }
}

/// Whether all policies agree that a step need not last any longer.
pub(super) fn shortens(said: Option<&Strictest>) -> bool {
    said.is_some_and(|said| said.answer.outcome == Outcome::Decided(Decision::Promote))
}

/// What policies are asked with.
#[must_use]
pub fn context(plan: &Plan, state: &State, judgement: &Judgement, now: UnixMillis) -> Context {
    let is_fresh = judgement.is_fresh();
    let verdict = if is_fresh { judgement.version.verdict } else { Verdict::Inconclusive };
    let tight = plan.calendar().tightened(plan.limits(), now);
    let exceeds = |window: &ArmWindow| is_fresh && limits::exceeded(&tight, window).is_some();
    Context {
        service: plan.service().to_owned(),
        signals: signals(plan, state, judgement, now),
        verdict: word(verdict),
        vetoed: !judgement.version.vetoes.is_empty(),
        reasons: if is_fresh { reasons(judgement) } else { Vec::new() },
        components: judgement
            .components
            .iter()
            .map(|one| {
                let facts = ComponentFacts {
                    verdict: word(if is_fresh { one.assessment.verdict } else { Verdict::Inconclusive }),
                    requests: whole(one.requests),
                    risk: one.assessment.risk,
                    returned: state.pinned.contains_key(&one.name),
                };
                (one.name.clone(), facts)
            })
            .collect(),
        risk: judgement.version.risk,
        limits: LimitFacts {
            error_rate: part(tight.error_rate),
            success_rate: part(tight.success_rate),
            latency_p99_ms: tight.latency_p99.as_secs_f64() * 1_000.0,
            exceeded: exceeds(&judgement.canary),
            baseline_exceeded: exceeds(&judgement.baseline),
        },
        weight: part(state.weight),
        step: step(plan, state, now),
        phase: phase(state.phase),
        time: time(plan, now),
        windows: plan.calendar().open(now).map(|window| window.name().to_owned()).collect(),
        health: health(judgement),
        quota: quota(plan, judgement),
        triggers: judgement
            .outside
            .triggers
            .iter()
            .map(|one| (one.name.clone(), one.state.name().to_owned()))
            .collect(),
    }
}

fn health(judgement: &Judgement) -> BTreeMap<String, String> {
    let checks = judgement.outside.health.iter();
    checks.map(|one| (one.check.clone(), one.state.name().to_owned())).collect()
}

/// The plan's quota, where its query says something.
fn quota(plan: &Plan, judgement: &Judgement) -> BTreeMap<String, f64> {
    let name = plan.quota().map(|quota| quota.query.as_str());
    let queries = judgement.outside.queries.iter().filter(|one| name == Some(one.name.as_str()));
    queries.filter_map(|one| Some((one.name.clone(), one.value?))).collect()
}

fn signals(plan: &Plan, state: &State, judgement: &Judgement, now: UnixMillis) -> Signals {
    let data_age_s = judgement.data_age_s.map(whole);
    if !judgement.is_fresh() {
        return Signals { data_age_s, ..Signals::default() };
    }
    let (canary, baseline) = (arm(&judgement.canary), arm(&judgement.baseline));
    let ratio = |one: Option<f64>, two: Option<f64>| {
        let (one, two) = (one?, two.filter(|two| *two > 0.0)?);
        Some(one / two)
    };
    Signals {
        error_ratio: ratio(canary.error_rate, baseline.error_rate),
        latency_ratio: ratio(canary.latency_p99_ms, baseline.latency_p99_ms),
        throughput_ratio: beside::ratio(plan, state, judgement, now),
        canary,
        baseline,
        data_age_s,
    }
}

fn arm(window: &ArmWindow) -> Arm {
    let requests = window.requests as f64;
    let rate = |number: u64| (window.requests > 0).then(|| number as f64 / requests);
    let error_rate = rate(window.errors);
    Arm {
        requests: Some(whole(window.requests)),
        errors: Some(whole(window.errors)),
        requests_per_second: Some(requests / WINDOW_S),
        error_rate,
        success_rate: error_rate.map(|rate| 1.0 - rate),
        client_error_rate: rate(window.client_errors),
        latency_p99_ms: window.latency_p99_us.map(|p99| p99 as f64 / 1_000.0),
    }
}

fn reasons(judgement: &Judgement) -> Vec<ReasonFacts> {
    let of = |component: &str, assessment: &ScopeAssessment| -> Vec<ReasonFacts> {
        let facts = |reason: &Reason| ReasonFacts {
            component: component.to_owned(),
            signal: reason.signal.name(),
            verdict: word(reason.verdict),
            text: reason.sentence(),
        };
        assessment.reasons.iter().map(facts).collect()
    };
    let components = judgement.components.iter().flat_map(|one| of(&one.name, &one.assessment));
    of("", &judgement.version).into_iter().chain(components).collect()
}

fn step(plan: &Plan, state: &State, now: UnixMillis) -> StepFacts {
    let index = usize::try_from(state.step).unwrap_or(usize::MAX);
    let seconds = |duration: std::time::Duration| whole(duration.as_secs());
    StepFacts {
        number: i64::from(state.step).saturating_add(1),
        count: whole(plan.steps().len() as u64),
        elapsed_s: seconds(now.since(state.evaluating_since)),
        bake_s: plan.steps().get(index).map_or(0, |step| seconds(step.bake)),
    }
}

fn time(plan: &Plan, now: UnixMillis) -> TimeFacts {
    let clock = plan.calendar().clock(now);
    TimeFacts {
        hour: i64::from(clock.hour()),
        minute: i64::from(clock.minute()),
        weekday: i64::from(clock.weekday().to_monday_one_offset()),
        day: i64::from(clock.day()),
        month: i64::from(clock.month()),
        year: i64::from(clock.year()),
        date: clock.date().to_string(),
        zone: plan.calendar().zone().to_owned(),
    }
}

const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::WarmingUp => "warming_up",
        Phase::Progressing => "progressing",
        Phase::Paused { .. } => "paused",
        Phase::Completing => "completing",
        Phase::Promoted | Phase::RollingBack | Phase::RolledBack | Phase::Failed => "promoted",
    }
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed => "regressed",
        Verdict::Healthy => "healthy",
        Verdict::Inconclusive => "inconclusive",
    }
}

fn part(weight: Weight) -> f64 {
    f64::from(weight.ppm()) / 1e6
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
