//! What harms a rollout, and what ends it.
//!
//! An incident is over when nothing is left of its harm. What was returned is over once it is verified, a hold once it lifts: neither
//! ends the other. Where it is not known what would end something, nothing does but the end of the rollout.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serin_rollout::{Cause, Fact, Returned, Stage, StageOutcome};

/// Parts that are remembered of a rollout. Where there are more, only the end of the rollout ends the harm.
const PARTS_MAX: usize = 256;

/// What an incident tells of one rollout.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "Stored")]
pub struct Harm {
    /// What was returned and is not verified: `version`, or parts of it such as `component/checkout`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    returned: BTreeSet<String>,
    /// The rollout holds.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    held: bool,
    /// Something was told that undoes and holds nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    told: bool,
    /// Only the end of the rollout ends it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    lasts: bool,
}

/// What ends with news.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Closes {
    /// Harm that was only held, not undone.
    Holds,
    /// The harm for which this was returned: the baseline is seen to carry it.
    Verified(Returned),
    /// All harm of the rollout.
    Everything,
}

/// As it is stored: earlier versions only knew whether something was undone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Undone(bool),
    Harm {
        #[serde(default)]
        returned: BTreeSet<String>,
        #[serde(default)]
        held: bool,
        #[serde(default)]
        told: bool,
        #[serde(default)]
        lasts: bool,
    },
}

impl From<Stored> for Harm {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Undone(undone) => Self { held: !undone, lasts: undone, ..Self::default() },
            Stored::Harm { returned, held, told, lasts } => Self { returned, held, told, lasts },
        }
    }
}

impl Harm {
    /// What a fact tells of, where it is critical.
    pub(crate) fn of(fact: &Fact) -> Self {
        if let Fact::RolledBack { .. } | Fact::RollbackBegan { .. } = fact {
            return Self::version();
        }
        if let Fact::ComponentsRolledBack { components, disabled, .. } = fact {
            let off = if components.is_empty() { disabled.names() } else { Vec::new() };
            let components = components.iter().map(|name| format!("component/{name}"));
            return Self::parts(components.chain(off.iter().map(|name| format!("feature/{name}"))));
        }
        if let Fact::BlocksRestored { component, blocks, .. } = fact {
            return Self::parts(blocks.keys().map(|block| format!("block/{component}/{block}")));
        }
        if let Fact::ArmsStopped { arms, .. } = fact {
            return Self::parts(arms.iter().map(|name| format!("arm/{name}")));
        }
        if let Fact::RollbackStage { record, returned } = fact {
            return match (record.outcome, returned) {
                (StageOutcome::Late, Some(returned)) => Self::late(returned),
                _ => Self { lasts: true, ..Self::default() },
            };
        }
        if matches!(fact, Fact::EvidenceIncomplete { .. }) {
            return Self { lasts: true, ..Self::default() };
        }
        // The arms of an experiment were told of one by one.
        let is_its_end = matches!(fact, Fact::ExperimentEnded { .. });
        let held = matches!(fact, Fact::Held { .. });
        Self { held, told: !held && !is_its_end, ..Self::default() }
    }

    fn parts(parts: impl Iterator<Item = String>) -> Self {
        Self { returned: parts.collect(), ..Self::default() }.bounded()
    }

    fn version() -> Self {
        Self { returned: BTreeSet::from(["version".to_owned()]), ..Self::default() }
    }

    /// What is late ends as what it is a part of.
    fn late(returned: &Returned) -> Self {
        match returned {
            Returned::Version => Self::version(),
            Returned::Components { names } if !names.is_empty() => {
                Self::parts(names.iter().map(|name| format!("component/{name}")))
            }
            Returned::Arms { names } => Self::parts(names.iter().map(|name| format!("arm/{name}"))),
            // Nothing of a block, or of a feature that is switched off, is verified.
            Returned::Components { .. } | Returned::Blocks { .. } => Self { lasts: true, ..Self::default() },
        }
    }

    /// More of the same rollout.
    pub(crate) fn add(&mut self, other: &Self) {
        self.returned.extend(other.returned.iter().cloned());
        self.held |= other.held;
        self.told |= other.told;
        self.lasts |= other.lasts;
        *self = std::mem::take(self).bounded();
    }

    /// Takes away what ends.
    pub(crate) fn end(&mut self, closes: &Closes) {
        match closes {
            Closes::Holds => self.held = false,
            // Of a version that is gone nothing holds and nothing fires any more.
            Closes::Verified(Returned::Version) => {
                *self = Self { lasts: self.lasts, ..Self::default() };
            }
            Closes::Verified(Returned::Components { names }) => self.returned.retain(|part| {
                let is_of = |name: &String| {
                    *part == format!("component/{name}") || part.starts_with(&format!("block/{name}/"))
                };
                !names.iter().any(is_of)
            }),
            Closes::Verified(Returned::Arms { names }) => {
                self.returned.retain(|part| !names.iter().any(|name| *part == format!("arm/{name}")));
            }
            Closes::Verified(Returned::Blocks { .. }) => {}
            Closes::Everything => *self = Self::default(),
        }
    }

    /// Whether nothing is left of it.
    pub(crate) fn is_over(&self) -> bool {
        *self == Self::default()
    }

    fn bounded(self) -> Self {
        if self.returned.len() <= PARTS_MAX {
            return self;
        }
        Self { returned: BTreeSet::new(), lasts: true, ..self }
    }
}

/// What a fact ends.
pub(super) fn closes(fact: &Fact) -> Option<Closes> {
    if matches!(fact, Fact::HoldLifted { .. }) {
        return Some(Closes::Holds);
    }
    // Journals of earlier versions do not say what a stage is about.
    if let Fact::RollbackStage { record, returned: Some(returned) } = fact {
        let is_verified = (record.stage, record.outcome) == (Stage::Verify, StageOutcome::Done);
        return is_verified.then(|| Closes::Verified(returned.clone()));
    }
    if let Fact::ExperimentEnded { cause, .. } = fact {
        return (*cause != Cause::AllArmsStopped).then_some(Closes::Everything);
    }
    let ends_well = matches!(fact, Fact::Promoted { .. } | Fact::HandedOver { .. } | Fact::Superseded { .. });
    ends_well.then_some(Closes::Everything)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_earlier_versions_stored_ends_as_they_ended_it() {
        let read = |json: &str| serde_json::from_str::<Harm>(json).unwrap();
        let (mut held, mut undone) = (read("false"), read("true"));
        for closes in [Closes::Verified(Returned::Version), Closes::Holds] {
            undone.end(&closes);
            assert!(!undone.is_over(), "{closes:?}");
        }
        held.end(&Closes::Holds);
        undone.end(&Closes::Everything);
        assert!(held.is_over() && undone.is_over());
    }

    #[test]
    fn too_many_parts_end_only_with_the_rollout() {
        let names: BTreeSet<String> = (0..=PARTS_MAX).map(|number| number.to_string()).collect();
        let mut harm = Harm::default();
        for name in &names {
            harm.add(&Harm::late(&Returned::Components { names: [name.clone()].into() }));
        }
        assert!(serde_json::to_string(&harm).unwrap().len() < 100, "{harm:?}");
        harm.end(&Closes::Verified(Returned::Components { names }));
        assert!(!harm.is_over());
    }
}
