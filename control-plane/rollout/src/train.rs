//! A train: several rollouts that go out as one release, for example one for each service or region.
//!
//! [`TrainPlan`] says who belongs to it, in which order members begin, which gates they wait at, and how far a rollback reaches.
//! [`TrainState`] is what was decided for the train itself: which gates opened, and who returns. It changes by [`TrainEvent`]s
//! alone. [`act()`] compares both with the rollouts as they are and says what is next: begin a member, promote all together,
//! return one. It is asked again and again from states, not from events, so that a crash between two acts loses nothing and
//! no act is done twice.
//!
//! A train makes its members wait and takes them back. It raises no weight and promotes nothing that the member's own evidence does not
//! allow: a member walks its steps by its own plan. It never begins a member whose order or gate is not fulfilled, and never takes
//! back a rollback.

mod act;
mod check;
mod error;
mod raw;
mod state;

use std::collections::BTreeMap;
use std::fmt;

use serin_proto::assignment::Weight;

pub use act::{Act, Seen, act};
pub use error::{TrainError, TrainErrors};
pub use state::{
    MemberRun, Membership, Opened, TRAIN_FORMAT, TrainCreation, TrainEnd, TrainEvent, TrainFact,
    TrainReplayError, TrainState,
};

use crate::Plan;

/// What the identifier of every train begins with; no rollout's does.
pub const TRAIN_PREFIX: &str = "train:";
/// What a gate before the common promotion stands before.
pub const PROMOTION: &str = "promotion";

/// Bounds of a train.
pub mod bounds {
    /// Members.
    pub const MEMBERS: usize = 20;
    /// Gates.
    pub const GATES: usize = 40;
    /// Bytes of its text.
    pub const YAML_BYTES: usize = 64 * 1024;
    /// Bytes of the name, and of a region.
    pub const NAME_BYTES: usize = 64;
}

/// A train as it was planned. It cannot be wrong: members exist, their order has no cycle, their plans are valid.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainPlan {
    source: String,
    files: BTreeMap<String, String>,
    name: String,
    members: Vec<Member>,
    gates: Vec<Gate>,
    reach: Reach,
    together: bool,
}

/// One rollout of a train.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its plan.
    pub plan: Plan,
    /// Where it goes out; shown, and decides nothing.
    pub region: Option<String>,
    /// What others must have reached before it begins.
    pub after: Vec<After>,
}

/// How far another member must be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct After {
    /// The service of that member.
    pub service: String,
    /// How far.
    pub reaches: Milestone,
}

/// How far a member is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Milestone {
    /// It is promoted.
    Promotion,
    /// This step of its plan began, from 0.
    Step(u32),
    /// Its canary has at least this weight.
    Weight(Weight),
}

/// Something that must be so before a member begins, or before all are promoted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Gate {
    /// The service of the member; `None`: the common promotion.
    pub before: Option<String>,
    /// What opens it. Open, it stays so.
    pub when: When,
}

/// What opens a gate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum When {
    /// Every member that began is healthy by fresh evidence, or promoted; one at least began.
    AllHealthy,
    /// A person says so.
    Approval,
}

/// How far a member's rollback reaches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach {
    /// All members return.
    All,
    /// Members return that come after it, or need one of its components.
    Dependents,
    /// It returns alone.
    Alone,
}

impl TrainPlan {
    /// Parses a train. `files` holds the plans that it names, by that name.
    ///
    /// # Errors
    /// All that is wrong, with field and place.
    pub fn parse(yaml: &str, files: &BTreeMap<String, String>) -> Result<Self, TrainErrors> {
        check::parse(yaml, files)
    }

    /// The names of the files that hold the plans of its members, each once. Needs no more than the right shape.
    ///
    /// # Errors
    /// When the text has not the shape of a train.
    pub fn files_of(yaml: &str) -> Result<Vec<String>, TrainErrors> {
        check::files_of(yaml)
    }

    /// The text it was parsed from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The plans that came with it, by name.
    #[must_use]
    pub const fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its members, as they were written.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// A member by its service.
    #[must_use]
    pub fn member(&self, service: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.service() == service)
    }

    /// Its gates.
    #[must_use]
    pub fn gates(&self) -> &[Gate] {
        &self.gates
    }

    /// How far a member's rollback reaches.
    #[must_use]
    pub const fn reach(&self) -> Reach {
        self.reach
    }

    /// Whether all members are promoted together.
    #[must_use]
    pub const fn together(&self) -> bool {
        self.together
    }

    /// Members that cannot stay when `service` returns, directly.
    fn dependents<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a str> {
        let depends = move |member: &&Member| {
            member.after.iter().any(|after| after.service == service)
                || member.plan.needed_services().contains(service)
        };
        self.members.iter().filter(depends).map(Member::service)
    }
}

impl Member {
    /// The service that it rolls out.
    #[must_use]
    pub fn service(&self) -> &str {
        self.plan.service()
    }
}

impl Gate {
    /// What it stands before, in one word.
    #[must_use]
    pub fn place(&self) -> &str {
        self.before.as_deref().unwrap_or(PROMOTION)
    }
}

impl fmt::Display for Milestone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Promotion => formatter.write_str("is promoted"),
            Self::Step(step) => write!(formatter, "reached step {}", step.saturating_add(1)),
            Self::Weight(weight) => write!(formatter, "has {}", crate::text::Percent(*weight)),
        }
    }
}

impl Reach {
    /// As trains write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Dependents => "dependents",
            Self::Alone => "alone",
        }
    }
}

impl When {
    /// As trains write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AllHealthy => "all_healthy",
            Self::Approval => "approval",
        }
    }
}

/// JSON Schema of the YAML form.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(raw::Train).to_value()
}

#[cfg(test)]
mod tests;
