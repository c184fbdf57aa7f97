//! What holds for any history of a rollout with hooks and schema changes.

use std::collections::BTreeSet;

use super::*;
use crate::plan::HookPoint;
use crate::{Approval, HookEnd, HookOutcome, Sighting, pending};

const PLAN: &str = r#"
service: shop
baseline: v1
canary: v2
steps: [{weight: 5%, bake: 3s}, {weight: 20%, bake: 0s}]
warm_up: 2s
promotion: 5s
limits: {min_requests: 10}
rollback_window: {duration: 10s}
hooks:
  before_start: [{name: warm, webhook: {target: ci}}, {name: look, webhook: {target: ci}, on_failure: rollback}]
  before_step: [{name: gate, webhook: {target: ci}}, {name: note, webhook: {target: ci}, on_failure: continue}]
  after_promotion: [{name: tag, command: {target: tag}}]
  on_rollback: [{name: undo, command: {target: undo}, on_failure: hold}]
  after_rollback: [{name: note, command: {target: note}}]
  on_failure: [{name: page, webhook: {target: pager}}]
migrations:
  database: shop
  drain: 5s
  steps:
    - {name: a, up: create table a (), down: drop table a}
    - {name: b, up: drop table b, down: create table b (), phase: contract}
"#;

#[derive(Clone, Debug)]
enum Act {
    Assess(Box<Judgement>),
    Tick,
    End(bool, usize),
    Order(Order),
    Seen { obeyed: bool, quiet_s: u64 },
}

fn acts() -> impl Strategy<Value = Act> {
    let orders = prop_oneof![
        Just(Order::Pause),
        Just(Order::Resume),
        Just(Order::Promote),
        Just(Order::Rollback { scope: RollbackScope::Version }),
        (0_u32..=100).prop_map(|percent| Order::SetWeight(Weight::from_ppm(percent * 10_000).unwrap())),
        Just(Order::Approve(Approval::DataLoss)),
        Just(Order::Approve(Approval::RetryHook)),
        Just(Order::Approve(Approval::SkipHook)),
        Just(Order::Approve(Approval::Drained)),
    ];
    prop_oneof![
        8 => judgements().prop_map(|judgement| Act::Assess(Box::new(judgement))),
        2 => Just(Act::Tick),
        8 => (prop::bool::weighted(0.8), 0_usize..3).prop_map(|(well, which)| Act::End(well, which)),
        2 => orders.prop_map(Act::Order),
        2 => (any::<bool>(), 0_u64..6).prop_map(|(obeyed, quiet_s)| Act::Seen { obeyed, quiet_s }),
    ]
}

fn input(act: &Act, state: &State) -> Option<Input> {
    Some(match act {
        Act::Assess(judgement) => Input::Assessed(judgement.clone()),
        Act::Tick => Input::Tick,
        Act::End(well, which) => {
            let outcome = if *well { HookOutcome::Succeeded } else { HookOutcome::Failed };
            let run = state.running_hooks().nth(*which)?.clone();
            Input::HookEnded(HookEnd { run, outcome, attempts: 1, output: "said".to_owned() })
        }
        Act::Order(order) => {
            let command = Command { order: order.clone(), actor: "anna".to_owned(), reason: "so".to_owned() };
            Input::Commanded { command, seen: None }
        }
        Act::Seen { obeyed, quiet_s } => Input::Sighted(Sighting {
            vms: 1,
            applied: u32::from(*obeyed),
            quiet_s: Some(*quiet_s),
            ..Sighting::default()
        }),
    })
}

proptest! {
    #[test]
    fn any_history_with_hooks_ends_each_once_keeps_their_order_and_replays_to_the_same_state(
        paused in any::<bool>(),
        history in proptest::collection::vec((0_u64..8, acts()), 1..120),
    ) {
        let plan = Plan::parse(PLAN).unwrap();
        let (id, actor) = (RolloutId("shop-1".to_owned()), "anna".to_owned());
        let created = create(&plan, Creation { id, salt: Salt(7), actor, paused }, UnixMillis(0));
        let (mut state, mut events) = (created.state.clone(), created.events().to_vec());
        let mut now = 0;
        for (seconds, act) in &history {
            now += seconds * 1_000;
            let Some(input) = input(act, &state) else { continue };
            let Ok(transition) = step(&plan, &state, &input, UnixMillis(now)) else { continue };
            events.extend_from_slice(transition.events());
            state = transition.state;
            // Nobody gets the canary before what stands before its start is done.
            let split: u32 = plan.service_assignment(&state).split.iter().map(|share| share.weight_ppm).sum();
            prop_assert!(!state.waiting || split == 0);
        }
        let (mut started, mut ended) = (BTreeSet::new(), BTreeSet::new());
        for event in &events {
            if let Fact::HookStarted(run) = &event.fact {
                prop_assert!(started.insert(run.clone()), "{run} began twice");
                let before = run.name != crate::plan::MIGRATIONS && run.point == HookPoint::BeforeStart;
                prop_assert!(!before || ended.iter().any(|one: &crate::HookRun| one.name == crate::plan::MIGRATIONS));
            }
            if let Fact::HookEnded(end) = &event.fact {
                prop_assert!(started.contains(&end.run) && ended.insert(end.run.clone()), "{} ended twice", end.run);
            }
        }
        let (_, replayed) = replay(&events).unwrap();
        prop_assert_eq!(&replayed, &state);
        prop_assert!(state.phase.is_terminal() || !pending(&plan, &state));
    }
}
