//! Scripts: each line is `second input -> effects | phase weight`, and is checked whole.

use std::fmt::Write;

use serin_analysis::verdict::{Alarm, Reason, ScopeAssessment, Signal, Verdict};

use super::*;
use crate::{ArmWindow, Command, ComponentJudgement, Order, Phase, replay};

const PLAN: &str = "
service: shop
baseline: v1
canary: v2
components:
  - {name: search, matches: [{path: {prefix: /search}}]}
  - {name: cart, matches: [{path: {prefix: /cart}}]}
  - {name: home, matches: [{path: {exact: /}}], granularity: fine}
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
    let window = ArmWindow { requests: 500, errors: 1, client_errors: 20, latency_p99_us: Some(80_000) };
    Judgement {
        version: ScopeAssessment { verdict, reasons: Vec::new() },
        components: components.collect(),
        alarm: None,
        data_age_s: Some(3),
        baseline: window,
        canary: window,
    }
}

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
        "pause" => return order(Order::Pause),
        "resume" => return order(Order::Resume),
        "promote" => return order(Order::Promote),
        "set" => {
            return order(Order::SetWeight(Weight::from_ppm(rest.parse::<u32>().unwrap() * 10_000).unwrap()));
        }
        "rollback" => {
            return order(Order::Rollback { component: (!rest.is_empty()).then(|| rest.to_owned()) });
        }
        "healthy" => {}
        "inconclusive" => seen.version.verdict = Verdict::Inconclusive,
        "regressed" if rest.is_empty() => seen.version.verdict = Verdict::Regressed,
        "regressed" => {
            let component = seen.components.iter_mut().find(|component| component.name == rest).unwrap();
            component.assessment.verdict = Verdict::Regressed;
        }
        "stale" => seen.data_age_s = Some(16),
        "silent" => seen.data_age_s = None,
        "errors" => seen.canary.errors = rest.parse().unwrap(),
        "slow" => seen.canary.latency_p99_us = Some(1_000_001),
        "quiet" => seen.canary.requests = 49,
        "alarm" if rest == "version" => seen.alarm = Some(Alarm::Version),
        "alarm" => seen.alarm = Some(Alarm::Components(rest.split(' ').map(str::to_owned).collect())),
        other => panic!("unknown input {other}"),
    }
    Input::Assessed(Box::new(seen))
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
    let creation = Creation { id: RolloutId("r-1".to_owned()), salt: Salt(7), actor: "anna".to_owned() };
    create(plan, creation, UnixMillis(0))
}

fn run(plan: &Plan, script: &str) -> (State, Vec<Event>, String) {
    let Transition { mut state, effects: first } = begin(plan);
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
    let plan = Plan::parse(plan).unwrap();
    let (state, journal, actual) = run(&plan, script);
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
#[test]
fn a_healthy_canary_walks_through_its_steps_and_is_promoted() {
    check(
        r"
        1 healthy -> | warming up 10 %
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 healthy -> | progressing 10 %
        29 healthy -> | progressing 10 %
        30 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        31 healthy -> | progressing 50 %
        59 healthy -> | progressing 50 %
        60 healthy -> [The canary got all traffic and is watched before completion] publish info | completing 100 %
        119 healthy -> | completing 100 %
        120 healthy -> [Promoted: at full weight long enough and within all limits] info | promoted 100 %
        121 healthy -> | promoted 100 %
        ",
    );
}

#[test]
fn nothing_is_promoted_without_a_healthy_verdict() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        90 inconclusive -> | progressing 10 %
        91 regressed -> | progressing 10 %
        92 tick -> | progressing 10 %
        93 regressed cart -> | progressing 10 %
        94 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        ",
    );
}

#[test]
fn missing_data_holds_and_never_rolls_back() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 silent -> | progressing 10 %
        24 stale -> | progressing 10 %
        25 stale -> [Holding: no fresh evidence arrives] warning | progressing 10 %
        26 silent -> | progressing 10 %
        90 silent -> | progressing 10 %
        91 healthy -> [No longer holding: no fresh evidence arrives] info | progressing 10 %
        92 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        ",
    );
}

