use serin_proto::assignment::{Granularity, raw as proto};

use super::*;
use crate::{Command, Input, Order, RollbackScope, step};

#[test]
fn the_example_of_an_experiment_has_arms_at_fixed_weights_and_coarse_components() {
    let plan = Plan::parse(EXPERIMENT).unwrap();
    let experiment = plan.experiment().unwrap();
    let arms: Vec<_> = experiment
        .arms()
        .iter()
        .map(|arm| (arm.name.as_str(), arm.version.as_str(), arm.weight.ppm()))
        .collect();
    assert_eq!(arms, [("large-buttons", "v1-large", 300_000), ("one-page", "v1-onepage", 200_000)]);
    assert_eq!((experiment.control(), plan.baseline(), plan.canary()), ("plain", "v1", ""));
    assert_eq!(experiment.duration(), Some(seconds(14 * 86_400)));
    assert_eq!((experiment.confidence(), plan.first_weight()), (weight(950_000), weight(500_000)));
    assert!(plan.components().all(|component| component.granularity == Granularity::Coarse));
    assert_eq!(Plan::parse(FULL).unwrap().experiment(), None);
}

#[test]
fn an_experiment_takes_the_documented_defaults() {
    let plan = Plan::parse(
        "service: shop\nkind: experiment\nbaseline: v1\narms: [{name: canary, version: v1, weight: 95%}]\n",
    )
    .unwrap();
    let experiment = plan.experiment().unwrap();
    assert_eq!((experiment.control(), experiment.duration()), ("baseline", None));
    assert_eq!((experiment.confidence(), plan.warm_up()), (weight(950_000), seconds(300)));
}

fn split(service: &proto::Service) -> Vec<(&str, u32)> {
    service.split.iter().map(|share| (share.arm.as_str(), share.weight_ppm)).collect()
}

/// The state after a person ordered something.
fn after(plan: &Plan, state: &State, order: Order) -> State {
    let command = Command { order, actor: "anna".to_owned(), reason: "because".to_owned() };
    step(plan, state, &Input::Commanded { command, seen: None }, UnixMillis(1_000)).unwrap().state
}

#[test]
fn an_arm_that_does_not_run_leaves_its_part_of_the_ring_to_the_baseline() {
    let plan = Plan::parse(EXPERIMENT).unwrap();
    let begun = state(&plan);
    let stop = Order::Rollback { scope: RollbackScope::Arm("large-buttons".to_owned()) };
    let stopped = after(&plan, &begun, stop);
    let paused = after(&plan, &stopped, Order::Pause);
    let resumed = after(&plan, &paused, Order::Resume);
    let check = |state: &State, expected: &[(&str, u32)]| {
        let service = plan.service_assignment(state);
        assert_eq!(split(&service), expected, "{}", state.phase);
        serin_proto::assignment::Service::try_from(service).unwrap();
    };
    check(&begun, &[("large-buttons", 300_000), ("one-page", 200_000)]);
    check(&stopped, &[("baseline", 300_000), ("one-page", 200_000)]);
    check(&paused, &[("baseline", 300_000), ("baseline", 200_000)]);
    check(&resumed, &[("baseline", 300_000), ("one-page", 200_000)]);
    check(&after(&plan, &resumed, Order::Rollback { scope: RollbackScope::Version }), &[]);
}

#[test]
fn the_rules_of_an_arm_that_was_stopped_lead_to_the_baseline_or_are_left_out() {
    let rules = "rules:\n- {when: {header: {name: x-a, present: true}}, arm: one-page}\n- {when: {header: {name: x-b, present: true}}, arm: one-page, share: 20%}\n- {when: {header: {name: x-c, present: true}}, arm: large-buttons, share: 20%}\n";
    let plan = Plan::parse(&format!("{EXPERIMENT}{rules}")).unwrap();
    let begun = state(&plan);
    let led = |state: &State| -> Vec<String> {
        plan.service_assignment(state).rules.into_iter().map(|rule| rule.arm).collect()
    };
    assert_eq!(led(&begun), ["one-page", "one-page", "large-buttons"]);
    let stop = Order::Rollback { scope: RollbackScope::Arm("one-page".to_owned()) };
    let stopped = after(&plan, &begun, stop);
    assert_eq!(led(&stopped), ["baseline", "large-buttons"]);
    assert_eq!(led(&after(&plan, &stopped, Order::Pause)), ["baseline"]);
}
