//! The traffic of one rollout, drawn second by second.
//!
//! Counts are drawn, not requests: how many start (Poisson), how many of those fail (binomial, or in clusters), and a
//! latency and a host for each that succeeds, and users beside them. What the fault did is counted apart, so that the price of a late decision
//! is known. Draws do not depend on who looks: all methods see the same traffic.

pub(crate) mod condition;
mod hosts;
mod tally;
mod users;

use std::ops::Range;

use serin_analysis::judge::SecondAggregate;
use serin_analysis::{Arm, ByArm, ComponentIndex, HostSample, Increment, Outcomes};

use self::condition::{Condition, Now, Weather};
use self::hosts::Sampler;
use self::tally::{Place, Tally};
use self::users::{Sent, Users};
use crate::components::{Component, components};
use crate::latency::Latencies;
use crate::random::Random;
use crate::scenario::Scenario;

/// Seconds from the creation of the rollout until the canary gets its first requests.
pub const UNEXPOSED_S: u64 = 120;
/// Share of the increments that arrive late, and by how many seconds at most.
const LATE_SHARE: f64 = 0.01;
const MOST_LATE_S: u64 = 5;
/// A slow-down up to this is within the default margin, so requests are not counted as struck by it.
pub(crate) const TOLERATED: f64 = 1.1;
/// Unix second in which rollouts begin, at the earliest; each begins within the minute after it.
pub(crate) const EPOCH: u64 = 1_700_000_040;

/// A part of a report on its way: one component and arm in one second.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// What was measured.
    pub increment: Increment,
    /// The sample of upstream hosts that belongs to it.
    pub hosts: Vec<HostSample>,
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
    /// By component: requests that a fault of the canary made fail, hang, or slower than tolerated, or kept away.
    pub struck: Vec<u64>,
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
    /// Second in which the canary gets its first requests. `None`: this is the time of an earlier rollout.
    exposed_from: Option<u64>,
    sampler: Sampler,
    of_component: Tally,
    of_arm: Tally,
    users: Users,
}

/// Requests of one arm of one component in one second.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    started: u64,
    failed: u64,
    ok: u64,
    struck: u64,
    sent: Sent,
}

/// One arm in one second.
struct Moment {
    now: Now,
    arm: Arm,
    second: u64,
    hosts: Range<usize>,
    canary_ppm: u32,
}

impl<'a> World<'a> {
    /// The traffic of run `run` of `scenario` under `seed`, from the creation of the rollout on.
    pub fn new(scenario: &'a Scenario, latencies: &'a Latencies, seed: u64, run: u64) -> Self {
        let stream = fingerprint(scenario.id).wrapping_add(run);
        Self::begin(scenario, latencies, (seed, stream), true)
    }

    /// The traffic of the `service`-th service of `scenario`, before all its rollouts.
    pub fn earlier(scenario: &'a Scenario, latencies: &'a Latencies, seed: u64, service: u64) -> Self {
        let stream = fingerprint(scenario.id).wrapping_sub(1).wrapping_sub(service);
        Self::begin(scenario, latencies, (seed, stream), false)
    }

    fn begin(
        scenario: &'a Scenario,
        latencies: &'a Latencies,
        (seed, stream): (u64, u64),
        exposed: bool,
    ) -> Self {
        let mut random = Random::new(seed, stream);
        let start = EPOCH + random.below(60);
        Self {
            scenario,
            latencies,
            components: components(scenario),
            weather: Weather::new(scenario, &mut random),
            start,
            exposed_from: exposed.then_some(UNEXPOSED_S),
            sampler: Sampler::new(scenario.surroundings.hosts, &mut random),
            random,
            of_component: Tally::default(),
            of_arm: Tally::default(),
            users: Users::new(scenario.rps, Random::new(seed, !stream)),
        }
    }

    /// What is judged.
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// Unix second of second 0, in which the rollout is created.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// What happens in `second`, counted from the rollout's creation, when the canary has so much of the traffic; to be
    /// called for each second in turn. Without `by_component` nothing is delivered, which changes nothing else.
    pub fn next(&mut self, second: u64, canary_ppm: u32, by_component: bool) -> Second {
        let mut happened = Second { struck: vec![0; self.components.len()], ..Second::default() };
        let now = self.weather.next(second, canary_ppm, self.scenario, &mut self.random);
        let canary = f64::from(canary_ppm) / 1e6;
        let exposed = self.exposed_from.and_then(|from| second.checked_sub(from));
        for (arm, weight) in [(Arm::Baseline, 1.0 - canary), (Arm::Canary, canary)] {
            let hosts = self.hosts_of(arm, canary_ppm);
            let moment = Moment { now: now.clone(), arm, second, hosts, canary_ppm };
            for place in 0..self.components.len() {
                let Some(component) = self.components.get(place) else { continue };
                let condition = Condition::of(self.scenario, component, arm, exposed);
                let is_served = arm == Arm::Canary || self.scenario.has_baseline(&component.routes);
                let weight = if is_served { weight } else { 0.0 };
                let mean = self.scenario.rps * now.load * component.share * weight;
                let counts = self.count(mean, &moment, &condition);
                let slowed = self.draw_latencies(counts.ok, &moment, &condition);
                let aggregate = happened.arms.of_mut(arm);
                aggregate.requests += counts.failed + counts.ok;
                aggregate.failures += counts.failed;
                if let Some(struck) = happened.struck.get_mut(place).filter(|_| arm == Arm::Canary) {
                    *struck += counts.struck + slowed;
                }
                happened.deliveries.extend(self.delivery(place, &moment, counts).filter(|_| by_component));
            }
            happened.arms.of_mut(arm).latency = self.of_arm.take();
        }
        happened
    }

