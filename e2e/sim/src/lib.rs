//! Simulated rollouts: seeded, replayable, on no clock.
//!
//! * [`scenario`] lists the situations: a service, what happens to both arms, what is wrong with the canary, and what
//!   a right decision is;
//! * [`latency`] is the law of latencies; [`random`] gives the same numbers for the same seed;
//! * [`components`] and [`world`] make a scenario's traffic, second by second;
//! * [`serin`] goes through the rollout by the product's own loop and a [`plan`]; [`method`] holds its peers;
//!   [`run`](mod@run) lets all of them watch one rollout;
//! * `fleet` makes the same traffic request by request, with the product's filters and ingest between it and the engine;
//! * [`row`] and [`report`] make the table, with the information [`bound`] beside each delay.
//!
//! Everything is a function of scenario and seed. Nothing here reads a clock, the environment or a file; the program
//! `serin-detect` does, and spreads the runs over threads.
#![forbid(unsafe_code)]

pub mod bound;
pub mod components;
#[cfg(feature = "fleet")]
pub mod fleet;
pub mod latency;
pub mod method;
pub mod plan;
pub mod random;
pub mod report;
pub mod row;
pub mod run;
pub mod scenario;
pub mod serin;
pub mod world;

use crate::method::Method;
use crate::row::Row;
use crate::run::Watched;
use crate::scenario::Scenario;

/// A row for each method that watched, from the outcomes of all runs of `scenario`.
pub fn rows(scenario: &Scenario, runs: &[Watched]) -> Vec<Row> {
    let of = |method| {
        let outcomes: Vec<_> = runs
            .iter()
            .flat_map(|run| &run.outcomes)
            .filter(|outcome| outcome.method == method)
            .copied()
            .collect();
        (!outcomes.is_empty()).then(|| Row::new(scenario, method, &outcomes))
    };
    Method::all().into_iter().filter_map(of).collect()
}
