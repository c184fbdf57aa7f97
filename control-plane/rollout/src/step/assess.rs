//! What follows from the evidence and from time.

use std::collections::BTreeSet;
use std::time::Duration;

use serin_analysis::risk::Prediction;
use serin_analysis::verdict::Verdict;
use serin_analysis::{BaselineUsed, Reason, ScopeAssessment, Veto};
use serin_policy::Strictest;
use serin_proto::assignment::Weight;

use super::Change;
use super::alarm::{self, Demand, Return};
use super::{beside, calendar, due, experiment, gradual, limits, outside, policy, quota};
use crate::event::Fact;
use crate::hook;
use crate::{Cause, DATA_AGE_MAX_S, HOLD_CHANGE_MIN_MS, HoldReason, Judgement, Phase, State};

pub(super) fn time_passes(change: &mut Change<'_>) {
    if let Some(experiment) = change.plan.experiment() {
        return experiment::time_passes(change, experiment);
    }
    if change.state.phase == Phase::WarmingUp && change.state.hold.is_none() {
        end_warm_up(change, None);
    }
    if change.state.phase == Phase::RollingBack && change.state.is_current() {
        gradual::go_on(change, None);
    }
    end_watch(change);
}

/// Nobody judges a promoted version for ever. True: the watch is over.
fn end_watch(change: &mut Change<'_>) -> bool {
    let Change { plan, state, now, .. } = &*change;
    let is_over = state.watched && !plan.rollback_window().is_open(state.changed_at, *now);
    if is_over {
        change.record(Fact::WatchEnded);
    }
    is_over
}

pub(super) fn assess(change: &mut Change<'_>, judgement: Box<Judgement>) {
    if !change.state.runs() || !change.state.is_current() || end_watch(change) {
        return;
    }
    if let Some(experiment) = change.plan.experiment() {
        return experiment::assess(change, experiment, judgement);
    }
    if change.state.phase == Phase::RollingBack {
        return gradual::go_on(change, Some(judgement));
    }
    outside::tell(change, &judgement);
    let demand = alarm::demand(change.plan, &change.state, &judgement);
    let regressed = match demand {
        Some(Demand::Version(cause)) if change.plan.automatic_rollback() => {
            return gradual::roll_back(change, cause, judgement);
        }
        Some(Demand::Components(together)) if change.plan.automatic_rollback() => {
            let cause = alarm::cause(together.regressed(), &judgement);
            return change.record(together.fact(change.plan, cause, Some(judgement)));
        }
        Some(Demand::Blocks(restore)) if change.plan.automatic_rollback() => {
            let cause = restore.cause();
            return change.record(restore.fact(change.plan, cause, Some(judgement)));
        }
        Some(demand) => Some(HoldReason::Regressed { components: demand.regressed() }),
        None => match outside::demand(change, &judgement) {
            Some(fact) => return change.record(fact),
            None => None,
        },
    };
    let said = policy::ask(change, &judgement);
    let asked = policy::cause(said.as_ref());
    if let Some(cause) = asked.clone().filter(|_| change.plan.automatic_rollback()) {
        return gradual::roll_back(change, cause, judgement);
    }
    if quota::lower(change, &judgement) {
        return;
    }
    let asked = asked.and_then(|_| policy::obstacle(said.as_ref()));
    let held = outside::hold(change, &judgement);
    let obstacle = regressed.or(asked).or_else(|| obstacle(change, &judgement)).or(held);
    if is_sustained(change, obstacle.as_ref()) {
        let Some(breach) = obstacle else { return };
        return gradual::roll_back(change, Cause::LimitSustained { breach }, judgement);
    }
    let obstacle = obstacle.or_else(|| asked_for(change, &judgement, said.as_ref()));
    if note(change, obstacle.as_ref(), &judgement) {
        return;
    }
    let is_fresh = judgement.is_fresh();
    match change.state.phase {
        Phase::WarmingUp => end_warm_up(change, Some(judgement)),
        Phase::Progressing if is_fresh => {
            let shortened = policy::shortens(said.as_ref());
            advance(change, judgement, shortened);
        }
        Phase::Completing if is_fresh => complete(change, judgement),
        Phase::Progressing
        | Phase::Completing
        | Phase::Paused { .. }
        | Phase::RollingBack
        | Phase::Promoted
        | Phase::RolledBack
        | Phase::Failed => {}
    }
}

/// What the plan asks for beside what the evidence says: limits beside the baseline, policies, windows of time. They only hold.
fn asked_for(change: &Change<'_>, judgement: &Judgement, said: Option<&Strictest>) -> Option<HoldReason> {
    let may_progress = matches!(change.state.phase, Phase::Progressing | Phase::Completing);
    if !may_progress || !judgement.is_fresh() {
        return None;
    }
    let beside = beside::exceeded(change, judgement);
    let beside = beside.or_else(|| quota::obstacle(change, judgement));
    beside.or_else(|| policy::obstacle(said)).or_else(|| calendar::obstacle(change))
}

