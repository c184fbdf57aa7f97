//! One sentence about what is happening and what is awaited.

mod experiment;

use std::time::Duration;

use serin_analysis::verdict::Verdict;
use serin_proto::assignment::Weight;

use crate::text::{Count, Percent, Time, list};
use crate::{ActivePhase, Judgement, Phase, Plan, State, UnixMillis};

/// What is happening and what is awaited, in one sentence without a full stop. `judgement` is the newest one; `None`: none
/// since the start.
#[must_use]
pub fn summary(plan: &Plan, state: &State, judgement: Option<&Judgement>, now: UnixMillis) -> String {
    if let Some(experiment) = plan.experiment() {
        return experiment::summary((plan, experiment), state, judgement, now);
    }
    let mut text = match (&state.superseded_by, state.phase) {
        (Some(by), Phase::Promoted | Phase::RolledBack) => {
            format!("{}; rollout {by} followed", ended(state))
        }
        (Some(by), _) => format!("Ended before a decision: rollout {by} took over"),
        (None, Phase::Promoted) if state.watched => watched(plan, state, now),
        (None, Phase::Promoted | Phase::RolledBack | Phase::Failed) => ended(state),
        (None, Phase::Paused { .. }) if state.queued.is_some() => {
            let turn = state.queued.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("Waiting for its turn: {turn}")
        }
        (None, Phase::Paused { from }) => paused(state, from),
        (None, Phase::RollingBack) => rolling_back(plan, state, now),
        (None, Phase::WarmingUp) if state.waiting => waiting(state),
        (None, Phase::WarmingUp) => {
            let (weight, left) = (Percent(state.weight), left(plan.warm_up(), state, now));
            match &state.hold {
                Some(hold) if left.is_zero() => {
                    format!("Holding at {weight} after the warm-up: {}", hold.reason)
                }
                Some(_) | None => format!("Warming up at {weight}, {} left", Time(left)),
            }
        }
        (None, Phase::Progressing) => progressing(plan, state, judgement, now),
        (None, Phase::Completing) => completing(plan, state, judgement, now),
    };
    if !state.pinned.is_empty() && state.phase != Phase::RolledBack && state.is_current() {
        let names: Vec<String> = state.pinned.keys().cloned().collect();
        text.push_str("; on the baseline: ");
        text.push_str(&list(&names));
    }
    if let Some(stage) = state.rollback.as_ref().and_then(|rollback| rollback.stage) {
        text.push_str("; waiting until ");
        text.push_str(stage.awaits());
    }
    text
}

fn waiting(state: &State) -> String {
    match (&state.hold, state.running_hooks().next()) {
        (Some(hold), _) => format!("Holding at 0 % before the start: {}", hold.reason),
        (None, Some(run)) => format!("Waiting at 0 % for hook {run}"),
        (None, None) => "Waiting at 0 % for what stands before the start".to_owned(),
    }
}

fn ended(state: &State) -> String {
    let mut words = state.phase.to_string();
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if state.is_handed_over() {
        words.push_str(" and handed over");
    }
    if let Some(cause) = &state.cause {
        words = format!("{words}: {cause}");
    }
    match &state.hold {
        Some(hold) if state.phase == Phase::Promoted && !state.watched => {
            format!("{words}; when its rollback window closed, {}", hold.reason)
        }
        Some(_) | None => words,
    }
}

fn watched(plan: &Plan, state: &State, now: UnixMillis) -> String {
    let left = plan.rollback_window().duration.saturating_sub(now.since(state.changed_at));
    let ended = ended(state);
    match &state.hold {
        Some(hold) => format!("{ended}; watched for {} more: {}", Time(left), hold.reason),
        None if plan.automatic_rollback() => {
            let (left, baseline) = (Time(left), &state.baseline);
            format!("{ended}; watched for {left} more, returns to {baseline} if it gets worse")
        }
        None => format!("{ended}; watched for {} more, told if it gets worse", Time(left)),
    }
}

fn rolling_back(plan: &Plan, state: &State, now: UnixMillis) -> String {
    let Some(returning) = &state.returning else { return "Rolling back".to_owned() };
    let deadline = plan.gradual_rollback().map(|gradual| gradual.deadline).unwrap_or_default();
    let (weight, left) = (Percent(state.weight), deadline.saturating_sub(now.since(returning.since)));
    let (baseline, cause) = (&state.baseline, &returning.cause);
    format!("Rolling back, {weight} left, all on {baseline} in {} at most: {cause}", Time(left))
}

