//! The YAML form of a train, before its rules are checked. Unknown fields are refused.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Several rollouts that go out as one release.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Train")]
pub(super) struct Train {
    /// `train`.
    #[expect(dead_code, reason = "it says what the document is, and has one value")]
    pub(super) kind: Kind,
    /// Name: letters, digits, '.', '_', '-', at most 64.
    pub(super) name: String,
    /// 1 to 20, each of another service.
    pub(super) members: Vec<Member>,
    /// At most 40. Default: none.
    #[serde(default)]
    pub(super) gates: Vec<Gate>,
    /// How far the rollback of a member reaches: `all` members, `dependents` (those that come `after` it or need one of its
    /// components, and what depends on these), or `alone`. They return in the reverse of the order in which they began.
    /// Default: all.
    #[serde(default)]
    pub(super) rollback: Reach,
    /// True: no member is promoted before all are ready for it; then all are. Default: false.
    #[serde(default)]
    pub(super) together: bool,
}

/// What the document is.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TrainKind")]
pub(super) enum Kind {
    /// A train.
    Train,
}

/// One rollout.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TrainMember")]
pub(super) struct Member {
    /// Service, as its plan says.
    pub(super) service: String,
    /// File of its plan, beside the train's; or the plan itself, as a text of several lines.
    pub(super) plan: String,
    /// Where it goes out, 1 to 64 bytes; it is shown and decides nothing.
    #[serde(default)]
    pub(super) region: Option<String>,
    /// Members that must be promoted, or as far as is said, before this one begins. Default: none.
    #[serde(default)]
    pub(super) after: Vec<After>,
}

/// How far another member must be.
#[derive(Debug, JsonSchema)]
#[schemars(untagged, rename = "TrainAfter")]
pub(super) enum After {
    /// It is promoted.
    Service(String),
    /// It is as far as is said.
    Milestone(Milestone),
}

/// By hand, so that what is wrong within is said rather than that no form fits.
impl<'de> Deserialize<'de> for After {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AfterVisitor)
    }
}

struct AfterVisitor;

impl<'de> Visitor<'de> for AfterVisitor {
    type Value = After;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the service of a member, or {service: …} with a step or a weight")
    }

    fn visit_str<E: de::Error>(self, service: &str) -> Result<After, E> {
        Ok(After::Service(service.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<After, A::Error> {
        Milestone::deserialize(MapAccessDeserializer::new(map)).map(After::Milestone)
    }
}

/// How far. Without `step` and `weight`: it is promoted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TrainMilestone")]
pub(super) struct Milestone {
    /// The service of the other member.
    pub(super) service: String,
    /// This step of its plan began, from 1.
    #[serde(default)]
    pub(super) step: Option<u32>,
    /// Its canary has at least this weight, for example `50%`.
    #[serde(default)]
    pub(super) weight: Option<String>,
}

/// What must be so before a member begins, or before all are promoted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TrainGate")]
pub(super) struct Gate {
    /// The service of a member; or `promotion`, in a train whose members are promoted together.
    pub(super) before: String,
    /// What opens it.
    pub(super) when: When,
}

/// What opens a gate.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TrainWhen")]
pub(super) enum When {
    /// All members that began are healthy by fresh evidence, or promoted; one at least began.
    AllHealthy,
    /// A person, by `serin train approve`.
    Approval,
}

/// How far a rollback reaches.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TrainReach")]
pub(super) enum Reach {
    /// All members.
    #[default]
    All,
    /// What depends on it.
    Dependents,
    /// It alone.
    Alone,
}
