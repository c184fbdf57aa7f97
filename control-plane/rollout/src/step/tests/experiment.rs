//! Experiments.

use super::*;

const EXPERIMENT: &str = "
service: shop
kind: experiment
baseline: v1
arms: [{name: a, version: v2, weight: 30%}, {name: b, version: v3, weight: 20%}]
components: [{name: cart, matches: [{path: {prefix: /cart}}]}]
warm_up: 10s
duration: 1h
";

#[test]
fn an_arm_that_harms_is_stopped_and_the_others_go_on_until_none_is_left() {
    let state = check_plan(
        EXPERIMENT,
        r"
        10 tick -> [Step 1 began at 50 %] info | progressing 50 %
        11 arms a b -> | progressing 50 %
        30 arms a! b -> [Stopped a, whose users returned to the control: a regressed beside the control] publish critical | progressing 20 %
        31 arms a! b -> | progressing 20 %
        40 arms a b! -> [Stopped b, whose users returned to the control: b regressed beside the control; Ended, all users returned to the control: all arms were stopped] publish critical critical | rolled back 0 %
        41 arms a b! -> | rolled back 0 %
        ",
    );
    let sentence = "cart: ";
    assert!(state.stopped["a"].text().starts_with(sentence), "{}", state.stopped["a"].text());
}

#[test]
fn healthy_arms_are_never_promoted_and_the_experiment_ends_when_its_time_is_over() {
    check_plan(
        EXPERIMENT,
        r"
        10 healthy -> [Step 1 began at 50 %] info | progressing 50 %
        11 healthy -> | progressing 50 %
        3599 healthy -> | progressing 50 %
        3600 tick -> [Ended, all users returned to the control: it ran for 1 h] publish info | rolled back 0 %
        ",
    );
}

#[test]
fn a_paused_experiment_has_all_users_on_the_control_and_goes_on_without_the_arms_that_were_stopped() {
    check_plan(
        EXPERIMENT,
        r"
        10 tick -> [Step 1 began at 50 %] info | progressing 50 %
        20 rollback arm b -> [Stopped b, whose users returned to the control: because] publish critical | progressing 30 %
        21 rollback arm b -> | progressing 30 %
        30 pause -> [Paused: because] publish info | paused 0 %
        31 pause -> | paused 0 %
        40 resume -> [Resumed at 30 %: because] publish info | progressing 30 %
        50 rollback -> [Ended, all users returned to the control: because] publish info | rolled back 0 %
        51 rollback -> | rolled back 0 %
        ",
    );
}

#[test]
fn the_time_of_an_experiment_that_waits_begins_with_it() {
    check_begun(
        EXPERIMENT,
        true,
        r"
        4000 tick -> | paused 0 %
        4001 resume -> [Resumed at 50 %: because] publish info | warming up 50 %
        4011 tick -> [Step 1 began at 50 %] info | progressing 50 %
        7600 healthy -> | progressing 50 %
        7601 healthy -> [Ended, all users returned to the control: it ran for 1 h] publish info | rolled back 0 %
        ",
    );
}

#[test]
fn what_makes_no_sense_in_an_experiment_is_refused() {
    let why = "its weights are fixed and no arm is promoted; stop an arm with `rollback --arm`, end the experiment with `rollback`, and create a rollout for the version that won";
    check_plan(
        EXPERIMENT,
        &format!(
            "1 promote -> refused: cannot promote in an experiment: {why} | warming up 50 %
             2 set 30 -> refused: cannot set-weight in an experiment: {why} | warming up 50 %
             3 hand-over -> refused: cannot hand-over in an experiment: {why} | warming up 50 %
             4 rollback cart -> refused: cannot roll back a component in an experiment: {why} | warming up 50 %
             5 rollback arm c -> refused: arm \"c\" is not part of the plan; its arms are: a, b | warming up 50 %"
        ),
    );
    check(
        "1 rollback arm c -> refused: arm \"c\" is not part of the plan; its arms are: none | warming up 10 %",
    );
}