fn paused(state: &State, from: ActivePhase) -> String {
    if let Some(train) = state.waits_in() {
        return format!("Waiting at 0 % for its turn in {train}");
    }
    let during = match from {
        ActivePhase::WarmingUp => "the warm-up",
        ActivePhase::Progressing => "the steps",
        ActivePhase::Completing => "the completion",
    };
    let held = state.hold.as_ref().map(|hold| format!("; {}", hold.reason)).unwrap_or_default();
    format!("Paused by a person at {} during {during}{held}", Percent(state.weight))
}

fn progressing(plan: &Plan, state: &State, judgement: Option<&Judgement>, now: UnixMillis) -> String {
    let weight = Percent(state.weight);
    if let Some(hold) = &state.hold {
        return format!("Holding at {weight}: {}", hold.reason);
    }
    let Some(judgement) = judgement.filter(|judgement| judgement.is_fresh()) else {
        return format!("Holding at {weight}: waiting for fresh evidence");
    };
    match judgement.version.verdict {
        Verdict::Regressed => return format!("Holding at {weight}: the canary is worse than the baseline"),
        Verdict::Inconclusive => return format!("Holding at {weight}: {}", needed(judgement)),
        Verdict::Healthy => {}
    }
    let worse = judgement.components.iter().filter(|component| {
        component.assessment.verdict == Verdict::Regressed && !state.pinned.contains_key(&component.name)
    });
    let worse: Vec<String> = worse.map(|component| component.name.clone()).collect();
    if !worse.is_empty() {
        let verb = if worse.len() == 1 { "is" } else { "are" };
        return format!("Holding at {weight}: {} {verb} worse than the baseline", list(&worse));
    }
    let index = usize::try_from(state.step).unwrap_or(usize::MAX);
    let bake = plan.steps().get(index).map_or(Duration::ZERO, |step| step.bake);
    let next = plan.steps().iter().find(|step| step.weight > state.weight);
    let next = Percent(next.map_or(Weight::FULL, |step| step.weight));
    format!("Healthy at {weight}; {next} in {}", Time(left(bake, state, now)))
}

fn completing(plan: &Plan, state: &State, judgement: Option<&Judgement>, now: UnixMillis) -> String {
    if let Some(hold) = &state.hold {
        return format!("Holding at 100 %: {}", hold.reason);
    }
    if let Some(member) = state.train.as_ref().filter(|_| state.ready) {
        return format!("Ready at 100 %; waits for the other members of {}", member.train);
    }
    let Some(judgement) = judgement.filter(|judgement| judgement.is_fresh()) else {
        return "Holding at 100 %: waiting for fresh evidence".to_owned();
    };
    let left = left(plan.promotion(), state, now);
    let (seen, least) = (judgement.canary.requests, plan.limits().min_requests);
    if left.is_zero() && seen < least {
        let (seen, least) = (Count(seen), Count(least));
        return format!("Holding at 100 %: {seen} requests in the last minute, {least} needed");
    }
    if left.is_zero()
        && let Some(doubt) = crate::step::doubt(state, judgement)
    {
        return format!("Holding at 100 %: {}", doubt.sentence());
    }
    format!("Completing at 100 %; promoted in {} if it stays within its limits", Time(left))
}

fn needed(judgement: &Judgement) -> String {
    let reasons = &judgement.version.reasons;
    match reasons.iter().filter_map(|reason| reason.canary_requests_needed).max() {
        Some(requests) => format!("about {} more canary requests needed to decide", Count(rounded(requests))),
        None => "not enough evidence yet".to_owned(),
    }
}

/// Two leading digits: the forecast is no more exact than that.
fn rounded(number: u64) -> u64 {
    let mut unit = 1;
    while number / unit >= 100 {
        unit *= 10;
    }
    number.div_ceil(unit).saturating_mul(unit)
}

fn left(whole: Duration, state: &State, now: UnixMillis) -> Duration {
    whole.saturating_sub(now.since(state.evaluating_since))
}

#[cfg(test)]
mod tests {
    use serin_analysis::verdict::{Reason, Signal};

    use super::*;
    use crate::{
        Command, ComponentJudgement, Creation, Input, Order, RollbackScope, RolloutId, Salt, create, step,
    };

    const PLAN: &str = "
service: shop
baseline: v1
canary: v2
components: [{name: cart, matches: [{path: {prefix: /cart}}]}]
steps: [{weight: 10%, bake: 20s}, {weight: 50%, bake: 30s}]
warm_up: 90s
promotion: 15m
";

    fn judgement(verdict: Verdict, needed: Option<u64>) -> Judgement {
        let mut judgement = Judgement { data_age_s: Some(2), ..Judgement::default() };
        judgement.version.verdict = verdict;
        judgement.version.reasons.push(Reason {
            signal: Signal::ErrorRate,
            verdict,
            canary_requests_needed: needed,
            ..Reason::default()
        });
        judgement
    }

