//! What became of a rollout in an emergency.

use serin_proto::admin::v1 as api;

use crate::rollouts::{Outcome, Returned};

pub(crate) fn returned(returned: Returned) -> api::ReturnedRollout {
    let Returned { rollout: rollout_id, service, outcome, text, generation } = returned;
    let outcome = match outcome {
        Outcome::Returned => api::ReturnOutcome::Returned,
        Outcome::Already => api::ReturnOutcome::Already,
        Outcome::Left => api::ReturnOutcome::Left,
        Outcome::Failed => api::ReturnOutcome::Failed,
    };
    api::ReturnedRollout { rollout_id, service, outcome: outcome.into(), text, generation }
}
