//! Requests one by one: who sends them when, and what the service makes of them.
//!
//! The laws are those of the count-level world: its weather, its conditions, its latencies. All that is drawn for a request
//! is drawn when it is sent, so that no decision changes what the next one draws.

use serin_analysis::Arm;

use super::envoy::Outcome;
use super::setup::Setup;
use crate::components::{Component, components};
use crate::latency::Latencies;
use crate::random::Random;
use crate::scenario::Scenario;
use crate::world::TOLERATED;
use crate::world::condition::{Condition, Now, Weather};

const SECOND_NS: u64 = 1_000_000_000;
/// Envoy's default route timeout: what takes longer ends then.
const TIMEOUT_US: f32 = 15e6;
/// A failed call is tried again after half of this to one and a half of it.
const RETRY_NS: u64 = 100_000_000;

/// A request on its way to an Envoy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) at_ns: u64,
    /// `None`: it tells no user id.
    pub(super) user: Option<u64>,
    pub(super) route: usize,
    /// Position of its component.
    pub(super) component: usize,
    /// Random numbers that choose its Envoy, worker and host.
    pub(super) envoy: u64,
    pub(super) worker: u64,
    host: u64,
    /// It fails, whoever serves it, and is tried again so often, each time in vain.
    doomed: Option<u64>,
    arrives: f64,
    struck: f64,
    hangs: f64,
    slow: f64,
    us: f32,
}

/// What the service makes of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fate {
    /// It never arrives.
    KeptAway,
    /// It is answered, or given up by Envoy.
    Ends {
        outcome: Outcome,
        after_ns: u64,
        host: usize,
        /// A fault of the canary made it fail, hang, or slower than is tolerated.
        struck: bool,
    },
}

/// The traffic of one rollout.
#[derive(Debug)]
pub(super) struct Traffic<'a> {
    scenario: &'a Scenario,
    latencies: &'a Latencies,
    components: Vec<Component>,
    /// Sum of the shares up to each route, and its component.
    routes: Vec<(f64, usize)>,
    users: u64,
    anonymous: f64,
    random: Random,
    weather: Weather,
    now: Now,
    /// By component, then baseline and canary.
    conditions: Vec<[Condition; 2]>,
}

impl<'a> Traffic<'a> {
    pub(super) fn new(
        scenario: &'a Scenario,
        latencies: &'a Latencies,
        setup: &Setup,
        mut random: Random,
    ) -> Self {
        let components = components(scenario);
        let place = |route: usize| components.iter().position(|component| component.routes.contains(&route));
        let mut sum = 0.0;
        let shares = scenario.popularity.shares();
        let routes = shares.iter().enumerate().map(|(route, share)| {
            sum += share;
            (sum, place(route).unwrap_or(0))
        });
        let routes = routes.collect();
        let mut weather = Weather::new(scenario, &mut random);
        let now = weather.next(0, 0, scenario, &mut random);
        let (users, anonymous) = (setup.users.max(10), setup.anonymous);
        Self {
            scenario,
            latencies,
            components,
            routes,
            users,
            anonymous,
            random,
            weather,
            now,
            conditions: Vec::new(),
        }
    }

    pub(super) fn components(&self) -> &[Component] {
        &self.components
    }

    /// The requests of `second`, by time. The canary has so much weight and is exposed for so many seconds.
    pub(super) fn next(&mut self, second: u64, canary_ppm: u32, exposed: Option<u64>) -> Vec<Request> {
        let Self { scenario, random, .. } = self;
        self.now = self.weather.next(second, canary_ppm, scenario, random);
        let of = |component| {
            [Arm::Baseline, Arm::Canary].map(|arm| Condition::of(self.scenario, component, arm, exposed))
        };
        self.conditions = self.components.iter().map(of).collect();
        let count = self.random.poisson(self.scenario.rps * self.now.load);
        let mut requests: Vec<_> = (0..count).map(|_| self.draw(second)).collect();
        for component in 0..self.components.len() {
            let failing = self.conditions.get(component).into_iter().flatten();
            let failing = failing.map(|condition| condition.failing_rps).fold(0.0, f64::max);
            for _ in 0..self.random.poisson(failing) {
                let of_account = Request { user: Some(u64::MAX), route: 0, component, ..self.draw(second) };
                requests.push(Request { doomed: Some(0), ..of_account });
            }
        }
        requests.sort_by_key(|request| request.at_ns);
        requests
    }

