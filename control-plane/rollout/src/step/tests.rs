//! Scripts: each line is `second input -> effects | phase weight`, and is checked whole.

mod beside;
mod block;
mod calendar;
mod command;
mod experiment;
mod gradual;
mod hold;
mod hook;
mod journal;
mod policy;
mod progress;
mod rollback;
mod succession;
mod train;
mod window;

use std::fmt::Write;

use serin_analysis::risk::Prediction;
use serin_analysis::verdict::{Alarm, EffectSize, Reason, ScopeAssessment, Signal, Trend, Verdict};

use super::*;
use crate::{ArmJudgement, ArmWindow, Command, ComponentJudgement, Order, Phase, RollbackScope, replay};

const PLAN: &str = "
service: shop
baseline: v1
canary: v2
components:
  - {name: search, matches: [{path: {prefix: /search}}]}
  - {name: cart, matches: [{path: {prefix: /cart}}]}
  - {name: home, matches: [{path: {exact: /}}], granularity: fine, blocks: [
      {name: tax, current: v7, previous: [v6, v5]}, {name: price, current: v2, previous: [v1]}]}
  - {name: login, matches: [{path: {prefix: /login}}], granularity: coarse}
steps: [{weight: 10%, bake: 20s}, {weight: 50%, bake: 30s}]
warm_up: 10s
promotion: 60s
";

/// Requests per minute of every component, both arms together.
const TRAFFIC: [(&str, u64); 5] =
    [("search", 200), ("cart", 200), ("home", 100), ("login", 50), ("unmatched", 450)];

fn judgement(verdict: Verdict) -> Judgement {
    let components = TRAFFIC.iter().map(|(name, requests)| ComponentJudgement {
        name: (*name).to_owned(),
        requests: *requests,
        ..ComponentJudgement::default()
    });
    let window = ArmWindow {
        requests: 500,
        errors: 1,
        client_errors: 20,
        latency_p99_us: Some(80_000),
        latency_p99_least_us: Some(80_000),
    };
    Judgement {
        version: ScopeAssessment { verdict, ..ScopeAssessment::default() },
        components: components.collect(),
        alarm: None,
        data_age_s: Some(3),
        baseline: window,
        canary: window,
        arms: Vec::new(),
        findings: Vec::new(),
        sources: None,
        outside: crate::outside::Outside::default(),
    }
}

