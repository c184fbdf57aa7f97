//! The whole loop on a virtual clock: requests of several arms, evidence, decisions.

use serin_analysis::{Comparison, Conclusion, LatencyHistogram, Outcomes, UserMasks};

use super::*;
use crate::{Cause, Command, Creation, Fact, Input, Order, RolloutId, Salt, create, step};

const START: u64 = 1_800_000_000;
const PLAN: &str = "
service: shop
kind: experiment
baseline: v1
arms:
  - {name: quick, version: v2, weight: 25%}
  - {name: plain, version: v1, weight: 25%}
  - {name: bad, version: v3, weight: 25%}
components: [{name: cart, matches: [{path: {prefix: /cart}}]}]
warm_up: 10s
";

/// Deterministic noise: splitmix64.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ (word >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About lognormal around `median_us`, by the sum of twelve uniform draws.
    fn latency_us(&mut self, median_us: f64) -> u64 {
        let normal = (0..12).map(|_| self.next()).sum::<f64>() - 6.0;
        (median_us * (0.6 * normal).exp()) as u64
    }
}

/// How an arm behaves: part of the requests that fail, median latency in µs.
#[derive(Clone, Copy)]
struct Behaviour {
    failing: f64,
    median_us: f64,
}

const USUAL: Behaviour = Behaviour { failing: 0.01, median_us: 50_000.0 };

/// An experiment and its requests.
struct World {
    plan: Plan,
    state: State,
    evidence: ExperimentEvaluation,
    judgement: Judgement,
    noise: Noise,
    second: u64,
    facts: Vec<(u64, Fact)>,
}

impl World {
    fn begin(seed: u64) -> Self {
        let plan = Plan::parse(PLAN).unwrap();
        let (id, actor) = (RolloutId("r".to_owned()), "anna".to_owned());
        let creation = Creation { id, salt: Salt(1), actor, paused: false };
        let state = create(&plan, creation, UnixMillis(START * 1_000)).state;
        let evidence = ExperimentEvaluation::new(&plan, &state).unwrap();
        let (judgement, noise, facts) = (Judgement::default(), Noise(seed), Vec::new());
        Self { plan, state, evidence, judgement, noise, second: START, facts }
    }

    fn now(&self) -> UnixMillis {
        UnixMillis(self.second * 1_000)
    }

    /// What users that fall on a place of the ring are served.
    fn arm_at(&self, place: f64) -> String {
        let mut end = 0.0;
        let split = self.plan.service_assignment(&self.state).split;
        let found = split.iter().find(|share| {
            end += f64::from(share.weight_ppm) / 1e6;
            place < end
        });
        found.map_or_else(|| BASELINE.to_owned(), |share| share.arm.clone())
    }

    /// One second of `requests`.
    fn serve(&mut self, requests: u64, behaviour: impl Fn(&str) -> Behaviour) {
        let mut cells = std::collections::BTreeMap::<String, (u64, Outcomes, LatencyHistogram)>::new();
        for _ in 0..requests {
            let place = self.noise.next();
            let arm = self.arm_at(place);
            let Behaviour { failing, median_us } = behaviour(&arm);
            let (started, outcomes, latency) = cells.entry(arm).or_default();
            *started += 1;
            if self.noise.next() < failing {
                outcomes.server_error += 1;
            } else {
                outcomes.ok += 1;
                latency.record(self.noise.latency_us(median_us));
            }
        }
        for (arm, (started, outcomes, latency)) in cells {
            let Some(component) = self.evidence.index("cart") else { continue };
            let measured = Increment {
                component,
                start_second: self.second,
                arm: Arm::Baseline,
                source: 1,
                started,
                outcomes,
                latency: Some(latency),
                users: UserMasks::default(),
            };
            self.evidence.merge(&arm, "cart", &measured);
        }
        self.second += 1;
        self.evidence.progress(1, self.second, self.now());
        self.judgement = self.evidence.judge(self.now());
        self.follow(&Input::Assessed(Box::new(self.judgement.clone())));
    }

