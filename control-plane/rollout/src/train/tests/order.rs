//! Trains that go their way in a world of rollouts that do anything.

mod turn;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serin_proto::assignment::Weight;

use super::super::*;
use super::{TRAIN, files, parse, plan_of};
use crate::{ActivePhase, Phase, RolloutId, Turn, UnixMillis};

/// A train and the rollouts that it meets.
#[derive(Clone)]
struct World {
    plan: TrainPlan,
    state: TrainState,
    events: Vec<TrainEvent>,
    seen: BTreeMap<String, Seen>,
    now: u64,
    /// What was done, in order.
    done: Vec<Act>,
}

impl World {
    fn new(plan: TrainPlan) -> Self {
        Self::waiting(plan, None)
    }

    fn waiting(plan: TrainPlan, turn: Option<Turn>) -> Self {
        let rollouts = plan.members().iter().map(|member| RolloutId(format!("{}-1", member.service())));
        let rollouts = rollouts.collect();
        let creation = TrainCreation { id: "train:t-1".to_owned(), rollouts, actor: "ann".to_owned(), turn };
        let (state, event) = TrainState::create(&plan, creation, UnixMillis(1));
        Self { plan, state, events: vec![event], seen: BTreeMap::new(), now: 1, done: Vec::new() }
    }

    fn record(&mut self, fact: TrainFact, actor: &str) {
        let event = self.state.event(fact, actor, UnixMillis(self.now));
        self.state.apply(&event);
        self.events.push(event);
    }

    fn perform(&mut self, act: &Act) {
        match act {
            Act::Record(fact) => self.record(fact.clone(), "serin"),
            Act::Create(service) => {
                let phase = Phase::Paused { from: ActivePhase::WarmingUp };
                self.seen.entry(service.clone()).or_insert(Seen {
                    phase,
                    weight: Weight::ZERO,
                    step: 0,
                    began_at: None,
                    healthy: false,
                    ready: false,
                    watched: false,
                    settled: true,
                });
            }
            Act::Begin(service) => {
                let now = UnixMillis(self.now);
                let seen = self.seen.get_mut(service).unwrap();
                if seen.began_at.is_none() {
                    (seen.began_at, seen.phase) = (Some(now), Phase::Progressing);
                    seen.weight = Weight::from_ppm(100_000).unwrap();
                }
            }
            Act::Promote(services) => services.iter().for_each(|service| {
                let seen = self.seen.get_mut(service).unwrap();
                (seen.phase, seen.ready) = (Phase::Promoted, false);
            }),
            Act::Return { service, .. } => self.falls(service),
        }
        self.done.push(act.clone());
    }

    fn falls(&mut self, service: &str) {
        let seen = self.seen.get_mut(service).unwrap();
        (seen.phase, seen.weight, seen.ready) = (Phase::RolledBack, Weight::ZERO, false);
        seen.settled = false;
    }

    /// Acts until nothing is left to do.
    fn settle(&mut self) {
        for _ in 0..200 {
            let acts = act(&self.plan, &self.state, &self.seen);
            if acts.is_empty() {
                return;
            }
            for one in &acts {
                self.now += 1;
                self.perform(one);
            }
        }
        panic!("acts without an end: {:?}", act(&self.plan, &self.state, &self.seen));
    }

    fn all_settle(&mut self) {
        loop {
            let before = self.done.len();
            self.seen.values_mut().for_each(|seen| seen.settled = true);
            self.settle();
            if self.done.len() == before {
                return;
            }
        }
    }

    fn began(&self) -> Vec<&str> {
        let of = |act: &'_ Act| matches!(act, Act::Begin(_));
        self.done.iter().filter(|one| of(one)).map(name).collect()
    }

    fn returned(&self) -> Vec<&str> {
        let of = |act: &'_ Act| matches!(act, Act::Return { .. });
        self.done.iter().filter(|one| of(one)).map(name).collect()
    }
}

fn name(act: &Act) -> &str {
    match act {
        Act::Begin(service) | Act::Create(service) | Act::Return { service, .. } => service,
        Act::Record(_) | Act::Promote(_) => "",
    }
}

