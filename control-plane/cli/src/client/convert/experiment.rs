//! Experiments.

use serin_proto::admin::v1 as proto;

use super::{moment, not_zero};
use crate::model::{
    ArmDifference, ArmResult, ArmTotals, Conclusion, Experiment, ExperimentArm, ExperimentResult, Moment,
    Reason, Veto,
};

impl From<proto::Conclusion> for Conclusion {
    fn from(conclusion: proto::Conclusion) -> Self {
        match conclusion {
            proto::Conclusion::Unspecified => Self::Unknown,
            proto::Conclusion::Undecided => Self::Undecided,
            proto::Conclusion::Better => Self::Better,
            proto::Conclusion::Worse => Self::Worse,
        }
    }
}

impl From<proto::Experiment> for Experiment {
    fn from(experiment: proto::Experiment) -> Self {
        Self {
            control: experiment.control,
            control_weight_ppm: experiment.control_weight_ppm,
            confidence_ppm: experiment.confidence_ppm,
            duration_s: experiment.duration.and_then(|duration| u64::try_from(duration.seconds).ok()),
            began_at: moment!(experiment.began_at),
            arms: experiment.arms.into_iter().map(ExperimentArm::from).collect(),
            results: experiment.results.into_iter().map(ExperimentResult::from).collect(),
        }
    }
}

impl From<proto::ExperimentArm> for ExperimentArm {
    fn from(arm: proto::ExperimentArm) -> Self {
        Self {
            verdict: arm.verdict().into(),
            vetoes: arm.vetoes().map(Veto::from).collect(),
            name: arm.name,
            version: arm.version,
            weight_ppm: arm.weight_ppm,
            planned_weight_ppm: arm.planned_weight_ppm,
            reasons: arm.reasons.into_iter().map(Reason::from).collect(),
            stopped_because: Some(arm.stopped_because).filter(|because| !because.is_empty()),
            stopped_at: moment!(arm.stopped_at),
        }
    }
}

impl From<proto::ExperimentResult> for ExperimentResult {
    fn from(result: proto::ExperimentResult) -> Self {
        Self {
            component: Some(result.component).filter(|name| !name.is_empty()),
            control: totals(result.control),
            arms: result.arms.into_iter().map(ArmResult::from).collect(),
        }
    }
}

impl From<proto::ArmResult> for ArmResult {
    fn from(result: proto::ArmResult) -> Self {
        Self {
            arm: result.arm,
            totals: totals(result.totals),
            error_rate: result.error_rate.map(ArmDifference::from),
            latency_p50: result.latency_p50.map(ArmDifference::from),
            latency_p90: result.latency_p90.map(ArmDifference::from),
            latency_p99: result.latency_p99.map(ArmDifference::from),
            text: result.text,
        }
    }
}

impl From<proto::Difference> for ArmDifference {
    fn from(difference: proto::Difference) -> Self {
        Self {
            conclusion: difference.conclusion().into(),
            control: difference.control,
            arm: difference.arm,
            estimate: difference.estimate,
            low: difference.low,
            high: difference.high,
        }
    }
}

fn totals(totals: Option<proto::ArmTotals>) -> ArmTotals {
    totals.map_or_else(ArmTotals::default, |totals| ArmTotals {
        requests: totals.requests,
        failed: totals.failed,
        latency_p50_us: not_zero(totals.latency_p50_us),
        latency_p90_us: not_zero(totals.latency_p90_us),
        latency_p99_us: not_zero(totals.latency_p99_us),
    })
}
