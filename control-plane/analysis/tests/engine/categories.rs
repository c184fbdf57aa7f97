//! Which categories of failures a reason names: each that became worse, and no other.

use serin_analysis::config::Limits;
use serin_analysis::{
    Alarm, Arm, Assessment, Category, CategoryFailures, ComponentIndex, Engine, Increment, Outcomes,
    RawEngineConfig, Verdict,
};

use super::world::{Behaviour, GOOD, START, World, alarmed, never};

/// When the canary becomes worse.
const ONSET: u64 = START + 120;

/// Shares of the requests that fail, by category.
pub(crate) type Rates = &'static [(Category, f64)];

/// A world whose requests fail by category.
pub(crate) struct Mixed {
    pub(crate) world: World,
    /// On both arms.
    usual: Rates,
    /// On component 0 of the canary beyond that, from [`ONSET`].
    worse: Rates,
}

pub(crate) fn into(outcomes: &mut Outcomes, category: Category) -> &mut u64 {
    match category {
        Category::ServerError => &mut outcomes.server_error,
        Category::Timeout => &mut outcomes.timeout,
        Category::ConnectFailure => &mut outcomes.connect_failure,
        Category::Reset => &mut outcomes.reset,
        Category::Overload => &mut outcomes.overload,
        Category::ClientError => &mut outcomes.client_error,
        Category::Cancelled => &mut outcomes.cancelled,
    }
}

impl Mixed {
    pub(crate) fn new(world: World, usual: Rates, worse: Rates) -> Self {
        Self { world, usual, worse }
    }

    pub(crate) fn second(&mut self, second: u64) -> Vec<Increment> {
        let mut increments = self.world.second(second, &|_, _| GOOD);
        for one in &mut increments {
            let is_worse = second >= ONSET && one.arm == Arm::Canary && one.component == ComponentIndex(0);
            let rates = self.usual.iter().chain(self.worse.iter().filter(|_| is_worse));
            for (category, rate) in rates {
                let failed = self.world.random.poisson(rate * one.outcomes.ok as f64).min(one.outcomes.ok);
                one.outcomes.ok -= failed;
                *into(&mut one.outcomes, *category) += failed;
            }
        }
        increments
    }

    pub(crate) fn run(
        &mut self,
        engine: &mut Engine,
        to: u64,
        until: fn(&Assessment) -> bool,
    ) -> Option<Assessment> {
        (START..to).find_map(|second| {
            self.second(second).iter().for_each(|increment| engine.merge(increment));
            engine.source_progress(1, second + 1, second + 1);
            Some(engine.advance(second + 1)).filter(&until)
        })
    }
}

fn categories(assessment: &Assessment) -> &[CategoryFailures] {
    &assessment.components[0].1.reasons[0].categories
}

fn named(assessment: &Assessment) -> Vec<Category> {
    let mut named: Vec<_> =
        categories(assessment).iter().filter(|one| one.at_fault).map(|one| one.category).collect();
    named.sort_unstable();
    named
}

/// Server errors and broken connections that both arms have all the time.
const CHRONIC: Rates = &[(Category::ServerError, 0.05), (Category::Reset, 0.01)];

/// The first alarm, with the categories that it names.
fn found(seed: u64, usual: Rates, worse: Rates) -> (Assessment, Vec<Category>) {
    let world = World::new(seed, 3, 100.0, 0.1);
    let mut engine = world.engine();
    let found = Mixed::new(world, usual, worse).run(&mut engine, ONSET + 600, alarmed);
    let found = found.unwrap_or_else(|| panic!("seed {seed}: not found"));
    assert!(found.at_second > ONSET, "seed {seed}: before the onset");
    let named = named(&found);
    (found, named)
}

#[test]
fn a_category_that_becomes_worse_among_many_failures_of_others_is_named_and_they_are_not() {
    for seed in 0..20 {
        let (found, named) = found(seed, CHRONIC, &[(Category::Timeout, 0.1)]);
        assert_eq!(named, [Category::Timeout], "seed {seed}: {:?}", categories(&found));
        let text = found.components[0].1.reasons[0].sentence();
        assert!(text.contains("; timeouts ") && !text.contains("server errors"), "seed {seed}: {text}");
    }
}

#[test]
fn every_category_that_becomes_worse_is_named() {
    const ALL: Rates =
        &[(Category::ServerError, 0.2), (Category::Timeout, 0.2), (Category::ConnectFailure, 0.2)];
    let missing: Vec<_> = (0..20)
        .filter_map(|seed| {
            let (found, named) = found(seed, &[(Category::Reset, 0.01)], ALL);
            assert!(!named.contains(&Category::Reset), "seed {seed}: {:?}", categories(&found));
            assert!(named.len() >= 2, "seed {seed}: {:?}", categories(&found));
            (named.len() < ALL.len()).then_some((seed, named))
        })
        .collect();
    assert!(missing.len() <= 4, "{missing:?}");
}

