//! What holds a rollout, and for how long.

use super::*;

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
        24 errors 6 -> | progressing 10 %
        25 errors 11 -> | progressing 10 %
        26 errors 12 -> [Holding: the canary's error rate is above 1 %] warning | progressing 10 %
        30 errors 30 -> | progressing 10 %
        31 slow -> | progressing 10 %
        40 healthy -> [No longer holding: the canary's error rate is above 1 %] info | progressing 10 %
        41 healthy -> | progressing 10 %
        60 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        60 tail -> | progressing 50 %
        61 slow -> [Holding: the canary's 99th percentile of latency is above 1 s] warning | progressing 50 %
        71 healthy -> [No longer holding: the canary's 99th percentile of latency is above 1 s] info | progressing 50 %
        91 healthy -> | progressing 50 %
        ",
    );
}

#[test]
fn a_veto_holds_and_is_told_and_neither_rolls_back_nor_promotes() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        29 vetoed both_arms_worse -> [Holding: the baseline became worse in the same seconds, so something shared is broken; nothing is rolled back for that] critical | progressing 10 %
        30 vetoed both_arms_worse -> | progressing 10 %
        90 vetoed both_arms_worse -> | progressing 10 %
        91 vetoed data_gap cart -> [Holding: cart: reports are missing where the harm began; nothing is rolled back for that] warning | progressing 10 %
        101 healthy -> [No longer holding: cart: reports are missing where the harm began; nothing is rolled back for that] info | progressing 10 %
        102 healthy -> | progressing 10 %
        121 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        122 vetoed older_than_exposure cart -> [Holding: cart: the failures were there before the canary got these requests; nothing is rolled back for that] critical | progressing 50 %
        123 alarm search -> [Returned search to the baseline: search regressed] publish critical | progressing 50 %
        ",
    );
}

#[test]
fn what_is_predicted_holds_until_it_is_not() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        29 predicted latency -> [Holding: the latency of the canary rises and will exceed the forecast's limit] warning | progressing 10 %
        60 predicted latency cart -> | progressing 10 %
        90 predicted error_rate cart -> [Holding: the error rate of cart rises and will exceed the forecast's limit] warning | progressing 10 %
        91 predicted error_rate cart -> | progressing 10 %
        100 healthy -> [No longer holding: the error rate of cart rises and will exceed the forecast's limit] info | progressing 10 %
        120 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        121 predicted latency search -> [Holding: the latency of search rises and will exceed the forecast's limit] warning | progressing 50 %
        122 predicted_for_rollback latency search -> [Returned search to the baseline: the latency of search rises and will exceed the forecast's limit] publish critical | progressing 50 %
        130 predicted_for_rollback error_rate -> [Rolled back the whole version: the error rate of the canary rises and will exceed the forecast's limit] publish critical | rolled back 0 %
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
