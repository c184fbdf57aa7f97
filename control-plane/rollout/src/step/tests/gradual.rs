//! The way back in stages.

use super::*;

const BEGUN: &str = "
    10 healthy -> [Step 1 began at 10 %] info | progressing 10 %
    30 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
";
const GRADUAL: &str = "rollback: {mode: gradual, stages: [50%, 20%], stage: 10s, deadline: 60s}\n";
const BEGINS: &str = "40 alarm version -> [Rolling back in stages, 25 % left: the canary regressed] publish critical | rolling back 25 %";

#[test]
fn the_weight_falls_in_stages_to_nothing() {
    let state = check_with(
        GRADUAL,
        &format!(
            "{BEGUN}{BEGINS}
            45 alarm version -> | rolling back 25 %
            50 alarm version -> [Rolling back: 10 % left] publish info | rolling back 10 %
            59 healthy -> | rolling back 10 %
            60 healthy -> [Rolled back the whole version: the canary regressed] publish critical | rolled back 0 %
            70 healthy -> | rolled back 0 %"
        ),
    );
    assert_eq!((state.returning, state.cause.unwrap()), (None, Cause::VersionRegressed));
}

#[test]
fn without_news_time_alone_brings_all_of_it_back() {
    check_with(
        GRADUAL,
        &format!(
            "{BEGUN}{BEGINS}
            50 tick -> [Rolling back: 10 % left] publish info | rolling back 10 %
            60 silent -> [Rolled back the whole version: the canary regressed] publish critical | rolled back 0 %"
        ),
    );
}

#[test]
fn a_person_ends_it_at_once_and_can_do_nothing_else() {
    check_with(
        GRADUAL,
        &format!(
            "{BEGUN}{BEGINS}
            41 pause -> refused: cannot pause a rollout that is rolling back; possible now: rollback | rolling back 25 %
            41 resume -> refused: cannot resume a rollout that is rolling back; possible now: rollback | rolling back 25 %
            41 set 50 -> refused: cannot set-weight a rollout that is rolling back; possible now: rollback | rolling back 25 %
            41 promote -> refused: cannot promote a rollout that is rolling back; possible now: rollback | rolling back 25 %
            42 rollback -> [Rolled back the whole version: because] publish critical | rolled back 0 %
            43 rollback -> | rolled back 0 %"
        ),
    );
}

#[test]
fn a_person_rolls_back_at_once() {
    let script = format!(
        "{BEGUN}40 rollback -> [Rolled back the whole version: because] publish critical | rolled back 0 %"
    );
    check_with(GRADUAL, &script);
}

#[test]
fn what_gets_worse_returns_at_once() {
    check_with(
        GRADUAL,
        &format!(
            "{BEGUN}40 alarm login -> [Rolling back in stages, 25 % left: login regressed, whose rollback undoes the whole version] publish critical | rolling back 25 %
            41 alarm login -> | rolling back 25 %
            42 alarm cart -> [Rolled back the whole version: login regressed, whose rollback undoes the whole version] publish critical | rolled back 0 %"
        ),
    );
    check_with(
        GRADUAL,
        &format!(
            "{BEGUN}{BEGINS}
            41 failing 100 -> | rolling back 25 %
            42 failing 101 -> [Rolled back the whole version: the canary regressed] publish critical | rolled back 0 %"
        ),
    );
}

#[test]
fn a_canary_that_fails_too_much_returns_at_once() {
    check_with(
        GRADUAL,
        &format!(
            "{BEGUN}40 failing 101 -> [Rolled back the whole version: the canary regressed] publish critical | rolled back 0 %"
        ),
    );
}

/// Both arms together have 1,000 requests a minute.
#[test]
fn the_baseline_gets_no_more_than_it_can_carry_until_the_deadline() {
    let fields = GRADUAL.replace("stage: 10s", "stage: 10s, baseline_capacity: {requests_per_second: 10rps}");
    check_with(
        &fields,
        &format!(
            "{BEGUN}40 alarm version -> [Rolling back in stages, 40 % left: the canary regressed] publish critical | rolling back 40 %
            50 alarm version -> | rolling back 40 %
            90 canary 300 -> [Rolling back: 25 % left] publish info | rolling back 25 %
            99 alarm version -> | rolling back 25 %
            100 alarm version -> [Rolled back the whole version: the canary regressed] publish critical | rolled back 0 %"
        ),
    );
}

#[test]
fn the_load_of_the_baseline_grows_by_no_more_than_the_plan_says() {
    let fields = GRADUAL.replace("stage: 10s", "stage: 10s, baseline_capacity: {growth: 20%}");
    check_with(
        &fields,
        &format!(
            "{BEGUN}40 alarm version -> [Rolling back in stages, 40 % left: the canary regressed] publish critical | rolling back 40 %
            50 alarm version -> [Rolling back: 28 % left] publish info | rolling back 28 %
            60 alarm version -> [Rolling back: 25 % left] publish info | rolling back 25 %
            70 alarm version -> [Rolling back: 10 % left] publish info | rolling back 10 %
            80 alarm version -> [Rolled back the whole version: the canary regressed] publish critical | rolled back 0 %"
        ),
    );
}

#[test]
fn a_baseline_that_gets_worse_slows_the_stages_and_not_the_deadline() {
    check_with(
        GRADUAL,
        &format!(
            "{BEGUN}{BEGINS}
            50 baseline_errors 30 -> | rolling back 25 %
            70 baseline_errors 30 -> | rolling back 25 %
            75 healthy -> [Rolling back: 10 % left] publish info | rolling back 10 %
            85 baseline_errors 30 -> | rolling back 10 %
            100 baseline_errors 30 -> [Rolled back the whole version: the canary regressed] publish critical | rolled back 0 %"
        ),
    );
}

#[test]
fn a_component_returns_at_once_and_a_promoted_version_in_stages() {
    check_with(
        GRADUAL,
        &format!(
            "{BEGUN}40 alarm cart -> [Returned cart to the baseline: cart regressed] publish critical | progressing 50 %
            41 promote -> [Promoted: because] publish info | promoted 100 %
            42 alarm version -> [Rolling back in stages, 50 % left: the canary regressed] publish critical | rolling back 50 %
            52 healthy -> [Rolling back: 20 % left] publish info | rolling back 20 %
            62 healthy -> [Rolled back the whole version: the canary regressed] publish critical | rolled back 0 %"
        ),
    );
}

#[test]
fn the_summary_says_what_is_left_and_until_when() {
    let state = check_with(GRADUAL, &format!("{BEGUN}{BEGINS}"));
    let plan = Plan::parse(&format!("{PLAN}{GRADUAL}")).unwrap();
    let said = crate::summary(&plan, &state, None, UnixMillis(50_000));
    assert_eq!(said, "Rolling back, 25 % left, all on v1 in 50 s at most: the canary regressed");
}