    /// The hosts of an arm: the canary has as large a part of them as of the traffic, at least one.
    fn hosts_of(&self, arm: Arm, canary_ppm: u32) -> Range<usize> {
        let hosts = self.scenario.surroundings.hosts;
        let canary = f64::from(canary_ppm.max(self.scenario.first_ppm())) / 1e6;
        let canaries = ((hosts as f64 * canary).round() as usize).clamp(1, hosts - 1);
        match arm {
            Arm::Baseline => 0..hosts - canaries,
            Arm::Canary => hosts - canaries..hosts,
        }
    }

    fn count(&mut self, mean: f64, moment: &Moment, condition: &Condition) -> Counts {
        let kept_away = self.random.poisson(mean * (1.0 - condition.arrives));
        let of_account = self.random.poisson(condition.failing_rps);
        let requests = self.random.poisson(mean * condition.arrives);
        let (failed_anyway, clusters) = self.fail_anyway(requests, moment);
        let struck = self.random.binomial(requests - failed_anyway, condition.errors);
        self.fail_one_by_one(struck + of_account, &moment.hosts);
        let hung = self.random.binomial(requests - failed_anyway - struck, condition.hangs);
        let ok = requests - failed_anyway - struck - hung;
        let slowed = if condition.slow_down > TOLERATED { ok } else { 0 };
        Counts {
            started: requests + of_account,
            failed: failed_anyway + struck + of_account,
            ok,
            struck: kept_away + of_account + struck + hung + slowed,
            sent: Sent { others: requests, failed: clusters, struck, one_in: condition.one_in, of_account },
        }
    }

    /// How many of `requests` fail as they do in both arms, one by one or in clusters, each on one host, and in how many
    /// clusters.
    fn fail_anyway(&mut self, requests: u64, moment: &Moment) -> (u64, u64) {
        let cluster = self.scenario.surroundings.cluster;
        if cluster <= 1.0 {
            let failed = self.random.binomial(requests, moment.now.errors);
            self.fail_one_by_one(failed, &moment.hosts);
            return (failed, failed);
        }
        let clusters = self.random.poisson(requests as f64 * moment.now.errors / cluster);
        let mut left = requests;
        for _ in 0..clusters {
            let failed = self.random.geometric(cluster).min(left);
            left -= failed;
            let host = self.any_of(&moment.hosts);
            self.sampler.fail(host, failed, &mut self.random);
        }
        (requests - left, clusters.min(requests - left))
    }

    fn fail_one_by_one(&mut self, requests: u64, hosts: &Range<usize>) {
        for _ in 0..requests {
            let host = self.any_of(hosts);
            self.sampler.fail(host, 1, &mut self.random);
        }
    }

    fn any_of(&mut self, hosts: &Range<usize>) -> usize {
        hosts.start + usize::try_from(self.random.below(hosts.len() as u64)).unwrap_or(0)
    }

    /// Draws a latency for each of `requests`; gives how many took the slow path.
    fn draw_latencies(&mut self, requests: u64, moment: &Moment, condition: &Condition) -> u64 {
        if requests == 0 {
            return 0;
        }
        let slow = self.random.binomial(requests, condition.slow_share);
        let common = (moment.now.slow_down * condition.slow_down) as f32;
        let mut next = self.any_of(&moment.hosts);
        for request in 0..requests {
            let host = next;
            next = if host + 1 < moment.hosts.end { host + 1 } else { moment.hosts.start };
            let factor = moment.now.hosts.get(host).copied().unwrap_or(1.0);
            let mut us = self.latencies.draw(&mut self.random) * common * factor;
            if request < slow {
                us *= condition.slow_factor as f32;
            }
            let place = Place::of(us);
            self.of_component.add(place);
            if self.sampler.takes(&mut self.random) {
                self.sampler.succeed(host, place.lowest_us());
            }
        }
        slow
    }

    fn delivery(&mut self, place: usize, moment: &Moment, counts: Counts) -> Option<Delivery> {
        let (component, arm) = (ComponentIndex(place), moment.arm);
        let late = self.random.chance(LATE_SHARE);
        let late_s = if late { 1 + self.random.below(MOST_LATE_S) } else { 0 };
        let latency = self.of_component.take_into(&mut self.of_arm);
        let start_second = self.start + moment.second;
        let hosts = self.sampler.take(component, arm, start_second);
        let increment = Increment {
            component,
            start_second,
            arm,
            source: 1,
            started: counts.started,
            outcomes: Outcomes { ok: counts.ok, server_error: counts.failed, ..Outcomes::default() },
            latency: (!latency.is_empty()).then_some(latency),
            users: self.users.of(arm, moment.canary_ppm, counts.sent),
        };
        (counts.started > 0).then_some(Delivery { increment, hosts, late_s })
    }
}

/// FNV-1a: tells scenarios apart, the same on every machine.
pub(crate) fn fingerprint(id: &str) -> u64 {
    id.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