fn opened(before: &str, when: When) -> TrainFact {
    TrainFact::GateOpened {
        before: before.to_owned(),
        when: when.name().to_owned(),
        because: "yes".to_owned(),
    }
}

#[test]
fn a_member_begins_when_its_order_and_its_gates_allow_it() {
    let mut world = World::new(parse(TRAIN).unwrap());
    world.settle();
    assert_eq!(world.began(), ["stock"], "the gate before shop waits for a healthy stock");
    world.seen.get_mut("stock").unwrap().healthy = true;
    world.settle();
    assert_eq!(world.began(), ["stock", "shop"]);
    world.record(opened("pay", When::Approval), "ann");
    world.settle();
    assert_eq!(world.began(), ["stock", "shop"], "shop is at its first step");
    world.seen.get_mut("shop").unwrap().step = 1;
    world.settle();
    assert_eq!(world.began(), ["stock", "shop", "pay"]);
    world.seen.values_mut().for_each(|seen| seen.phase = Phase::Promoted);
    world.settle();
    assert_eq!(world.state.ended, Some(TrainEnd::Promoted));
}

#[test]
fn dependents_return_last_begun_first_each_after_the_one_before_settled() {
    let mut world = World::new(parse(TRAIN).unwrap());
    world.record(opened("pay", When::Approval), "ann");
    world.settle();
    world.seen.get_mut("stock").unwrap().healthy = true;
    world.settle();
    world.seen.get_mut("shop").unwrap().step = 1;
    world.settle();
    world.falls("stock");
    world.settle();
    assert_eq!(world.returned(), ["pay"], "shop waits until pay is back on every Envoy");
    world.all_settle();
    assert_eq!(world.returned(), ["pay", "shop"]);
    assert_eq!(world.state.ended, Some(TrainEnd::RolledBack));
    let order: Vec<_> = world.state.returning.iter().map(|(service, _)| service.as_str()).collect();
    assert_eq!(order, ["pay", "shop", "stock"]);
}

#[test]
fn what_does_not_depend_stays_and_what_waited_for_it_waits_for_a_person() {
    let alone = TRAIN.replace("rollback: dependents", "rollback: alone");
    let mut world = World::new(parse(&alone).unwrap());
    world.settle();
    world.seen.get_mut("stock").unwrap().healthy = true;
    world.falls("stock");
    world.all_settle();
    assert_eq!(world.began(), ["stock"]);
    world.record(opened("shop", When::AllHealthy), "ann");
    world.record(opened("shop", When::Approval), "ann");
    world.all_settle();
    assert_eq!((world.began(), world.returned()), (vec!["stock", "shop"], vec![]));
}

#[test]
fn members_that_go_together_are_promoted_at_once_when_all_are_ready() {
    let yaml = TRAIN.replace("- {before: pay, when: approval}", "- {before: promotion, when: approval}");
    let mut world = World::new(parse(&format!("{yaml}together: true\n")).unwrap());
    world.settle();
    world.seen.get_mut("stock").unwrap().healthy = true;
    world.settle();
    world.seen.get_mut("shop").unwrap().step = 1;
    world.settle();
    for service in ["stock", "shop", "pay"] {
        world.settle();
        let seen = world.seen.get_mut(service).unwrap();
        (seen.phase, seen.weight, seen.ready) = (Phase::Completing, Weight::FULL, true);
    }
    world.settle();
    assert!(!world.done.iter().any(|act| matches!(act, Act::Promote(_))), "nobody approved");
    world.record(opened(PROMOTION, When::Approval), "ann");
    world.settle();
    let all = ["stock", "shop", "pay"].map(str::to_owned).to_vec();
    assert_eq!(world.done.iter().filter(|act| **act == Act::Promote(all.clone())).count(), 1);
    assert_eq!(world.state.ended, Some(TrainEnd::Promoted));
}

