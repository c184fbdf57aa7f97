//! When the next step may be taken at the earliest.

use std::time::Duration;

use crate::{Phase, Plan, State, UnixMillis};

/// How long the present step bakes by the plan.
pub(super) fn bake(plan: &Plan, state: &State) -> Duration {
    let index = usize::try_from(state.step).unwrap_or(usize::MAX);
    plan.steps().get(index).map_or(Duration::ZERO, |step| step.bake)
}

/// When the next step, or the promotion, may come by the plan, if the evidence allows it then; a policy may let it come earlier.
/// `None`: there is none, or a person or a hook has to do something first.
#[must_use]
pub fn next_step_at(plan: &Plan, state: &State) -> Option<UnixMillis> {
    if plan.experiment().is_some() || !state.is_current() || state.waiting {
        return None;
    }
    let lasts = match state.phase {
        Phase::WarmingUp => plan.warm_up(),
        Phase::Progressing => bake(plan, state),
        Phase::Completing => plan.promotion(),
        Phase::Paused { .. } | Phase::RollingBack | Phase::Promoted | Phase::RolledBack | Phase::Failed => {
            return None;
        }
    };
    let lasts = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX);
    Some(UnixMillis(state.evaluating_since.0.saturating_add(lasts)))
}
