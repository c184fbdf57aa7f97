//! What is different about the requests of one arm of one component in one second.

use std::f64::consts::TAU;

use crate::components::Component;
use crate::random::{Autoregression, Random};
use crate::scenario::{DURATION_S, Effect, Fault, Scenario};
use serin_analysis::Arm;

/// Mean seconds from the end of a burst to the next.
const BURST_EVERY_S: f64 = 300.0;
/// Correlation of a host's slow-down from second to second.
const HOST_CORRELATION: f64 = 0.95;
/// How much more both arms fail, and how much slower they are, at a weight of 1, where that follows the weight.
const ERRORS_PER_WEIGHT: f64 = 4.0;
const SLOW_DOWN_PER_WEIGHT: f64 = 0.5;
const LOAD_PER_WEIGHT: f64 = 1.0;
/// Running out of memory: seconds until it happens, then seconds down of each period.
const MEMORY_LASTS_S: u64 = 900;
const DOWN_S: u64 = 20;
const DOWN_EVERY_S: u64 = 120;

/// What happens to both arms, second by second.
#[derive(Clone, Debug)]
pub(crate) struct Weather {
    phase: f64,
    noise: Autoregression,
    hosts: Vec<Autoregression>,
    burst_until: u64,
    next_burst: u64,
}

/// Both arms' surroundings in one second.
#[derive(Clone, Debug)]
pub(crate) struct Now {
    /// Load relative to the mean.
    pub(crate) load: f64,
    /// Slow-down of every request.
    pub(crate) slow_down: f64,
    /// Share of requests that fail anyway.
    pub(crate) errors: f64,
    /// Slow-down of each host, the canary's last. Empty: hosts do not differ.
    pub(crate) hosts: Vec<f32>,
}

impl Weather {
    pub(crate) fn new(scenario: &Scenario, random: &mut Random) -> Self {
        let of = &scenario.surroundings;
        let hosts = if of.jitter > 0.0 { of.hosts } else { 0 };
        Self {
            phase: TAU * random.unit(),
            noise: Autoregression::new(random, of.noise_correlation, of.noise),
            hosts: (0..hosts).map(|_| Autoregression::new(random, HOST_CORRELATION, of.jitter)).collect(),
            burst_until: 0,
            next_burst: random.exponential(BURST_EVERY_S) as u64,
        }
    }

    pub(crate) fn next(
        &mut self,
        second: u64,
        canary_ppm: u32,
        scenario: &Scenario,
        random: &mut Random,
    ) -> Now {
        let of = &scenario.surroundings;
        let mut now = Now {
            load: 1.0 + of.diurnal * (TAU * second as f64 / DURATION_S as f64 + self.phase).sin(),
            slow_down: self.noise.next(random).exp(),
            errors: of.error_rate,
            hosts: self.hosts.iter_mut().map(|host| host.next(random).exp() as f32).collect(),
        };
        if second >= self.next_burst {
            self.burst_until = second + 5 + random.below(16);
            self.next_burst = self.burst_until + random.exponential(BURST_EVERY_S) as u64;
        }
        if let Some(bursts) = of.bursts.filter(|_| second < self.burst_until) {
            now.slow_down *= bursts.slow_down;
            now.errors += bursts.errors;
        }
        if of.follows_weight {
            let weight = f64::from(canary_ppm) / 1e6;
            now.load *= 1.0 + LOAD_PER_WEIGHT * weight;
            now.errors *= 1.0 + ERRORS_PER_WEIGHT * weight;
            now.slow_down *= 1.0 + SLOW_DOWN_PER_WEIGHT * weight;
        }
        now
    }
}

/// What faults do to the requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Condition {
    /// Share that arrives.
    pub(crate) arrives: f64,
    /// Share of those that would have succeeded that fails.
    pub(crate) errors: f64,
    /// Those that fail are of one in so many users.
    pub(crate) one_in: u32,
    /// Share that never ends.
    pub(crate) hangs: f64,
    /// Slow-down of every request.
    pub(crate) slow_down: f64,
    /// Share that takes `slow_factor` times as long on top.
    pub(crate) slow_share: f64,
    pub(crate) slow_factor: f64,
    /// Further requests a second, all of which fail.
    pub(crate) failing_rps: f64,
}

impl Condition {
    /// `exposed`: seconds since the canary got its first requests, if it did.
    pub(crate) fn of(scenario: &Scenario, component: &Component, arm: Arm, exposed: Option<u64>) -> Self {
        let mut condition = Self {
            arrives: 1.0,
            errors: 0.0,
            one_in: 1,
            hangs: 0.0,
            slow_down: 1.0,
            slow_share: 0.0,
            slow_factor: 1.0,
            failing_rps: 0.0,
        };
        for fault in scenario.faults.iter().filter(|fault| component.suffers(fault)) {
            if let Some(age) = age(fault, arm, exposed) {
                condition.suffer(fault, component, age);
            }
        }
        condition
    }

    fn suffer(&mut self, fault: &Fault, component: &Component, age: u64) {
        match fault.effect {
            Effect::Errors(share) => self.fail(share),
            Effect::ErrorsOfSome { one_in, share } => {
                self.one_in = one_in;
                self.fail(share / f64::from(one_in));
            }
            Effect::Slow { share, factor } if share >= 1.0 => self.slow_down *= factor,
            Effect::Slow { share, factor } => (self.slow_share, self.slow_factor) = (share, factor),
            Effect::Ramp { by, over_s } => {
                self.slow_down *= 1.0 + by * (age as f64 / over_s as f64).min(1.0);
            }
            Effect::ColdStart { by, tau_s } => self.slow_down *= 1.0 + by * (-(age as f64) / tau_s).exp(),
            Effect::Share(share) => self.arrives *= share,
            Effect::Hang(share) => self.hangs = share,
            Effect::OutOfMemory => {
                self.slow_down *= 1.0 + (age as f64 / MEMORY_LASTS_S as f64).min(1.0);
                if age >= MEMORY_LASTS_S && (age - MEMORY_LASTS_S) % DOWN_EVERY_S < DOWN_S {
                    self.errors = 1.0;
                }
            }
            // The account uses the most popular route.
            Effect::BrokenAccount(rps) if component.routes.contains(&0) => self.failing_rps += rps,
            Effect::BrokenAccount(_) => {}
        }
    }

    fn fail(&mut self, share: f64) {
        self.errors = 1.0 - (1.0 - self.errors) * (1.0 - share);
    }
}

/// Seconds since `fault` began to strike `arm`. An account is older than the rollout and on the baseline before it.
fn age(fault: &Fault, arm: Arm, exposed: Option<u64>) -> Option<u64> {
    match (fault.effect, exposed) {
        (Effect::BrokenAccount(_), None) => (arm == Arm::Baseline).then_some(0),
        (_, None) => None,
        (_, Some(exposed)) => {
            exposed.checked_sub(fault.from).filter(|_| arm == Arm::Canary || fault.both_arms)
        }
    }
}
