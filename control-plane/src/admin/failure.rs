//! From our errors to gRPC's.

use serin_rollout::Refused;
use tonic::Status;

use crate::rollouts::{CommandError, TrainRefusal};
use crate::store::StoreError;

/// Metadata in which a refusal says what it is about.
pub(crate) const SUBJECT_METADATA: &str = "x-serin-subject";

pub(crate) fn status(error: CommandError) -> Status {
    let words = error.to_string();
    match error {
        CommandError::Plan(_) => Status::invalid_argument(words),
        CommandError::Active { .. } => Status::already_exists(words),
        CommandError::Assignment(_) => Status::failed_precondition(words),
        CommandError::NotFound(_) | CommandError::NoneLike | CommandError::NoComponent(_) => {
            Status::not_found(words)
        }
        CommandError::Train(refusal) => match refusal {
            TrainRefusal::Plan(_) | TrainRefusal::NoGate(_) => Status::invalid_argument(words),
            TrainRefusal::Active { .. } | TrainRefusal::Member { .. } => Status::already_exists(words),
            TrainRefusal::TooMany => Status::resource_exhausted(words),
            TrainRefusal::NotFound(_) => Status::not_found(words),
            TrainRefusal::Over(_) => Status::failed_precondition(words),
        },
        CommandError::TooMany => Status::resource_exhausted(words),
        CommandError::Over(_) | CommandError::Experiment(_) => Status::failed_precondition(words),
        CommandError::Busy => Status::unavailable(words),
        CommandError::Refused(refused) => match refused {
            Refused::Phase { .. }
            | Refused::Superseded { .. }
            | Refused::Waits { .. }
            | Refused::HandedOver { .. }
            | Refused::Baseline { .. }
            | Refused::CanaryInUse { .. }
            | Refused::Window { .. }
            | Refused::NotBegun { .. }
            | Refused::HooksPending { .. }
            | Refused::NotDrained { .. }
            | Refused::NoFailedHook
            | Refused::NotRolledBack
            | Refused::NoMigrations
            | Refused::Experiment { .. } => Status::failed_precondition(words),
            Refused::UnknownComponent { .. }
            | Refused::UnknownBlock { .. }
            | Refused::UnknownArm { .. }
            | Refused::ReasonMissing
            | Refused::ReasonTooLong => Status::invalid_argument(words),
        },
        CommandError::Store(error) => store(error),
        CommandError::Target(_) => Status::failed_precondition(words),
        CommandError::Internal(_) => Status::internal(words),
    }
}

pub(crate) fn store(error: StoreError) -> Status {
    let words = error.to_string();
    match error {
        StoreError::Conflict { .. } => Status::aborted(words),
        StoreError::Differs(differs) => {
            let mut status = Status::already_exists(words);
            if let Ok(subject) = differs.subject().as_str().parse() {
                status.metadata_mut().insert(SUBJECT_METADATA, subject);
            }
            status
        }
        StoreError::InUse { .. }
        | StoreError::Folder { .. }
        | StoreError::Newer { .. }
        | StoreError::Damaged { .. }
        | StoreError::Database(_)
        | StoreError::Unwritable(_)
        | StoreError::Gone => Status::unavailable(words),
    }
}