#[test]
fn a_limit_exceeded_holds_and_the_time_begins_anew() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        25 errors 5 -> | progressing 10 %
        26 errors 6 -> [Holding: the canary's error rate is above 1 %] warning | progressing 10 %
        30 errors 30 -> | progressing 10 %
        31 slow -> | progressing 10 %
        40 healthy -> [No longer holding: the canary's error rate is above 1 %] info | progressing 10 %
        41 healthy -> | progressing 10 %
        60 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        61 slow -> [Holding: the canary's 99th percentile of latency is above 1 s] warning | progressing 50 %
        71 healthy -> [No longer holding: the canary's 99th percentile of latency is above 1 s] info | progressing 50 %
        91 healthy -> | progressing 50 %
        ",
    );
}

#[test]
fn too_few_requests_break_no_limit() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        15 quiet -> | progressing 10 %
        ",
    );
}

#[test]
fn an_alarm_rolls_back_the_version_in_every_open_phase() {
    check(
        r"
        1 alarm version -> [Rolled back the whole version: the canary regressed] publish critical | rolled back 0 %
        2 alarm version -> | rolled back 0 %
        3 healthy -> | rolled back 0 %
        ",
    );
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 alarm version -> [Rolled back the whole version: the canary regressed] publish critical | rolled back 0 %
        ",
    );
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 pause -> [Paused: because] info | paused 10 %
        12 alarm version -> [Rolled back the whole version: the canary regressed] publish critical | rolled back 0 %
        ",
    );
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        30 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        60 healthy -> [The canary got all traffic and is watched before completion] publish info | completing 100 %
        61 alarm version -> [Rolled back the whole version: the canary regressed] publish critical | rolled back 0 %
        ",
    );
}

#[test]
fn one_component_is_returned_alone_and_the_rollout_goes_on() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 alarm cart -> [Returned cart to the baseline: cart regressed] publish critical | progressing 10 %
        12 alarm cart -> | progressing 10 %
        13 regressed cart -> | progressing 10 %
        30 regressed cart -> [Step 2 began at 50 %] publish info | progressing 50 %
        60 healthy -> [The canary got all traffic and is watched before completion] publish info | completing 100 %
        120 healthy -> [Promoted: at full weight long enough and within all limits] info | promoted 100 %
        ",
    );
}

#[test]
fn several_components_that_carry_much_traffic_mean_the_version() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 alarm cart -> [Returned cart to the baseline: cart regressed] publish critical | progressing 10 %
        12 alarm cart home -> [Returned home to the baseline: home regressed] publish critical | progressing 10 %
        13 alarm search -> [Rolled back the whole version: cart, home, search regressed, 50 % of the traffic] publish critical | rolled back 0 %
        ",
    );
}

#[test]
fn two_small_components_are_returned_together() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 alarm home cart -> [Returned cart, home to the baseline: cart, home regressed] publish critical | progressing 10 %
        ",
    );
}

#[test]
fn a_coarse_component_means_the_version() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 alarm cart login -> [Rolled back the whole version: login regressed, whose rollback undoes the whole version] publish critical | rolled back 0 %
        ",
    );
}

#[test]
fn a_component_that_the_plan_does_not_name_means_the_version() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 alarm unmatched -> [Rolled back the whole version: unmatched regressed, whose rollback undoes the whole version] publish critical | rolled back 0 %
        ",
    );
}

#[test]
fn without_automatic_rollback_an_alarm_holds_and_is_told_once() {
    check_with(
        "automatic_rollback: false\n",
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 alarm cart -> [Holding: cart regressed and automatic rollback is off] warning | progressing 10 %
        12 alarm cart -> | progressing 10 %
        30 alarm cart -> | progressing 10 %
        31 alarm version -> [Holding: the canary regressed and automatic rollback is off] warning | progressing 10 %
        32 alarm version -> | progressing 10 %
        33 healthy -> | progressing 10 %
        41 healthy -> [No longer holding: the canary regressed and automatic rollback is off] info | progressing 10 %
        60 healthy -> | progressing 10 %
        61 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        ",
    );
}

