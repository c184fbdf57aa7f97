//! Experiments.

use serde::Serialize;

use super::{Moment, Reason, Verdict, Veto};

/// What an interval says about an arm.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Conclusion {
    /// The arm and the control may be alike.
    Undecided,
    /// The arm fails less, or is faster.
    Better,
    /// The arm fails more, or is slower.
    Worse,
    /// A word of a newer server.
    Unknown,
}

/// What an experiment compares, and what it shows so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Experiment {
    pub(crate) control: String,
    pub(crate) control_weight_ppm: u32,
    pub(crate) confidence_ppm: u32,
    /// `None`: until a person ends it.
    pub(crate) duration_s: Option<u64>,
    /// `None`: it waits.
    pub(crate) began_at: Option<Moment>,
    pub(crate) arms: Vec<ExperimentArm>,
    pub(crate) results: Vec<ExperimentResult>,
}

impl Experiment {
    /// True while at least one arm was not stopped.
    pub(crate) fn has_unstopped_arm(&self) -> bool {
        self.arms.iter().any(|arm| arm.stopped_because.is_none())
    }

    /// What is said of each component and arm.
    pub(crate) fn conclusions(&self) -> Vec<String> {
        self.results.iter().flat_map(|result| result.arms.iter().map(|arm| arm.text.clone())).collect()
    }
}

/// One arm.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ExperimentArm {
    pub(crate) name: String,
    pub(crate) version: String,
    /// 0: it does not run.
    pub(crate) weight_ppm: u32,
    pub(crate) planned_weight_ppm: u32,
    pub(crate) verdict: Verdict,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) vetoes: Vec<Veto>,
    /// `None`: it was not stopped.
    pub(crate) stopped_because: Option<String>,
    pub(crate) stopped_at: Option<Moment>,
}

/// What was counted of one component since the experiment began.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ExperimentResult {
    /// `None`: the service as a whole.
    pub(crate) component: Option<String>,
    pub(crate) control: ArmTotals,
    pub(crate) arms: Vec<ArmResult>,
}

/// What was counted of one arm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ArmTotals {
    pub(crate) requests: u64,
    pub(crate) failed: u64,
    /// Microseconds; `None` without a request that did not fail.
    pub(crate) latency_p50_us: Option<u64>,
    pub(crate) latency_p90_us: Option<u64>,
    pub(crate) latency_p99_us: Option<u64>,
}

/// One arm beside the control. `None`: nothing to compare.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ArmResult {
    pub(crate) arm: String,
    pub(crate) totals: ArmTotals,
    /// Arm minus control, as a share.
    pub(crate) error_rate: Option<ArmDifference>,
    /// Arm over control.
    pub(crate) latency_p50: Option<ArmDifference>,
    pub(crate) latency_p90: Option<ArmDifference>,
    pub(crate) latency_p99: Option<ArmDifference>,
    pub(crate) text: String,
}

/// How an arm differs from the control in one metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ArmDifference {
    /// A share for errors, microseconds for latency.
    pub(crate) control: f64,
    pub(crate) arm: f64,
    pub(crate) estimate: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) conclusion: Conclusion,
}
