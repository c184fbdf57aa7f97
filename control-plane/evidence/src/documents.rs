//! The documents of a bundle, as they are written and read again. What a later version adds is passed over by an earlier one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serin_analysis::Signal;
use serin_rollout::UnixMillis;

/// Names of the documents.
pub mod name {
    /// [`super::Decision`].
    pub const DECISION: &str = "decision";
    /// The plan as it was given.
    pub const PLAN: &str = "plan";
    /// [`super::Assignments`].
    pub const ASSIGNMENT: &str = "assignment";
    /// What the statistics said: a judgement.
    pub const STATISTICS: &str = "statistics";
    /// What every stream of logs and users counted: [`serin_analysis::streams::Observed`].
    pub const STREAMS: &str = "streams";
    /// [`super::Path`].
    pub const PATH: &str = "path";
    /// [`super::Counts`].
    pub const COUNTS: &str = "counts";
    /// [`super::Latencies`].
    pub const LATENCIES: &str = "latencies";
    /// [`super::Environment`].
    pub const ENVIRONMENT: &str = "environment";
    /// [`super::Logs`].
    pub const LOGS: &str = "logs";
    /// What triggers, queries and health checks said: [`serin_rollout::outside::Outside`].
    pub const OUTSIDE: &str = "outside";
    /// Of an addendum: [`super::Acknowledgements`].
    pub const ACKNOWLEDGEMENTS: &str = "acknowledgements";
    /// Of an addendum: [`super::Aftermath`].
    pub const AFTERMATH: &str = "aftermath";
}

/// What was decided.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Decision {
    /// Facts of the journal, without the judgement, which is a document of its own.
    pub events: Vec<Value>,
    /// Version that carried the traffic before the rollout.
    pub baseline_version: String,
    /// Version on trial.
    pub canary_version: String,
    /// Weight of the canary before the decision, in parts per million.
    pub weight_before_ppm: u32,
    /// The same after it.
    pub weight_after_ppm: u32,
    /// Where the rollout stood before.
    pub phase_before: String,
    /// Where it stands after.
    pub phase_after: String,
    /// When the rollout was created.
    pub created_at: UnixMillis,
    /// First second of the evidence that led to the decision. `None`: there was none.
    pub onset_second: Option<u64>,
    /// Of 64 buckets of users, those that the canary served since then.
    #[serde(default)]
    pub buckets_seen: u32,
    /// Of 64 buckets of users, those with failures on the canary since then. 0 beside failures: not known.
    #[serde(default)]
    pub buckets_failed: u32,
    /// When the evidence of the present step began.
    pub evaluating_since: UnixMillis,
    /// Share of failed requests that the plan's limits allow, in parts per million.
    #[serde(default)]
    pub error_limit_ppm: u32,
}

/// What the filters were told before, and are told from now on.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Assignments {
    /// Generation before.
    pub generation_before: u64,
    /// The service's part before.
    pub before: Value,
    /// The same after. Its generation is the sequence of the decision in the journal.
    pub after: Value,
}

/// What both arms did, in slots of time.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Counts {
    /// Seconds of a slot.
    pub slot_s: u64,
    /// By time, component and arm.
    pub slots: Vec<Slot>,
}

/// What one arm of a component did in one slot.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Slot {
    /// First second.
    pub second: u64,
    /// The component.
    pub component: String,
    /// The arm.
    pub arm: String,
    /// Requests that started.
    pub started: u64,
    /// Requests that finished.
    pub finished: u64,
    /// Requests that failed, by what the plan counts as a failure.
    pub failed: u64,
    /// Of 64 buckets of users, those that were seen.
    pub buckets_seen: u32,
    /// Of 64 buckets of users, those with failures. 0 beside failures: not known.
    pub buckets_failed: u32,
}

/// How the evidence grew.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Path {
    /// By time.
    pub points: Vec<PathPoint>,
}

/// What was known at one time.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct PathPoint {
    /// When it was judged.
    pub at: UnixMillis,
    /// Newest second that was judged.
    pub second: u64,
    /// Weight of the canary.
    pub weight_ppm: u32,
    /// Baseline over the last 60 seconds.
    pub baseline: Window,
    /// Canary over the last 60 seconds.
    pub canary: Window,
    /// The version's evidence, and the strongest of its parts.
    pub series: Vec<SeriesValue>,
}