    fn follow(&mut self, input: &Input) {
        let transition = step(&self.plan, &self.state, input, self.now()).unwrap();
        let events = transition.events().to_vec();
        self.state = transition.state;
        self.evidence.decided(&self.plan, &self.state, &events).unwrap();
        self.evidence.set_weights(&self.plan, &self.state);
        let second = self.second - START;
        self.facts.extend(events.into_iter().map(|event| (second, event.fact)));
    }

    fn order(&mut self, order: Order) {
        let command = Command { order, actor: "anna".to_owned(), reason: "because".to_owned() };
        self.follow(&Input::Commanded { command, seen: None });
    }

    fn restart(&mut self) {
        let stored = StoredExperiment::read(&self.evidence.stored().unwrap()).unwrap();
        self.evidence = ExperimentEvaluation::restore(&self.plan, &self.state, Some(stored)).unwrap();
    }

    /// What is shown of an arm in the component.
    fn result(&self, arm: &str) -> ArmResult {
        let results = self.evidence.results(&self.plan);
        let cart = results.into_iter().find(|one| one.component.as_deref() == Some("cart")).unwrap();
        cart.arms.into_iter().find(|one| one.name == arm).unwrap()
    }
}

fn holds(interval: serin_analysis::Interval, truth: f64) -> bool {
    interval.low <= truth && truth <= interval.high
}

#[test]
fn the_arm_that_harms_is_stopped_the_others_go_on_and_their_intervals_hold_the_truth() {
    let mut world = World::begin(11);
    for second in 0..900 {
        world.serve(400, |arm| match arm {
            "quick" => Behaviour { median_us: 40_000.0, ..USUAL },
            "bad" if second >= 120 => Behaviour { failing: 0.06, ..USUAL },
            _ => USUAL,
        });
        if second > 30 {
            for (arm, ratio) in [("quick", 0.8), ("plain", 1.0)] {
                let Comparison { error_rate, p50, p99, .. } = world.result_every(second, arm);
                assert!(error_rate.is_none_or(|one| holds(one.interval, 0.0)), "{arm} {second}");
                assert!(p50.is_none_or(|one| holds(one.interval, ratio)), "{arm} {second}: {p50:?}");
                assert!(p99.is_none_or(|one| holds(one.interval, ratio)), "{arm} {second}: {p99:?}");
            }
        }
    }
    let stops: Vec<_> =
        world.facts.iter().filter(|(_, fact)| matches!(fact, Fact::ArmsStopped { .. })).collect();
    let [(second, Fact::ArmsStopped { arms, cause, .. })] = stops.as_slice() else { panic!("{stops:?}") };
    assert_eq!(
        (arms.as_slice(), cause),
        (&["bad".to_owned()][..], &Cause::ArmsRegressed { arms: arms.clone() })
    );
    assert!((121..200).contains(second), "stopped at {second} s");
    assert!(world.state.stopped["bad"].text().contains("cart: "), "{}", world.state.stopped["bad"].text());
    assert_eq!(world.state.phase, Phase::Progressing);
    let quick = world.result("quick");
    assert_eq!(quick.comparison.p50.unwrap().conclusion, Conclusion::Better);
    assert_eq!(world.result("plain").comparison.p50.unwrap().conclusion, Conclusion::Undecided);
    assert_eq!(quick.comparison.error_rate.unwrap().conclusion, Conclusion::Undecided);
    let bad = world.result("bad");
    assert!(bad.seen.requests < 20_000, "counted on after it was stopped: {}", bad.seen.requests);
}

#[test]
fn arms_that_are_alike_are_neither_stopped_nor_called_better_or_worse() {
    for seed in 1..=6 {
        let mut world = World::begin(seed);
        for second in 0..600 {
            world.serve(200, |_| USUAL);
            for arm in ["quick", "plain", "bad"] {
                let Comparison { error_rate, p50, p90, p99 } = world.result_every(second, arm);
                for one in [error_rate, p50, p90, p99].into_iter().flatten() {
                    assert_eq!(one.conclusion, Conclusion::Undecided, "seed {seed}, {arm}, {second} s");
                }
            }
        }
        assert!(world.state.stopped.is_empty(), "seed {seed}: {:?}", world.state.stopped);
        assert_eq!(world.facts.len(), 1, "seed {seed}: {:?}", world.facts);
    }
}

