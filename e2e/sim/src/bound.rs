//! The least mean delay that any rule can have which rolls back a good version with probability alpha at most.
//!
//! Lorden and Wald: `ln(1/alpha) / I`, where `I` is the information a second: the Kullback-Leibler divergence of what
//! happens from the nearest situation that is within the margins. One of fifty routes has a fiftieth of alpha.
//! It is given where the divergence has one free parameter, for errors and for the share of traffic; it takes the
//! mean load, and neither bursts nor overdispersion, so with those it is too low, never too high.

use serin_analysis::RawEngineConfig;

use crate::scenario::{Effect, Scenario, Scope, Truth};

/// A share of traffic down to this part of its due is within the margin.
const LEAST_SHARE: f64 = 0.9;

/// The bound in seconds. `None`: it is not computed for this kind of fault.
pub fn information_bound_s(scenario: &Scenario) -> Option<f64> {
    let Truth::Bad { scope, .. } = &scenario.truth else { return None };
    if scenario.is_alone() {
        return None;
    }
    let ([fault], [(_, ppm)]) = (scenario.faults.as_slice(), scenario.weights.as_slice()) else {
        return None;
    };
    let (share, routes) = match scope {
        Scope::Version => (1.0, 1),
        Scope::Routes(routes) => match routes.as_slice() {
            [only] => (*scenario.popularity.shares().get(*only)?, scenario.popularity.routes()),
            _ => return None,
        },
    };
    let weight = f64::from(*ppm) / 1e6;
    let (baseline, canary) = (scenario.rps * share * (1.0 - weight), scenario.rps * share * weight);
    let information = match fault.effect {
        Effect::Errors(added) => of_errors(baseline, canary, scenario.surroundings.error_rate, added),
        Effect::ErrorsOfSome { one_in, share } => {
            let added = share / f64::from(one_in);
            of_errors(baseline, canary, scenario.surroundings.error_rate, added)
        }
        Effect::Share(arrives) => of_share(baseline, canary, arrives),
        Effect::Slow { .. }
        | Effect::Ramp { .. }
        | Effect::ColdStart { .. }
        | Effect::Hang(_)
        | Effect::OutOfMemory
        | Effect::BrokenAccount(_) => return None,
    };
    let alpha = RawEngineConfig::default().alpha;
    Some((routes as f64 / alpha).ln() / information)
}

/// Nats a second, from requests a second of both arms.
fn of_errors(baseline: f64, canary: f64, rate: f64, added: f64) -> f64 {
    let margins = RawEngineConfig::default().margins;
    let bad = 1.0 - (1.0 - rate) * (1.0 - added);
    let distance = |log_rate: f64| {
        let good = log_rate.exp();
        let allowed = (margins.error_ratio * good + margins.error_absolute).min(1.0 - 1e-12);
        baseline * divergence(rate, good) + canary * divergence(bad, allowed)
    };
    least(distance, 1e-9_f64.ln(), 0.9_f64.ln())
}

/// Both arms' loads are free, their ratio is not.
fn of_share(baseline: f64, canary: f64, arrives: f64) -> f64 {
    let arriving = canary * arrives;
    let due = LEAST_SHARE * canary / (baseline + LEAST_SHARE * canary);
    (baseline + arriving) * divergence(arriving / (baseline + arriving), due)
}

/// Of one Bernoulli variable from another.
fn divergence(of: f64, from: f64) -> f64 {
    let part = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
    part(of, from) + part(1.0 - of, 1.0 - from)
}

/// The least value of a function with one minimum, by golden section.
fn least(value: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let golden = (5_f64.sqrt() - 1.0) / 2.0;
    for _ in 0..200 {
        let (left, right) = (high - golden * (high - low), low + golden * (high - low));
        if value(left) < value(right) { high = right } else { low = left }
    }
    value(f64::midpoint(low, high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::by_id;

    /// Values of an independent implementation that minimises over a grid.
    #[test]
    fn bounds_are_those_computed_elsewhere() {
        for (id, seconds) in BOUNDS {
            let bound = information_bound_s(by_id(id).unwrap()).unwrap();
            assert!((bound / seconds - 1.0).abs() < 1e-3, "{id}: {bound}");
        }
        assert_eq!(information_bound_s(by_id("aa_a4_1000rps").unwrap()), None);
    }

    const BOUNDS: [(&str, f64); 4] = [
        ("d1_errors_half_pp", 14.9854),
        ("d3_errors_5pp_w1", 3.7584),
        ("d6_errors_20pct_one_route", 18.0668),
        ("d8_share_60pct", 0.8834),
    ];
}
