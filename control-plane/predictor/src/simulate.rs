//! Deployment histories that are drawn by a known law, for demonstrations and tests. The label follows from a fault that is drawn with a
//! known probability, so that the best possible prediction is known, too. docs/predict.md describes the law.

mod law;
mod text;

use serin_random::Random;

pub use text::{csv, json_lines};

/// Deployments of one history at most.
pub const COUNT_MAX: usize = 100_000;
/// Where a history begins: 2025-01-01T00:00:00Z, a Wednesday.
const BEGIN: f64 = 1_735_689_600.0;
/// Services of a history.
const SERVICES: [&str; 12] = [
    "cart", "catalog", "checkout", "delivery", "identity", "mail", "orders", "payment", "prices", "profile",
    "search", "stock",
];

/// One deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployment {
    /// When it began, seconds since the Unix epoch.
    pub at: f64,
    /// The service.
    pub service: &'static str,
    /// The facts in the order of [`crate::table::FACTS`]; NaN where missing.
    pub facts: [f64; 27],
    /// Whether it was rolled back.
    pub rolled_back: bool,
    /// The probability that it is, before anything is sent to the canary: what a perfect prediction would say.
    pub probability: f64,
}

/// A service while its history is drawn.
struct Service {
    name: &'static str,
    /// Added to the log odds of a fault.
    frailty: f64,
    /// Requests a second in the mean.
    traffic: f64,
    error_rate: f64,
    p99_ms: f64,
    last: f64,
    outcomes: Vec<bool>,
}

/// Draws `count` deployments, in the order of time; at most [`COUNT_MAX`]. The same seed gives the same ones.
#[must_use]
pub fn deployments(count: usize, seed: u64) -> Vec<Deployment> {
    let mut random = Random::new(seed, 0);
    let mut services: Vec<Service> = SERVICES.iter().map(|name| service(name, &mut random)).collect();
    let mut at = BEGIN;
    let mut found = Vec::with_capacity(count.min(COUNT_MAX));
    for _ in 0..count.min(COUNT_MAX) {
        // About ten a day; fewer at night and at weekends.
        loop {
            at += random.exponential(3_600.0);
            if random.chance(law::busy(at)) {
                break;
            }
        }
        at = at.floor();
        let chosen = random.index(services.len());
        if let Some(service) = services.get_mut(chosen) {
            found.push(law::deployment(at, service, &mut random));
        }
    }
    found
}

fn service(name: &'static str, random: &mut Random) -> Service {
    Service {
        name,
        frailty: 0.6 * random.normal(),
        traffic: random.log_normal(120.0, 1.0),
        error_rate: random.log_normal(0.002, 0.6),
        p99_ms: random.log_normal(180.0, 0.5),
        last: BEGIN - random.exponential(48.0 * 3_600.0),
        outcomes: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
