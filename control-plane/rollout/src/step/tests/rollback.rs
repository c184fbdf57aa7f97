//! What is rolled back: the version, or components alone.

use super::*;

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
