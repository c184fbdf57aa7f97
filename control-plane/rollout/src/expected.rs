//! How long a harm is expected to go unnoticed, at the traffic of a service: the plan's own engine on simulated requests.
//!
//! A harm begins with the step and strikes every request of the canary. All requests are of one component, each of its own;
//! numbers of requests are Poisson, failures binomial, latencies log-normal. Real traffic is rougher, so real times are
//! somewhat longer (`docs/write-a-plan.md`). The draws come from a seed, and the work has a bound: the same question has the
//! same answer, in seconds. Nothing is decided here.

mod draw;

use std::time::Duration;

use serin_analysis::{Arm, ConfigError, Increment, LatencyHistogram, Outcomes, UserMasks};
use serin_proto::assignment::{Salt, UNMATCHED, Weight};

use crate::plan::Step;
use crate::{Creation, Evaluation, Plan, RolloutId, UnixMillis, create};
use draw::{Draws, Latencies};

/// A run is given up after this time.
const HORIZON_S: u64 = 600;
/// Runs of one harm at one weight.
const RUNS: usize = 15;
/// Fewest of them, however long they take.
const RUNS_MIN: usize = 3;
/// Seconds that are judged, all together.
const SECONDS: u64 = 40_000;
/// Requests that are drawn, all together.
const REQUESTS: u64 = 20_000_000;
/// Weights that are looked at.
const WEIGHTS: usize = 3;
/// Where a run begins, in Unix time: any moment does.
const START_S: u64 = 1_000_000;

/// What a service gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traffic {
    /// Requests a second, of both versions.
    pub requests_per_second: f64,
    /// Part of the baseline's requests that fail.
    pub error_rate: f64,
    /// Median latency.
    pub latency: Duration,
}

/// What a canary does worse.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Harm {
    /// So many more of a million requests fail.
    Errors(u32),
    /// So many percent slower.
    Latency(u32),
}

/// Those that are looked at.
pub const HARMS: [Harm; 7] = [
    Harm::Errors(300_000),
    Harm::Errors(50_000),
    Harm::Errors(10_000),
    Harm::Errors(5_000),
    Harm::Latency(100),
    Harm::Latency(50),
    Harm::Latency(20),
];

/// When a harm is expected to be found at a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// The step.
    pub step: Step,
    /// The harm.
    pub harm: Harm,
    /// How often it was tried.
    pub runs: usize,
    /// How often it was found within ten minutes.
    pub found: usize,
    /// How often it was found within the step.
    pub within_step: usize,
    /// Time by which half of the runs had found it. `None`: later than ten minutes.
    pub median: Option<Duration>,
    /// Time by which 95 % of them had.
    pub late: Option<Duration>,
}

/// When each harm is expected to be found, step by step: at the first, a middle and the last one. Empty where no baseline runs
/// beside the canary.
///
/// # Errors
/// When the engine refuses what the plan asks for.
pub fn expected(plan: &Plan, traffic: &Traffic, seed: u64) -> Result<Vec<Expected>, ConfigError> {
    let mut bench = Bench { draws: Draws::new(seed), seconds: SECONDS, requests: REQUESTS };
    let steps = chosen(plan.steps());
    let mut left = steps.len() * HARMS.len();
    let mut all = Vec::new();
    for step in steps {
        for harm in HARMS {
            let share = bench.seconds / u64::try_from(left.max(1)).unwrap_or(1);
            all.push(bench.harm(plan, traffic, (step, harm), share)?);
            left = left.saturating_sub(1);
        }
    }
    Ok(all)
}

/// The first, a middle and the last step.
fn chosen(steps: &[Step]) -> Vec<Step> {
    if steps.len() <= WEIGHTS {
        return steps.to_vec();
    }
    [0, steps.len() / 2, steps.len() - 1].into_iter().filter_map(|index| steps.get(index).copied()).collect()
}

struct Bench {
    draws: Draws,
    /// What is left of both bounds.
    seconds: u64,
    requests: u64,
}

impl Bench {
    fn harm(
        &mut self,
        plan: &Plan,
        traffic: &Traffic,
        (step, harm): (Step, Harm),
        share: u64,
    ) -> Result<Expected, ConfigError> {
        let (plan, until) = (plan.at(step.weight), self.seconds.saturating_sub(share));
        let latencies = Latencies::new(&mut self.draws, traffic.latency);
        let mut times: Vec<Option<u64>> = Vec::new();
        while times.len() < RUNS && (times.len() < RUNS_MIN || (self.seconds > until && self.requests > 0)) {
            times.push(self.run(&plan, traffic, (step.weight, harm), &latencies)?);
        }
        let within = |limit: u64| times.iter().flatten().filter(|time| **time <= limit).count();
        let (found, within_step) = (within(u64::MAX), within(step.bake.as_secs()));
        // What was not found is later than everything that was.
        times.sort_by_key(|time| time.unwrap_or(u64::MAX));
        let at = |part: f64| {
            let rank = (times.len() as f64 * part).ceil() as usize;
            times.get(rank.saturating_sub(1)).copied().flatten().map(Duration::from_secs)
        };
        Ok(Expected { step, harm, runs: times.len(), found, within_step, median: at(0.5), late: at(0.95) })
    }

    /// Seconds until the harm was found. `None`: it was not.
    fn run(
        &mut self,
        plan: &Plan,
        traffic: &Traffic,
        (weight, harm): (Weight, Harm),
        latencies: &Latencies,
    ) -> Result<Option<u64>, ConfigError> {
        let creation = Creation {
            id: RolloutId("expected".to_owned()),
            salt: Salt(0),
            actor: crate::AUTOMATIC.to_owned(),
            paused: false,
        };
        let at = |second: u64| UnixMillis((START_S + second) * 1_000);
        let state = create(plan, creation, at(0)).state;
        let mut evaluation = Evaluation::new(plan, &state)?;
        evaluation.set_weight(START_S, Some(weight.ppm()));
        let name = plan.components().next().map_or(UNMATCHED, |component| component.name);
        let Some(component) = evaluation.index(name) else { return Ok(None) };
        let part = f64::from(weight.ppm()) / 1e6;
        let (worse, slower) = match harm {
            Harm::Errors(ppm) => (f64::from(ppm) / 1e6, 1.0),
            Harm::Latency(percent) => (0.0, 1.0 + f64::from(percent) / 100.0),
        };
        for second in 0..HORIZON_S {
            let arms = [
                (Arm::Baseline, 1.0 - part, traffic.error_rate, 1.0),
                (Arm::Canary, part, (traffic.error_rate + worse).min(1.0), slower),
            ];
            for (arm, part, error_rate, slower) in arms {
                let started = self.draws.poisson(traffic.requests_per_second * part);
                let failed = self.draws.binomial(started, error_rate);
                self.requests = self.requests.saturating_sub(started);
                let mut latency = LatencyHistogram::new();
                (failed..started).for_each(|_| latency.record(latencies.draw(&mut self.draws, slower)));
                let outcomes = Outcomes { ok: started - failed, server_error: failed, ..Outcomes::default() };
                evaluation.merge(&Increment {
                    component,
                    start_second: START_S + second,
                    arm,
                    source: 0,
                    started,
                    outcomes,
                    latency: Some(latency),
                    users: UserMasks::default(),
                });
            }
            self.seconds = self.seconds.saturating_sub(1);
            evaluation.progress(0, START_S + second + 1, at(second + 1));
            if evaluation.judge(at(second + 1)).alarm.is_some() {
                return Ok(Some(second + 1));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
