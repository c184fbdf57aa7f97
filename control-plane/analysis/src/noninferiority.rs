//! Evidence that the canary is not worse than the healthy margins: what a promotion needs.
//!
//! The ratio e-process reversed, for errors and for the share of requests beyond the baseline's p50, p90 and p99.
//! All of them must be shown, and "all of" needs no correction. The evidence gathers over the whole rollout but
//! saturates a little above the threshold, so a canary that turns bad loses it soon; a capped test is still a test.

use serde::{Deserialize, Serialize};

use crate::cells::HEALTH_EDGES;
use crate::evalue::log_sum;
use crate::stratum::Evidence;

/// Error rates that are bet on, relative to the healthy margin's.
pub(crate) const ERROR_HEALTH_BETS: [f64; 3] = [0.1, 0.3, 0.6];
/// Shares of slow requests that are bet on, relative to the healthy margin's.
pub(crate) const LATENCY_HEALTH_BETS: [f64; 4] = [0.4, 0.55, 0.7, 0.85];
/// How far above the threshold evidence saturates, in nats.
const SATURATION: f64 = 3.0;

/// Non-inferiority evidence of one scope.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Health {
    log_threshold: f64,
    errors: [f64; ERROR_HEALTH_BETS.len()],
    latency: [[f64; LATENCY_HEALTH_BETS.len()]; HEALTH_EDGES.len()],
}

impl Health {
    pub(crate) fn new(beta: f64) -> Self {
        Self {
            log_threshold: -beta.ln(),
            errors: [0.0; ERROR_HEALTH_BETS.len()],
            latency: [[0.0; LATENCY_HEALTH_BETS.len()]; HEALTH_EDGES.len()],
        }
    }

    pub(crate) fn update(&mut self, evidence: &Evidence) {
        let ceiling = self.log_threshold + SATURATION;
        let sums = self.errors.iter_mut().chain(self.latency.iter_mut().flatten());
        let news = evidence.healthy_errors.iter().chain(evidence.healthy_latency.iter().flatten());
        for (sum, news) in sums.zip(news) {
            *sum = (*sum + news).min(ceiling);
        }
    }

    pub(crate) fn log_threshold(&self) -> f64 {
        self.log_threshold
    }

    pub(crate) fn errors(&self) -> f64 {
        log_mean(&self.errors)
    }

    /// One entry for each of [`HEALTH_EDGES`].
    pub(crate) fn latency(&self) -> [f64; HEALTH_EDGES.len()] {
        [0, 1, 2].map(|edge| self.latency.get(edge).map_or(0.0, |bets| log_mean(bets)))
    }
}

fn log_mean(bets: &[f64]) -> f64 {
    log_sum(bets.iter().copied()) - (bets.len() as f64).ln()
}
