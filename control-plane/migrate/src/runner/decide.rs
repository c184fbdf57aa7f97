//! What is to be done about a step, from what the database remembers of it. Pure.

use std::fmt;

use super::RunError;
use crate::step::{Direction, Step};

/// What the database remembers of a step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// Its statement outside of a transaction began, and its end is not known.
    Applying,
    /// Done.
    Applied,
    /// The way back outside of a transaction began, and its end is not known.
    Reverting,
    /// Undone.
    Reverted,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Applying, Self::Applied, Self::Reverting, Self::Reverted];

    /// As the table has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applying => "applying",
            Self::Applied => "applied",
            Self::Reverting => "reverting",
            Self::Reverted => "reverted",
        }
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Where a direction leads.
    pub(super) const fn after(direction: Direction) -> Self {
        match direction {
            Direction::Up => Self::Applied,
            Direction::Down => Self::Reverted,
        }
    }

    /// What is recorded while it is under way outside of a transaction.
    pub(super) const fn during(direction: Direction) -> Self {
        match direction {
            Direction::Up => Self::Applying,
            Direction::Down => Self::Reverting,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A line of the table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Remembered {
    pub(super) state: State,
    pub(super) checksum: String,
}

/// What to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Act {
    /// Nothing: it is as wanted.
    Nothing,
    /// Run the script.
    Run,
    /// Find out what a crash left, first.
    Repair(State),
}

pub(super) fn decide(direction: Direction, step: &Step, found: Option<&Remembered>) -> Result<Act, RunError> {
    let Some(found) = found else {
        return Ok(match direction {
            Direction::Up => Act::Run,
            Direction::Down => Act::Nothing,
        });
    };
    // What was reverted may come back with other scripts.
    if found.state != State::Reverted && found.checksum != step.checksum() {
        let found = found.checksum.chars().take(12).collect();
        return Err(RunError::Changed { step: step.name().to_owned(), found });
    }
    match (direction, found.state) {
        (Direction::Up, State::Applied) | (Direction::Down, State::Reverted) => Ok(Act::Nothing),
        (Direction::Up, State::Reverted) | (Direction::Down, State::Applied) => Ok(Act::Run),
        (_, state @ (State::Applying | State::Reverting)) => Ok(Act::Repair(state)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::{Stage, Written};

    fn step(down: &str) -> Step {
        let written =
            Written { name: "a", up: "create table a ()", down, stage: Stage::Expand, transaction: true };
        Step::new(written).unwrap()
    }

    #[test]
    fn what_is_done_follows_from_what_the_database_remembers() {
        use Direction::{Down, Up};
        let step = step("drop table a");
        for (direction, state, act) in [
            (Up, None, Act::Run),
            (Down, None, Act::Nothing),
            (Up, Some(State::Applied), Act::Nothing),
            (Down, Some(State::Applied), Act::Run),
            (Up, Some(State::Reverted), Act::Run),
            (Down, Some(State::Reverted), Act::Nothing),
            (Up, Some(State::Applying), Act::Repair(State::Applying)),
            (Down, Some(State::Applying), Act::Repair(State::Applying)),
            (Up, Some(State::Reverting), Act::Repair(State::Reverting)),
            (Down, Some(State::Reverting), Act::Repair(State::Reverting)),
        ] {
            let found = state.map(|state| Remembered { state, checksum: step.checksum() });
            assert_eq!(decide(direction, &step, found.as_ref()), Ok(act), "{direction} {state:?}");
        }
    }

    #[test]
    fn scripts_that_changed_since_they_were_applied_are_refused() {
        let (applied, now) = (step("drop table a"), step("drop table if exists a"));
        for state in State::ALL {
            let found = Remembered { state, checksum: applied.checksum() };
            let decided = decide(Direction::Up, &now, Some(&found));
            assert_eq!(decided.is_ok(), state == State::Reverted, "{state}");
        }
    }
}
