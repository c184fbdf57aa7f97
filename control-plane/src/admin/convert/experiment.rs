//! Experiments.

use serin_analysis::{Conclusion, Difference};
use serin_proto::admin::v1 as api;
use serin_rollout::Seen;

use super::{reason, timestamp, verdict, veto};
use crate::snapshot::{ArmResult, Experiment, ExperimentArm, ExperimentResult};

pub(super) fn experiment(experiment: &Experiment) -> api::Experiment {
    api::Experiment {
        control: experiment.control.clone(),
        control_weight_ppm: experiment.control_weight_ppm,
        arms: experiment.arms.iter().map(arm).collect(),
        results: experiment.results.iter().map(result).collect(),
        confidence_ppm: experiment.confidence_ppm,
        duration: experiment.duration_s.map(|seconds| prost_types::Duration {
            seconds: i64::try_from(seconds).unwrap_or(i64::MAX),
            nanos: 0,
        }),
        began_at: experiment.began_at.map(timestamp),
    }
}

fn arm(arm: &ExperimentArm) -> api::ExperimentArm {
    api::ExperimentArm {
        name: arm.name.clone(),
        version: arm.version.clone(),
        weight_ppm: arm.weight_ppm,
        planned_weight_ppm: arm.planned_weight_ppm,
        verdict: verdict(arm.verdict).into(),
        reasons: arm.reasons.iter().map(reason::reason).collect(),
        vetoes: arm.vetoes.iter().map(|one| veto(*one).into()).collect(),
        stopped_because: arm.stopped_because.clone().unwrap_or_default(),
        stopped_at: arm.stopped_at.map(timestamp),
    }
}

fn result(result: &ExperimentResult) -> api::ExperimentResult {
    api::ExperimentResult {
        component: result.component.clone().unwrap_or_default(),
        control: Some(totals(&result.control)),
        arms: result.arms.iter().map(arm_result).collect(),
    }
}

fn arm_result(result: &ArmResult) -> api::ArmResult {
    let comparison = &result.data.comparison;
    api::ArmResult {
        arm: result.data.name.clone(),
        totals: Some(totals(&result.data.seen)),
        error_rate: comparison.error_rate.as_ref().map(difference),
        latency_p50: comparison.p50.as_ref().map(difference),
        latency_p90: comparison.p90.as_ref().map(difference),
        latency_p99: comparison.p99.as_ref().map(difference),
        text: result.text.clone(),
    }
}

fn totals(seen: &Seen) -> api::ArmTotals {
    api::ArmTotals {
        requests: seen.requests,
        failed: seen.failed,
        latency_p50_us: seen.p50_us.unwrap_or_default(),
        latency_p90_us: seen.p90_us.unwrap_or_default(),
        latency_p99_us: seen.p99_us.unwrap_or_default(),
    }
}

fn difference(difference: &Difference) -> api::Difference {
    let conclusion = match difference.conclusion {
        Conclusion::Undecided => api::Conclusion::Undecided,
        Conclusion::Better => api::Conclusion::Better,
        Conclusion::Worse => api::Conclusion::Worse,
    };
    api::Difference {
        control: difference.control,
        arm: difference.arm,
        estimate: difference.interval.estimate,
        low: difference.interval.low,
        high: difference.interval.high,
        conclusion: conclusion.into(),
    }
}
