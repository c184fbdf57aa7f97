//! Canaries that should be rolled back, and a few where only a hold is right.

use super::{Effect, Fault, Popularity, Scenario, Scope, Truth};
use crate::latency::doubling_p99;

const SLOW_SHARE: f64 = 0.03;
const CRASH: Effect = Effect::Errors(0.99);

pub(super) fn scenarios() -> Vec<Scenario> {
    let busy = |id, about, weight| Scenario::new(id, about, 1_000.0, weight);
    let thin = |id, about, weight| Scenario::new(id, about, 1.0, weight);
    let slow_path = Effect::Slow { share: SLOW_SHARE, factor: doubling_p99(SLOW_SHARE) };
    let errors = Effect::Errors;
    let mut all = vec![
        one_route("errors_5pct_100rps_w5", "one route of ten at 100 rps each: errors 0.1 -> 5 %", 0, 0.049),
        one_route("errors_30pct_100rps_w5", "one route of ten at 100 rps each: errors 0.1 -> 30 %", 0, 0.299),
        one_route("errors_5pct_100rps_w5_midrun", "the same, from second 600 on", 600, 0.049),
        busy("d1_errors_half_pp", "+0.5 pp errors", 10).broken(None, 0, errors(0.005)),
        busy("d2_errors_half_pp_w1", "+0.5 pp errors, canary 1 %", 1).broken(None, 0, errors(0.005)),
        busy("d3_errors_5pp_w1", "+5 pp errors, canary 1 %", 1).broken(None, 0, errors(0.05)),
        busy("d4_p99_x2_one_route", "99th percentile twice on route 5", 10).broken(
            Some(vec![4]),
            0,
            slow_path,
        ),
        busy("d5_p99_x2_one_route_w50", "the same, canary 50 %", 50).broken(Some(vec![4]), 0, slow_path),
        busy("d6_errors_20pct_one_route", "+20 pp errors on route 20", 10).broken(
            Some(vec![19]),
            0,
            errors(0.2),
        ),
        busy("d7_crash_w1", "all fail, canary 1 %", 1).broken(None, 0, CRASH),
        busy("d8_share_60pct", "60 % of the canary's requests arrive", 10).broken(
            None,
            0,
            Effect::Share(0.6),
        ),
        busy("d8_share_60pct_midrun", "the same, from second 600 on", 10).broken(
            None,
            600,
            Effect::Share(0.6),
        ),
        busy("d9_errors_2pp_late", "+2 pp errors from second 900 on", 10).broken(None, 900, errors(0.02)),
        busy("d10_leak", "latency 0 -> +60 % over 30 min; past the margin at 300 s", 10).broken(
            None,
            0,
            Effect::Ramp { by: 0.6, over_s: 1_800 },
        ),
        thin("d11_1rps_w50_errors_30pp", "1 rps, canary 50 %: +30 pp errors", 50).broken(
            None,
            0,
            errors(0.3),
        ),
        thin("d12_1rps_w10_errors_50pp", "1 rps, canary 10 %: +50 pp errors", 10).broken(
            None,
            0,
            errors(0.5),
        ),
        busy("d13_latency_30pct", "latency +30 %", 10).broken(
            None,
            0,
            Effect::Slow { share: 1.0, factor: 1.3 },
        ),
        Scenario::new("d14_10000rps_errors_half_pp", "10,000 rps: +0.5 pp errors", 10_000.0, 10).broken(
            None,
            0,
            errors(0.005),
        ),
    ];
    all.extend(unseen());
    all
}

/// Situations that the prototype of the engine never saw.
fn unseen() -> Vec<Scenario> {
    let busy = |id, about| Scenario::new(id, about, 1_000.0, 10);
    let errors = Effect::Errors;
    let every_fifth = (4..50).step_by(5).collect();
    vec![
        busy("d15_block_in_route", "a code block that a fifth of route 5 runs fails 30 %").broken(
            Some(vec![4]),
            0,
            errors(0.06),
        ),
        busy("d16_ten_routes_5pp", "+5 pp errors on 10 of 50 routes").broken(
            Some(every_fifth),
            0,
            errors(0.05),
        ),
        busy("d17_hangs_one_route", "20 % of the requests of route 5 never end").broken(
            Some(vec![4]),
            0,
            Effect::Hang(0.2),
        ),
        busy("d18_out_of_memory", "latency creeps up to twice, then hosts die for 20 s of each 120 s")
            .broken(None, 0, Effect::OutOfMemory),
        unmeasured(busy("d19_conversion_down", "conversion -20 %; no signal for it yet")),
        unmeasured(busy("d20_new_log_template", "only a new log line; no signal for it yet")),
        busy("d21_errors_one_segment", "2 % of the users fail half the time").broken(
            None,
            0,
            Effect::ErrorsOfSome { one_in: 50, share: 0.5 },
        ),
        shared(
            "d22_shared_dependency",
            "both versions +20 pp errors from second 600 on: hold, roll nothing back",
        ),
        shared(
            "d23_canary_harms_baseline",
            "the canary breaks both through a shared database: hold and page",
        ),
    ]
}

fn one_route(id: &'static str, about: &'static str, onset: u64, added: f64) -> Scenario {
    let mut scenario =
        Scenario::new(id, about, 1_000.0, 5).broken(Some(vec![3]), onset, Effect::Errors(added));
    scenario.popularity = Popularity::Even(10);
    scenario
}

/// The harm is in something that no request shows.
fn unmeasured(mut scenario: Scenario) -> Scenario {
    scenario.truth = Truth::Bad { onset: 0, scope: Scope::Version };
    scenario
}

/// Both arms suffer alike, so a rollback cannot be justified by comparison.
fn shared(id: &'static str, about: &'static str) -> Scenario {
    let mut scenario = Scenario::new(id, about, 1_000.0, 10);
    scenario.faults.push(Fault { routes: None, both_arms: true, from: 600, effect: Effect::Errors(0.2) });
    scenario
}
