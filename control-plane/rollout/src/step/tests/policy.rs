//! What a policy of the plan does, and what it cannot do.

use super::*;

fn asks(expression: &str, then: &str) -> String {
    format!("policies: [{{name: ours, when: '{expression}', then: {then}}}]\n")
}

#[test]
fn a_policy_that_holds_says_what_it_read() {
    check_with(
        &asks("signals.canary.errors > 5", "hold"),
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        20 errors 6 -> [Holding: policy ours says hold (signals.canary.errors = 6)] warning | progressing 10 %
        25 errors 7 -> | progressing 10 %
        30 healthy -> [No longer holding: policy ours says hold (signals.canary.errors = 6)] info | progressing 10 %
        49 healthy -> | progressing 10 %
        50 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        ",
    );
}

#[test]
fn a_policy_rolls_back_in_every_phase_in_which_the_canary_has_users() {
    let fields = asks("signals.canary.errors > 5", "rollback");
    let rolled_back = "[Rolled back the whole version: policy ours asks for it (signals.canary.errors = 6)] publish critical | rolled back 0 %";
    let state = check_with(&fields, &format!("5 errors 6 -> {rolled_back}"));
    assert_eq!(state.cause.unwrap().to_string(), "policy ours asks for it (signals.canary.errors = 6)");
    let paused = "10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 pause -> [Paused: because] info | paused 10 %";
    check_with(&fields, &format!("{paused}\n12 errors 6 -> {rolled_back}"));
    let watched = "12 promote -> [Promoted: because] publish info | promoted 100 %";
    check_with(&fields, &format!("{watched}\n13 errors 6 -> {rolled_back}"));
}

#[test]
fn a_policy_is_not_asked_before_the_canary_has_users() {
    let plan = format!("{PLAN}{}", asks("true", "rollback"));
    check_begun(
        &plan,
        true,
        r"
        10 healthy -> | paused 0 %
        20 resume -> [Resumed at 10 %: because] publish info | warming up 10 %
        21 healthy -> [Rolled back the whole version: policy ours asks for it] publish critical | rolled back 0 %
        ",
    );
}

/// The minimum is the plan's; the time at full weight stays, because no baseline runs beside the canary then.
#[test]
fn a_promotion_ends_the_step_of_a_healthy_canary_early_and_nothing_else() {
    let fields = format!("{}minimum_evaluation: 5s\n", asks("weight > 0.0", "promote"));
    check_with(
        &fields,
        r"
        9 healthy -> | warming up 10 %
        10 healthy -> [Step 1 began at 10 %] info | progressing 10 %
        14 healthy -> | progressing 10 %
        15 inconclusive -> | progressing 10 %
        16 regressed -> | progressing 10 %
        17 regressed cart -> | progressing 10 %
        18 stale -> | progressing 10 %
        19 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        23 healthy -> | progressing 50 %
        24 healthy -> [The canary got all traffic and is watched before completion] publish info | completing 100 %
        83 healthy -> | completing 100 %
        84 healthy -> [Promoted: at full weight long enough and within all limits] info | promoted 100 %
        ",
    );
}

#[test]
fn a_step_that_is_shorter_than_the_minimum_is_not_ended_early() {
    check_with(
        &asks("true", "promote"),
        r"
        10 healthy -> [Step 1 began at 10 %] info | progressing 10 %
        29 healthy -> | progressing 10 %
        30 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        ",
    );
}

#[test]
fn what_a_policy_cannot_know_holds() {
    let fields = "policies: [{name: ours, when: 'quota[\"cpu\"] > 0.8 ? \"rollback\" : \"promote\"'}]\n";
    check_with(
        fields,
        r"
        10 healthy -> [Step 1 began at 10 %] info | progressing 10 %
        30 healthy -> [Holding: policy ours comes to no conclusion: No such key: cpu (quota = {})] warning | progressing 10 %
        31 alarm version -> [Rolled back the whole version: the canary regressed] publish critical | rolled back 0 %
        ",
    );
}

