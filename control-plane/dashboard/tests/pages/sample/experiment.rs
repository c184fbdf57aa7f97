//! An experiment of two arms.

use serin_proto::admin::v1 as api;

use super::{NOW_S, at, rollout};

pub(crate) fn experiment() -> api::Rollout {
    let totals = |requests, failed| {
        Some(api::ArmTotals {
            requests,
            failed,
            latency_p50_us: 31_000,
            latency_p90_us: 60_000,
            latency_p99_us: 124_000,
        })
    };
    let difference = |conclusion: api::Conclusion| {
        Some(api::Difference {
            control: 0.001,
            arm: 0.004,
            estimate: 0.003,
            low: 0.001,
            high: 0.006,
            conclusion: conclusion.into(),
        })
    };
    let ratio = Some(api::Difference {
        control: 31_000.0,
        arm: 30_000.0,
        estimate: 0.97,
        low: 0.92,
        high: 1.03,
        conclusion: api::Conclusion::Undecided.into(),
    });
    let mut rollout = rollout("search-9f", "search", api::Phase::Progressing, api::Verdict::Inconclusive);
    (rollout.reasons, rollout.arms, rollout.components, rollout.planned_steps, rollout.steps) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), 0);
    rollout.summary = "Comparing fast, exact with the control for 2 h 10 min; fast fails more".to_owned();
    rollout.experiment = Some(api::Experiment {
        control: "today".to_owned(),
        control_weight_ppm: 800_000,
        arms: ["fast", "exact"]
            .map(|name| api::ExperimentArm {
                name: name.to_owned(),
                version: format!("v2-{name}"),
                weight_ppm: 100_000,
                planned_weight_ppm: 100_000,
                verdict: api::Verdict::Inconclusive.into(),
                ..Default::default()
            })
            .to_vec(),
        results: vec![api::ExperimentResult {
            component: String::new(),
            control: totals(80_000, 80),
            arms: ["fast", "exact"]
                .map(|name| api::ArmResult {
                    arm: name.to_owned(),
                    totals: totals(10_000, 40),
                    error_rate: difference(if name == "fast" {
                        api::Conclusion::Worse
                    } else {
                        api::Conclusion::Undecided
                    }),
                    latency_p50: ratio,
                    latency_p90: ratio,
                    latency_p99: ratio,
                    text: "fails more than the control".to_owned(),
                })
                .to_vec(),
        }],
        confidence_ppm: 950_000,
        duration: None,
        began_at: at(NOW_S - 7_800),
    });
    rollout
}
