//! A block as a flag, and which of its versions is in force where. The feature of a component, which is switched off when
//! what it needs returns to the baseline, is a block with the versions `on` and `off`.
//!
//! The table of docs/switch-a-block.md is [`Flag::version`]. Whoever cannot say where it runs gets the new version only
//! once the rollout is promoted: the older one is known to work. Nothing here chooses for a single request; that is
//! what the filter's baggage does.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;
use serin_rollout::Phase;
use serin_rollout::plan::FlagValue;

use super::context::{Arm, Context};
use super::failure::{Failure, quoted};
use crate::snapshot::{Block, Component, Snapshot};

/// Version of a feature that is not switched off.
const ON: &str = "on";
/// Version of a feature that is switched off, as requests carry it.
const OFF: &str = "off";
/// Values of a feature.
static FEATURE: LazyLock<BTreeMap<String, FlagValue>> = LazyLock::new(|| {
    [(ON, true), (OFF, false)].map(|(version, on)| (version.to_owned(), FlagValue::Bool(on))).into()
});

/// A block or the feature of a component of the newest rollout of its service.
#[derive(Clone, Debug)]
pub struct Flag<'a> {
    /// Service.
    pub service: &'a str,
    /// Component that it is part of.
    pub component: &'a str,
    /// Its name, the flag's key.
    pub name: &'a str,
    /// Identifier of the rollout.
    pub rollout: &'a str,
    /// Version of the service that runs on the baseline.
    pub baseline_version: &'a str,
    /// Version of the service that runs on the canary.
    pub canary_version: &'a str,
    /// Its version in the canary.
    pub current: &'a str,
    /// Its version in the baseline.
    pub previous: &'a str,
    /// Its version in force in the canary after a rollback of it.
    pub restored: Option<&'a str>,
    /// Values by version. A version without one is its own value.
    pub values: &'a BTreeMap<String, FlagValue>,
    /// How far the rollout of the component got.
    pub standing: Standing,
}

/// How far the rollout of a component got.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// Both versions serve, or will.
    OnTrial,
    /// The canary's version serves everyone, from the canary's endpoint.
    Promoted,
    /// The canary's version serves everyone, from the baseline's endpoint.
    HandedOver,
    /// The component, or the whole version, was rolled back.
    RolledBack,
}

/// Where code runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// In the baseline's version.
    Baseline,
    /// In the canary's version.
    Canary,
    /// It did not say.
    Unknown,
}

/// Why a version is the one in force.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// It is so wherever the code runs, as far as is known.
    Static,
    /// Because of where the code runs.
    TargetingMatch,
    /// Because a rollback switched the current version off.
    Disabled,
}

impl Reason {
    /// As OpenFeature names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Static => "STATIC",
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Disabled => "DISABLED",
        }
    }
}

impl Standing {
    fn of(snapshot: &Snapshot, component: &Component) -> Self {
        match snapshot.phase {
            Phase::RolledBack | Phase::Failed => Self::RolledBack,
            Phase::WarmingUp
            | Phase::Progressing
            | Phase::Paused { .. }
            | Phase::Completing
            | Phase::RollingBack
            | Phase::Promoted
                if component.rolled_back =>
            {
                Self::RolledBack
            }
            Phase::WarmingUp
            | Phase::Progressing
            | Phase::Paused { .. }
            | Phase::Completing
            | Phase::RollingBack => Self::OnTrial,
            // As `serin_rollout::State::is_handed_over` has it.
            Phase::Promoted if snapshot.weight_ppm == 0 => Self::HandedOver,
            Phase::Promoted => Self::Promoted,
        }
    }
}

impl<'a> Flag<'a> {
    /// The flags of a rollout.
    pub fn of(snapshot: &'a Snapshot) -> impl Iterator<Item = Self> {
        snapshot.components.iter().flat_map(move |component| {
            let blocks = component.blocks.iter().map(|block| Self::of_block(snapshot, component, block));
            blocks.chain(component.feature.as_deref().map(|name| Self::of_feature(snapshot, component, name)))
        })
    }

    fn of_block(snapshot: &'a Snapshot, component: &'a Component, block: &'a Block) -> Self {
        Self {
            current: &block.current,
            previous: block.previous.first().unwrap_or(&block.current),
            restored: block.restored.as_deref(),
            values: &block.values,
            ..Self::of_feature(snapshot, component, &block.name)
        }
    }

    fn of_feature(snapshot: &'a Snapshot, component: &'a Component, name: &'a str) -> Self {
        Self {
            service: &snapshot.service,
            component: &component.name,
            name,
            rollout: &snapshot.id,
            baseline_version: &snapshot.baseline_version,
            canary_version: &snapshot.canary_version,
            current: ON,
            previous: ON,
            restored: component.switched_off_because.as_ref().map(|_| OFF),
            values: &FEATURE,
            standing: Standing::of(snapshot, component),
        }
    }

    /// Where the code of a caller runs. A version says which code it is, an arm only at which endpoint it runs, so a
    /// version counts more.
    ///
    /// # Errors
    /// When its version is neither of the rollout's.
    pub fn place(&self, context: &Context) -> Result<Place, Failure> {
        let arm = match context.arm {
            None => Place::Unknown,
            Some(Arm::Baseline) if self.standing == Standing::HandedOver => Place::Canary,
            Some(Arm::Baseline) => Place::Baseline,
            Some(Arm::Canary) => Place::Canary,
        };
        let Some(version) = context.version.as_deref() else { return Ok(arm) };
        match (version == self.baseline_version, version == self.canary_version) {
            (true, true) => Ok(arm),
            (true, false) => Ok(Place::Baseline),
            (false, true) => Ok(Place::Canary),
            (false, false) => Err(Failure::invalid_context(format!(
                "context.version: {} is neither the baseline {} nor the canary {} of rollout {}, the newest of service {}",
                quoted(version),
                quoted(self.baseline_version),
                quoted(self.canary_version),
                self.rollout,
                quoted(self.service),
            ))),
        }
    }

    /// The version in force at `place`, and why.
    #[must_use]
    pub fn version(&self, place: Place) -> (&'a str, Reason) {
        let by_place = if place == Place::Unknown { Reason::Static } else { Reason::TargetingMatch };
        let version = match (place, self.restored, self.standing) {
            (Place::Baseline, ..)
            | (Place::Canary, None, Standing::RolledBack)
            | (Place::Unknown, _, Standing::RolledBack)
            | (Place::Unknown, None, Standing::OnTrial) => self.previous,
            (Place::Canary | Place::Unknown, Some(restored), _) => restored,
            (Place::Canary, None, Standing::OnTrial | Standing::Promoted | Standing::HandedOver)
            | (Place::Unknown, None, Standing::Promoted | Standing::HandedOver) => self.current,
        };
        let is_undone = self.restored.is_some() || self.standing == Standing::RolledBack;
        let is_off = is_undone && place != Place::Baseline && version != self.current;
        (version, if is_off { Reason::Disabled } else { by_place })
    }

    /// What the flag is worth in `version`.
    #[must_use]
    pub fn value(&self, version: &str) -> Value {
        match self.values.get(version) {
            None => Value::from(version),
            Some(FlagValue::Bool(value)) => Value::from(*value),
            Some(FlagValue::Integer(value)) => Value::from(*value),
            Some(FlagValue::Number(value)) => Value::from(*value),
            Some(FlagValue::Text(value)) => Value::from(value.as_str()),
        }
    }
}
