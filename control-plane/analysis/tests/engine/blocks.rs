//! Failures that name a block of code locate the fault; those that name none leave it to the whole component.

use serin_analysis::{
    Arm, Assessment, BlockFailures, ComponentIndex, ComponentSpec, Engine, EngineConfig, Increment, NamedBy,
    RawEngineConfig,
};

use super::world::{Behaviour, GOOD, START, World, component_alarm, name};

pub(super) const BLOCKS: [&str; 3] = ["tax", "price", "stock"];
const TAX: usize = 0;
/// When the fault begins.
pub(super) const ONSET: u64 = START + 120;

/// A world in which the failures of component 0 name blocks.
pub(super) struct Shop {
    pub(super) world: World,
    /// Which block a failure of an arm names, by a draw from 0 to 1; `None`: none.
    blame: fn(Arm, bool, f64) -> Option<usize>,
    bad: Behaviour,
}

impl Shop {
    pub(super) fn new(seed: u64, bad: Behaviour, blame: fn(Arm, bool, f64) -> Option<usize>) -> Self {
        Self { world: World::new(seed, 3, 100.0, 0.2), blame, bad }
    }

    pub(super) fn engine() -> Engine {
        let specs: Vec<_> = (0..3)
            .map(|index| ComponentSpec {
                blocks: BLOCKS.iter().filter(|_| index == 0).map(|block| (*block).to_owned()).collect(),
                ..ComponentSpec::new(name(index))
            })
            .collect();
        let mut engine =
            Engine::new(EngineConfig::try_from(RawEngineConfig::default()).unwrap(), &specs).unwrap();
        engine.step_started(START);
        engine
    }

    pub(super) fn second(&mut self, second: u64) -> (Vec<Increment>, Vec<BlockFailures>) {
        let is_bad = second >= ONSET;
        let bad = self.bad;
        let behaviour =
            |component, arm| if is_bad && component == 0 && arm == Arm::Canary { bad } else { GOOD };
        let increments = self.world.second(second, &behaviour);
        let mut failures = Vec::new();
        for increment in increments.iter().filter(|increment| increment.component.0 == 0) {
            for _ in 0..increment.outcomes.server_error {
                let (component, arm) = (ComponentIndex(0), increment.arm);
                if let Some(block) = (self.blame)(arm, is_bad, self.world.random.unit()) {
                    failures.push(BlockFailures {
                        component,
                        start_second: second,
                        arm,
                        block,
                        failed: 1,
                        named_by: NamedBy::Response,
                    });
                }
            }
        }
        (increments, failures)
    }

    fn run(
        &mut self,
        engine: &mut Engine,
        from: u64,
        to: u64,
        until: impl Fn(&Assessment) -> bool,
    ) -> Option<Assessment> {
        (from..to).find_map(|second| {
            let (increments, failures) = self.second(second);
            increments.iter().for_each(|increment| engine.merge(increment));
            failures.iter().for_each(|failure| engine.merge_block(failure));
            engine.source_progress(1, second + 1, second + 1);
            Some(engine.advance(second + 1)).filter(&until)
        })
    }
}

pub(super) fn at_fault(assessment: &Assessment) -> Vec<&str> {
    let blocks = &assessment.components[0].1.blocks;
    blocks.iter().filter(|block| block.at_fault).map(|block| block.name.as_str()).collect()
}

pub(super) fn alarmed(assessment: &Assessment) -> bool {
    assessment.alarm.is_some()
}

/// Usual failures are of any block; those of the fault are of the first.
pub(super) fn of_tax(arm: Arm, is_bad: bool, draw: f64) -> Option<usize> {
    if is_bad && arm == Arm::Canary { Some(TAX) } else { Some((draw * 3.0) as usize) }
}

pub(super) fn failing(error_rate: f64) -> Behaviour {
    Behaviour { error_rate, ..GOOD }
}

#[test]
fn the_block_that_fails_is_found_when_its_component_is_and_no_other() {
    let mut wrong = Vec::new();
    for seed in 0..100 {
        let mut engine = Shop::engine();
        let mut shop = Shop::new(seed, failing(0.10), of_tax);
        let found = shop.run(&mut engine, START, ONSET + 60, alarmed).unwrap();
        assert_eq!(found.alarm, component_alarm(0), "seed {seed}");
        if at_fault(&found) != ["tax"] {
            wrong.push(seed);
        }
    }
    assert!(wrong.len() <= 1, "seeds {wrong:?}");
}

#[test]
fn failures_that_name_no_block_are_left_to_the_component_after_five_seconds() {
    for (what, blame) in [
        ("none named", (|_, _, _| None) as fn(Arm, bool, f64) -> Option<usize>),
        ("half named", |arm, is_bad, draw| of_tax(arm, is_bad, draw).filter(|_| draw < 0.5)),
    ] {
        for seed in 0..20 {
            let mut engine = Shop::engine();
            let mut shop = Shop::new(seed, failing(0.3), blame);
            let regressed =
                |at: &Assessment| at.components[0].1.verdict == serin_analysis::Verdict::Regressed;
            let first = shop.run(&mut engine, START, ONSET + 60, regressed).unwrap();
            let from = first.at_second;
            let found = match alarmed(&first) {
                true => first,
                false => shop.run(&mut engine, from, ONSET + 60, alarmed).unwrap(),
            };
            assert!(found.at_second <= from + 5, "{what}, seed {seed}: {} after {from}", found.at_second);
            assert_eq!(found.alarm, component_alarm(0), "{what}, seed {seed}");
            assert!(at_fault(&found).is_empty(), "{what}, seed {seed}: {:?}", at_fault(&found));
        }
    }
}

