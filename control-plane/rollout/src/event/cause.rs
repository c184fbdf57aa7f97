//! Why a decision was taken.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serin_analysis::Signal;
use serin_analysis::streams::Source;
use serin_proto::assignment::Weight;

use super::{Beyond, Dependents};
use crate::HoldReason;
use crate::plan::HookPoint;

/// Why a decision was taken.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Cause {
    /// The evidence against these components crossed its threshold.
    ComponentsRegressed {
        /// Their names, sorted.
        components: Vec<String>,
    },
    /// A component regressed, and these blocks of its code are at fault.
    BlocksAtFault {
        /// The component.
        component: String,
        /// Their names, strongest evidence first.
        blocks: Vec<String>,
    },
    /// The evidence against the version crossed its threshold.
    VersionRegressed,
    /// What a source beside the requests tells of the version crossed its threshold.
    Told {
        /// The source.
        source: Source,
        /// What it tells, in words, strongest evidence first.
        findings: Vec<String>,
    },
    /// The evidence is against a component whose rollback undoes the whole version.
    CoarseComponent {
        /// Its name.
        component: String,
    },
    /// A component cannot work without one that regressed, and its rollback undoes the whole version.
    CoarseDependent {
        /// Its name.
        component: String,
        /// Those that regressed, sorted.
        regressed: Vec<String>,
    },
    /// Too much of the traffic belongs to components that are or would be rolled back.
    TooManyComponents {
        /// Those components, sorted.
        components: Vec<String>,
        /// Those of them that only cannot work without others, each with these.
        #[serde(default)]
        dependents: Dependents,
        /// Their part of the traffic.
        #[serde(with = "crate::text::ppm")]
        traffic_ppm: Weight,
        /// The limit that is exceeded.
        #[serde(default)]
        beyond: Beyond,
    },
    /// Components of another service returned to the baseline, which some of this one cannot work without.
    OtherService {
        /// Those that returned, as `SERVICE/COMPONENT`, sorted.
        returned: Vec<String>,
    },
    /// Nothing is proved yet, but a limit of the plan's forecast will be exceeded.
    #[serde(alias = "foreseen")]
    Predicted {
        /// Components that it is about, sorted. Empty: the whole version.
        components: Vec<String>,
        /// The signal that gets worse.
        signal: Signal,
    },
    /// A trigger of the plan fired.
    Trigger {
        /// Its name.
        trigger: String,
        /// The component that it is about. `None`: the version.
        #[serde(default)]
        component: Option<String>,
        /// What was seen, in words.
        detail: String,
    },
    /// A health check says that the canary is unhealthy.
    Unhealthy {
        /// Its name.
        check: String,
        /// The component that it is about. `None`: the version.
        #[serde(default)]
        component: Option<String>,
        /// What was seen, in words.
        detail: String,
    },
    /// A limit was exceeded for too long at full weight, where no baseline runs beside the canary.
    LimitSustained {
        /// The reason for holding at that time.
        breach: HoldReason,
    },
    /// At full weight long enough and within all limits.
    WithinLimits,
    /// The evidence against these arms of an experiment crossed its threshold.
    ArmsRegressed {
        /// Their names, sorted.
        arms: Vec<String>,
    },
    /// A policy of the plan asks for it.
    Policy {
        /// Its name.
        name: String,
        /// What it read.
        values: BTreeMap<String, String>,
    },
    /// No arm of an experiment runs any more.
    AllArmsStopped,
    /// An experiment ran as long as its plan says.
    DurationOver {
        /// The plan's duration in seconds.
        duration_s: u64,
    },
    /// The train that it is part of.
    Train {
        /// Identifier of the train.
        train: String,
        /// Why.
        because: String,
    },
    /// A person asked for it.
    Person {
        /// The reason given.
        reason: String,
    },
    /// A hook failed that is worth a rollback to the plan.
    HookFailed {
        /// Its point.
        point: HookPoint,
        /// Its name.
        name: String,
    },
}
