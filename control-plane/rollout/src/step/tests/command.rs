//! What people ask for.

use super::*;

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
    check_with(
        "rollback_window: {duration: 0s}\n",
        r"
        1 regressed -> | warming up 10 %
        2 rollback cart -> [Returned cart to the baseline: because] publish critical | warming up 10 %
        3 promote -> [Promoted: because] publish info | promoted 100 %
        4 promote -> | promoted 100 %
        5 pause -> refused: cannot pause a rollout that is promoted; possible now: hand-over, rollback | promoted 100 %
        6 set 50 -> refused: cannot set-weight a rollout that is promoted; possible now: hand-over, rollback | promoted 100 %
        7 resume -> refused: cannot resume a rollout that is promoted; possible now: hand-over, rollback | promoted 100 %
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
fn a_reason_must_be_given_and_bounded() {
    let plan = Plan::parse(PLAN).unwrap();
    let state = begin(&plan).state;
    let refused = |order: Order, reason: String| {
        let command = Command { order, actor: "anna".to_owned(), reason };
        step(&plan, &state, &Input::Commanded { command, seen: None }, UnixMillis(0)).err()
    };
    assert_eq!(refused(Order::Pause, String::new()), Some(Refused::ReasonMissing));
    assert_eq!(refused(Order::Promote, "  ".to_owned()), Some(Refused::ReasonMissing));
    assert_eq!(
        refused(Order::Rollback { scope: RollbackScope::Version }, "x".repeat(1_001)),
        Some(Refused::ReasonTooLong)
    );
    assert_eq!(refused(Order::Rollback { scope: RollbackScope::Version }, "x".repeat(1_000)), None);
    assert_eq!(refused(Order::Resume, String::new()), None);
}

#[test]
fn a_rollout_that_begins_paused_sends_nobody_to_the_canary_until_resumed() {
    check_begun(
        PLAN,
        true,
        r"
        90 healthy -> | paused 0 %
        91 tick -> | paused 0 %
        92 silent -> | paused 0 %
        93 resume -> [Resumed at 10 %: because] publish info | warming up 10 %
        102 tick -> | warming up 10 %
        103 tick -> [Step 1 began at 10 %] info | progressing 10 %
        123 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        ",
    );
}
