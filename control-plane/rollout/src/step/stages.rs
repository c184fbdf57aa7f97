//! What follows from what is seen while a rollback is carried out.

use super::Change;
use crate::event::Fact;
use crate::hook;
use crate::rollback::{Sighting, Stage, find};

/// Notes the stages that have ended, or are late. A stage may have ended before it began.
pub(super) fn carry_on(change: &mut Change<'_>, seen: &Sighting) {
    for _ in Stage::ALL {
        let Some(rollback) = &change.state.rollback else { return };
        let (hooks_pending, hooks_failed) = hook::left_of_rollback(change.plan, &change.state);
        let seen = Sighting { hooks_pending, hooks_failed, ..seen.clone() };
        let Some(record) = find(rollback, change.plan.limits(), &seen, change.now) else { return };
        let returned = Some(rollback.returned.clone());
        change.record(Fact::RollbackStage { record, returned });
    }
}
