//! What holds in experiments.

use std::collections::BTreeMap;

use super::*;
use crate::ArmJudgement;

const ARMS: [&str; 3] = ["a", "b", "c"];

fn plan(automatic: bool) -> Plan {
    Plan::parse(&format!(
        "
service: shop
kind: experiment
baseline: v1
arms: [{{name: a, version: v2, weight: 30%}}, {{name: b, version: v3, weight: 20%}}, {{name: c, version: v3, weight: 5%}}]
components: [{{name: cart, matches: [{{path: {{prefix: /cart}}}}]}}]
warm_up: 5s
duration: 1h
automatic_rollback: {automatic}
"
    ))
    .unwrap()
}

fn judged() -> impl Strategy<Value = Input> {
    let arms = proptest::collection::vec(judgements(), ARMS.len());
    let alarms = proptest::collection::vec(proptest::bool::weighted(0.02), ARMS.len());
    (arms, alarms, 0_u64..20).prop_map(|(arms, alarms, age)| {
        let arms = ARMS.iter().zip(arms).zip(alarms).map(|((name, mut judgement), alarmed)| {
            judgement.alarm = alarmed.then_some(Alarm::Version);
            ArmJudgement { name: (*name).to_owned(), judgement }
        });
        let arms = arms.collect();
        Input::Assessed(Box::new(Judgement { data_age_s: Some(age), arms, ..Judgement::default() }))
    })
}

fn inputs() -> impl Strategy<Value = Input> {
    let stop = proptest::sample::select(ARMS.to_vec())
        .prop_map(|name| Order::Rollback { scope: RollbackScope::Arm(name.to_owned()) });
    let command = prop_oneof![4 => orders(), 1 => stop].prop_map(|order| Input::Commanded {
        command: Command { order, actor: "anna".to_owned(), reason: "x".to_owned() },
        seen: None,
    });
    prop_oneof![4 => Just(Input::Tick), 60 => judged(), 3 => command]
}

/// The end of each arm's part of the ring.
fn ends(plan: &Plan, state: &State) -> BTreeMap<String, (u32, u32)> {
    let mut start = 0;
    let parts = plan.service_assignment(state).split.into_iter().map(|share| {
        let from = start;
        start += share.weight_ppm;
        (share.arm, (from, start))
    });
    parts.filter(|(arm, _)| arm != "baseline").collect()
}

fn check(plan: &Plan, before: &State, input: &Input, transition: &Transition) -> Result<(), TestCaseError> {
    let after = &transition.state;
    let by_person = matches!(input, Input::Commanded { .. });
    prop_assert!(!matches!(after.phase, Phase::Promoted | Phase::Completing));
    let resumed = by_person && matches!(before.phase, Phase::Paused { .. });
    prop_assert!(after.weight <= before.weight || resumed);
    prop_assert!(after.weight <= plan.first_weight());
    for (name, pin) in &before.stopped {
        prop_assert_eq!(after.stopped.get(name), Some(pin));
        prop_assert!(!after.arm_runs(name));
    }
    let all = ends(
        plan,
        &create(
            plan,
            Creation { id: before.id.clone(), salt: Salt(1), actor: String::new(), paused: false },
            UnixMillis(0),
        )
        .state,
    );
    let running = ends(plan, after);
    prop_assert!(running.iter().all(|(name, part)| all.get(name) == Some(part)), "{running:?} of {all:?}");
    prop_assert_eq!(running.values().map(|(from, to)| to - from).sum::<u32>(), after.weight.ppm());
    if let Input::Assessed(judgement) = input
        && plan.automatic_rollback()
        && !before.phase.is_terminal()
    {
        for arm in judgement.arms.iter().filter(|arm| arm.judgement.alarm.is_some()) {
            prop_assert!(after.stopped.contains_key(&arm.name) || after.phase == Phase::RolledBack);
        }
    }
    if !by_person && !plan.automatic_rollback() {
        prop_assert_eq!(&after.stopped, &before.stopped);
    }
    check_effects(plan, before, transition)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn an_experiment_promotes_nothing_raises_no_weight_and_moves_nobody_between_arms(
        automatic in any::<bool>(),
        paused in any::<bool>(),
        history in proptest::collection::vec((inputs(), times()), 0..120),
    ) {
        let plan = plan(automatic);
        let creation = Creation { id: RolloutId("r-1".to_owned()), salt: Salt(1), actor: "anna".to_owned(), paused };
        let begun = create(&plan, creation, UnixMillis(1_000_000));
        let (mut state, mut journal, mut now) = (begun.state.clone(), begun.events().to_vec(), 1_000_000_u64);
        for (input, (offset, anywhere)) in history {
            now = anywhere.unwrap_or_else(|| now.saturating_add_signed(offset));
            let Ok(transition) = step(&plan, &state, &input, UnixMillis(now)) else { continue };
            check(&plan, &state, &input, &transition)?;
            journal.extend_from_slice(transition.events());
            state = transition.state;
            let _ = crate::summary(&plan, &state, None, UnixMillis(now));
        }
        let json = serde_json::to_string(&journal).unwrap();
        let read: Vec<Event> = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(replay(&read).unwrap(), (plan, state.clone()));
        let json = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<State>(&json).unwrap(), state);
    }
}
