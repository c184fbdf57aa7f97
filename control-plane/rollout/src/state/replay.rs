//! From a journal back to the state.

use super::{RolloutId, State, salt};
use crate::Plan;
use crate::event::{EVENT_FORMAT, Event, Fact};
use crate::plan::PlanErrors;

/// Why a journal does not give a state.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReplayError {
    /// There is no event.
    #[error("the journal of this rollout is empty")]
    Empty,
    /// The first event is another.
    #[error("the first event is {kind}, not created")]
    NotCreated {
        /// Its kind.
        kind: &'static str,
    },
    /// Written by a later version.
    #[error("event {revision} has format {format}; this version reads up to {EVENT_FORMAT}")]
    Format {
        /// Its position.
        revision: u64,
        /// Its format.
        format: u32,
    },
    /// An event is missing, given twice or of another rollout.
    #[error("expected event {expected} of rollout {rollout}, found event {found} of rollout {other}")]
    Order {
        /// The rollout.
        rollout: RolloutId,
        /// Next position.
        expected: u64,
        /// Position found.
        found: u64,
        /// Rollout found.
        other: RolloutId,
    },
    /// The salt is not 32 hexadecimal digits.
    #[error("the salt is not 32 hexadecimal digits")]
    Salt,
    /// The plan is not accepted any more.
    #[error("the plan of the journal is refused: {0}")]
    Plan(#[from] PlanErrors),
}

/// The plan, with what was taken, and the state that a journal leads to. `events` are all of one rollout, in order.
///
/// # Errors
/// Names the event and what is wrong with it.
pub fn replay<'a>(events: impl IntoIterator<Item = &'a Event>) -> Result<(Plan, State), ReplayError> {
    let mut events = events.into_iter();
    let first = events.next().ok_or(ReplayError::Empty)?;
    let Fact::Created { plan, salt, .. } = &first.fact else {
        return Err(ReplayError::NotCreated { kind: first.fact.kind() });
    };
    let salt = salt::parse(salt).ok_or(ReplayError::Salt)?;
    let plan = Plan::parse(plan)?;
    let mut state = State::new(&plan, first.rollout.clone(), salt, first.at);
    state.check_order(first)?;
    state.apply(first);
    for event in events {
        state.check_order(event)?;
        state.apply(event);
    }
    Ok((plan.with_taken(&state.taken), state))
}

impl State {
    fn check_order(&self, event: &Event) -> Result<(), ReplayError> {
        if event.format > EVENT_FORMAT {
            return Err(ReplayError::Format { revision: event.revision, format: event.format });
        }
        let expected = self.revision.saturating_add(1);
        if event.revision == expected && event.rollout == self.id {
            return Ok(());
        }
        let (rollout, other) = (self.id.clone(), event.rollout.clone());
        Err(ReplayError::Order { rollout, expected, found: event.revision, other })
    }
}