/// Takes along what cannot work without what returned in other services.
pub(super) fn follow(change: &mut Change<'_>, returned: &BTreeSet<String>) {
    let gets_requests = match change.state.phase {
        Phase::RolledBack | Phase::Failed => false,
        Phase::Promoted => !change.state.is_handed_over(),
        Phase::WarmingUp
        | Phase::Progressing
        | Phase::Paused { .. }
        | Phase::Completing
        | Phase::RollingBack => true,
    };
    if !gets_requests || !change.state.is_current() || !change.plan.automatic_rollback() {
        return;
    }
    let Some(together) = Return::of_foreign(change.plan, &change.state, returned) else { return };
    let needed = together.needed();
    let cause = Cause::OtherService { returned: needed.into_iter().collect() };
    change.record(match together.coarse(change.plan) {
        Some(_) => Fact::RolledBack { cause, evidence: None },
        None => together.fact(change.plan, cause, None),
    });
}

/// Why nothing may progress, apart from regressions and from evidence that is still gathered.
fn obstacle(change: &Change<'_>, judgement: &Judgement) -> Option<HoldReason> {
    let tight = change.plan.calendar().tightened(change.plan.limits(), change.now);
    let breach = || limits::exceeded(&tight, &judgement.canary);
    let hook = || hook::obstacle(change.plan, &change.state, change.now);
    let may_progress = match change.state.phase {
        Phase::Progressing | Phase::Completing => true,
        Phase::Paused { .. } => change.state.weight == Weight::FULL,
        Phase::Promoted => return if judgement.is_fresh() { breach() } else { None },
        Phase::WarmingUp => return hook(),
        Phase::RollingBack | Phase::RolledBack | Phase::Failed => false,
    };
    if !may_progress {
        None
    } else if judgement.is_fresh() {
        // At full weight nothing runs beside the canary, so its limits come first.
        let vetoed = || vetoed(&change.state, judgement);
        let seen = if change.state.weight == Weight::FULL {
            breach().or_else(vetoed)
        } else {
            vetoed().or_else(breach)
        };
        seen.or_else(|| predicted(&change.state, judgement)).or_else(hook)
    } else {
        // Evidence of a new step needs a moment to arrive: that alone is not worth a word.
        let patience = Duration::from_secs(DATA_AGE_MAX_S);
        (change.now.since(change.state.evaluating_since) >= patience).then_some(HoldReason::MissingData)
    }
}

/// What speaks against acting on what is seen: of the version, else of components that still get canary requests.
fn vetoed(state: &State, judgement: &Judgement) -> Option<HoldReason> {
    let version = &judgement.version.vetoes;
    if !version.is_empty() {
        return Some(HoldReason::Vetoed { components: Vec::new(), vetoes: version.clone() });
    }
    let concerned = || {
        let live =
            judgement.components.iter().filter(|component| !state.pinned.contains_key(&component.name));
        live.filter(|component| !component.assessment.vetoes.is_empty())
    };
    let components: Vec<String> = concerned().map(|component| component.name.clone()).collect();
    let vetoes: BTreeSet<Veto> = concerned().flat_map(|one| one.assessment.vetoes.iter().copied()).collect();
    let vetoes = vetoes.into_iter().collect();
    (!components.is_empty()).then_some(HoldReason::Vetoed { components, vetoes })
}

/// What is going to be too bad: the version, else components that still get canary requests.
fn predicted(state: &State, judgement: &Judgement) -> Option<HoldReason> {
    let of = |assessment: &ScopeAssessment| {
        assessment.trend.filter(|trend| trend.prediction != Prediction::Quiet).map(|trend| trend.signal)
    };
    if let Some(signal) = of(&judgement.version) {
        return Some(HoldReason::Predicted { components: Vec::new(), signal });
    }
    let live = judgement.components.iter().filter(|component| !state.pinned.contains_key(&component.name));
    let concerned = live.filter_map(|component| Some((of(&component.assessment)?, component.name.clone())));
    let concerned: Vec<_> = concerned.collect();
    let signal = concerned.iter().map(|(signal, _)| *signal).min()?;
    let components = concerned.into_iter().filter(|(of, _)| *of == signal).map(|(_, name)| name).collect();
    Some(HoldReason::Predicted { components, signal })
}