#[test]
fn at_full_weight_a_limit_exceeded_for_long_rolls_back() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        30 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        60 healthy -> [The canary got all traffic and is watched before completion] publish info | completing 100 %
        61 errors 100 -> [Holding: the canary's success rate is below 95 %] warning | completing 100 %
        90 slow -> | completing 100 %
        180 errors 100 -> | completing 100 %
        181 errors 100 -> [Rolled back the whole version: for too long at full weight, the canary's success rate is below 95 %] publish critical | rolled back 0 %
        ",
    );
}

#[test]
fn at_full_weight_a_short_breach_only_begins_the_watch_anew() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        30 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        60 healthy -> [The canary got all traffic and is watched before completion] publish info | completing 100 %
        100 errors 100 -> [Holding: the canary's success rate is below 95 %] warning | completing 100 %
        140 healthy -> [No longer holding: the canary's success rate is below 95 %] info | completing 100 %
        141 healthy -> | completing 100 %
        199 healthy -> | completing 100 %
        200 healthy -> [Promoted: at full weight long enough and within all limits] info | promoted 100 %
        ",
    );
}

#[test]
fn at_full_weight_too_few_requests_promote_nothing() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        30 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        60 healthy -> [The canary got all traffic and is watched before completion] publish info | completing 100 %
        130 quiet -> | completing 100 %
        131 stale -> [Holding: no fresh evidence arrives] warning | completing 100 %
        132 healthy -> | completing 100 %
        142 healthy -> [No longer holding: no fresh evidence arrives] info | completing 100 %
        ",
    );
}

#[test]
fn at_full_weight_without_automatic_rollback_a_limit_only_holds() {
    check_with(
        "automatic_rollback: false\n",
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        30 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        60 healthy -> [The canary got all traffic and is watched before completion] publish info | completing 100 %
        61 errors 100 -> [Holding: the canary's success rate is below 95 %] warning | completing 100 %
        300 errors 100 -> | completing 100 %
        ",
    );
}

#[test]
fn a_pause_holds_until_resumed_and_the_step_begins_anew() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        29 pause -> [Paused: because] info | paused 10 %
        30 pause -> | paused 10 %
        31 healthy -> | paused 10 %
        90 healthy -> | paused 10 %
        91 resume -> [Resumed at 10 %: because] info | progressing 10 %
        92 resume -> | progressing 10 %
        110 healthy -> | progressing 10 %
        111 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        ",
    );
}

#[test]
fn a_weight_set_by_hand_holds_until_resumed_and_the_next_step_is_above_it() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 set 30 -> [Weight set from 10 % to 30 %: because] publish info | paused 30 %
        12 set 30 -> | paused 30 %
        13 set 20 -> [Weight set from 30 % to 20 %: because] publish info | paused 20 %
        90 healthy -> | paused 20 %
        91 resume -> [Resumed at 20 %: because] info | progressing 20 %
        110 healthy -> | progressing 20 %
        111 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        ",
    );
}

#[test]
fn resuming_below_the_first_step_returns_to_it() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 set 0 -> [Weight set from 10 % to 0 %: because] publish info | paused 0 %
        12 resume -> [Resumed at 10 %: because] publish info | progressing 10 %
        ",
    );
}

#[test]
fn resuming_at_full_weight_completes() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 set 100 -> [Weight set from 10 % to 100 %: because] publish info | paused 100 %
        12 errors 100 -> [Holding: the canary's success rate is below 95 %] warning | paused 100 %
        20 resume -> [Resumed at 100 %: because] info | completing 100 %
        79 healthy -> | completing 100 %
        80 healthy -> [Promoted: at full weight long enough and within all limits] info | promoted 100 %
        ",
    );
}

