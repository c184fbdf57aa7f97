//! The assignment: what the control plane tells every filter, as JSON inside Envoy's extension configuration.
//!
//! [`raw`] mirrors the JSON one to one. [`Assignment`] and its parts are the same facts after every rule was
//! checked: a value of these types cannot name an arm that does not exist, split more than the whole traffic or
//! exceed a bound. [`parse`] goes from bytes to [`Assignment`] and names the field and the rule of what it
//! refuses; [`Assignment::to_json`] goes back.
//!
//! It holds no state and decides nothing: `serin-filter-core` turns a request into an arm.

mod check;
mod error;
pub mod raw;
mod types;

pub use error::{AssignmentError, Rule};
pub use types::{
    Anonymous, ArmIndex, Assignment, Block, Component, Condition, Generation, Granularity, HeaderValue,
    HostPattern, Identity, IssuedCookie, KeySource, Match, PathPattern, ReportSettings, RoutingRule, Salt,
    Segment, Service, Share, Train, Weight,
};

/// Arm that carries the traffic when nothing else is said.
pub const BASELINE: &str = "baseline";
/// Arm on trial.
pub const CANARY: &str = "canary";
/// Component of requests that no component of their service matches.
pub const UNMATCHED: &str = "unmatched";
/// Component under which the filter records what exceeds its bound.
pub const OVERFLOW: &str = "overflow";
/// Request header that names the arm; absent for the baseline.
pub const ARM_HEADER: &str = "x-serin-arm";

/// Response header by which a service names the blocks that failed, separated by commas.
pub const BLOCK_ERROR_HEADER: &str = "x-serin-block-error";
/// Request header that carries the versions of restored blocks (W3C Baggage).
pub const BAGGAGE_HEADER: &str = "baggage";
/// What the key of a block's baggage member begins with; the block's name follows.
pub const BLOCK_BAGGAGE_PREFIX: &str = "serin.block.";

/// Key of the baggage member by which a user of a train stays on the canary.
pub const TRAIN_BAGGAGE: &str = "serin.train";

/// Path of the requests by which browsers tell of page views.
pub const BEACON_PATH: &str = "/.well-known/serin/beacon";
/// What follows on that path in requests that tell of page views as OTLP log records.
pub const BEACON_LOGS: &str = "/v1/logs";

/// Version of the JSON form.
pub const FORMAT_VERSION: u32 = 1;

/// Bounds of an assignment. What exceeds one is refused.
pub mod bounds {
    /// Bytes of the JSON text.
    pub const JSON_BYTES: usize = 4 * 1024 * 1024;
    /// Services.
    pub const SERVICES: usize = 256;
    /// Components of all services together.
    pub const COMPONENTS: usize = 2_000;
    /// Matches of one component.
    pub const MATCHES: usize = 32;
    /// Routing rules of one service.
    pub const RULES: usize = 256;
    /// Values of one list: users, countries, hosts, methods, key sources.
    pub const LIST: usize = 10_000;
    /// Arms of one service, baseline included.
    pub const ARMS: usize = 16;
    /// Bytes of a name: service, component, arm, rollout.
    pub const NAME_BYTES: usize = 64;
    /// Bytes of any other text: header names and values, paths, user ids.
    pub const TEXT_BYTES: usize = 1_024;
    /// Segments of a path template.
    pub const SEGMENTS: usize = 64;
    /// Blocks of one component.
    pub const BLOCKS: usize = 32;
    /// Bytes of a version label.
    pub const VERSION_BYTES: usize = 128;
}

/// Parses an assignment.
///
/// # Errors
/// Names the field as a path such as `services[0].components[2].matches[0].path` and the rule that it breaks. Any bytes
/// give a value or an error.
pub fn parse(json: &[u8]) -> Result<Assignment, AssignmentError> {
    if json.len() > bounds::JSON_BYTES {
        return Err(AssignmentError::new("", Rule::TooLong { limit: bounds::JSON_BYTES }));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let raw: raw::Assignment = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| AssignmentError::syntax(&error.path().to_string(), error.inner()))?;
    deserializer.end().map_err(|error| AssignmentError::syntax("", &error))?;
    Assignment::try_from(raw)
}

impl Assignment {
    /// The JSON form, the one that [`parse`] reads.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(&raw::Assignment::from(self)).unwrap_or_default()
    }
}

/// JSON Schema of the JSON form.
#[cfg(feature = "schema")]
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(raw::Assignment).to_value()
}

#[cfg(test)]
mod tests;