#[test]
fn a_component_that_needs_another_service_makes_its_service_a_dependent() {
    let mut all = files(&["stock", "shop"]);
    let needs =
        "components: [{name: till, matches: [{path: {exact: /till}}], depends_on: [stock/reserve]}]\n";
    all.insert("pay.yaml".to_owned(), plan_of("pay", needs));
    let yaml = "
kind: train
name: t
members: [{service: stock, plan: stock.yaml}, {service: shop, plan: shop.yaml}, {service: pay, plan: pay.yaml}]
rollback: dependents
";
    let mut world = World::new(TrainPlan::parse(yaml, &all).unwrap());
    world.settle();
    world.falls("stock");
    world.all_settle();
    assert_eq!(world.returned(), ["pay"]);
    assert_eq!(world.seen["shop"].phase, Phase::Progressing);
}

/// A train of some members whose order is a graph without cycles.
fn any_train() -> impl Strategy<Value = TrainPlan> {
    let edges = prop::collection::vec((0_usize..5, 0_usize..5), 0..8);
    let gates = prop::collection::vec((0_usize..5, any::<bool>()), 0..4);
    (1_usize..=5, edges, gates, 0_usize..3, any::<bool>()).prop_map(
        |(size, edges, gates, reach, together)| {
            let service = |number: usize| format!("s{}", number % size);
            let mut yaml = "kind: train\nname: t\nmembers:\n".to_owned();
            for number in 0..size {
                let earlier = edges.iter().filter(|(from, to)| from % size == number && to % size < number);
                let after: BTreeSet<String> = earlier
                    .map(|(_, to)| match together {
                        true => format!("{{service: {}, weight: 10%}}", service(*to)),
                        false => service(*to),
                    })
                    .collect();
                let after = after.into_iter().collect::<Vec<_>>().join(", ");
                yaml.push_str(&format!("- {{service: s{number}, plan: s{number}.yaml, after: [{after}]}}\n"));
            }
            let gates: BTreeSet<(usize, bool)> =
                gates.iter().map(|(at, healthy)| (at % size, *healthy)).collect();
            let gates = gates.into_iter().map(|(at, healthy)| {
                format!("{{before: s{at}, when: {}}}", if healthy { "all_healthy" } else { "approval" })
            });
            let gates = gates.collect::<Vec<_>>().join(", ");
            let reach = ["all", "dependents", "alone"][reach];
            yaml.push_str(&format!("gates: [{gates}]\nrollback: {reach}\ntogether: {together}\n"));
            let plans = (0..size).map(|number| format!("s{number}"));
            let plans: Vec<String> = plans.collect();
            let names: Vec<&str> = plans.iter().map(String::as_str).collect();
            TrainPlan::parse(&yaml, &files(&names)).unwrap()
        },
    )
}

/// What happens by itself to the member of this number.
fn happens(world: &mut World, (what, number): (u8, usize)) {
    let member = &world.plan.members()[number % world.plan.members().len()];
    let (service, together) = (member.service().to_owned(), world.plan.together());
    world.now += 1;
    if world.state.ended.is_some() {
        return;
    }
    if what == 0
        && world.state.opened.get(&service).is_none_or(|opened| opened.iter().all(|one| one.actor != "ann"))
    {
        world.record(opened(&service, When::Approval), "ann");
    }
    let Some(seen) = world.seen.get_mut(&service) else { return };
    let runs = matches!(seen.phase, Phase::Progressing | Phase::Completing);
    match what {
        1 => seen.healthy = runs,
        2 => seen.healthy = false,
        3 if runs => (seen.phase, seen.weight, seen.ready) = (Phase::Completing, Weight::FULL, together),
        4 if runs && !together => seen.phase = Phase::Promoted,
        5 | 6 if seen.began_at.is_some() && seen.phase != Phase::RolledBack => world.falls(&service),
        7 => seen.settled = true,
        _ => {}
    }
}