    fn check(orders: &[Order], seen: Option<&Judgement>, second: u64, expected: &str) {
        let plan = Plan::parse(PLAN).unwrap();
        let creation = Creation {
            id: RolloutId("r".to_owned()),
            salt: Salt(1),
            actor: "anna".to_owned(),
            paused: false,
        };
        let mut state = create(&plan, creation, UnixMillis(0)).state;
        if second >= 90 {
            state = step(&plan, &state, &Input::Tick, UnixMillis(90_000)).unwrap().state;
        }
        for order in orders {
            let command =
                Command { order: order.clone(), actor: "anna".to_owned(), reason: "tests failed".to_owned() };
            let input = Input::Commanded { command, seen: None };
            state = step(&plan, &state, &input, UnixMillis(90_000)).unwrap().state;
        }
        assert_eq!(summary(&plan, &state, seen, UnixMillis(second * 1_000)), expected);
    }

    #[test]
    fn the_summary_says_what_happens_and_what_is_awaited() {
        let healthy = judgement(Verdict::Healthy, None);
        let undecided = judgement(Verdict::Inconclusive, Some(3_912));
        check(&[], None, 10, "Warming up at 10 %, 1 min 20 s left");
        check(&[], None, 100, "Holding at 10 %: waiting for fresh evidence");
        check(
            &[],
            Some(&undecided),
            100,
            "Holding at 10 %: about 4,000 more canary requests needed to decide",
        );
        check(
            &[],
            Some(&judgement(Verdict::Inconclusive, None)),
            100,
            "Holding at 10 %: not enough evidence yet",
        );
        check(&[], Some(&healthy), 100, "Healthy at 10 %; 50 % in 10 s");
        check(
            &[],
            Some(&judgement(Verdict::Regressed, None)),
            100,
            "Holding at 10 %: the canary is worse than the baseline",
        );
        check(&[Order::Pause], Some(&healthy), 100, "Paused by a person at 10 % during the steps");
        let cart = Order::Rollback { scope: RollbackScope::Component("cart".to_owned()) };
        check(
            std::slice::from_ref(&cart),
            Some(&healthy),
            100,
            "Healthy at 10 %; 50 % in 10 s; on the baseline: cart; waiting until every proxy obeys",
        );
        check(
            &[cart, Order::Promote],
            None,
            100,
            "Promoted: tests failed; watched for 14 min 50 s more, returns to v1 if it gets worse; on the baseline: cart; waiting until every proxy obeys",
        );
        check(&[Order::Promote, Order::HandOver], None, 100, "Promoted and handed over: tests failed");
        check(
            &[Order::Rollback { scope: RollbackScope::Version }],
            None,
            100,
            "Rolled back: tests failed; waiting until every proxy obeys",
        );
        let full = Order::SetWeight(Weight::FULL);
        check(
            &[full, Order::Resume],
            Some(&healthy),
            100,
            "Completing at 100 %; promoted in 14 min 50 s if it stays within its limits",
        );
    }

    #[test]
    fn a_component_that_is_worse_is_named() {
        let mut seen = judgement(Verdict::Healthy, None);
        seen.components.push(ComponentJudgement { name: "cart".to_owned(), ..ComponentJudgement::default() });
        seen.components[0].assessment.verdict = Verdict::Regressed;
        check(&[], Some(&seen), 100, "Holding at 10 %: cart is worse than the baseline");
    }

    #[test]
    fn a_rollout_that_another_one_followed_says_how_it_ended() {
        let plan = Plan::parse(PLAN).unwrap();
        let creation = Creation {
            id: RolloutId("r".to_owned()),
            salt: Salt(1),
            actor: "anna".to_owned(),
            paused: false,
        };
        let open = create(&plan, creation, UnixMillis(0)).state;
        let command =
            Command { order: Order::Promote, actor: "anna".to_owned(), reason: "it is good".to_owned() };
        let input = Input::Commanded { command, seen: None };
        let promoted = step(&plan, &open, &input, UnixMillis(1)).unwrap().state;
        let followed = |state: &State| {
            let input = Input::Superseded { by: RolloutId("r-2".to_owned()), actor: "anna".to_owned() };
            summary(&plan, &step(&plan, state, &input, UnixMillis(2)).unwrap().state, None, UnixMillis(3))
        };
        assert_eq!(followed(&promoted), "Promoted and handed over: it is good; rollout r-2 followed");
        assert_eq!(followed(&open), "Ended before a decision: rollout r-2 took over");
    }
}
