//! Canaries without a baseline beside them: all requests at once, the first deployment, a route that only the canary has.

use super::{Baseline, Effect, Popularity, Scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    let cut_over = |id, about| Scenario::new(id, about, 1_000.0, 100);
    let first = |id, about, rps| Scenario::new(id, about, rps, 100).beside(Baseline::Nowhere);
    let slow = |factor| Effect::Slow { share: 1.0, factor };
    let mut cold =
        cut_over("aa_cut_over_cold_start", "all requests at once; latency +40 % at first, 60 s of warm-up")
            .tolerable(Effect::ColdStart { by: 0.4, tau_s: 30.0 });
    cold.warm_up_s = 60;
    vec![
        cut_over("aa_cut_over", "all requests at once, compared with what is usual"),
        Scenario::new("aa_cut_over_10rps", "the same at 10 rps", 10.0, 100),
        cold,
        first("aa_first_deploy", "the first deployment, compared with the plan's limits", 1_000.0),
        first("aa_first_deploy_10rps", "the same at 10 rps", 10.0),
        new_route("aa_new_route", "one route of ten that only the canary has"),
        cut_over("cut_over_errors_5pp", "all requests at once: +5 pp errors").broken(
            None,
            0,
            Effect::Errors(0.05),
        ),
        cut_over("cut_over_errors_2pp", "all requests at once: +2 pp errors").broken(
            None,
            0,
            Effect::Errors(0.02),
        ),
        cut_over("cut_over_errors_20pct_one_route", "all requests at once: +20 pp errors on route 20")
            .broken(Some(vec![19]), 0, Effect::Errors(0.2)),
        cut_over("cut_over_errors_5pp_midrun", "all requests at once: +5 pp errors from second 900 on")
            .broken(None, 900, Effect::Errors(0.05)),
        cut_over("cut_over_latency_60pct", "all requests at once: latency +60 %").broken(None, 0, slow(1.6)),
        Scenario::new("cut_over_crash_10rps", "10 rps, all at once: all fail", 10.0, 100).broken(
            None,
            0,
            Effect::Errors(0.99),
        ),
        first("first_deploy_errors_5pp", "the first deployment: 5 % errors where 1 % is allowed", 1_000.0)
            .broken(None, 0, Effect::Errors(0.05)),
        first("first_deploy_slow", "the first deployment: ten times slower than others", 1_000.0).broken(
            None,
            0,
            slow(10.0),
        ),
        new_route("new_route_errors_5pct", "one route of ten that only the canary has: 5 % errors").broken(
            Some(vec![3]),
            0,
            Effect::Errors(0.05),
        ),
    ]
}

fn new_route(id: &'static str, about: &'static str) -> Scenario {
    let mut scenario = Scenario::new(id, about, 1_000.0, 50).beside(Baseline::ExceptOn(vec![3]));
    scenario.popularity = Popularity::Even(10);
    scenario
}
