//! What holds for any sequence of inputs at any times.

use proptest::prelude::*;
use serin_analysis::Veto;
use serin_analysis::verdict::{Alarm, ScopeAssessment, Verdict};

use super::*;
use crate::{ArmWindow, Command, ComponentJudgement, Fact, Order, Phase, RollbackScope, Sighting, replay};

mod experiment;
mod gradual;
mod hook;
mod policy;

const COMPONENTS: [&str; 5] = ["search", "cart", "home", "login", "unmatched"];

fn plan(automatic: bool, steps: &str) -> Plan {
    Plan::parse(&format!(
        "
service: shop
baseline: v1
canary: v2
components:
  - {{name: search, matches: [{{path: {{prefix: /search}}}}]}}
  - {{name: cart, matches: [{{path: {{prefix: /cart}}}}], depends_on: [search]}}
  - {{name: home, matches: [{{path: {{exact: /}}}}], granularity: fine, depends_on: [cart]}}
  - {{name: login, matches: [{{path: {{prefix: /login}}}}], granularity: coarse}}
{steps}
warm_up: 5s
promotion: 10s
limits: {{sustained: 20s, min_requests: 10}}
automatic_rollback: {automatic}
"
    ))
    .unwrap()
}

fn plans() -> impl Strategy<Value = Plan> {
    let steps = prop_oneof![
        Just("steps: [{weight: 5%, bake: 3s}, {weight: 20%, bake: 0s}, {weight: 60%, bake: 9s}]"),
        Just("initial_weight: 30%\nincrement: 30%\nevaluation: 4s"),
        Just("initial_weight: 100%"),
    ];
    (any::<bool>(), steps).prop_map(|(automatic, steps)| plan(automatic, steps))
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    prop_oneof![3 => Just(Verdict::Healthy), 1 => Just(Verdict::Inconclusive), 1 => Just(Verdict::Regressed)]
}

pub(super) fn judgements() -> impl Strategy<Value = Judgement> {
    let component = (verdicts(), 0_u64..100);
    let components = proptest::collection::vec(component, COMPONENTS.len());
    let names = proptest::sample::subsequence(COMPONENTS.to_vec(), 1..=2);
    let alarm = prop_oneof![
        80 => Just(None),
        1 => Just(Some(Alarm::Version)),
        2 => names.prop_map(|names| Some(Alarm::Components(names.into_iter().map(str::to_owned).collect()))),
    ];
    let age = prop_oneof![1 => Just(None), 8 => (0_u64..30).prop_map(Some)];
    let window = (0_u64..1_000, 0_u64..12, 0_u64..1_200_000);
    let vetoes = prop_oneof![9 => Just(Vec::new()), 1 => Just(vec![Veto::BothArmsWorse])];
    (verdicts(), vetoes, components, alarm, age, window).prop_map(
        |(verdict, vetoes, components, alarm, data_age_s, window)| {
            // As the engine has it: what a veto holds is not healthy.
            let verdict = if vetoes.is_empty() { verdict } else { Verdict::Regressed };
            let components =
                COMPONENTS.iter().zip(components).map(|(name, (verdict, requests))| ComponentJudgement {
                    name: (*name).to_owned(),
                    assessment: ScopeAssessment { verdict, ..ScopeAssessment::default() },
                    requests,
                });
            let (requests, errors, p99) = window;
            Judgement {
                version: ScopeAssessment { verdict, vetoes, ..ScopeAssessment::default() },
                components: components.collect(),
                alarm,
                data_age_s,
                baseline: ArmWindow::default(),
                canary: ArmWindow {
                    requests,
                    errors,
                    client_errors: 0,
                    latency_p99_us: Some(p99),
                    latency_p99_least_us: Some(p99),
                },
                arms: Vec::new(),
                findings: Vec::new(),
                sources: None,
                outside: crate::outside::Outside::default(),
            }
        },
    )
}