/// At full weight no baseline runs beside the canary, so there the limits decide, when exceeded for long.
fn is_sustained(change: &Change<'_>, obstacle: Option<&HoldReason>) -> bool {
    let Change { plan, state, now, .. } = change;
    let since = state.hold.as_ref().filter(|hold| hold.reason.is_limit()).map(|hold| hold.since);
    let factor = plan.rollback_window().factor(state.changed_at, *now);
    let sustained = plan.limits().sustained.mul_f64(factor);
    plan.automatic_rollback()
        && state.weight == Weight::FULL
        && obstacle.is_some_and(HoldReason::is_limit)
        && since.is_some_and(|since| now.since(since) >= sustained)
}

/// Keeps the hold in step with what is seen. True: nothing may progress now.
pub(super) fn note(change: &mut Change<'_>, obstacle: Option<&HoldReason>, judgement: &Judgement) -> bool {
    let held = change.state.hold.clone();
    let is_due = held.as_ref().is_none_or(|hold| {
        change.now < hold.since || change.now.since(hold.since) >= Duration::from_millis(HOLD_CHANGE_MIN_MS)
    });
    match (held, obstacle) {
        (None, None) => return false,
        (Some(hold), Some(reason)) if hold.reason.is_same_kind(reason) => {}
        (_, Some(reason)) if is_due => {
            change.record(Fact::Held { reason: reason.clone(), evidence: Some(Box::new(judgement.clone())) });
        }
        (Some(hold), None) if is_due => change.record(Fact::HoldLifted { reason: hold.reason }),
        (_, Some(_)) | (Some(_), None) => {}
    }
    true
}

pub(super) fn end_warm_up(change: &mut Change<'_>, evidence: Option<Box<Judgement>>) {
    if change.state.waiting || change.now.since(change.state.evaluating_since) < change.plan.warm_up() {
        return;
    }
    let (step, weight_ppm) = change.place();
    change.record(if weight_ppm == Weight::FULL {
        Fact::Completing { evidence }
    } else {
        Fact::StepStarted { step, weight_ppm, evidence }
    });
}

/// Goes one step further when this one lasted and the evidence speaks for it. A step that is `shortened` lasts as long as the
/// plan asks for at least.
fn advance(change: &mut Change<'_>, judgement: Box<Judgement>, shortened: bool) {
    let (plan, state) = (change.plan, &change.state);
    let steps = plan.steps();
    let bake = due::bake(plan, state);
    let bake = if shortened { bake.min(plan.minimum_evaluation()) } else { bake };
    let may = is_healthy(change, &judgement) && outside::allows(change, &judgement);
    if change.now.since(state.evaluating_since) < bake || !may {
        return;
    }
    let next = steps.iter().enumerate().find(|(_, step)| step.weight > state.weight);
    let index = next.map_or(steps.len(), |(index, _)| index);
    let number = u32::try_from(index).unwrap_or(u32::MAX);
    if !hook::is_passed(plan, state, number) {
        change.next_step = Some(number);
        return;
    }
    let evidence = Some(judgement);
    change.record(match next {
        Some((index, step)) => Fact::StepStarted {
            step: u32::try_from(index).unwrap_or(u32::MAX),
            weight_ppm: step.weight,
            evidence,
        },
        None => Fact::Completing { evidence },
    });
}

/// The version is healthy, and no component that still gets canary requests is known to be worse.
fn is_healthy(change: &Change<'_>, judgement: &Judgement) -> bool {
    judgement.version.verdict == Verdict::Healthy
        && judgement.components.iter().all(|component| {
            component.assessment.verdict != Verdict::Regressed
                || change.state.pinned.contains_key(&component.name)
        })
}

/// Why the version, or a component that still gets canary requests, looks worse than it should without a baseline.
pub(crate) fn doubt<'a>(state: &State, judgement: &'a Judgement) -> Option<&'a Reason> {
    let live = judgement.components.iter().filter(|component| !state.pinned.contains_key(&component.name));
    let scopes = live.map(|component| &component.assessment).chain([&judgement.version]);
    let alone = |reason: &&Reason| reason.baseline_used != BaselineUsed::Concurrent;
    scopes.flat_map(|scope| &scope.reasons).filter(alone).find(|reason| reason.is_doubtful())
}

/// Promotes when the canary was within its limits for long enough, and nothing that it is compared with speaks against it.
/// That it is healthy need not be shown: at thin traffic that would take days, for a version that serves all users already.
fn complete(change: &mut Change<'_>, judgement: Box<Judgement>) {
    let (plan, state) = (change.plan, &change.state);
    let lasted = change.now.since(state.evaluating_since) >= plan.promotion();
    let enough = judgement.canary.requests >= plan.limits().min_requests;
    let undoubted = doubt(state, &judgement).is_none() && outside::allows(change, &judgement);
    if !lasted || !enough || !undoubted {
        return;
    }
    let waits = state.train.as_ref().is_some_and(|member| member.together);
    if waits && !state.ready {
        change.record(Fact::Ready);
    } else if !waits {
        change.promote(Cause::WithinLimits, Some(judgement));
    }
}
