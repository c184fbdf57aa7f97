//! Limits beside the baseline, and of throughput.

use super::*;

/// The baseline fails once in 500 requests; three times of that is 3 in 500, which chance brings up to 8.
#[test]
fn a_canary_that_fails_beyond_a_multiple_of_the_baseline_is_held() {
    check_with(
        "limits: {error_ratio: 3}\n",
        r"
        10 healthy -> [Step 1 began at 10 %] info | progressing 10 %
        15 errors 8 -> | progressing 10 %
        16 errors 9 -> [Holding: the canary's error rate is above 3 times the baseline's] warning | progressing 10 %
        26 baseline_errors 3 -> [No longer holding: the canary's error rate is above 3 times the baseline's] info | progressing 10 %
        ",
    );
}

#[test]
fn a_canary_that_is_slower_than_a_multiple_of_the_baseline_is_held() {
    check_with(
        "limits: {latency_ratio: 1.5, latency_p99: 1h}\n",
        r"
        10 healthy -> [Step 1 began at 10 %] info | progressing 10 %
        15 slow -> [Holding: the canary's 99th percentile is above 1.5 times the baseline's] warning | progressing 10 %
        16 quiet -> | progressing 10 %
        25 healthy -> [No longer holding: the canary's 99th percentile is above 1.5 times the baseline's] info | progressing 10 %
        ",
    );
}

/// At 10 % the canary is to have a ninth of the baseline's 500 requests a minute, 55.
#[test]
fn a_canary_that_gets_too_few_requests_is_held_once_its_weight_has_lasted() {
    check_with(
        "limits: {throughput_ratio: 50%}\n",
        r"
        10 healthy -> [Step 1 began at 10 %] info | progressing 10 %
        74 canary 27 -> [Step 2 began at 50 %] publish info | progressing 50 %
        138 canary 249 -> [The canary got all traffic and is watched before completion] publish info | completing 100 %
        ",
    );
    check_with(
        "limits: {throughput_ratio: 50%}\n",
        r"
        10 healthy -> [Step 1 began at 10 %] info | progressing 10 %
        75 canary 27 -> [Holding: the canary gets less than 50 % of the requests that its weight lets expect] warning | progressing 10 %
        85 canary 28 -> [No longer holding: the canary gets less than 50 % of the requests that its weight lets expect] info | progressing 10 %
        ",
    );
}

#[test]
fn a_canary_that_gets_fewer_requests_than_the_plan_says_is_held() {
    check_with(
        "limits: {throughput_min: 2.5rps}\n",
        r"
        10 healthy -> [Step 1 began at 10 %] info | progressing 10 %
        75 canary 149 -> [Holding: the canary gets less than 2.5 requests a second] warning | progressing 10 %
        85 canary 150 -> [No longer holding: the canary gets less than 2.5 requests a second] info | progressing 10 %
        ",
    );
}

/// What matches a rule is not split by the weight, so nothing can be expected of it.
#[test]
fn where_rules_send_requests_the_ratio_of_throughput_says_nothing() {
    check_with(
        "limits: {throughput_ratio: 50%}\nrules: [{when: {header: {name: x-beta, exact: '1'}}}]\n",
        r"
        10 healthy -> [Step 1 began at 10 %] info | progressing 10 %
        75 canary 27 -> [Step 2 began at 50 %] publish info | progressing 50 %
        ",
    );
}
