//! The law of one deployment: facts, fault, what the canary shows, outcome.

use super::{Deployment, Service};
use crate::model::sigmoid;
use serin_random::Random;

/// The chance that a fault leads to a rollback.
const FOUND: f64 = 0.95;
/// The chance of a rollback without a fault.
const FALSE_ALARM: f64 = 0.01;
/// Log odds of a fault of a deployment whose facts are all usual.
const USUAL: f64 = -4.1;

/// Hour of the day, and day of the week from 1 (Monday) to 7, in UTC.
fn clock(at: f64) -> (f64, f64) {
    let day = (at / 86_400.0).floor();
    // 1970-01-01 was a Thursday.
    ((at / 3_600.0).floor() % 24.0, (day + 3.0) % 7.0 + 1.0)
}

/// How likely somebody deploys at this time, beside the busiest one.
pub(super) fn busy(at: f64) -> f64 {
    let (hour, weekday) = clock(at);
    let day = if (8.0..19.0).contains(&hour) { 1.0 } else { 0.15 };
    if weekday > 5.0 { 0.2 * day } else { day }
}

/// The change itself.
struct Change {
    added: f64,
    deleted: f64,
    files: f64,
    directories: f64,
    entropy: f64,
    services: f64,
    migrations: f64,
    dependencies: f64,
    configs: f64,
    tests_passed: f64,
    coverage: f64,
}

fn change(random: &mut Random) -> Change {
    let size = random.log_normal(60.0, 1.3).max(1.0);
    let part = 0.55 + 0.4 * random.unit();
    let files = (1.0 + size.sqrt() * random.log_normal(0.45, 0.5)).round().min(400.0);
    let directories = (1.0 + (files - 1.0) * (0.15 + 0.5 * random.unit())).round();
    Change {
        added: (size * part).round(),
        deleted: (size * (1.0 - part)).round(),
        files,
        directories,
        entropy: libm::log2(files) * (0.6 + 0.4 * random.unit()),
        services: 1.0 + f64::from(random.poisson(if size > 300.0 { 0.6 } else { 0.08 })),
        migrations: f64::from(random.poisson(0.08)),
        dependencies: f64::from(random.poisson(0.35)),
        configs: f64::from(random.poisson(0.5)),
        tests_passed: 1.0 - if random.chance(0.12) { random.exponential(0.01).min(0.2) } else { 0.0 },
        coverage: 1.2 * random.normal() - if random.chance(0.15) { random.exponential(2.0) } else { 0.0 },
    }
}

/// How many of the last ten deployments were rolled back.
fn recent(outcomes: &[bool]) -> f64 {
    outcomes.iter().rev().take(10).filter(|bad| **bad).count() as f64
}

/// Log odds of a fault, by what is known before staging.
fn log_odds(change: &Change, service: &Service, at: f64, recent: f64) -> f64 {
    let (hour, weekday) = clock(at);
    let size = libm::log(change.added + change.deleted + 1.0) - libm::log(61.0);
    let night = if (7.0..20.0).contains(&hour) { 0.0 } else { 0.5 };
    let friday = if weekday >= 5.0 && hour >= 15.0 { 0.6 } else { 0.0 };
    // A migration in a large change is worse than both alone.
    let together = if change.migrations > 0.0 && size > 0.5 { 1.1 } else { 0.0 };
    let rest = ((at - service.last) / 3_600.0 / 168.0).min(2.0);
    USUAL
        + service.frailty
        + 0.65 * size
        + 0.22 * change.entropy
        + 0.35 * (change.services - 1.0)
        + 0.7 * change.migrations.min(2.0)
        + together
        + 0.45 * change.dependencies.min(3.0)
        + 0.3 * change.configs.min(3.0)
        + 30.0 * (1.0 - change.tests_passed)
        - 0.18 * change.coverage.min(1.0)
        + 0.22 * recent
        + 0.35 * rest
        + night
        + friday
}

/// What staging shows: ratios that rise with a fault, or nothing where it did not run.
fn staging(fault: bool, random: &mut Random) -> [f64; 4] {
    if random.chance(0.08) {
        return [f64::NAN; 4];
    }
    let worse = if fault { random.exponential(0.10) } else { 0.0 };
    let errors = if fault && random.chance(0.4) { random.exponential(0.004) } else { 0.0 };
    [
        random.log_normal(1.0 + worse, 0.08),
        random.log_normal(0.001, 0.5) + errors,
        random.log_normal(1.0 + 0.5 * worse, 0.10),
        random.log_normal(1.0 + 0.4 * worse, 0.09),
    ]
}

/// What the canary shows in its first two minutes.
fn canary(fault: bool, traffic: f64, random: &mut Random) -> [f64; 5] {
    let seen = fault && random.chance(0.7);
    let scale = libm::exp(-0.5 * libm::log((traffic / 120.0).max(0.05)));
    let worse = if seen { random.exponential(0.25) } else { 0.0 };
    let errors = if seen && random.chance(0.6) { random.exponential(0.01) } else { 0.0 };
    [
        errors + 0.001 * scale * random.normal(),
        random.log_normal(1.0 + worse, 0.05 * scale),
        random.log_normal(1.0 + 1.5 * worse, 0.12 * scale),
        (if seen { 2.0 + random.exponential(4.0) } else { -0.5 }) + random.normal(),
        (if seen && random.chance(0.3) { random.exponential(1.5) } else { 0.0 }) + 0.2 * random.normal(),
    ]
}

/// Draws a deployment of a service, and lets the service remember it.
pub(super) fn deployment(at: f64, service: &mut Service, random: &mut Random) -> Deployment {
    let change = change(random);
    let recent = recent(&service.outcomes);
    let hours = (at - service.last) / 3_600.0;
    let chance = sigmoid(log_odds(&change, service, at, recent));
    let fault = random.chance(chance);
    let rolled_back = random.chance(if fault { FOUND } else { FALSE_ALARM });
    let (hour, weekday) = clock(at);
    let traffic = service.traffic * (0.4 + 0.6 * busy(at)) * random.log_normal(1.0, 0.15);
    let [latency, errors, cpu, memory] = staging(fault, random);
    let [difference, ratio, p99, evidence, slope] = canary(fault, traffic, random);
    let coverage = if random.chance(0.05) { f64::NAN } else { change.coverage };
    let facts = [
        change.added,
        change.deleted,
        change.files,
        change.directories,
        rounded(change.entropy, 2),
        change.services,
        change.migrations,
        change.dependencies,
        change.configs,
        rounded(change.tests_passed, 4),
        rounded(coverage, 2),
        rounded(hours, 1),
        recent,
        hour,
        weekday,
        rounded(service.error_rate * random.log_normal(1.0, 0.2), 5),
        rounded(service.p99_ms * random.log_normal(1.0, 0.1), 1),
        rounded(traffic, 1),
        rounded(latency, 3),
        rounded(errors, 5),
        rounded(cpu, 3),
        rounded(memory, 3),
        rounded(difference, 5),
        rounded(ratio, 3),
        rounded(p99, 3),
        rounded(evidence, 2),
        rounded(slope, 2),
    ];
    service.last = at;
    service.outcomes.push(rolled_back);
    let probability = rounded(FOUND * chance + FALSE_ALARM * (1.0 - chance), 5);
    Deployment { at, service: service.name, facts, rolled_back, probability }
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10.0_f64.powi(digits);
    (value * scale).round() / scale
}
