//! What log records said of blocks while a rollout was recorded.
//!
//! It has a line of its own, because it comes at its own time and says nothing of requests: those that failed are counted in
//! the lines of requests.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serin_analysis::Arm;

use crate::line::Rule;
use crate::merged::MILLIS_MAX;
use crate::number::{Count, UnixSecond};
use crate::raw;

/// Bytes of the name of a component.
const NAME_BYTES_MAX: usize = 128;

/// Failures that log records of one second name blocks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Logged {
    /// Unix time in ms at which they were merged.
    pub at_ms: u64,
    /// Unix time, in whole seconds, in which the records were written.
    pub t: u64,
    /// The component of the blocks.
    pub component: String,
    /// The arm on which it happened.
    pub arm: Arm,
    /// Failures by block.
    pub blocks: BTreeMap<String, u64>,
}

/// What log records said of blocks while the rollout was recorded.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TraceLogged")]
pub(crate) struct Raw {
    /// Unix time in ms at which the control plane merged it.
    #[schemars(range(max = 253_402_300_799_999_u64))]
    at_ms: u64,
    /// Unix time, in whole seconds, in which the records were written.
    t: UnixSecond,
    /// Name of the component, 1 to 128 bytes.
    #[schemars(length(min = 1, max = 128))]
    component: String,
    /// `baseline` or `canary`.
    arm: raw::Arm,
    /// Failures by the block that the records name.
    #[serde(deserialize_with = "raw::blocks")]
    blocks: BTreeMap<String, Count>,
}

impl Logged {
    pub(crate) fn check(raw: Raw) -> Result<Self, (&'static str, Rule)> {
        let Raw { at_ms, t: UnixSecond(t), component, arm, blocks } = raw;
        if at_ms > MILLIS_MAX {
            return Err(("at_ms", Rule::Shape("is beyond the year 9999".to_owned())));
        }
        if !(1..=NAME_BYTES_MAX).contains(&component.len()) {
            return Err(("component", Rule::Text(NAME_BYTES_MAX)));
        }
        let blocks = blocks.into_iter().map(|(block, Count(failed))| (block, failed)).collect();
        Ok(Self { at_ms, t, component, arm: arm.checked(), blocks })
    }

    pub(crate) fn raw(&self) -> Raw {
        let blocks = self.blocks.iter().map(|(block, failed)| (block.clone(), Count(*failed)));
        Raw {
            at_ms: self.at_ms,
            t: UnixSecond(self.t),
            component: self.component.clone(),
            arm: raw::Arm::of(self.arm),
            blocks: blocks.collect(),
        }
    }
}