#[test]
fn slowness_does_not_wait_for_a_block() {
    let mut engine = Shop::engine();
    let mut shop = Shop::new(1, Behaviour { latency_factor: 3.0, ..GOOD }, of_tax);
    let slow = |at: &Assessment| at.components[0].1.verdict == serin_analysis::Verdict::Regressed;
    let found = shop.run(&mut engine, START, ONSET + 60, slow).unwrap();
    assert_eq!((found.alarm.clone(), at_fault(&found)), (component_alarm(0), Vec::new()));
}

#[test]
fn two_blocks_that_fail_are_both_found() {
    let of_two = |arm: Arm, is_bad: bool, draw: f64| {
        if is_bad && arm == Arm::Canary { Some(usize::from(draw < 0.5)) } else { Some((draw * 3.0) as usize) }
    };
    for seed in 0..20 {
        let mut engine = Shop::engine();
        let mut shop = Shop::new(seed, failing(0.4), of_two);
        let found = shop.run(&mut engine, START, ONSET + 60, alarmed).unwrap();
        let names = at_fault(&found);
        assert!(
            !names.is_empty() && names.iter().all(|name| ["tax", "price"].contains(name)),
            "seed {seed}: {names:?}"
        );
    }
}

#[test]
fn what_recovers_is_not_judged_and_then_judged_anew() {
    let mut engine = Shop::engine();
    let mut shop = Shop::new(3, failing(0.3), of_tax);
    let found = shop.run(&mut engine, START, ONSET + 60, alarmed).unwrap();
    let until = found.at_second + 10;
    engine.rest_component(ComponentIndex(0), until);
    // The fault goes on: nothing is said of it before, and it is found again after.
    let quiet = shop.run(&mut engine, found.at_second, until - 1, |at| {
        alarmed(at)
            || !at.components[0].1.recovering
            || at.version.verdict != serin_analysis::Verdict::Inconclusive
    });
    assert_eq!(quiet, None);
    let again = shop.run(&mut engine, until - 1, until + 60, alarmed).unwrap();
    assert!(again.at_second > until, "{}", again.at_second);
    assert_eq!((again.alarm.clone(), at_fault(&again)), (component_alarm(0), vec!["tax"]));
}

#[test]
fn what_recovered_becomes_healthy_again() {
    let mut engine = Shop::engine();
    let mut shop = Shop::new(4, failing(0.3), of_tax);
    let found = shop.run(&mut engine, START, ONSET + 60, alarmed).unwrap();
    engine.rest_component(ComponentIndex(0), found.at_second + 10);
    shop.bad = GOOD;
    shop.blame = |_, _, draw| Some((draw * 3.0) as usize);
    let healthy = |at: &Assessment| at.version.verdict == serin_analysis::Verdict::Healthy;
    assert!(shop.run(&mut engine, found.at_second, found.at_second + 1_200, healthy).is_some());
}

#[test]
fn no_order_of_merging_changes_a_bit() {
    let mut shop = Shop::new(5, failing(0.2), of_tax);
    let (mut forward, mut backward) = (Shop::engine(), Shop::engine());
    for second in START..ONSET + 20 {
        let (increments, failures) = shop.second(second);
        increments.iter().for_each(|increment| forward.merge(increment));
        failures.iter().for_each(|failure| forward.merge_block(failure));
        failures.iter().rev().for_each(|failure| backward.merge_block(failure));
        increments.iter().rev().for_each(|increment| backward.merge(increment));
        for engine in [&mut forward, &mut backward] {
            engine.source_progress(1, second + 1, second + 1);
        }
        assert_eq!(forward.advance(second + 1), backward.advance(second + 1));
    }
    assert_eq!(forward, backward);
}

#[test]
fn impossible_failures_are_ignored() {
    let mut engine = Shop::engine();
    let mut shop = Shop::new(6, GOOD, of_tax);
    for (component, block, start_second) in
        [(0, 99, START), (99, 0, START), (1, 0, START), (0, 0, u64::MAX), (0, 0, START)]
    {
        let component = ComponentIndex(component);
        let (failed, named_by) = (u64::MAX, NamedBy::Response);
        engine.merge_block(&BlockFailures {
            component,
            start_second,
            arm: Arm::Canary,
            block,
            failed,
            named_by,
        });
        engine.merge_block(&BlockFailures {
            component,
            start_second,
            arm: Arm::Baseline,
            block,
            failed,
            named_by,
        });
    }
    assert_eq!(shop.run(&mut engine, START, START + 100, alarmed), None);
}
