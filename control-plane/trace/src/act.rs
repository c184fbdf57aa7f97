//! What a person did to a rollout while it was recorded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serin_rollout::{Command, Order, REASON_BYTES, RollbackScope, Weight};

use crate::line::Rule;
use crate::merged::MILLIS_MAX;
use crate::number::Count;

/// Bytes of the name of a person, and of a component.
const NAME_BYTES_MAX: usize = 128;

/// What a person did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Act {
    /// Unix time in ms at which it took effect.
    pub at_ms: u64,
    /// What was asked for, by whom and why.
    pub command: Command,
}

/// What a person did while the rollout was recorded.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TraceAct")]
pub(crate) struct Raw {
    /// Unix time in ms at which it took effect.
    #[schemars(range(max = 253_402_300_799_999_u64))]
    at_ms: u64,
    /// Who, 1 to 128 bytes.
    #[schemars(length(min = 1, max = 128))]
    actor: String,
    /// What was asked for.
    order: RawOrder,
    /// The weight that was set, in parts per million: `set_weight` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<u32>", range(max = 1_000_000))]
    weight_ppm: Option<Count>,
    /// The component that was rolled back, 1 to 128 bytes: `rollback` only. Absent: the whole version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    component: Option<String>,
    /// The block that was rolled back, 1 to 128 bytes: `rollback` only, and not together with `component`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    block: Option<String>,
    /// Why, at most 1,000 bytes; may be empty for `resume`.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    reason: String,
}

/// As on the command line.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TraceOrder")]
enum RawOrder {
    /// The canary's weight was set; the rollout holds until it is resumed.
    SetWeight,
    /// The rollout was held.
    Pause,
    /// The rollout went on.
    Resume,
    /// The canary got its full weight.
    Promote,
    /// All users of a promoted version returned to the baseline's endpoint.
    HandOver,
    /// Windows of the plan's calendar were overridden.
    OverrideWindows,
    /// The version, or a component, returned to the baseline.
    Rollback,
}

impl Act {
    pub(crate) fn check(raw: Raw) -> Result<Self, (&'static str, Rule)> {
        let Raw { at_ms, actor, order, weight_ppm, component, block, reason } = raw;
        if at_ms > MILLIS_MAX {
            return Err(("at_ms", Rule::Shape("is beyond the year 9999".to_owned())));
        }
        let fits = |text: &str| (1..=NAME_BYTES_MAX).contains(&text.len());
        if !fits(&actor) {
            return Err(("actor", Rule::Text(NAME_BYTES_MAX)));
        }
        for (field, name) in [("component", &component), ("block", &block)] {
            if name.as_deref().is_some_and(|name| !fits(name)) {
                return Err((field, Rule::Text(NAME_BYTES_MAX)));
            }
        }
        if reason.len() > REASON_BYTES {
            return Err(("reason", Rule::Shape(format!("exceeds {REASON_BYTES} bytes"))));
        }
        let only = |field, order| (field, Rule::Shape(format!("must be given for {order}, and only there")));
        let weight = weight_ppm.map(|Count(ppm)| u32::try_from(ppm).ok().and_then(Weight::from_ppm));
        let weight = weight.map(|weight| weight.ok_or(("weight_ppm", Rule::Weight))).transpose()?;
        if weight.is_some() && order != RawOrder::SetWeight {
            return Err(only("weight_ppm", "set_weight"));
        }
        if component.is_some() && order != RawOrder::Rollback {
            return Err(only("component", "rollback"));
        }
        if block.is_some() && (order != RawOrder::Rollback || component.is_some()) {
            return Err(only("block", "rollback without component"));
        }
        let order = match order {
            RawOrder::SetWeight => Order::SetWeight(weight.ok_or_else(|| only("weight_ppm", "set_weight"))?),
            RawOrder::Pause => Order::Pause,
            RawOrder::Resume => Order::Resume,
            RawOrder::Promote => Order::Promote,
            RawOrder::HandOver => Order::HandOver,
            RawOrder::OverrideWindows => Order::OverrideWindows,
            RawOrder::Rollback => Order::Rollback { scope: scope(component, block) },
        };
        Ok(Self { at_ms, command: Command { order, actor, reason } })
    }

    pub(crate) fn raw(&self) -> Raw {
        let Command { order, actor, reason } = &self.command;
        let (mut weight, mut component, mut block) = (None, None, None);
        let order = match order {
            Order::SetWeight(set) => {
                weight = Some(set);
                RawOrder::SetWeight
            }
            Order::Pause => RawOrder::Pause,
            // Approvals are not recorded: on paper hooks do what they should.
            Order::Resume | Order::Approve(_) => RawOrder::Resume,
            Order::Promote => RawOrder::Promote,
            Order::HandOver => RawOrder::HandOver,
            Order::OverrideWindows => RawOrder::OverrideWindows,
            Order::Rollback { scope } => {
                match scope {
                    // No experiment is recorded.
                    RollbackScope::Version | RollbackScope::Arm(_) => {}
                    RollbackScope::Component(name) => component = Some(name.clone()),
                    RollbackScope::Block(name) => block = Some(name.clone()),
                }
                RawOrder::Rollback
            }
        };
        Raw {
            at_ms: self.at_ms,
            actor: actor.clone(),
            order,
            weight_ppm: weight.map(|weight| Count(u64::from(weight.ppm()))),
            component,
            block,
            reason: reason.clone(),
        }
    }
}

fn scope(component: Option<String>, block: Option<String>) -> RollbackScope {
    match (component, block) {
        (_, Some(block)) => RollbackScope::Block(block),
        (Some(component), None) => RollbackScope::Component(component),
        (None, None) => RollbackScope::Version,
    }
}