#[expect(clippy::too_many_lines, reason = "a case for each word")]
fn input(words: &str) -> Input {
    let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
    let mut seen = judgement(Verdict::Healthy);
    let order = |order| {
        let command = Command { order, actor: "anna".to_owned(), reason: "because".to_owned() };
        Input::Commanded { command, seen: None }
    };
    match verb {
        "tick" => return Input::Tick,
        "superseded" => {
            return Input::Superseded { by: RolloutId(rest.to_owned()), actor: "anna".to_owned() };
        }
        "elsewhere" => {
            return Input::OtherServices { returned: rest.split(' ').map(str::to_owned).collect() };
        }
        "admitted" => return Input::Admitted,
        "postponed" => {
            return Input::Postponed { turn: Turn { group: None, max: 3 }, actor: "anna".to_owned() };
        }
        "override" => return order(Order::OverrideWindows),
        "pause" => return order(Order::Pause),
        "resume" => return order(Order::Resume),
        "promote" => return order(Order::Promote),
        "hand-over" => return order(Order::HandOver),
        "set" => {
            return order(Order::SetWeight(Weight::from_ppm(rest.parse::<u32>().unwrap() * 10_000).unwrap()));
        }
        "rollback" => return order(Order::Rollback { scope: scope(rest) }),
        "healthy" => {}
        "inconclusive" => seen.version.verdict = Verdict::Inconclusive,
        "regressed" if rest.is_empty() => seen.version.verdict = Verdict::Regressed,
        "regressed" => {
            let component = seen.components.iter_mut().find(|component| component.name == rest).unwrap();
            component.assessment.verdict = Verdict::Regressed;
        }
        "vetoed" => {
            let (veto, component) = rest.split_once(' ').unwrap_or((rest, ""));
            let scope = match seen.components.iter_mut().find(|other| other.name == component) {
                Some(named) => &mut named.assessment,
                None => &mut seen.version,
            };
            scope.verdict = Verdict::Regressed;
            scope.vetoes.push(serde_json::from_value(veto.into()).unwrap());
        }
        "doubtful" => {
            let component = seen.components.first_mut().unwrap();
            component.assessment.reasons.push(serin_analysis::Reason {
                log_evidence: 3.0,
                log_threshold: 6.0,
                baseline_used: serin_analysis::BaselineUsed::Profile,
                ..serin_analysis::Reason::default()
            });
        }
        "predicted" => _ = predict(&mut seen, rest),
        "predicted_for_rollback" => {
            predict(&mut seen, rest).verdict = Verdict::Regressed;
            let component = rest.split_once(' ').map(|(_, component)| component.to_owned());
            seen.alarm = Some(component.map_or(Alarm::Version, |name| Alarm::Components(vec![name])));
        }
        "stale" => seen.data_age_s = Some(16),
        "silent" => seen.data_age_s = None,
        "errors" => seen.canary.errors = rest.parse().unwrap(),
        "quota" => {
            let value = (!rest.is_empty()).then(|| rest.parse().unwrap());
            let reading = crate::outside::QueryReading {
                name: "cpu".to_owned(),
                value,
                age_s: Some(1),
                error: None,
                silent: false,
            };
            seen.outside.queries.push(reading);
        }
        "baseline_errors" => seen.baseline.errors = rest.parse().unwrap(),
        "canary" => seen.canary.requests = rest.parse().unwrap(),
        "failing" => {
            seen.canary.errors = rest.parse().unwrap();
            seen.alarm = Some(Alarm::Version);
        }
        "slow" => seen.canary.latency_p99_least_us = Some(1_000_001),
        "tail" => seen.canary.latency_p99_us = Some(1_000_001),
        "quiet" => seen.canary.requests = 49,
        "fault" => fault(&mut seen, rest),
        "arms" => seen.arms = rest.split(' ').map(arm).collect(),
        "alarm" if rest == "version" => seen.alarm = Some(Alarm::Version),
        "alarm" => seen.alarm = Some(Alarm::Components(rest.split(' ').map(str::to_owned).collect())),
        other => panic!("unknown input {other}"),
    }
    Input::Assessed(Box::new(seen))
}

/// What is said of an arm, written `NAME`, `NAME!` with an alarm or `NAME?` with a veto.
fn arm(words: &str) -> ArmJudgement {
    let name = words.trim_end_matches(['!', '?']);
    let mut judged = judgement(Verdict::Inconclusive);
    if words.ends_with('!') {
        judged.alarm = Some(Alarm::Components(vec!["cart".to_owned()]));
        let (verdict, signal) = (Verdict::Regressed, Signal::ErrorRate);
        let reason = Reason { verdict, signal, ..Reason::default() };
        judged.components[1].assessment.reasons = vec![reason];
    } else if words.ends_with('?') {
        judged.version.vetoes.push(serin_analysis::Veto::BothArmsWorse);
    }
    ArmJudgement { name: name.to_owned(), judgement: judged }
}

fn scope(words: &str) -> RollbackScope {
    match words.split_once(' ') {
        Some(("block", block)) => RollbackScope::Block(block.to_owned()),
        Some(("arm", arm)) => RollbackScope::Arm(arm.to_owned()),
        Some(_) | None if words.is_empty() => RollbackScope::Version,
        Some(_) | None => RollbackScope::Component(words.to_owned()),
    }
}