#[test]
fn missing_data_and_vetoes_are_told_and_stop_no_arm() {
    check_plan(
        EXPERIMENT,
        r"
        10 tick -> [Step 1 began at 50 %] info | progressing 50 %
        24 silent -> | progressing 50 %
        25 silent -> [Holding: no fresh evidence arrives] warning | progressing 50 %
        40 arms a b -> [No longer holding: no fresh evidence arrives] info | progressing 50 %
        60 arms a? b -> [Holding: a: the baseline became worse in the same seconds, so something shared is broken; nothing is rolled back for that] critical | progressing 50 %
        80 arms a b -> [No longer holding: a: the baseline became worse in the same seconds, so something shared is broken; nothing is rolled back for that] info | progressing 50 %
        ",
    );
}

#[test]
fn without_automatic_rollback_an_arm_that_harms_is_told_and_not_stopped() {
    check_plan(
        &format!("{EXPERIMENT}automatic_rollback: false\n"),
        r"
        10 tick -> [Step 1 began at 50 %] info | progressing 50 %
        30 arms a b! -> [Holding: b regressed and automatic rollback is off] warning | progressing 50 %
        ",
    );
}

#[test]
fn an_experiment_may_follow_a_promoted_version_unless_an_arm_needs_its_endpoint() {
    let rollout = Plan::parse(PLAN).unwrap();
    let promoted = run(&rollout, "1 promote -> ").0;
    let plan = |arm: &str| {
        let text =
            "service: shop\nkind: experiment\nbaseline: v2\narms: [{name: ARM, version: v3, weight: 10%}]\n";
        Plan::parse(&text.replace("ARM", arm)).unwrap()
    };
    assert_eq!(may_follow(&plan("a"), false, &promoted), Ok(()));
    assert!(matches!(may_follow(&plan("canary"), false, &promoted), Err(Refused::CanaryInUse { .. })));
    assert!(matches!(
        may_follow(&Plan::parse(EXPERIMENT).unwrap(), false, &promoted),
        Err(Refused::Baseline { .. })
    ));
}

#[test]
fn the_summary_of_an_experiment_says_who_has_which_part_and_what_is_beyond_a_limit() {
    let plan = Plan::parse(&EXPERIMENT.replace("baseline: v1", "baseline: v1\ncontrol: plain")).unwrap();
    let said = |script: &str, second: u64, seen: Option<&Judgement>| {
        crate::summary(&plan, &run(&plan, script).0, seen, UnixMillis(second * 1_000))
    };
    let mut seen = Judgement { data_age_s: Some(2), arms: vec![arm("a"), arm("b")], ..Judgement::default() };
    assert_eq!(said("", 4, None), "Warming up, 6 s left; plain 50 %, a 30 %, b 20 %");
    assert_eq!(said("10 tick", 60, Some(&seen)), "Running; plain 50 %, a 30 %, b 20 %; 59 min left");
    let without_b = "10 tick\n20 rollback arm b";
    assert_eq!(
        said(without_b, 60, None),
        "Running; plain 70 %, a 30 %; 59 min left; waiting for fresh evidence; stopped: b"
    );
    for arm in &mut seen.arms {
        arm.judgement.canary.errors = 100;
    }
    assert_eq!(
        said(without_b, 60, Some(&seen)),
        "Running; plain 70 %, a 30 %; 59 min left; a: success rate is below 95 %; stopped: b"
    );
    assert_eq!(said("10 tick\n20 pause", 60, None), "Paused by a person: all users are on the control");
    assert_eq!(said("3600 tick", 3_700, None), "Ended: it ran for 1 h");
}

#[test]
fn an_arm_that_is_only_told_of_holds_the_experiment_up_in_nothing() {
    check_plan(
        &format!("{EXPERIMENT}automatic_rollback: false\n"),
        r"
        5 arms a! b -> [Holding: a regressed and automatic rollback is off] warning | warming up 50 %
        9 arms a! b -> | warming up 50 %
        10 arms a! b -> [Step 1 began at 50 %] info | progressing 50 %
        20 arms a! b -> [Holding: a regressed and automatic rollback is off] warning | progressing 50 %
        ",
    );
}
