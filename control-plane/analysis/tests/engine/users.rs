//! Failures of very few users hold the canary and undo nothing; those of many undo it, whoever failed before.

use serin_analysis::{Arm, Assessment, ComponentIndex, Engine, Increment, UserMasks, Verdict, Veto};

use super::world::{Behaviour, GOOD, Random, START, World, alarmed};

const ACCOUNT: u64 = 9;

/// A world whose requests have users, and an account whose requests on component 0 of the canary always fail.
struct Crowd {
    world: World,
    random: Random,
    /// Buckets in which the users are.
    buckets: u64,
    /// Requests of the account a second.
    account_rps: f64,
    /// Whether requests carry a user.
    known: bool,
}

impl Crowd {
    fn new(seed: u64, rps: f64, weight: f64) -> Self {
        let world = World::new(seed, 3, rps, weight);
        Self { world, random: Random::new(seed + 1_000), buckets: 64, account_rps: 0.5, known: true }
    }

    fn any(&mut self, requests: u64) -> u64 {
        (0..requests).fold(0, |mask, _| mask | 1 << (self.random.next() % self.buckets))
    }

    fn second(&mut self, second: u64, canary: Behaviour) -> Vec<Increment> {
        let behaviour = |_, arm| if arm == Arm::Canary { canary } else { GOOD };
        let mut increments = self.world.second(second, &behaviour);
        for increment in &mut increments {
            let failed = increment.outcomes.server_error;
            let mut users = UserMasks { seen: self.any(increment.started.min(8)), failed: self.any(failed) };
            if increment.arm == Arm::Canary && increment.component == ComponentIndex(0) {
                let of_account = self.random.poisson(self.account_rps);
                increment.started += of_account;
                increment.outcomes.server_error += of_account;
                if of_account > 0 {
                    // One of the first eight as often as it is one of all.
                    let share = of_account as f64 / increment.started as f64;
                    let is_seen = self.random.chance(1.0 - (1.0 - share).powi(8));
                    users.add(UserMasks { seen: u64::from(is_seen) << ACCOUNT, failed: 1 << ACCOUNT });
                }
            }
            increment.users = if self.known { users } else { UserMasks::default() };
        }
        increments
    }

    fn run(
        &mut self,
        engine: &mut Engine,
        from: u64,
        seconds: u64,
        canary: Behaviour,
        until: impl Fn(&Assessment) -> bool,
    ) -> Option<Assessment> {
        (from..from + seconds).find_map(|second| {
            for increment in self.second(second, canary) {
                engine.merge(&increment);
            }
            engine.source_progress(1, second + 1, second + 1);
            Some(engine.advance(second + 1)).filter(&until)
        })
    }
}

fn failing(error_rate: f64) -> Behaviour {
    Behaviour { error_rate, ..GOOD }
}

fn is_vetoed(at: &Assessment) -> bool {
    let scopes = at.components.iter().map(|(_, scope)| scope).chain([&at.version]);
    scopes.into_iter().any(|scope| scope.vetoes.contains(&Veto::FewUsers))
}

#[test]
fn an_account_that_always_fails_holds_a_good_canary_and_undoes_nothing() {
    for (seed, account_rps, weight) in (0..12).flat_map(|seed| [(seed, 0.5, 0.2), (seed, 5.0, 0.5)]) {
        let mut crowd = Crowd { account_rps, ..Crowd::new(seed, 100.0, weight) };
        let mut engine = crowd.world.engine();
        let held = crowd.run(&mut engine, START, 300, GOOD, is_vetoed);
        let held = held.unwrap_or_else(|| panic!("seed {seed}, {account_rps} rps: no veto"));
        assert_ne!(held.version.verdict, Verdict::Healthy);
        let undone = crowd.run(&mut engine, held.at_second, 600, GOOD, |at| {
            assert_ne!(at.version.verdict, Verdict::Healthy, "seed {seed}");
            at.alarm.is_some()
        });
        assert_eq!(undone, None, "seed {seed}, {account_rps} rps");
    }
}

#[test]
fn the_same_failures_of_unknown_users_undo_the_component() {
    let mut crowd = Crowd { known: false, ..Crowd::new(1, 100.0, 0.2) };
    let mut engine = crowd.world.engine();
    assert!(crowd.run(&mut engine, START, 300, GOOD, alarmed).is_some());
}

#[test]
fn when_others_fail_too_the_canary_is_undone_about_as_soon_as_without_the_account() {
    let mut delays = (0, 0);
    for seed in 0..10 {
        let delay = |account_rps| {
            let mut crowd = Crowd { account_rps, ..Crowd::new(seed, 100.0, 0.2) };
            let mut engine = crowd.world.engine();
            assert_eq!(crowd.run(&mut engine, START, 400, GOOD, alarmed), None, "seed {seed}");
            let found = crowd.run(&mut engine, START + 400, 300, failing(0.05), alarmed).unwrap();
            found.at_second - START - 400
        };
        delays = (delays.0 + delay(0.0), delays.1 + delay(0.5));
    }
    // What the account did to the evidence of the version is left to its component, so the others count alone.
    assert!(delays.1 <= 2 * delays.0 + 20, "without and with the account: {delays:?} s");
}

#[test]
fn a_fault_of_the_canary_is_never_put_down_to_few_users() {
    let faults = [
        (100.0, 0.2, failing(0.02)),
        (100.0, 0.2, failing(1.0)),
        (100.0, 0.01, failing(0.5)),
        (1_000.0, 0.5, failing(0.02)),
        (2.0, 0.5, failing(0.5)),
    ];
    for ((rps, weight, fault), seed) in
        faults.into_iter().flat_map(|fault| (0..5).map(move |seed| (fault, seed)))
    {
        for known in [true, false] {
            let mut crowd = Crowd { account_rps: 0.0, known, ..Crowd::new(seed, rps, weight) };
            let mut engine = crowd.world.engine();
            assert_eq!(crowd.run(&mut engine, START, 60, GOOD, alarmed), None);
            let found = crowd.run(&mut engine, START + 60, 900, fault, alarmed);
            assert!(found.is_some(), "{rps} rps at {weight}, {fault:?}, seed {seed}");
        }
    }
}

#[test]
fn a_service_with_few_users_is_judged_as_ever() {
    for buckets in [1, 7] {
        let mut crowd = Crowd { account_rps: 0.0, buckets, ..Crowd::new(2, 20.0, 0.5) };
        let mut engine = crowd.world.engine();
        let found =
            crowd.run(&mut engine, START, 120, failing(0.2), |at| at.alarm.is_some() || is_vetoed(at));
        assert!(found.is_some_and(|at| at.alarm.is_some()), "{buckets}");
    }
}

#[test]
fn a_slow_canary_is_undone_although_an_account_fails_on_it() {
    let mut crowd = Crowd { account_rps: 5.0, ..Crowd::new(3, 100.0, 0.5) };
    let mut engine = crowd.world.engine();
    assert_eq!(crowd.run(&mut engine, START, 120, GOOD, alarmed), None);
    let slow = Behaviour { latency_factor: 2.0, ..GOOD };
    assert!(crowd.run(&mut engine, START + 120, 120, slow, alarmed).is_some());
    let mut crowd = Crowd { account_rps: 5.0, ..Crowd::new(3, 100.0, 0.5) };
    let mut engine = crowd.world.engine();
    assert_eq!(crowd.run(&mut engine, START, 120, GOOD, alarmed), None);
    let hanging = Behaviour { hang_rate: 0.3, ..GOOD };
    assert!(crowd.run(&mut engine, START + 120, 120, hanging, alarmed).is_some());
}