impl World {
    /// The comparison at every tenth second.
    fn result_every(&self, second: u64, arm: &str) -> Comparison {
        if second.is_multiple_of(10) { self.result(arm).comparison } else { Comparison::default() }
    }
}

#[test]
fn totals_leave_out_warm_up_and_pauses_and_survive_restarts_pauses_and_the_end() {
    let mut world = World::begin(5);
    let serve = |world: &mut World, seconds: u64| (0..seconds).for_each(|_| world.serve(100, |_| USUAL));
    let total = |world: &World| {
        let whole = world.evidence.results(&world.plan).remove(0);
        whole.control.requests + whole.arms.iter().map(|arm| arm.seen.requests).sum::<u64>()
    };
    serve(&mut world, 10);
    assert_eq!(total(&world), 0, "the warm-up counts");
    serve(&mut world, 30);
    let (before, shown) = (total(&world), world.result("plain"));
    assert!((2_800..=3_000).contains(&before), "{before}");
    world.restart();
    assert_eq!((total(&world), world.result("plain")), (before, shown));
    world.order(Order::Pause);
    serve(&mut world, 20);
    assert!(total(&world) - before <= 100, "a pause counts: {}", total(&world) - before);
    world.restart();
    world.order(Order::Resume);
    serve(&mut world, 20);
    let resumed = total(&world);
    assert!((1_800..=2_000).contains(&(resumed - before)), "{}", resumed - before);
    world.order(Order::Rollback { scope: crate::RollbackScope::Version });
    assert_eq!(total(&world), resumed);
    world.restart();
    assert_eq!(total(&world), resumed);
    assert!(world.evidence.index("cart").is_none(), "an experiment that is over is judged");
}

#[test]
fn an_arm_is_compared_with_the_control_at_the_weight_of_the_beginning() {
    let mut track = Track::default();
    let (mut own, failures) = (Waiting::default(), Failures::default());
    let counted = |second: u64, started: u64, failed: u64| Increment {
        component: ComponentIndex(0),
        start_second: second,
        arm: Arm::Baseline,
        source: 1,
        started,
        outcomes: Outcomes { ok: started - failed, server_error: failed, ..Outcomes::default() },
        latency: None,
        users: UserMasks::default(),
    };
    // Both fail 1 % in quiet hours and 10 % in busy ones; in these the control has twice its weight.
    track.settle(Some(400_000), 100);
    track.add(track.at(101).unwrap(), "cart", &counted(101, 40_000, 400), &failures);
    own.add("cart", &counted(101, 20_000, 200), &failures);
    track.settle(Some(800_000), 200);
    track.settle(Some(800_000), 250);
    track.add(track.at(201).unwrap(), "cart", &counted(201, 80_000, 8_000), &failures);
    own.add("cart", &counted(201, 20_000, 2_000), &failures);
    assert_eq!(track.beside(None, Some("cart")).requests(), 0, "its requests may be under way");
    track.reach(300);
    own.settle(300);
    assert_eq!((track.at(100), track.at(200), track.stretches()), (None, None, 2));
    let beside = track.beside(None, Some("cart"));
    assert_eq!((beside.requests(), beside.failed()), (80_000, 4_400));
    assert_eq!(beside.error_rate(), own.settled(Some("cart")).unwrap().error_rate());
    let of_first = track.beside(Some(1), Some("cart"));
    assert_eq!((of_first.requests(), of_first.failed()), (40_000, 400));
    assert_eq!((track.all(None).requests(), track.all(None).failed()), (120_000, 8_400));
}

#[test]
fn evidence_that_was_stored_before_an_arm_was_stopped_is_put_in_step_with_the_state() {
    let mut world = World::begin(7);
    (0..40).for_each(|_| world.serve(100, |_| USUAL));
    let old = world.evidence.stored().unwrap();
    world.order(Order::Rollback { scope: crate::RollbackScope::Arm("bad".to_owned()) });
    let stored = StoredExperiment::read(&old).unwrap();
    world.evidence = ExperimentEvaluation::restore(&world.plan, &world.state, Some(stored)).unwrap();
    let before = world.result("bad").seen.requests;
    assert!(before > 0);
    (0..10).for_each(|_| world.serve(100, |_| USUAL));
    assert_eq!(world.result("bad").seen.requests, before);
    assert_eq!(world.judgement.arms.len(), 2);
}

