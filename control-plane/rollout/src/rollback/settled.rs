//! When those that wait for a rollback go on.

use super::{Rollback, Stage, StageOutcome};
use crate::State;

impl State {
    /// Whether nobody is on the canary any more, as far as is waited for: it is drained, or a person says so, or the
    /// deadline of a stage before that passed. One that never began had nobody there.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let had_users = self.began_at.is_some() && !self.drained;
        !had_users || self.rollback.as_ref().is_none_or(Rollback::is_settled)
    }
}

impl Rollback {
    /// Bounded by the deadlines of [`Stage::Acknowledge`] and [`Stage::Drain`] together.
    fn is_settled(&self) -> bool {
        self.records.iter().any(|one| match (one.stage, one.outcome) {
            (Stage::Drain, _) => true,
            (Stage::Acknowledge, StageOutcome::Done) | (Stage::Hooks | Stage::Verify, _) => false,
            (Stage::Acknowledge, StageOutcome::Late | StageOutcome::Failed | StageOutcome::Unknown) => true,
        })
    }
}
