//! What a train tells a member. What is done already, or cannot be any more, changes nothing.

use super::{Change, calendar};
use crate::event::Fact;
use crate::{Cause, Phase, TrainOrder};

pub(super) fn obey(change: &mut Change<'_>, train: &str, order: &TrainOrder) {
    let state = &change.state;
    if !state.is_current() || state.train.as_ref().is_none_or(|member| member.train != train) {
        return;
    }
    let cause = |because: &str| Cause::Train { train: train.to_owned(), because: because.to_owned() };
    match order {
        TrainOrder::Begin if state.waits_in().is_some() && calendar::obstacle(change).is_none() => {
            let (step, weight_ppm) = change.place();
            change.record(Fact::Resumed { reason: format!("its turn came in {train}"), step, weight_ppm });
        }
        TrainOrder::Promote if state.ready && calendar::obstacle(change).is_none() => {
            change.promote(cause("all members are ready"), None)
        }
        TrainOrder::Return { because } if gets_requests(change) => {
            change.record(Fact::RolledBack { cause: cause(because), evidence: None });
        }
        TrainOrder::Begin | TrainOrder::Promote | TrainOrder::Return { .. } => {}
    }
}

fn gets_requests(change: &Change<'_>) -> bool {
    match change.state.phase {
        Phase::RolledBack | Phase::Failed => false,
        Phase::Promoted => !change.state.is_handed_over(),
        Phase::WarmingUp
        | Phase::Progressing
        | Phase::Paused { .. }
        | Phase::Completing
        | Phase::RollingBack => true,
    }
}
