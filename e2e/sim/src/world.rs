//! The traffic of one rollout, drawn second by second.
//!
//! Counts are drawn, not requests: how many start (Poisson), how many of those fail (binomial, or in clusters), and a
//! latency for each that succeeds. What the fault did is counted apart, so that the price of a late decision is known.
//! Draws do not depend on who looks: all methods see the same traffic.

mod condition;
mod tally;

use serin_analysis::judge::SecondAggregate;
use serin_analysis::{Arm, ByArm, ComponentIndex, Increment, LatencyHistogram, Outcomes};

use self::condition::{Condition, Now, Weather};
use self::tally::{Place, Tally};
use crate::components::{Component, components};
use crate::latency::Latencies;
use crate::random::Random;
use crate::scenario::Scenario;

/// Share of the increments that arrive late, and by how many seconds at most.
const LATE_SHARE: f64 = 0.01;
const MOST_LATE_S: u64 = 5;
/// A slow-down up to this is within the default margin, so requests are not counted as struck by it.
const TOLERATED: f64 = 1.1;
/// Unix second in which rollouts begin, at the earliest; each begins within the minute after it.
const EPOCH: u64 = 1_700_000_040;

/// An increment on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// What was measured.
    pub increment: Increment,
    /// Seconds by which it is late.
    pub late_s: u64,
}

/// What happened in one second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Second {
    /// By component and arm.
    pub deliveries: Vec<Delivery>,
    /// Both arms as a whole.
    pub arms: ByArm<SecondAggregate>,
    /// Requests that a fault of the canary made fail, hang, or slower than tolerated, or kept away.
    pub struck: u64,
}

/// The traffic of one rollout.
#[derive(Debug)]
pub struct World<'a> {
    scenario: &'a Scenario,
    latencies: &'a Latencies,
    components: Vec<Component>,
    random: Random,
    weather: Weather,
    start: u64,
    of_component: Tally,
    of_arm: Tally,
}

/// Requests of one arm of one component in one second.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    started: u64,
    failed: u64,
    ok: u64,
    struck: u64,
}

impl<'a> World<'a> {
    /// The traffic of run `run` of `scenario` under `seed`.
    pub fn new(scenario: &'a Scenario, latencies: &'a Latencies, seed: u64, run: u64) -> Self {
        let mut random = Random::new(seed, fingerprint(scenario.id).wrapping_add(run));
        let start = EPOCH + random.below(60);
        Self {
            scenario,
            latencies,
            components: components(scenario),
            weather: Weather::new(scenario, &mut random),
            random,
            start,
            of_component: Tally::default(),
            of_arm: Tally::default(),
        }
    }

    /// What is judged.
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// Unix second of second 0.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// What happens in `second`, counted from the rollout's start; to be called for each in turn. Without
    /// `by_component` nothing is delivered, which changes nothing else.
    pub fn next(&mut self, second: u64, by_component: bool) -> Second {
        let mut happened = Second::default();
        let now = self.weather.next(second, self.scenario, &mut self.random);
        let canary = f64::from(self.scenario.weight_ppm(second)) / 1e6;
        for (arm, weight) in [(Arm::Baseline, 1.0 - canary), (Arm::Canary, canary)] {
            let hosts = of_arm(&now.hosts, arm, canary);
            for place in 0..self.components.len() {
                let Some(component) = self.components.get(place) else { continue };
                let condition = Condition::of(self.scenario, component, arm, second);
                let mean = self.scenario.rps * now.load * component.share * weight;
                let counts = self.count(mean, &now, &condition);
                let slowed = self.draw_latencies(counts.ok, &now, &condition, hosts);
                let aggregate = happened.arms.of_mut(arm);
                aggregate.requests += counts.failed + counts.ok;
                aggregate.failures += counts.failed;
                if arm == Arm::Canary {
                    happened.struck += counts.struck + slowed;
                }
                let late = self.random.chance(LATE_SHARE);
                let late_s = if late { 1 + self.random.below(MOST_LATE_S) } else { 0 };
                let latency = self.of_component.take();
                if by_component && counts.started > 0 {
                    let increment = self.increment(place, second, arm, counts, latency);
                    happened.deliveries.push(Delivery { increment, late_s });
                }
            }
            happened.arms.of_mut(arm).latency = self.of_arm.take();
        }
        happened
    }

    fn count(&mut self, mean: f64, now: &Now, condition: &Condition) -> Counts {
        let random = &mut self.random;
        let kept_away = random.poisson(mean * (1.0 - condition.arrives));
        let of_account = random.poisson(condition.failing_rps);
        let requests = random.poisson(mean * condition.arrives);
        let failed_anyway = fail(requests, now.errors, self.scenario.surroundings.cluster, random);
        let struck = random.binomial(requests - failed_anyway, condition.errors);
        let hung = random.binomial(requests - failed_anyway - struck, condition.hangs);
        let ok = requests - failed_anyway - struck - hung;
        let slowed = if condition.slow_down > TOLERATED { ok } else { 0 };
        Counts {
            started: requests + of_account,
            failed: failed_anyway + struck + of_account,
            ok,
            struck: kept_away + of_account + struck + hung + slowed,
        }
    }

    /// Draws a latency for each of `requests`; gives how many took the slow path.
    fn draw_latencies(&mut self, requests: u64, now: &Now, condition: &Condition, hosts: &[f64]) -> u64 {
        let slow = self.random.binomial(requests, condition.slow_share);
        let common = (now.slow_down * condition.slow_down) as f32;
        let first = if hosts.is_empty() { 0 } else { self.random.below(hosts.len() as u64) };
        let mut host = hosts.iter().cycle().skip(usize::try_from(first).unwrap_or(0));
        for request in 0..requests {
            let mut us = self.latencies.draw(&mut self.random) * common;
            if request < slow {
                us *= condition.slow_factor as f32;
            }
            if let Some(host) = host.next() {
                us *= *host as f32;
            }
            let place = Place::of(us);
            self.of_component.add(place);
            self.of_arm.add(place);
        }
        slow
    }

    fn increment(
        &self,
        component: usize,
        second: u64,
        arm: Arm,
        counts: Counts,
        latency: LatencyHistogram,
    ) -> Increment {
        Increment {
            component: ComponentIndex(component),
            start_second: self.start + second,
            arm,
            source: 1,
            started: counts.started,
            outcomes: Outcomes { ok: counts.ok, server_error: counts.failed, ..Outcomes::default() },
            latency: (!latency.is_empty()).then_some(latency),
        }
    }
}

/// The hosts of an arm: the canary has as large a part of them as of the traffic, at least one.
fn of_arm(hosts: &[f64], arm: Arm, canary: f64) -> &[f64] {
    if hosts.is_empty() {
        return hosts;
    }
    let canaries = ((hosts.len() as f64 * canary).round() as usize).clamp(1, hosts.len() - 1);
    let (baseline, canaries) = hosts.split_at(hosts.len() - canaries);
    match arm {
        Arm::Baseline => baseline,
        Arm::Canary => canaries,
    }
}

/// How many of `requests` fail when each does so with probability `share`, in clusters of mean size `cluster`.
fn fail(requests: u64, share: f64, cluster: f64, random: &mut Random) -> u64 {
    if cluster <= 1.0 {
        return random.binomial(requests, share);
    }
    let clusters = random.poisson(requests as f64 * share / cluster);
    (0..clusters).map(|_| random.geometric(cluster)).sum::<u64>().min(requests)
}

/// FNV-1a: tells scenarios apart, the same on every machine.
fn fingerprint(id: &str) -> u64 {
    id.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