/// Who depends on whom, computed anew.
fn expected_closure(plan: &TrainPlan, cause: &str) -> BTreeSet<String> {
    let all = || plan.members().iter().map(|member| member.service().to_owned());
    match plan.reach() {
        Reach::All => all().collect(),
        Reach::Alone => BTreeSet::from([cause.to_owned()]),
        Reach::Dependents => {
            let mut closure = BTreeSet::from([cause.to_owned()]);
            for _ in 0..plan.members().len() {
                let more = plan
                    .members()
                    .iter()
                    .filter(|member| member.after.iter().any(|after| closure.contains(&after.service)));
                let more: Vec<String> = more.map(|member| member.service().to_owned()).collect();
                closure.extend(more);
            }
            closure
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_train_keeps_its_order_returns_exactly_whom_it_must_and_replays(
        plan in any_train(),
        history in prop::collection::vec((0_u8..8, 0_usize..5), 0..60),
    ) {
        let mut world = World::new(plan.clone());
        for event in history {
            happens(&mut world, event);
            let acts = act(&world.plan, &world.state, &world.seen);
            for one in acts {
                check(&world, &one)?;
                world.now += 1;
                world.perform(&one);
                // Doing it again changes nothing.
                let before = (world.seen.clone(), world.now);
                if !matches!(one, Act::Record(_)) {
                    world.perform(&one);
                }
                prop_assert_eq!(&before.0, &world.seen);
                // A restart knows as much.
                let (replayed_plan, replayed) = TrainState::replay(&world.events).unwrap();
                prop_assert_eq!((&replayed_plan, &replayed), (&world.plan, &world.state));
            }
        }
        world.all_settle();
        let returning = |service: &String| world.state.returns(service);
        for (service, seen) in &world.seen {
            prop_assert_eq!(seen.phase == Phase::RolledBack, returning(service), "{}", service);
        }
    }
}

fn check(world: &World, act: &Act) -> Result<(), TestCaseError> {
    match act {
        Act::Begin(service) => {
            let member = world.plan.member(service).unwrap();
            let waiting = |gate: &&Gate| gate.before.as_deref() == Some(service.as_str());
            for gate in world.plan.gates().iter().filter(waiting) {
                let opened = &world.state.opened[service.as_str()];
                prop_assert!(opened.iter().any(|one| one.when == gate.when.name()));
            }
            for after in &member.after {
                let seen = &world.seen[&after.service];
                let far = seen.phase == Phase::Promoted
                    || (after.reaches != Milestone::Promotion && seen.began_at.is_some());
                let approved =
                    || world.state.opened[service.as_str()].iter().any(|one| one.when == "approval");
                prop_assert!(far || (world.state.returns(&after.service) && approved()));
            }
            prop_assert!(!world.state.returns(service));
        }
        Act::Promote(services) => {
            prop_assert!(services.iter().all(|service| world.seen[service].ready));
        }
        Act::Record(TrainFact::ReturnDecided { services, .. }) => {
            let back = |seen: &Seen| seen.phase == Phase::RolledBack;
            let cause = world.plan.members().iter().map(Member::service);
            let cause =
                cause.clone().find(|one| !world.state.returns(one) && back(&world.seen[*one])).unwrap();
            let expected = expected_closure(&world.plan, cause);
            let expected: BTreeSet<_> =
                expected.into_iter().filter(|service| !world.state.returns(service)).collect();
            prop_assert_eq!(services.iter().cloned().collect::<BTreeSet<_>>(), expected);
            let began = services.iter().map(|service| world.seen.get(service).and_then(|seen| seen.began_at));
            let began: Vec<u64> = began.map(|began| began.map_or(u64::MAX, |at| at.0)).collect();
            prop_assert!(began.windows(2).all(|pair| pair[0] >= pair[1]), "{:?}", began);
        }
        Act::Return { service, .. } => {
            let before = world.state.returning.iter().take_while(|(other, _)| other != service);
            for (other, _) in before {
                let back =
                    world.seen.get(other).is_none_or(|seen| seen.phase == Phase::RolledBack && seen.settled);
                prop_assert!(back, "{} before {}", service, other);
            }
        }
        Act::Create(_) | Act::Record(_) => {}
    }
    Ok(())
}