pub(super) fn orders() -> impl Strategy<Value = Order> {
    prop_oneof![
        (0_u32..=10).prop_map(|tenth| Order::SetWeight(Weight::from_ppm(tenth * 100_000).unwrap())),
        Just(Order::Pause),
        Just(Order::Resume),
        Just(Order::Resume),
        Just(Order::Promote),
        Just(Order::HandOver),
        Just(Order::Rollback { scope: RollbackScope::Version }),
        proptest::sample::select(COMPONENTS.to_vec())
            .prop_map(|name| Order::Rollback { scope: RollbackScope::Component(name.to_owned()) }),
    ]
}

fn inputs() -> impl Strategy<Value = Input> {
    let command = (orders(), "[a-z]{0,3}").prop_map(|(order, reason)| Input::Commanded {
        command: Command { order, actor: "anna".to_owned(), reason },
        seen: None,
    });
    let sighted = (0_u32..3, 0_u32..3, proptest::option::of(0_u64..6), 0_u64..20, 0_u64..200, 0_u64..3);
    let sighted = sighted.prop_map(|(vms, applied, quiet_s, window_s, requests, errors)| {
        let baseline = ArmWindow { requests, errors, ..ArmWindow::default() };
        Input::Sighted(Sighting { vms, applied, quiet_s, window_s, baseline, ..Sighting::default() })
    });
    prop_oneof![
        8 => sighted,
        4 => Just(Input::Tick),
        60 => judgements().prop_map(|judgement| Input::Assessed(Box::new(judgement))),
        3 => command,
        1 => Just(Input::Superseded { by: RolloutId("r-2".to_owned()), actor: "anna".to_owned() }),
    ]
}

/// Mostly a few seconds on; sometimes back, or anywhere.
pub(super) fn times() -> impl Strategy<Value = (i64, Option<u64>)> {
    let anywhere = prop_oneof![60 => Just(None), 1 => any::<u64>().prop_map(Some)];
    (prop_oneof![20 => 0_i64..4_000, 1 => -20_000_i64..0], anywhere)
}

fn histories() -> impl Strategy<Value = Vec<(Input, (i64, Option<u64>))>> {
    proptest::collection::vec((inputs(), times()), 0..120)
}

/// What must hold between a state and the next.
fn check_transition(
    plan: &Plan,
    before: &State,
    input: &Input,
    transition: &Transition,
) -> Result<(), TestCaseError> {
    let after = &transition.state;
    let by_person = matches!(input, Input::Commanded { .. });
    let fresh_and_healthy = matches!(input, Input::Assessed(judgement)
        if judgement.version.verdict == Verdict::Healthy && judgement.data_age_s.is_some_and(|age| age <= 15));
    if after.weight > before.weight {
        prop_assert!(by_person || fresh_and_healthy, "raised by {input:?}");
        prop_assert!(
            !before.phase.is_terminal() || (by_person && before.is_handed_over()),
            "raised in {}",
            before.phase
        );
    }
    if let Input::Assessed(judgement) = input
        && judgement.alarm.is_none()
        && !judgement.version.vetoes.is_empty()
        && before.weight < Weight::FULL
    {
        prop_assert!(
            after.weight <= before.weight && after.phase == before.phase && after.pinned == before.pinned
                || before.phase == Phase::WarmingUp,
            "{:?} to {:?}",
            before.phase,
            after.phase
        );
    }
    if matches!(before.phase, Phase::RolledBack | Phase::Failed) {
        prop_assert_eq!(after.phase, before.phase);
        prop_assert_eq!(after.weight, Weight::ZERO);
    }
    if before.phase == Phase::Promoted {
        let may_return = by_person || (before.watched && plan.automatic_rollback());
        prop_assert!(after.phase == Phase::Promoted || (may_return && after.phase == Phase::RolledBack));
    }
    for (name, pin) in &before.pinned {
        prop_assert_eq!(after.pinned.get(name), Some(pin));
    }
    let pinned = after.pinned.keys().cloned().collect();
    prop_assert_eq!(plan.undone_with(&pinned).moved, pinned, "left beside what it cannot work with");
    if matches!(before.phase, Phase::Paused { .. }) && !by_person {
        prop_assert!(
            after.weight == before.weight || after.phase == Phase::RolledBack || after.phase == Phase::Failed
        );
    }
    if !plan.automatic_rollback() && !by_person {
        prop_assert!(after.phase == before.phase || after.phase != Phase::RolledBack);
        prop_assert_eq!(&after.pinned, &before.pinned);
    }
    if let Input::Assessed(judgement) = input
        && judgement.alarm == Some(Alarm::Version)
        && plan.automatic_rollback()
        && before.is_current()
        && before.runs()
        && !transition.events().iter().any(|event| event.fact == Fact::WatchEnded)
    {
        prop_assert_eq!(after.phase, Phase::RolledBack);
    }
    check_effects(plan, before, transition)
}

