//! What a policy says.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What should follow.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// What still has to be waited for, though the verdict is healthy, need not be.
    Promote,
    /// Nothing beside the rules of the rollout.
    Continue,
    /// Nothing goes forward.
    Hold,
    /// The version returns to the baseline.
    Rollback,
}

impl Decision {
    /// All of them, the least strict first.
    pub const ALL: [Self; 4] = [Self::Promote, Self::Continue, Self::Hold, Self::Rollback];

    /// As expressions write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Continue => "continue",
            Self::Hold => "hold",
            Self::Rollback => "rollback",
        }
    }

    /// The other way round.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|decision| decision.name() == name)
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What follows from one policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It says so.
    Decided(Decision),
    /// Something that it needs has no value.
    Inconclusive {
        /// What, in the interpreter's words.
        why: String,
    },
}

impl Outcome {
    /// What is done: without a conclusion nothing goes forward.
    #[must_use]
    pub const fn decision(&self) -> Decision {
        match self {
            Self::Decided(decision) => *decision,
            Self::Inconclusive { .. } => Decision::Hold,
        }
    }
}

/// What one policy answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// What follows.
    pub outcome: Outcome,
    /// What it read, by its name in the expression; what had no value is `-`.
    pub values: BTreeMap<String, String>,
}

/// The answer that counts, and whose it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Strictest {
    /// Name of the policy.
    pub name: String,
    /// Its answer.
    pub answer: Answer,
}

/// Of several answers the strictest, and of equals the first: so no policy loosens what another asks for. `None`: there is none.
#[must_use]
pub fn strictest<'a>(answers: impl IntoIterator<Item = (&'a str, Answer)>) -> Option<Strictest> {
    let mut found: Option<Strictest> = None;
    for (name, answer) in answers {
        let decision = answer.outcome.decision();
        if found.as_ref().is_none_or(|before| before.answer.outcome.decision() < decision) {
            found = Some(Strictest { name: name.to_owned(), answer });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(decision: Decision) -> Answer {
        Answer { outcome: Outcome::Decided(decision), values: BTreeMap::new() }
    }

    #[test]
    fn the_strictest_answer_counts_and_of_equals_the_first() {
        let strictest_of = |all: &[Decision]| {
            let names = ["a", "b", "c"];
            strictest(names.into_iter().zip(all.iter().map(|decision| answer(*decision))))
                .map(|found| (found.name, found.answer.outcome.decision()))
        };
        assert_eq!(strictest_of(&[]), None);
        for (all, expected) in [
            ([Decision::Promote, Decision::Continue, Decision::Promote], ("b", Decision::Continue)),
            ([Decision::Hold, Decision::Continue, Decision::Hold], ("a", Decision::Hold)),
            ([Decision::Hold, Decision::Rollback, Decision::Promote], ("b", Decision::Rollback)),
            ([Decision::Promote, Decision::Promote, Decision::Promote], ("a", Decision::Promote)),
        ] {
            assert_eq!(strictest_of(&all), Some((expected.0.to_owned(), expected.1)));
        }
        let unknown =
            Answer { outcome: Outcome::Inconclusive { why: "no value".to_owned() }, values: BTreeMap::new() };
        let found = strictest([("a", answer(Decision::Promote)), ("b", unknown)]);
        assert_eq!(
            found.map(|found| (found.name, found.answer.outcome.decision())),
            Some(("b".to_owned(), Decision::Hold))
        );
    }

    #[test]
    fn a_decision_is_written_and_read_by_one_name() {
        for decision in Decision::ALL {
            assert_eq!(Decision::from_name(decision.name()), Some(decision));
            assert_eq!(serde_json::to_value(decision).unwrap(), decision.name());
        }
        assert_eq!(Decision::from_name("Promote"), None);
    }
}