#[test]
fn the_rules_come_before_a_policy() {
    check_with(
        &asks("true", "promote"),
        r"
        10 healthy -> [Step 1 began at 10 %] info | progressing 10 %
        30 silent -> [Holding: no fresh evidence arrives] warning | progressing 10 %
        41 errors 20 -> [Holding: the canary's error rate is above 1 %] warning | progressing 10 %
        52 vetoed both_arms_worse -> [Holding: the baseline became worse in the same seconds, so something shared is broken; nothing is rolled back for that] critical | progressing 10 %
        53 alarm cart -> [Returned cart to the baseline: cart regressed] publish critical | progressing 10 %
        ",
    );
}

#[test]
fn with_automatic_rollback_off_a_policy_only_tells() {
    check_with(
        &format!("{}automatic_rollback: false\n", asks("signals.canary.errors > 5", "rollback")),
        r"
        10 healthy -> [Step 1 began at 10 %] info | progressing 10 %
        30 errors 6 -> [Holding: policy ours asks for a rollback and automatic rollback is off (signals.canary.errors = 6)] warning | progressing 10 %
        ",
    );
}

#[test]
fn of_several_policies_the_strictest_counts() {
    let policy = |name: &str, then: &str| format!("{{name: {name}, when: \"true\", then: {then}}}");
    let fields = |all: &[&str]| {
        let all: Vec<_> =
            all.iter().enumerate().map(|(index, then)| policy(&format!("p{index}"), then)).collect();
        format!("policies: [{}]\nminimum_evaluation: 0s\n", all.join(", "))
    };
    let step = "10 healthy -> [Step 1 began at 10 %] info | progressing 10 %\n";
    let next = "11 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %";
    check_with(&fields(&["promote", "promote"]), &format!("{step}{next}"));
    check_with(&fields(&["promote", "continue"]), &format!("{step}11 healthy -> | progressing 10 %"));
    let holds = "11 healthy -> [Holding: policy p1 says hold] warning | progressing 10 %";
    check_with(&fields(&["promote", "hold", "hold"]), &format!("{step}{holds}"));
    let gone = "1 healthy -> [Rolled back the whole version: policy p2 asks for it] publish critical | rolled back 0 %";
    check_with(&fields(&["hold", "promote", "rollback"]), gone);
}

/// A quota that is nearly used up lowers the weight once, and it rises again from there; a reading that is missing holds.
#[test]
fn a_quota_lowers_or_holds_the_weight_and_never_raises_it() {
    check_with(
        "queries: {cpu: {webhook: true}}\nquota: {query: cpu, lower_above: 80%, to: 5%, hold_above: 70%}\n",
        r"
        10 quota 0.1 -> [Step 1 began at 10 %] info | progressing 10 %
        30 quota 0.71 -> [Holding: quota cpu is at 71 %] warning | progressing 10 %
        40 quota 0.1 -> [No longer holding: quota cpu is at 71 %] info | progressing 10 %
        60 quota 0.1 -> [Step 2 began at 50 %] publish info | progressing 50 %
        61 quota 0.81 -> [Weight lowered from 50 % to 5 %: quota cpu is at 81 %] publish warning | progressing 5 %
        62 quota 0.9 -> [Holding: quota cpu is at 90 %] warning | progressing 5 %
        72 quota 0.1 -> [No longer holding: quota cpu is at 90 %] info | progressing 5 %
        92 quota -> [Holding: quota cpu is not known] warning | progressing 5 %
        102 quota 0.1 -> [No longer holding: quota cpu is not known] info | progressing 5 %
        122 quota 0.1 -> [Step 1 began at 10 %] publish info | progressing 10 %
        123 alarm version -> [Rolled back the whole version: the canary regressed] publish critical | rolled back 0 %
        ",
    );
}

/// The built-in ones are names for expressions.
#[test]
fn the_built_in_policies_can_be_named() {
    check_with(
        "policies: [performance, health, composite]\n",
        r"
        10 healthy -> [Step 1 began at 10 %] info | progressing 10 %
        30 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        31 errors 30 -> [Rolled back the whole version: policy performance asks for it (limits.baseline_exceeded = false, limits.exceeded = true, verdict = healthy, vetoed = false)] publish critical | rolled back 0 %
        ",
    );
}