/// One arm over 60 seconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Window {
    /// Requests that started.
    pub requests: u64,
    /// Requests that failed.
    pub errors: u64,
    /// 99th percentile of latency in µs.
    pub p99_us: Option<u64>,
}

impl From<(u64, u64, Option<u64>)> for Window {
    fn from((requests, errors, p99_us): (u64, u64, Option<u64>)) -> Self {
        Self { requests, errors, p99_us }
    }
}

/// The evidence of one signal of one scope.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct SeriesValue {
    /// Empty for the version; the name of a component; `arm NAME` in an experiment.
    pub scope: String,
    /// The signal.
    pub signal: Signal,
    /// Natural logarithm of the evidence against the canary.
    pub log_evidence: f64,
    /// Where it counts as regressed.
    pub log_threshold: f64,
}

/// Latencies of the last minute.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Latencies {
    /// By component and arm.
    pub histograms: Vec<Histogram>,
}

/// Latencies of one arm of a component: requests that succeeded or were refused as wrong.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Histogram {
    /// The component.
    pub component: String,
    /// The arm.
    pub arm: String,
    /// Upper end of each bin in µs, with its requests.
    pub bins: Vec<(u64, u64)>,
}

/// What everything ran on.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Environment {
    /// Version of the control plane.
    pub serin_version: String,
    /// VMs that report, by version of the filter.
    pub filter_versions: BTreeMap<String, u64>,
    /// Living VMs.
    pub vms: u32,
    /// Of these, those that applied the assignment before.
    pub vms_applied: u32,
    /// The first of the Envoys.
    pub nodes: Vec<Node>,
    /// Envoys that are not listed.
    pub nodes_left_out: u64,
}

/// An Envoy.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Node {
    /// Node id.
    pub id: String,
    /// Its cluster.
    pub cluster: String,
    /// Version of its filter.
    pub filter_version: String,
    /// Its own version. Empty: not told.
    #[serde(default)]
    pub envoy_version: String,
    /// Newest generation that it acknowledged. 0: none.
    pub generation_acknowledged: u64,
    /// When.
    pub acknowledged_at: Option<UnixMillis>,
    /// When it reported last.
    pub reported_at: Option<UnixMillis>,
    /// Its VMs, with the generation that each applies.
    #[serde(default)]
    pub vms_by_generation: BTreeMap<u64, u64>,
}

/// A sample of log records of failures.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Logs {
    /// The newest of each component and arm, oldest first.
    pub records: Vec<LogRecord>,
    /// Records that were seen and not kept.
    pub not_kept: u64,
}

/// A log record.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct LogRecord {
    /// When it was written.
    pub second: u64,
    /// The component. Empty: not known.
    pub component: String,
    /// The arm. Empty: not known.
    pub arm: String,
    /// Block of code that it names. Empty: none.
    pub block: String,
    /// OpenTelemetry's number of its severity.
    pub severity: i32,
    /// What it says, masked and cut.
    pub text: String,
}

/// Which VMs applied a decision.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Acknowledgements {
    /// Generation of the decision.
    pub generation: u64,
    /// Milliseconds from the decision to this.
    pub after_ms: u64,
    /// Of these, those until the control plane looked again after a restart: it may have been applied meanwhile. `None`: it always
    /// looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed_after_ms: Option<u64>,
    /// Living VMs.
    pub vms: u32,
    /// Of these, those that apply it.
    pub vms_applied: u32,
    /// The first of the Envoys.
    pub nodes: Vec<Node>,
    /// Envoys that are not listed.
    pub nodes_left_out: u64,
}

/// What both arms did after a decision.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Aftermath {
    /// From the decision on.
    pub counts: Counts,
    /// Second of the decision.
    pub decided_second: u64,
    /// First second that is counted, where the control plane was restarted after the decision. `None`: all are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_from_second: Option<u64>,
    /// Last second that is looked at.
    pub until_second: u64,
}