#[test]
fn failures_that_take_long_make_no_arm_look_better_than_it_is() {
    let mut evidence = World::begin(3);
    (0..10).for_each(|_| evidence.serve(100, |_| USUAL));
    let World { plan, state, evidence, .. } = &mut evidence;
    let mut world = evidence.clone();
    // Both fail one in ten, the control at once and the arm after 15 s.
    for second in START + 11..START + 300 {
        let increment = |started: u64, ok: u64, failed: u64, at: u64| Increment {
            component: world.index("cart").unwrap(),
            start_second: at,
            arm: Arm::Baseline,
            source: 1,
            started,
            outcomes: Outcomes { ok, server_error: failed, ..Outcomes::default() },
            latency: None,
            users: UserMasks::default(),
        };
        let (control, started) = (increment(1_000, 900, 100, second), increment(1_000, 900, 0, second));
        let ended = increment(0, 0, 100, second - 15);
        world.merge(BASELINE, "cart", &control);
        world.merge("plain", "cart", &started);
        if second >= START + 26 {
            world.merge("plain", "cart", &ended);
        }
        let results = world.results(plan);
        let cart = results.iter().find(|one| one.component.as_deref() == Some("cart")).unwrap();
        let plain = cart.arms.iter().find(|arm| arm.name == "plain").unwrap();
        let conclusion = plain.comparison.error_rate.map(|one| one.conclusion);
        assert!(
            conclusion.is_none_or(|one| one == Conclusion::Undecided),
            "{} s: {conclusion:?}",
            second - START
        );
    }
    assert_eq!(state.phase, Phase::Progressing);
}

#[test]
fn a_failure_is_what_the_plan_says() {
    let plan = Plan::parse(&format!("{PLAN}failures: [client_error]\n")).unwrap();
    let mut world = World::begin(3);
    (0..15).for_each(|_| world.serve(100, |_| USUAL));
    let mut evidence = ExperimentEvaluation::new(&plan, &world.state).unwrap();
    let outcomes = Outcomes { ok: 5, client_error: 3, server_error: 2, ..Outcomes::default() };
    let measured = Increment {
        component: evidence.index("cart").unwrap(),
        start_second: START + 20,
        arm: Arm::Baseline,
        source: 1,
        started: 10,
        outcomes,
        latency: None,
        users: UserMasks::default(),
    };
    evidence.merge("plain", "cart", &measured);
    let whole = evidence.results(&plan).remove(0);
    let plain = whole.arms.iter().find(|arm| arm.name == "plain").unwrap();
    assert_eq!((plain.seen.requests, plain.seen.failed), (10, 3));
}

#[test]
fn a_part_of_latencies_has_their_quantiles_however_thin_the_tail() {
    let mut noise = Noise(9);
    let mut latency = LatencyHistogram::new();
    for request in 0..11_000 {
        // Two in a hundred are spread so wide that each has a bin of its own.
        let us = if request % 50 == 0 { 50_000.0 * 600_f64.powf(noise.next()) } else { 20_000.0 };
        latency.record(us as u64);
    }
    let mut totals = serin_analysis::ArmTotals::default();
    totals.add_counts(11_000, 0, &latency);
    for part in [0.3, 0.45, 0.55, 0.9] {
        let some = totals::scaled(&totals, part);
        assert_eq!(some.latency().count(), (11_000.0 * part).round() as u64);
        for (of_all, of_some) in [(totals.p50_us(), some.p50_us()), (totals.p99_us(), some.p99_us())] {
            let (of_all, of_some) = (of_all.unwrap() as f64, of_some.unwrap() as f64);
            assert!((of_some / of_all - 1.0).abs() < 0.05, "{part}: {of_some} instead of {of_all}");
        }
    }
}
