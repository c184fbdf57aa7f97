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

/// As [`PLAN`], where home cannot work without cart, and cart not without search.
fn dependent(more: &str) -> String {
    let needing = |needs: &str| format!("}}}}], depends_on: [{needs}]");
    let plan = PLAN.replace("/cart}}]", &format!("/cart{}", needing("search")));
    plan.replace("exact: /}}]", &format!("exact: /{}", needing("cart"))) + more
}

#[test]
fn what_cannot_work_without_a_returned_component_returns_with_it() {
    check_plan(
        &dependent("escalation: 90%\n"),
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 alarm cart -> [Returned cart, home to the baseline: cart regressed; home cannot work without cart] publish critical | progressing 10 %
        12 alarm home -> | progressing 10 %
        13 alarm search -> [Returned search to the baseline: search regressed] publish critical | progressing 10 %
        ",
    );
}

#[test]
fn of_several_regressed_components_the_one_that_the_others_depend_on_is_the_cause() {
    check_plan(
        &dependent("escalation: 90%\n"),
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 alarm home search -> [Returned cart, home, search to the baseline: search regressed; cart, home cannot work without search] publish critical | progressing 10 %
        ",
    );
}

#[test]
fn a_dependent_is_told_with_those_alone_that_it_needs() {
    let plan = PLAN.replace("exact: /}}]", "exact: /}}], depends_on: [cart]");
    check_plan(
        &format!("{plan}escalation: 90%\n"),
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 alarm cart search -> [Returned cart, home, search to the baseline: cart, search regressed; home cannot work without cart] publish critical | progressing 10 %
        ",
    );
}

#[test]
fn dependents_count_towards_the_traffic_that_means_the_version() {
    check_plan(
        &dependent(""),
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 alarm search -> [Rolled back the whole version: search regressed; cart, home cannot work without search; all together 50 % of the traffic] publish critical | rolled back 0 %
        ",
    );
}

#[test]
fn a_coarse_dependent_means_the_version() {
    let plan = PLAN.replace("granularity: coarse", "granularity: coarse, depends_on: [cart]");
    check_plan(
        &plan,
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 alarm cart -> [Rolled back the whole version: cart regressed, without which login cannot work, whose rollback undoes the whole version] publish critical | rolled back 0 %
        ",
    );
}

#[test]
fn a_person_returns_what_depends_on_a_component_with_it() {
    check_plan(
        &dependent(""),
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 rollback search -> [Returned cart, home, search to the baseline: because; cart, home cannot work without search] publish critical | progressing 10 %
        ",
    );
}

/// The home page calls the cart, tips cannot do without it.
fn soft() -> String {
    PLAN.replace("{name: home,", "{name: home, depends_on: [{component: cart, on_rollback: stay}], ").replace(
        "granularity: coarse}",
        "granularity: coarse}\n  - {name: tips, matches: [{path: {prefix: /tips}}], feature: tips, \
         depends_on: [{component: cart, on_rollback: disable}]}",
    )
}

#[test]
fn the_component_that_the_others_call_is_returned_first_and_they_may_recover() {
    check_plan(
        &soft(),
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 alarm cart home -> [Returned cart to the baseline and switched off tips: cart regressed; tips cannot work without cart; home may recover with that] publish critical | progressing 10 %
        30 alarm home -> [Returned home to the baseline: home regressed] publish critical | progressing 10 %
        ",
    );
}

#[test]
fn what_is_switched_off_is_told_to_the_filters_and_stays_on_its_version() {
    let plan = Plan::parse(&soft()).unwrap();
    let (state, _, _) = run(&plan, "1 rollback cart");
    let service = plan.service_assignment(&state);
    let tips = service.components.iter().find(|component| component.name == "tips").unwrap();
    assert_eq!((tips.pinned.as_deref(), tips.blocks[0].restored.as_deref()), (None, Some("off")));
    assert_eq!(state.disabled["tips"].text(), "cannot work without cart, which returned");
}

#[test]
fn any_limit_of_the_escalation_means_the_version() {
    let weighted = PLAN.replace("path: {prefix: /cart}}]", "path: {prefix: /cart}}], business_weight: 8");
    check_plan(
        &format!("{weighted}escalation: {{business_weight: 70%}}\n"),
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 alarm cart home -> [Rolled back the whole version: cart, home regressed, 81.8182 % of the business weight] publish critical | rolled back 0 %
        ",
    );
    check_with(
        "escalation: {traffic: 100%, components: 1}\n",
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 alarm home -> [Returned home to the baseline: home regressed] publish critical | progressing 10 %
        12 alarm cart -> [Rolled back the whole version: cart, home regressed, 2 components] publish critical | rolled back 0 %
        ",
    );
}

#[test]
fn what_another_service_returned_takes_along_what_needs_it() {
    let plan =
        PLAN.replace("path: {prefix: /cart}}]", "path: {prefix: /cart}}], depends_on: [stock/reserve]");
    check_plan(
        &plan,
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 elsewhere stock/count -> | progressing 10 %
        12 elsewhere stock/count stock/reserve -> [Returned cart to the baseline: stock/reserve returned to the baseline; cart cannot work without stock/reserve] publish critical | progressing 10 %
        13 elsewhere stock/count stock/reserve -> | progressing 10 %
        ",
    );
    let coarse = plan.replace("granularity: coarse", "granularity: coarse, depends_on: [stock/reserve]");
    check_plan(
        &coarse,
        r"
        11 elsewhere stock/reserve -> [Rolled back the whole version: stock/reserve returned to the baseline] publish critical | rolled back 0 %
        12 elsewhere stock/reserve -> | rolled back 0 %
        ",
    );
}