#[test]
fn a_failure_or_two_of_a_category_are_not_named() {
    for seed in 0..20 {
        let (found, named) =
            found(seed, &[(Category::Overload, 0.002)], &[(Category::Timeout, 0.3), (Category::Reset, 0.01)]);
        let few = categories(&found).iter().filter(|one| one.canary <= 2);
        for one in few {
            assert!(!one.at_fault, "seed {seed}: {one:?}");
        }
        assert!(named.contains(&Category::Timeout), "seed {seed}: {named:?}");
    }
}

#[test]
fn an_alarm_of_the_version_names_categories_too() {
    let fault = |_, arm| match arm {
        Arm::Canary => Behaviour { error_rate: 0.05, ..GOOD },
        Arm::Baseline => GOOD,
    };
    let texts = (0..10).filter_map(|seed| {
        let mut world = World::new(seed, 10, 100.0, 0.1);
        let mut engine = world.engine();
        world.run(&mut engine, START, 60, &|_, _| GOOD, &never);
        let found = world.run(&mut engine, START + 60, 120, &fault, &alarmed).unwrap();
        (found.alarm == Some(Alarm::Version)).then(|| found.version.reasons[0].sentence())
    });
    let texts: Vec<_> = texts.collect();
    assert!(texts.len() >= 8, "{texts:#?}");
    assert!(texts.iter().all(|text| text.contains("; server errors ")), "{texts:#?}");
}

/// Timeouts of 5 s are known when their second is long closed, all others at once.
#[test]
fn timeouts_that_come_late_are_named() {
    for seed in 0..10 {
        let world = World::new(seed, 3, 100.0, 0.1);
        let mut engine = world.engine();
        let mut mixed = Mixed::new(world, CHRONIC, &[(Category::Timeout, 0.2)]);
        let mut late: Vec<Increment> = Vec::new();
        let found = (START..ONSET + 600).find_map(|second| {
            for mut one in mixed.second(second) {
                let timeout = std::mem::take(&mut one.outcomes.timeout);
                engine.merge(&one);
                let outcomes = Outcomes { timeout, ..Outcomes::default() };
                late.push(Increment { started: 0, outcomes, latency: None, ..one });
            }
            late.extract_if(.., |late| late.start_second + 5 == second).for_each(|late| engine.merge(&late));
            engine.source_progress(1, second + 1, second + 1);
            Some(engine.advance(second + 1)).filter(|seen| seen.components[0].1.verdict == Verdict::Regressed)
        });
        let found = found.unwrap_or_else(|| panic!("seed {seed}: not found"));
        let timeouts = categories(&found).iter().find(|one| one.category == Category::Timeout);
        assert!(timeouts.is_some_and(|one| one.at_fault), "seed {seed}: {:?}", categories(&found));
        assert!(named(&found).iter().all(|one| *one == Category::Timeout), "seed {seed}");
    }
}

#[test]
fn while_the_canary_warms_up_only_what_no_cold_start_explains_is_named() {
    for (rate, expected) in [(0.04, false), (0.5, true)] {
        let mut world = World::new(1, 1, 100.0, 0.2);
        let mut engine = world.engine();
        engine.exclude_until(START + 60);
        let fault = |_, arm| match arm {
            Arm::Canary => Behaviour { error_rate: rate, ..GOOD },
            Arm::Baseline => GOOD,
        };
        world.run(&mut engine, START, 50, &fault, &never);
        let seen = engine.advance(START + 51);
        assert_eq!(named(&seen) == [Category::ServerError], expected, "{rate}: {:?}", categories(&seen));
    }
}

#[test]
fn without_a_baseline_a_category_is_compared_with_all_that_is_allowed() {
    let limits = Limits { error_rate: 0.05, latency_p99_us: 1_000_000 };
    let config = RawEngineConfig { limits: Some(limits), ..RawEngineConfig::default() };
    let world = World::new(3, 1, 50.0, 1.0);
    let mut engine = world.engine_with(config);
    engine.set_full_weight(true);
    let usual: Rates = &[(Category::Reset, 0.03)];
    let found = Mixed::new(world, usual, &[(Category::Timeout, 0.3)]).run(&mut engine, ONSET + 400, alarmed);
    let found = found.unwrap();
    assert_eq!(named(&found), [Category::Timeout], "{:?}", categories(&found));
    let text = found.components[0].1.reasons[0].sentence();
    assert!(text.contains("; timeouts ") && !text.contains("on the baseline"), "{text}");
}

#[test]
fn a_component_that_returned_is_judged_by_category_anew() {
    let world = World::new(4, 3, 100.0, 0.1);
    let mut engine = world.engine();
    let mut mixed = Mixed::new(world, CHRONIC, &[(Category::Timeout, 0.3)]);
    mixed.run(&mut engine, ONSET + 60, never);
    engine.set_component_active(ComponentIndex(0), false);
    engine.set_component_active(ComponentIndex(0), true);
    let seen = engine.advance(ONSET + 61);
    assert_eq!((named(&seen), seen.alarm), (Vec::new(), None));
}