#[test]
fn a_limit_exceeded_for_long_at_a_full_weight_set_by_hand_rolls_back() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 set 100 -> [Weight set from 10 % to 100 %: because] publish info | paused 100 %
        12 errors 100 -> [Holding: the canary's success rate is below 95 %] warning | paused 100 %
        131 errors 100 -> | paused 100 %
        132 errors 100 -> [Rolled back the whole version: for too long at full weight, the canary's success rate is below 95 %] publish critical | rolled back 0 %
        ",
    );
}

#[test]
fn a_weight_set_during_the_warm_up_is_kept_after_it() {
    check(
        r"
        1 set 20 -> [Weight set from 10 % to 20 %: because] publish info | paused 20 %
        2 resume -> [Resumed at 20 %: because] info | warming up 20 %
        11 tick -> | warming up 20 %
        12 tick -> [Step 1 began at 20 %] info | progressing 20 %
        32 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        ",
    );
}

#[test]
fn a_person_promotes_whatever_the_verdict_and_may_roll_back_after() {
    check(
        r"
        1 regressed -> | warming up 10 %
        2 rollback cart -> [Returned cart to the baseline: because] publish critical | warming up 10 %
        3 promote -> [Promoted: because] publish info | promoted 100 %
        4 promote -> | promoted 100 %
        5 pause -> refused: cannot pause a rollout that is promoted; possible now: rollback | promoted 100 %
        6 set 50 -> refused: cannot set-weight a rollout that is promoted; possible now: rollback | promoted 100 %
        7 resume -> refused: cannot resume a rollout that is promoted; possible now: rollback | promoted 100 %
        8 rollback search -> [Returned search to the baseline: because] publish critical | promoted 100 %
        9 alarm version -> | promoted 100 %
        10 rollback -> [Rolled back the whole version: because] publish critical | rolled back 0 %
        11 rollback -> | rolled back 0 %
        12 promote -> refused: cannot promote a rollout that is rolled back; possible now: nothing; create a new rollout | rolled back 0 %
        ",
    );
}

#[test]
fn a_rollback_leaves_nothing_to_steer() {
    check(
        r#"
        1 rollback -> [Rolled back the whole version: because] publish critical | rolled back 0 %
        2 rollback cart -> | rolled back 0 %
        3 set 10 -> refused: cannot set-weight a rollout that is rolled back; possible now: nothing; create a new rollout | rolled back 0 %
        4 pause -> refused: cannot pause a rollout that is rolled back; possible now: nothing; create a new rollout | rolled back 0 %
        5 resume -> refused: cannot resume a rollout that is rolled back; possible now: nothing; create a new rollout | rolled back 0 %
        6 promote -> refused: cannot promote a rollout that is rolled back; possible now: nothing; create a new rollout | rolled back 0 %
        7 healthy -> | rolled back 0 %
        8 tick -> | rolled back 0 %
        9 rollback nothing -> refused: component "nothing" is not part of the plan; its components are: search, cart, home, login | rolled back 0 %
        "#,
    );
}

#[test]
fn a_newer_rollout_ends_this_one() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 superseded r-1 -> | progressing 10 %
        12 superseded r-2 -> [Rollout r-2 took over] publish info | failed 0 %
        13 superseded r-2 -> | failed 0 %
        14 healthy -> | failed 0 %
        15 rollback -> refused: cannot rollback this rollout: rollout r-2 took over; act on that one | failed 0 %
        ",
    );
}

#[test]
fn a_newer_rollout_leaves_a_promoted_one_promoted() {
    check(
        r"
        1 promote -> [Promoted: because] publish info | promoted 100 %
        2 superseded r-2 -> [Rollout r-2 took over] info | promoted 100 %
        3 rollback -> refused: cannot rollback this rollout: rollout r-2 took over; act on that one | promoted 100 %
        ",
    );
}