    fn draw(&mut self, second: u64) -> Request {
        let random = &mut self.random;
        let at_ns = second * SECOND_NS + random.below(SECOND_NS);
        let (anonymous, heavy, user) = (random.unit(), random.chance(0.5), random.bits());
        let tenth = self.users / 10;
        let (first, of) = if heavy { (0, tenth) } else { (tenth, self.users - tenth) };
        let user = (anonymous >= self.anonymous).then(|| first + user % of);
        let which = random.unit();
        let route = self.routes.partition_point(|(sum, _)| *sum < which).min(self.routes.len() - 1);
        let component = self.routes.get(route).map_or(0, |(_, component)| *component);
        let cluster = self.scenario.surroundings.cluster.max(1.0);
        let is_doomed = random.chance(self.now.errors / cluster);
        Request {
            at_ns,
            user,
            route,
            component,
            envoy: random.bits(),
            worker: random.bits(),
            host: random.bits(),
            doomed: is_doomed.then(|| random.geometric(cluster) - 1),
            arrives: random.unit(),
            struck: random.unit(),
            hangs: random.unit(),
            slow: random.unit(),
            us: self.latencies.draw(random),
        }
    }

    /// What the arm makes of a request of the present second.
    pub(super) fn fate(&self, request: &Request, arm: Arm) -> Fate {
        let Some([baseline, canary]) = self.conditions.get(request.component) else { return Fate::KeptAway };
        let condition = if arm == Arm::Canary { canary } else { baseline };
        if request.arrives >= condition.arrives {
            return Fate::KeptAway;
        }
        let host = self.host(request, arm);
        let ends = |outcome, us: f32, struck| {
            let after_ns = (us.min(TIMEOUT_US) * 1e3) as u64;
            Fate::Ends { outcome, after_ns, host, struck: struck && arm == Arm::Canary }
        };
        let mut us = request.us * (self.now.slow_down * condition.slow_down) as f32;
        us *= self.now.hosts.get(host).copied().unwrap_or(1.0);
        let is_slow = request.slow < condition.slow_share;
        if is_slow {
            us *= condition.slow_factor as f32;
        }
        if request.doomed.is_some() {
            ends(Outcome::Failed, us, false)
        } else if request.struck < condition.errors {
            ends(Outcome::Failed, us, true)
        } else if request.hangs < condition.hangs {
            ends(Outcome::TimedOut, TIMEOUT_US, true)
        } else {
            let outcome = if us < TIMEOUT_US { Outcome::Ok } else { Outcome::TimedOut };
            ends(outcome, us, is_slow || condition.slow_down > TOLERATED)
        }
    }

    /// The arms have hosts of their own, as many as their shares of the traffic at the first weight.
    fn host(&self, request: &Request, arm: Arm) -> usize {
        let hosts = self.scenario.surroundings.hosts;
        let canary = f64::from(self.scenario.first_ppm()) / 1e6;
        let canaries = ((hosts as f64 * canary).round() as usize).clamp(1, hosts - 1);
        let (first, of) = match arm {
            Arm::Baseline => (0, hosts - canaries),
            Arm::Canary => (hosts - canaries, canaries),
        };
        first + usize::try_from(request.host % of as u64).unwrap_or(0)
    }
}

impl Request {
    /// The client's next try, after this one has failed at `now_ns`.
    pub(super) fn again(&self, now_ns: u64) -> Option<Self> {
        let left = self.doomed?.checked_sub(1)?;
        let at_ns = now_ns + RETRY_NS / 2 + self.worker.rotate_left(20) % RETRY_NS;
        Some(Self { at_ns, doomed: Some(left), ..*self })
    }
}
