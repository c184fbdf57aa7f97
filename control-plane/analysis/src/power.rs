//! How many canary requests are still needed? The growth of the engine's own bets at the present estimate says it:
//! what is missing to a threshold, divided by what one more canary request is expected to add.

use serde::{Deserialize, Serialize};

use crate::cells::Archetypes;
use crate::config::RawEngineConfig;
use crate::increment::ByArm;
use crate::placebo::Phi;
use crate::scope::Process;
use crate::stratum::{ArmStratum, Evidence};
use crate::verdict::Signal;

/// A need beyond this is not worth a number.
const FORESEEABLE: f64 = 1e12;

/// Canary requests that each signal of a scope still needs.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Needed {
    pub(crate) errors: Option<u64>,
    pub(crate) latency: Option<u64>,
}

impl Needed {
    /// Foresees the need of `process` if `totals`, which it has seen, go on as they were.
    pub(crate) fn of(
        process: &Process,
        totals: &ByArm<ArmStratum>,
        archetypes: Option<&Archetypes>,
        phi: Phi,
        config: &RawEngineConfig,
    ) -> Self {
        let requests = totals.canary.started as f64;
        if requests <= 0.0 || totals.baseline.started == 0 {
            return Self::default();
        }
        let seen = Evidence::of(totals, &[], archetypes, config).scaled(phi);
        let health = process.health();
        let to_harm = |signal| {
            let bets = seen.harm.iter().enumerate();
            let best = bets.filter(|(bet, _)| Evidence::signal_of(*bet) == signal).map(|(_, log_e)| *log_e);
            requests_until(process.log_threshold() - process.log_evidence(), best, requests)
        };
        let to_health = |missing: f64, bets: &[f64]| requests_until(missing, bets.iter().copied(), requests);
        let errors_missing = health.log_threshold() - health.errors();
        let quantiles = seen.healthy_latency.iter().zip(health.latency());
        let slowest = quantiles
            .map(|(bets, evidence)| to_health(health.log_threshold() - evidence, bets))
            .fold(0.0, f64::max);
        Self {
            errors: whole(to_harm(Signal::ErrorRate).min(to_health(errors_missing, &seen.healthy_errors))),
            latency: whole(to_harm(Signal::Latency).min(slowest)),
        }
    }
}

/// Requests until `missing` nats are gathered by the best of `bets`, which gained that much over `requests`.
fn requests_until(missing: f64, bets: impl Iterator<Item = f64>, requests: f64) -> f64 {
    let growth = bets.fold(0.0, f64::max) / requests;
    if missing <= 0.0 {
        0.0
    } else if growth > 0.0 {
        missing / growth
    } else {
        f64::INFINITY
    }
}

fn whole(requests: f64) -> Option<u64> {
    (requests <= FORESEEABLE).then(|| requests.ceil() as u64)
}