#[test]
fn a_plan_that_begins_at_full_weight_completes_after_the_warm_up() {
    let plan =
        PLAN.replace("steps: [{weight: 10%, bake: 20s}, {weight: 50%, bake: 30s}]", "initial_weight: 100%");
    check_plan(
        &plan,
        r"
        1 errors 100 -> | warming up 100 %
        10 healthy -> [The canary got all traffic and is watched before completion] info | completing 100 %
        69 healthy -> | completing 100 %
        70 healthy -> [Promoted: at full weight long enough and within all limits] info | promoted 100 %
        ",
    );
}

#[test]
fn a_clock_that_goes_backwards_only_delays() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        5 healthy -> | progressing 10 %
        29 healthy -> | progressing 10 %
        0 slow -> [Holding: the canary's 99th percentile of latency is above 1 s] warning | progressing 10 %
        1 slow -> | progressing 10 %
        25 healthy -> [No longer holding: the canary's 99th percentile of latency is above 1 s] info | progressing 10 %
        26 healthy -> | progressing 10 %
        ",
    );
}

#[test]
fn a_rollout_begins_at_its_first_weight_and_tells_so_in_order() {
    let plan = Plan::parse(PLAN).unwrap();
    let begun = begin(&plan);
    assert_eq!(effects(&begun), "[Created; warming up] publish info");
    assert_eq!((begun.state.phase, begun.state.weight.ppm()), (Phase::WarmingUp, 100_000));
    assert_eq!(begun.state.revision, 1);
    assert_eq!(begun.events()[0].actor, "anna");
}

#[test]
fn a_reason_must_be_given_and_bounded() {
    let plan = Plan::parse(PLAN).unwrap();
    let state = begin(&plan).state;
    let refused = |order: Order, reason: String| {
        let command = Command { order, actor: "anna".to_owned(), reason };
        step(&plan, &state, &Input::Commanded { command, seen: None }, UnixMillis(0)).err()
    };
    assert_eq!(refused(Order::Pause, String::new()), Some(Refused::ReasonMissing));
    assert_eq!(refused(Order::Promote, "  ".to_owned()), Some(Refused::ReasonMissing));
    assert_eq!(refused(Order::Rollback { component: None }, "x".repeat(1_001)), Some(Refused::ReasonTooLong));
    assert_eq!(refused(Order::Rollback { component: None }, "x".repeat(1_000)), None);
    assert_eq!(refused(Order::Resume, String::new()), None);
}

#[test]
fn a_decision_carries_what_was_seen_and_survives_json() {
    let plan = Plan::parse(PLAN).unwrap();
    let mut seen = judgement(Verdict::Regressed);
    seen.alarm = Some(Alarm::Version);
    seen.version.reasons.push(Reason {
        signal: Signal::ErrorRate,
        verdict: Verdict::Regressed,
        log_evidence: f64::INFINITY,
        log_threshold: 6.9,
        log_evidence_healthy: f64::NEG_INFINITY,
        log_threshold_healthy: 4.6,
        baseline: f64::NAN,
        canary: 0.3,
        baseline_requests: 900,
        canary_requests: 100,
        canary_requests_needed: None,
    });
    let transition =
        step(&plan, &begin(&plan).state, &Input::Assessed(Box::new(seen)), UnixMillis(5)).unwrap();
    let event = &transition.events()[0];
    let reason = &event.fact.evidence().unwrap().version.reasons[0];
    assert_eq!((reason.log_evidence, reason.log_evidence_healthy), (f64::MAX, f64::MIN));
    assert_eq!((reason.baseline, reason.canary_requests), (0.0, 100));
    let json = serde_json::to_string(event).unwrap();
    assert_eq!(&serde_json::from_str::<Event>(&json).unwrap(), event);
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["kind"], "rolled_back");
    assert_eq!(value["cause"]["why"], "version_regressed");
    assert_eq!(value["actor"], "serin");
}