/// The alarm of home, with the blocks of it that are at fault.
fn fault(seen: &mut Judgement, blocks: &str) {
    seen.alarm = Some(Alarm::Components(vec!["home".to_owned()]));
    let home = seen.components.iter_mut().find(|component| component.name == "home").unwrap();
    let evidence = |(name, log_evidence): (&str, f64)| serin_analysis::BlockEvidence {
        name: name.to_owned(),
        at_fault: true,
        log_evidence,
        canary_failures: 9,
        canary_requests: 50,
        baseline_requests: 450,
        ..serin_analysis::BlockEvidence::default()
    };
    home.assessment.blocks = blocks.split(' ').zip([5.0, 9.0]).map(evidence).collect();
}

/// A signal is forecast to exceed its limit: the version's, or that of a component named after it.
fn predict<'a>(seen: &'a mut Judgement, words: &str) -> &'a mut ScopeAssessment {
    let (signal, component) = words.split_once(' ').unwrap_or((words, ""));
    let named = seen.components.iter_mut().find(|other| other.name == component);
    let scope = named.map_or(&mut seen.version, |named| &mut named.assessment);
    scope.verdict = Verdict::Inconclusive;
    let signal = serde_json::from_value(signal.into()).unwrap();
    scope.trend = Some(Trend { signal, prediction: Prediction::Ahead, ..Trend::default() });
    scope
}

fn effects(transition: &Transition) -> String {
    let words = transition.effects.iter().map(|effect| match effect {
        Effect::Persist(events) => {
            let facts: Vec<_> = events.iter().map(|event| event.fact.text()).collect();
            format!("[{}]", facts.join("; "))
        }
        Effect::Publish => "publish".to_owned(),
        Effect::Notify(notice) => notice.severity.name().to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn begin(plan: &Plan) -> Transition {
    create(plan, creation(false), UnixMillis(0))
}

fn creation(paused: bool) -> Creation {
    Creation { id: RolloutId("r-1".to_owned()), salt: Salt(7), actor: "anna".to_owned(), paused }
}

fn run(plan: &Plan, script: &str) -> (State, Vec<Event>, String) {
    run_from(plan, begin(plan), script)
}

fn run_from(plan: &Plan, begun: Transition, script: &str) -> (State, Vec<Event>, String) {
    let Transition { mut state, effects: first } = begun;
    let Some(Effect::Persist(mut journal)) = first.into_iter().next() else { panic!("no journal") };
    let mut actual = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words = line.split("->").next().unwrap().trim();
        let (second, verb) = words.split_once(' ').unwrap();
        let now = UnixMillis(second.parse::<u64>().unwrap() * 1_000);
        let outcome = match step(plan, &state, &input(verb), now) {
            Ok(transition) => {
                journal.extend_from_slice(transition.events());
                state = transition.state.clone();
                effects(&transition)
            }
            Err(refused) => format!("refused: {refused}"),
        };
        let gap = if outcome.is_empty() { "" } else { " " };
        let weight = crate::text::Percent(state.weight);
        writeln!(actual, "{words} -> {outcome}{gap}| {} {weight}", state.phase).unwrap();
    }
    (state, journal, actual)
}

fn check_plan(plan: &str, script: &str) -> State {
    check_begun(plan, false, script)
}

fn check_begun(plan: &str, paused: bool, script: &str) -> State {
    let plan = Plan::parse(plan).unwrap();
    let begun = create(&plan, creation(paused), UnixMillis(0));
    let (state, journal, actual) = run_from(&plan, begun, script);
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
    let expected: String = lines.map(|line| format!("{line}\n")).collect();
    assert_eq!(actual, expected, "actual:\n{actual}");
    assert_eq!(replay(&journal).unwrap(), (plan, state.clone()));
    state
}

fn check_with(fields: &str, script: &str) -> State {
    check_plan(&format!("{PLAN}{fields}"), script)
}

fn check(script: &str) -> State {
    check_with("", script)
}
