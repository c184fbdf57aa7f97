//! When a rollout goes on, and when it does not.

use super::*;

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
fn at_full_weight_nothing_is_promoted_while_the_evidence_speaks_against_it() {
    let plan =
        PLAN.replace("steps: [{weight: 10%, bake: 20s}, {weight: 50%, bake: 30s}]", "initial_weight: 100%");
    check_plan(
        &plan,
        r"
        10 inconclusive -> [The canary got all traffic and is watched before completion] info | completing 100 %
        70 doubtful -> | completing 100 %
        71 inconclusive -> [Promoted: at full weight long enough and within all limits] info | promoted 100 %
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
