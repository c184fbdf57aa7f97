//! The rollback window: what is easier inside, and the watch after the promotion.

use super::*;

/// A window of 40 s, at full weight from the beginning.
fn fields(window: &str) -> String {
    PLAN.replace("steps: [{weight: 10%, bake: 20s}, {weight: 50%, bake: 30s}]", "initial_weight: 100%")
        + "limits: {sustained: 10s}\n"
        + window
}

const SHORT: &str = "rollback_window: {duration: 40s, outside: 3}\n";

#[test]
fn a_promoted_version_that_gets_worse_returns_by_itself_until_the_window_closes() {
    let begun = r"
        10 healthy -> [The canary got all traffic and is watched before completion] info | completing 100 %
        70 healthy -> [Promoted: at full weight long enough and within all limits] info | promoted 100 %
    ";
    let state = check_plan(
        &fields(SHORT),
        &format!(
            "{begun}
            80 healthy -> | promoted 100 %
            109 alarm version -> [Rolled back the whole version: the canary regressed] publish critical | rolled back 0 %"
        ),
    );
    assert!(!state.watched && !state.runs());
    let state = check_plan(
        &fields(SHORT),
        &format!(
            "{begun}
            110 alarm version -> [The rollback window closed: the promoted version is judged no more] info | promoted 100 %
            111 alarm version -> | promoted 100 %"
        ),
    );
    assert!(!state.runs());
}

#[test]
fn a_component_of_a_promoted_version_returns_alone_while_it_is_watched() {
    let state = check_plan(
        &fields(SHORT),
        r"
        10 healthy -> [The canary got all traffic and is watched before completion] info | completing 100 %
        70 healthy -> [Promoted: at full weight long enough and within all limits] info | promoted 100 %
        75 alarm cart -> [Returned cart to the baseline: cart regressed] publish critical | promoted 100 %
        76 fault tax -> [Returned block tax to v6 of home: home regressed, and its block tax is at fault] publish critical | promoted 100 %
        ",
    );
    assert!(state.runs());
}

#[test]
fn while_it_is_watched_only_harm_is_told_and_missing_data_changes_nothing() {
    check_plan(
        &fields(SHORT),
        r"
        10 healthy -> [The canary got all traffic and is watched before completion] info | completing 100 %
        70 healthy -> [Promoted: at full weight long enough and within all limits] info | promoted 100 %
        90 stale -> | promoted 100 %
        91 silent -> | promoted 100 %
        92 vetoed both_arms_worse -> | promoted 100 %
        93 predicted latency -> | promoted 100 %
        94 errors 20 -> [Holding: the canary's error rate is above 1 %] warning | promoted 100 %
        103 errors 20 -> | promoted 100 %
        104 errors 20 -> [Rolled back the whole version: for too long at full weight, the canary's error rate is above 1 %] publish critical | rolled back 0 %
        ",
    );
}

#[test]
fn without_automatic_rollback_a_watched_version_is_told_of_and_stays() {
    let fields = fields(SHORT) + "automatic_rollback: false\n";
    let state = check_plan(
        &fields,
        r"
        10 healthy -> [The canary got all traffic and is watched before completion] info | completing 100 %
        70 healthy -> [Promoted: at full weight long enough and within all limits] info | promoted 100 %
        90 alarm version -> [Holding: the canary regressed and automatic rollback is off] warning | promoted 100 %
        110 alarm version -> [The rollback window closed: the promoted version is judged no more] info | promoted 100 %
        ",
    );
    let plan = Plan::parse(&fields).unwrap();
    let text = crate::summary(&plan, &state, None, UnixMillis(120_000));
    assert!(
        text.ends_with("when its rollback window closed, the canary regressed and automatic rollback is off"),
        "{text}"
    );
}

#[test]
fn a_person_s_promotion_is_watched_and_ends_with_a_rollback_a_hand_over_or_a_successor() {
    let promoted = "5 promote -> [Promoted: because] publish info | promoted 100 %";
    let check = |line: &str| check_with(SHORT, &format!("{promoted}\n{line}"));
    let state =
        check("6 rollback -> [Rolled back the whole version: because] publish critical | rolled back 0 %");
    assert!(!state.runs());
    let state = check(
        "6 hand-over -> [Handed over, all users are on the baseline's endpoint: because] publish info | promoted 0 %
         7 alarm version -> | promoted 0 %
         8 promote -> [Promoted: because] publish info | promoted 100 %",
    );
    assert!(!state.runs(), "there is nothing to return to: the baseline's endpoint has the same version");
    let state = check(
        "6 superseded r-2 -> [Handed over, all users are on the baseline's endpoint: rollout r-2 begins, with v2 as its baseline; Rollout r-2 took over] publish info info | promoted 0 %",
    );
    assert!(!state.runs());
}

#[test]
fn outside_of_the_window_a_limit_must_be_exceeded_for_longer() {
    let started =
        "10 healthy -> [The canary got all traffic and is watched before completion] info | completing 100 %";
    let rolled_back = "[Rolled back the whole version: for too long at full weight, the canary's error rate is above 1 %] publish critical | rolled back 0 %";
    let held = "[Holding: the canary's error rate is above 1 %] warning | completing 100 %";
    let check = |window: &str, script: String| check_plan(&fields(window), &format!("{started}\n{script}"));
    check(
        SHORT,
        format!("30 errors 20 -> {held}\n39 errors 20 -> | completing 100 %\n40 errors 20 -> {rolled_back}"),
    );
    check(
        SHORT,
        format!("51 errors 20 -> {held}\n80 errors 20 -> | completing 100 %\n81 errors 20 -> {rolled_back}"),
    );
    let none = "rollback_window: {duration: 0s, outside: 3}\n";
    check(
        none,
        format!("51 errors 20 -> {held}\n60 errors 20 -> | completing 100 %\n61 errors 20 -> {rolled_back}"),
    );
}

#[test]
fn without_a_window_nothing_is_watched_after_the_promotion() {
    let state = check_with(
        "rollback_window: {duration: 0s}\n",
        r"
        5 promote -> [Promoted: because] publish info | promoted 100 %
        6 alarm version -> | promoted 100 %
        ",
    );
    assert!(!state.runs());
}