#[test]
fn the_filters_are_told_what_the_state_says() {
    let plan = Plan::parse(&format!(
        "{PLAN}rules: [{{when: {{users: [anna]}}}}]\nidentity: {{user: [{{header: x-user}}]}}\n"
    ))
    .unwrap();
    let told = |script: &str| plan.service_assignment(&run(&plan, script).0);
    let pinned = |service: &serin_proto::assignment::raw::Service| {
        let pinned =
            service.components.iter().filter(|component| component.pinned.as_deref() == Some("baseline"));
        pinned.map(|component| component.name.clone()).collect::<Vec<_>>()
    };

    let warming = told("1 tick");
    assert_eq!(
        (warming.rollout.as_deref(), warming.salt.as_str()),
        (Some("r-1"), "00000000000000000000000000000007")
    );
    assert_eq!((warming.split[0].arm.as_str(), warming.split[0].weight_ppm), ("canary", 100_000));
    assert_eq!((warming.rules.len(), pinned(&warming).len()), (1, 0));

    let one_returned = told("1 alarm cart");
    assert_eq!((pinned(&one_returned), one_returned.split[0].weight_ppm), (vec!["cart".to_owned()], 100_000));

    let promoted = told("1 alarm cart\n2 promote");
    assert_eq!((pinned(&promoted), promoted.split[0].weight_ppm), (vec!["cart".to_owned()], 1_000_000));
    assert!(promoted.rules.is_empty());

    let rolled_back = told("1 alarm version");
    assert_eq!((rolled_back.rollout, rolled_back.split.len(), rolled_back.rules.len()), (None, 0, 0));
}

#[test]
fn a_journal_that_is_not_whole_is_refused() {
    let plan = Plan::parse(PLAN).unwrap();
    let (_, journal, _) = run(&plan, "10 tick\n11 pause");
    let refused = |change: fn(&mut Vec<Event>)| {
        let mut journal = journal.clone();
        change(&mut journal);
        replay(&journal).unwrap_err().to_string()
    };
    assert_eq!(refused(Vec::clear), "the journal of this rollout is empty");
    assert_eq!(refused(|events| drop(events.remove(0))), "the first event is step_started, not created");
    assert_eq!(
        refused(|events| drop(events.remove(1))),
        "expected event 2 of rollout r-1, found event 3 of rollout r-1"
    );
    assert_eq!(
        refused(|events| events[2].rollout = RolloutId("r-2".to_owned())),
        "expected event 3 of rollout r-1, found event 3 of rollout r-2"
    );
    assert_eq!(refused(|events| events[1].format = 2), "event 2 has format 2; this version reads up to 1");
}

#[test]
fn one_component_is_returned_alone_however_much_it_carries() {
    let plan = Plan::parse(PLAN).unwrap();
    let state = begin(&plan).state;
    let returned = |requests: &[(&str, u64)]| {
        let mut seen = judgement(Verdict::Inconclusive);
        seen.components.clear();
        seen.components.extend(requests.iter().map(|(name, requests)| ComponentJudgement {
            name: (*name).to_owned(),
            requests: *requests,
            ..ComponentJudgement::default()
        }));
        seen.alarm = Some(Alarm::Components(vec!["cart".to_owned()]));
        let transition = step(&plan, &state, &Input::Assessed(Box::new(seen)), UnixMillis(1)).unwrap();
        transition.events()[0].fact.text()
    };
    assert_eq!(returned(&[("cart", 900), ("home", 100)]), "Returned cart to the baseline: cart regressed");
    assert_eq!(returned(&[]), "Returned cart to the baseline: cart regressed");
    assert_eq!(
        returned(&[("cart", 900), ("home", 0)]),
        "Rolled back the whole version: cart regressed, 100 % of the traffic"
    );
}

#[test]
fn a_hold_from_a_later_time_is_lifted_at_once_when_the_clock_goes_back() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        90 slow -> [Holding: the canary's 99th percentile of latency is above 1 s] warning | progressing 10 %
        20 healthy -> [No longer holding: the canary's 99th percentile of latency is above 1 s] info | progressing 10 %
        40 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        ",
    );
}
