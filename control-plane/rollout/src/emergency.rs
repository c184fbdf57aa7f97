//! Which rollouts an emergency returns to the baseline.
//!
//! One order for all of them, so that a person who sees users suffer need not know what runs. It returns what is under way and
//! what was promoted and is still watched. What was promoted longer ago is left: its baseline's endpoint may run anything by now,
//! and a rollback by name is one command.

use std::fmt;

use crate::{Phase, Plan, State};

/// Owners, and likewise patterns, at most.
pub const WANTED_MAX: usize = 64;
/// Bytes of a pattern, at most.
const PATTERN_BYTES: usize = 256;

/// Which rollouts are meant. Empty lists: all.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Wanted {
    owners: Vec<String>,
    patterns: Vec<Pattern>,
}

/// A name in which `*` stands for any characters, also for none.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Pattern(String);

/// What an emergency does with a rollout.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// Its users return to the baseline.
    Returns,
    /// They are there already.
    Already,
    /// It was promoted and is not watched any more: it is left as it is.
    Left,
}

/// Why rollouts cannot be named so.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WantedError {
    /// More than [`WANTED_MAX`].
    #[error("{field}: at most {WANTED_MAX} can be given")]
    TooMany {
        /// Which list.
        field: &'static str,
    },
    /// Empty or too long.
    #[error("{field}[{index}]: must be 1 to {PATTERN_BYTES} bytes")]
    Length {
        /// Which list.
        field: &'static str,
        /// Position in it.
        index: usize,
    },
}

impl Wanted {
    /// Rollouts of one of the `owners`, and like one of the `patterns`.
    ///
    /// # Errors
    /// When a list or a text is beyond its bounds.
    pub fn new(owners: Vec<String>, patterns: Vec<String>) -> Result<Self, WantedError> {
        check("owners", &owners)?;
        check("matches", &patterns)?;
        Ok(Self { owners, patterns: patterns.into_iter().map(Pattern).collect() })
    }

    /// Whether every rollout is meant.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.owners.is_empty() && self.patterns.is_empty()
    }

    /// Whether this rollout is meant.
    #[must_use]
    pub fn takes(&self, plan: &Plan, state: &State) -> bool {
        let owns =
            |owner: &String| plan.components().any(|component| component.owner == Some(owner.as_str()));
        let like = |pattern: &Pattern| pattern.matches(&state.service) || pattern.matches(&state.id.0);
        (self.owners.is_empty() || self.owners.iter().any(owns))
            && (self.patterns.is_empty() || self.patterns.iter().any(like))
    }
}

fn check(field: &'static str, texts: &[String]) -> Result<(), WantedError> {
    if texts.len() > WANTED_MAX {
        return Err(WantedError::TooMany { field });
    }
    match texts.iter().position(|text| text.is_empty() || text.len() > PATTERN_BYTES) {
        Some(index) => Err(WantedError::Length { field, index }),
        None => Ok(()),
    }
}

impl Pattern {
    fn matches(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        for part in parts {
            let Some(at) = rest.find(part) else { return false };
            rest = rest.get(at + part.len()..).unwrap_or_default();
        }
        rest.ends_with(last)
    }
}

impl Fate {
    /// What becomes of a rollout in this state.
    #[must_use]
    pub fn of(state: &State) -> Self {
        match state.phase {
            Phase::RolledBack | Phase::Failed => Self::Already,
            Phase::Promoted if state.watched => Self::Returns,
            Phase::Promoted => Self::Left,
            Phase::WarmingUp
            | Phase::Progressing
            | Phase::Paused { .. }
            | Phase::Completing
            | Phase::RollingBack => Self::Returns,
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Returns => "all users returned to the baseline",
            Self::Already => "all users were on the baseline already",
            Self::Left => {
                "left: it was promoted and is not watched any more; roll it back by its name if you mean it"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Creation, RolloutId, Salt, UnixMillis, create};

    const PLAN: &str = "service: shop-eu\nbaseline: v1\ncanary: v2\ncomponents:\n\
        - {name: pay, matches: [{path: {exact: /pay}}], owner: payments}\n";

    fn begun() -> (Plan, State) {
        let plan = Plan::parse(PLAN).unwrap();
        let (id, salt) = (RolloutId("shop-eu-1".to_owned()), Salt(7));
        let creation = Creation { id, salt, actor: "ann".to_owned(), paused: false };
        let state = create(&plan, creation, UnixMillis(1_000)).state;
        (plan, state)
    }

    fn wanted(owners: &[&str], patterns: &[&str]) -> Wanted {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Wanted::new(texts(owners), texts(patterns)).unwrap()
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        let cases = [
            ("shop", "shop", true),
            ("shop", "shop-eu", false),
            ("*", "", true),
            ("shop*", "shop", true),
            ("shop-*", "shop-eu", true),
            ("*-eu", "shop-eu", true),
            ("*-eu", "shop-us", false),
            ("s*p-*u", "shop-eu", true),
            ("a*a", "a", false),
            ("a**b", "ab", true),
            ("*x*", "shop", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(Pattern(pattern.to_owned()).matches(name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn owner_and_name_must_both_fit() {
        let (plan, state) = begun();
        let cases = [
            (wanted(&[], &[]), true),
            (wanted(&["payments"], &[]), true),
            (wanted(&["search"], &[]), false),
            (wanted(&["search", "payments"], &["shop-*"]), true),
            (wanted(&["payments"], &["stock"]), false),
            (wanted(&[], &["shop-eu-1"]), true),
        ];
        for (wanted, expected) in cases {
            assert_eq!(wanted.takes(&plan, &state), expected, "{wanted:?}");
        }
    }

    #[test]
    fn what_was_promoted_long_ago_is_left_and_all_else_returns_once() {
        let (_, mut state) = begun();
        assert_eq!(Fate::of(&state), Fate::Returns);
        state.phase = Phase::Promoted;
        assert_eq!(Fate::of(&state), Fate::Left);
        state.watched = true;
        assert_eq!(Fate::of(&state), Fate::Returns);
        state.phase = Phase::RolledBack;
        assert_eq!(Fate::of(&state), Fate::Already);
    }

    #[test]
    fn lists_and_texts_have_bounds() {
        let many = vec!["a".to_owned(); WANTED_MAX + 1];
        assert_eq!(Wanted::new(many, Vec::new()), Err(WantedError::TooMany { field: "owners" }));
        let empty = Wanted::new(Vec::new(), vec!["a".to_owned(), String::new()]);
        assert_eq!(empty.unwrap_err().to_string(), "matches[1]: must be 1 to 256 bytes");
    }
}