pub(super) fn check_effects(
    plan: &Plan,
    before: &State,
    transition: &Transition,
) -> Result<(), TestCaseError> {
    let rank = |effect: &Effect| match effect {
        Effect::Persist(_) => 0,
        Effect::Publish => 1,
        Effect::Notify(_) => 2,
    };
    let ranks: Vec<_> = transition.effects.iter().map(rank).collect();
    prop_assert!(ranks.is_sorted());
    let changed = plan.service_assignment(before) != plan.service_assignment(&transition.state);
    prop_assert_eq!(transition.effects.contains(&Effect::Publish), changed);
    let count = transition.events().len() as u64;
    prop_assert_eq!(transition.state.revision, before.revision + count);
    prop_assert_eq!(count == 0, transition.effects.is_empty());
    prop_assert_eq!(count == 0, *before == transition.state);
    for event in transition.events() {
        if let Fact::RolledBack { evidence, .. } | Fact::ComponentsRolledBack { evidence, .. } = &event.fact {
            prop_assert!(evidence.is_some() || event.actor != AUTOMATIC);
        }
    }
    serin_proto::assignment::Service::try_from(plan.service_assignment(&transition.state))
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_history_keeps_the_rules_and_replays_to_the_same_state(plan in plans(), paused in any::<bool>(), history in histories()) {
        let creation = Creation { id: RolloutId("r-1".to_owned()), salt: Salt(1), actor: "anna".to_owned(), paused };
        let begun = create(&plan, creation, UnixMillis(1_000_000));
        let (mut state, mut journal, mut now) = (begun.state.clone(), begun.events().to_vec(), 1_000_000_u64);
        for (input, (offset, anywhere)) in history {
            now = anywhere.unwrap_or_else(|| now.saturating_add_signed(offset));
            let Ok(transition) = step(&plan, &state, &input, UnixMillis(now)) else {
                prop_assert!(matches!(input, Input::Commanded { .. }), "only commands are refused");
                continue;
            };
            check_transition(&plan, &state, &input, &transition)?;
            if matches!(input, Input::Commanded { .. } | Input::Superseded { .. }) {
                let again = step(&plan, &transition.state, &input, UnixMillis(now));
                if let Ok(again) = again {
                    prop_assert_eq!(&again.effects, &[], "{:?} repeated", input);
                } else {
                    prop_assert!(!transition.state.is_current());
                }
            }
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

    #[test]
    fn holding_and_lifting_never_floods_the_journal(flickers in proptest::collection::vec(any::<bool>(), 600)) {
        let plan = plan(true, "steps: [{weight: 5%, bake: 30d}]");
        let creation = Creation { id: RolloutId("r-1".to_owned()), salt: Salt(1), actor: "anna".to_owned(), paused: false };
        let mut state = create(&plan, creation, UnixMillis(0)).state;
        for (second, is_bad) in flickers.into_iter().enumerate() {
            let mut judgement = Judgement { data_age_s: Some(0), ..Judgement::default() };
            judgement.canary = ArmWindow { requests: 100, errors: if is_bad { 50 } else { 0 }, ..ArmWindow::default() };
            let now = UnixMillis(second as u64 * 1_000);
            state = step(&plan, &state, &Input::Assessed(Box::new(judgement)), now).unwrap().state;
        }
        prop_assert!(state.revision <= 2 + 2 * 60, "{} events in 600 s", state.revision);
    }
}
