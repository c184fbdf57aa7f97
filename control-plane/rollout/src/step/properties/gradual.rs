//! A way back in stages goes down only, and ends.

use super::*;

fn gradual() -> impl Strategy<Value = Plan> {
    let stages = prop_oneof![Just("[50%, 20%]"), Just("[90%, 80%, 1%]"), Just("[10%]")];
    let capacity = prop_oneof![
        Just(""),
        Just(", baseline_capacity: {requests_per_second: 5rps}"),
        Just(", baseline_capacity: {growth: 10%}"),
    ];
    (stages, capacity, 1_u32..20).prop_map(|(stages, capacity, stage)| {
        let steps = "initial_weight: 30%\nincrement: 30%\nevaluation: 4s";
        plan(
            true,
            &format!("{steps}\nrollback: {{mode: gradual, stages: {stages}, stage: {stage}s, deadline: 40s{capacity}}}"),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_way_back_in_stages_only_falls_and_ends_by_its_deadline(plan in gradual(), history in histories()) {
        let creation = Creation { id: RolloutId("r-1".to_owned()), salt: Salt(1), actor: "anna".to_owned(), paused: false };
        let begun = create(&plan, creation, UnixMillis(1_000_000));
        let (mut state, mut journal, mut now) = (begun.state.clone(), begun.events().to_vec(), 1_000_000_u64);
        for (input, (offset, anywhere)) in history {
            now = anywhere.unwrap_or_else(|| now.saturating_add_signed(offset));
            let Ok(transition) = step(&plan, &state, &input, UnixMillis(now)) else { continue };
            let after = transition.state.clone();
            if state.phase == Phase::RollingBack {
                prop_assert!(after.weight <= state.weight);
                prop_assert!(matches!(after.phase, Phase::RollingBack | Phase::RolledBack | Phase::Failed));
                let since = state.returning.as_ref().unwrap().since;
                let is_judged = matches!(input, Input::Assessed(_) | Input::Tick);
                if is_judged && UnixMillis(now).since(since).as_secs() >= 40 {
                    prop_assert_eq!(after.phase, Phase::RolledBack);
                }
            }
            prop_assert_eq!(after.returning.is_some(), after.phase == Phase::RollingBack);
            let changed = plan.service_assignment(&state) != plan.service_assignment(&after);
            prop_assert_eq!(transition.effects.contains(&Effect::Publish), changed);
            serin_proto::assignment::Service::try_from(plan.service_assignment(&after)).unwrap();
            journal.extend_from_slice(transition.events());
            state = after;
        }
        let json = serde_json::to_string(&journal).unwrap();
        let read: Vec<Event> = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(replay(&read).unwrap(), (plan, state));
    }
}
