//! A small seeded world: components with traffic, errors and latencies, and a fleet of one source that reports.

use serin_analysis::{
    Alarm, Arm, Assessment, ComponentIndex, ComponentSpec, Engine, EngineConfig, Increment, LatencyHistogram,
    Outcomes, RawEngineConfig, UserMasks,
};

/// xorshift64*: good enough for tests, the same on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (0..8).for_each(|_| _ = random.next());
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Uniform in (0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (2.0 * std::f64::consts::PI * self.unit()).cos()
    }

    pub(crate) fn poisson(&mut self, mean: f64) -> u64 {
        if mean > 50.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u64;
        }
        let (floor, mut product, mut count) = ((-mean).exp(), self.unit(), 0);
        while product > floor {
            product *= self.unit();
            count += 1;
        }
        count
    }
}

/// How the requests of one arm of one component behave in one second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Behaviour {
    pub(crate) error_rate: f64,
    /// Slow-down of every request.
    pub(crate) latency_factor: f64,
    /// Share of requests that never finish.
    pub(crate) hang_rate: f64,
}

pub(crate) const GOOD: Behaviour = Behaviour { error_rate: 0.001, latency_factor: 1.0, hang_rate: 0.0 };

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) components: usize,
    pub(crate) rps_per_component: f64,
    pub(crate) weight: f64,
    /// Both arms suffer together now and then: slower, and more errors.
    pub(crate) bursts: bool,
    pub(crate) random: Random,
    burst_until: u64,
    next_burst: u64,
}

pub(crate) const START: u64 = 1_000_000;

impl World {
    pub(crate) fn new(seed: u64, components: usize, rps_per_component: f64, weight: f64) -> Self {
        let random = Random::new(seed);
        Self {
            components,
            rps_per_component,
            weight,
            bursts: false,
            random,
            burst_until: 0,
            next_burst: START + 60,
        }
    }

    pub(crate) fn engine(&self) -> Engine {
        self.engine_with(RawEngineConfig::default())
    }

    pub(crate) fn engine_with(&self, config: RawEngineConfig) -> Engine {
        let specs: Vec<_> = (0..self.components).map(|index| ComponentSpec::new(name(index))).collect();
        let mut engine = Engine::new(EngineConfig::try_from(config).unwrap(), &specs).unwrap();
        engine.step_started(START);
        engine
    }

    /// What starts in `second`.
    pub(crate) fn second(
        &mut self,
        second: u64,
        behaviour: &dyn Fn(usize, Arm) -> Behaviour,
    ) -> Vec<Increment> {
        if second >= self.next_burst {
            self.burst_until = second + 5 + self.random.next() % 15;
            self.next_burst = self.burst_until + self.random.next() % 600;
        }
        let burst = self.bursts && second < self.burst_until;
        let mut increments = Vec::new();
        for component in 0..self.components {
            for (arm, share) in [(Arm::Baseline, 1.0 - self.weight), (Arm::Canary, self.weight)] {
                let mut behaviour = behaviour(component, arm);
                if burst {
                    behaviour.error_rate += 0.02;
                    behaviour.latency_factor *= 2.5;
                }
                increments.push(self.increment(component, second, arm, share, behaviour));
            }
        }
        increments
    }

    fn increment(&mut self, component: usize, second: u64, arm: Arm, share: f64, of: Behaviour) -> Increment {
        let started = self.random.poisson(self.rps_per_component * share);
        let mut outcomes = Outcomes::default();
        let mut latency = LatencyHistogram::new();
        for _ in 0..started {
            if of.hang_rate > 0.0 && self.random.chance(of.hang_rate) {
                continue;
            }
            if self.random.chance(of.error_rate) {
                outcomes.server_error += 1;
            } else {
                outcomes.ok += 1;
                latency.record((50_000.0 * of.latency_factor * (0.6 * self.random.normal()).exp()) as u64);
            }
        }
        let component = ComponentIndex(component);
        Increment {
            component,
            start_second: second,
            arm,
            source: 1,
            started,
            outcomes,
            latency: Some(latency),
            users: UserMasks::default(),
        }
    }

    /// Runs `seconds` seconds from `from`; stops at the first assessment that `until` accepts.
    pub(crate) fn run(
        &mut self,
        engine: &mut Engine,
        from: u64,
        seconds: u64,
        behaviour: &dyn Fn(usize, Arm) -> Behaviour,
        until: &dyn Fn(&Assessment) -> bool,
    ) -> Option<Assessment> {
        for second in from..from + seconds {
            for increment in self.second(second, behaviour) {
                engine.merge(&increment);
            }
            engine.source_progress(1, second + 1, second + 1);
            let assessment = engine.advance(second + 1);
            if until(&assessment) {
                return Some(assessment);
            }
        }
        None
    }
}

pub(crate) fn name(component: usize) -> String {
    format!("component-{component}")
}

pub(crate) fn alarmed(assessment: &Assessment) -> bool {
    assessment.alarm.is_some()
}

pub(crate) fn never(_: &Assessment) -> bool {
    false
}

pub(crate) fn component_alarm(component: usize) -> Option<Alarm> {
    Some(Alarm::Components(vec![name(component)]))
}

pub(crate) fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values[values.len() / 2]
}
