//! What the fleet measured, as it enters the engine.

use serde::{Deserialize, Serialize};

use crate::histogram::LatencyHistogram;
use crate::users::UserMasks;
use crate::verdict::Category;

/// Position of a component in the list that the engine was created with.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct ComponentIndex(pub usize);

/// The two versions that are compared.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// The version that serves today.
    Baseline,
    /// The version that should replace it.
    Canary,
}

impl Arm {
    /// Its name in interfaces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Canary => "canary",
        }
    }
}

/// One value for each arm.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ByArm<T> {
    /// The baseline's value.
    pub baseline: T,
    /// The canary's value.
    pub canary: T,
}

impl<T> ByArm<T> {
    /// The value of `arm`.
    pub fn of(&self, arm: Arm) -> &T {
        match arm {
            Arm::Baseline => &self.baseline,
            Arm::Canary => &self.canary,
        }
    }

    /// The value of `arm`, to be changed.
    pub fn of_mut(&mut self, arm: Arm) -> &mut T {
        match arm {
            Arm::Baseline => &mut self.baseline,
            Arm::Canary => &mut self.canary,
        }
    }
}

/// Finished requests by outcome. Each request is counted once.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Outcomes {
    /// Succeeded.
    pub ok: u64,
    /// The caller was to blame (4xx). Counts against a version only where [`crate::config::Failures`] says so.
    pub client_error: u64,
    /// The service failed (5xx).
    pub server_error: u64,
    /// The service did not answer in time.
    pub timeout: u64,
    /// No connection to the service could be made.
    pub connect_failure: u64,
    /// The service broke the connection before the response ended.
    pub reset: u64,
    /// Refused for load.
    pub overload: u64,
    /// The client went away. Counts against a version only where [`crate::config::Failures`] says so.
    pub cancelled: u64,
}

impl Outcomes {
    /// Those of one category of failures.
    pub fn of(&self, category: Category) -> u64 {
        match category {
            Category::ServerError => self.server_error,
            Category::Timeout => self.timeout,
            Category::ConnectFailure => self.connect_failure,
            Category::Reset => self.reset,
            Category::Overload => self.overload,
            Category::ClientError => self.client_error,
            Category::Cancelled => self.cancelled,
        }
    }

    /// All finished requests.
    pub fn finished(&self) -> u64 {
        [
            self.ok,
            self.client_error,
            self.server_error,
            self.timeout,
            self.connect_failure,
            self.reset,
            self.overload,
            self.cancelled,
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }
}

/// What one source measured since its previous report, for the requests of one component and arm that started in
/// one second. Merging is addition, and OR of the masks.
///
/// How many requests are still open is not part of it: that is `started` minus what finished, summed over all
/// increments. A level sent along could not be merged in any order.
#[derive(Clone, Debug, PartialEq)]
pub struct Increment {
    /// The component that the requests belong to.
    pub component: ComponentIndex,
    /// Unix time, in whole seconds, in which the requests started.
    pub start_second: u64,
    /// The arm that served them.
    pub arm: Arm,
    /// Opaque identity of the reporter: one life of one VM of one proxy.
    pub source: u64,
    /// Requests that started.
    pub started: u64,
    /// Requests that finished.
    pub outcomes: Outcomes,
    /// Latency of the requests that finished with outcome `ok` or `client_error`. Absent: none.
    pub latency: Option<LatencyHistogram>,
    /// Whose requests they were.
    pub users: UserMasks,
}

/// Failed requests of one component and arm that started in one second and named one block of its code. They are among
/// the outcomes of an [`Increment`] too. Merging is addition.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BlockFailures {
    /// The component that the requests belong to.
    pub component: ComponentIndex,
    /// Unix time, in whole seconds, in which the requests started.
    pub start_second: u64,
    /// The arm that served them.
    pub arm: Arm,
    /// Position of the block in the component's list.
    pub block: usize,
    /// How many failed.
    pub failed: u64,
    /// Who named the block.
    pub named_by: NamedBy,
}

/// Who named the block that failed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NamedBy {
    /// The response: it stands in the second in which its request started.
    Response,
    /// A log record: it stands in the second in which it was written, and comes later than the response is counted.
    Log,
}

/// What a sample of the requests of one upstream host saw, for one component and arm and the requests that started in
/// one second. Merging is addition.
#[derive(Clone, Debug, PartialEq)]
pub struct HostSample {
    /// The component that the requests belong to.
    pub component: ComponentIndex,
    /// Unix time, in whole seconds, in which the requests started.
    pub start_second: u64,
    /// The arm that served them.
    pub arm: Arm,
    /// Hash of the host's address.
    pub host: u64,
    /// One in this many requests was sampled; 1: every one. 0 counts as 1.
    pub one_in: u32,
    /// Sampled requests that finished.
    pub requests: u64,
    /// Of these, those that failed.
    pub failed: u64,
    /// Latency of the sampled requests that did not fail. Absent: none.
    pub latency: Option<LatencyHistogram>,
}
