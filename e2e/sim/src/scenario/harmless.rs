//! Canaries that are good enough: every rollback is false.

use super::{Bursts, Effect, Scenario, Surroundings};

const CALM: Surroundings = Surroundings {
    diurnal: 0.4,
    noise: 0.05,
    noise_correlation: 0.95,
    error_rate: 0.001,
    bursts: None,
    hosts: 10,
    jitter: 0.0,
    cluster: 1.0,
    follows_weight: false,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    let usual = CALM.with_bursts(2.5, 0.02);
    let busy = |id, about, surroundings| Scenario::new(id, about, 1_000.0, 10).surrounded(surroundings);
    let mut all = vec![
        Scenario::new("aa_a1_1rps", "1 rps, canary 10 %", 1.0, 10),
        Scenario::new("aa_a2_10rps", "10 rps, canary 10 %", 10.0, 10),
        Scenario::new("aa_a3_100rps", "100 rps, canary 10 %", 100.0, 10),
        Scenario::new("aa_a4_1000rps", "1,000 rps, canary 10 %", 1_000.0, 10),
        Scenario::new("aa_a5_10000rps", "10,000 rps, canary 10 %", 10_000.0, 10),
        Scenario::new("aa_a6_1pct", "1,000 rps, canary 1 %", 1_000.0, 1),
        Scenario::new("aa_a7_50pct", "1,000 rps, canary 50 %", 1_000.0, 50),
        busy(
            "aa_a8_heavy_bursts",
            "bursts of 5 times the latency and 10 % errors",
            CALM.with_bursts(5.0, 0.10),
        ),
        busy("aa_a9_jitter_2pct", "hosts differ by 2 %", Surroundings { jitter: 0.02, ..usual }),
        busy("aa_a10_jitter_5pct", "hosts differ by 5 %", Surroundings { jitter: 0.05, ..usual }),
        busy("aa_a11_jitter_10pct", "hosts differ by 10 %", Surroundings { jitter: 0.10, ..usual }),
        busy("aa_a12_retry_storms", "failures in clusters of 3", Surroundings { cluster: 3.0, ..usual }),
        busy("aa_a13_harmless", "latency +5 %, errors +0.03 pp: within the margins", usual)
            .tolerable(Effect::Slow { share: 1.0, factor: 1.05 })
            .tolerable(Effect::Errors(0.0003)),
        busy("aa_a14_better", "latency -20 %", usual).tolerable(Effect::Slow { share: 1.0, factor: 0.8 }),
        busy("aa_a15_margin", "latency +10 %, errors at 1.1 times +0.05 pp: on the margins", CALM)
            .tolerable(Effect::Slow { share: 1.0, factor: 1.1 })
            .tolerable(Effect::Errors(0.0006)),
    ];
    let mut cold =
        busy("aa_a16_cold_start", "latency +40 % at first, gone after some 60 s of warm-up", usual)
            .tolerable(Effect::ColdStart { by: 0.4, tau_s: 30.0 });
    cold.warm_up_s = 60;
    let mut ramp = busy(
        "aa_a17_ramp",
        "weight 1, 5, 25, 50 % while load, errors and latency of both arms rise with it",
        Surroundings { follows_weight: true, ..usual },
    );
    ramp.weights = vec![(0, 10_000), (450, 50_000), (900, 250_000), (1_350, 500_000)];
    all.extend([
        cold,
        ramp,
        busy("aa_a18_broken_account", "one account of one arm fails at each request, 0.2 rps", usual)
            .tolerable(Effect::BrokenAccount(0.2)),
        busy(
            "aa_autocorrelation",
            "latency of both arms wanders by 20 % for minutes",
            Surroundings { noise: 0.2, noise_correlation: 0.99, ..usual },
        ),
    ]);
    all
}

impl Surroundings {
    const fn with_bursts(self, slow_down: f64, errors: f64) -> Self {
        Self { bursts: Some(Bursts { slow_down, errors }), ..self }
    }
}
