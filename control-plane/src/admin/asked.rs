//! What is asked for, read from the fields of requests.

use std::time::Duration;

use serin_proto::admin::v1 as api;
use serin_rollout::{Approval, RollbackScope};
use tonic::Status;

use super::{RECORDING_MAX, SERVICE_BYTES_MAX, required};
use crate::rollouts::Wanted;

pub(super) fn wanted(target: Option<api::record_request::Target>) -> Result<Wanted, Status> {
    use api::record_request::Target;
    match target {
        Some(Target::RolloutId(id)) => Ok(Wanted::Rollout(required("rollout_id", id)?)),
        Some(Target::Service(service)) if service.len() > SERVICE_BYTES_MAX => {
            Err(Status::invalid_argument(format!("service: exceeds {SERVICE_BYTES_MAX} bytes")))
        }
        Some(Target::Service(service)) => Ok(Wanted::Service(required("service", service)?)),
        None => Err(Status::invalid_argument("target: must be a rollout_id or a service")),
    }
}

pub(super) fn lasting(duration: Option<prost_types::Duration>) -> Result<Duration, Status> {
    let Some(duration) = duration else { return Ok(RECORDING_MAX) };
    let lasting = Duration::try_from(duration).ok();
    lasting
        .filter(|lasting| (Duration::from_secs(1)..=RECORDING_MAX).contains(lasting))
        .ok_or_else(|| Status::invalid_argument("duration: must be 1 second to 24 hours"))
}

/// What a rollback is about, by names of which at most one is given.
pub(crate) fn scope(component: String, block: String, arm: String) -> Result<RollbackScope, Status> {
    match (component.is_empty(), block.is_empty(), arm.is_empty()) {
        (true, true, true) => Ok(RollbackScope::Version),
        (false, true, true) => Ok(RollbackScope::Component(component)),
        (true, false, true) => Ok(RollbackScope::Block(block)),
        (true, true, false) => Ok(RollbackScope::Arm(arm)),
        (false, false, _) => Err(Status::invalid_argument("block: cannot be given together with component")),
        (_, _, false) => {
            Err(Status::invalid_argument("arm: cannot be given together with component or block"))
        }
    }
}

/// What a person allows.
pub(crate) fn approval(approval: api::Approval) -> Result<Approval, Status> {
    match approval {
        api::Approval::Unspecified => Err(Status::invalid_argument("approval: must be given")),
        api::Approval::DataLoss => Ok(Approval::DataLoss),
        api::Approval::RetryHook => Ok(Approval::RetryHook),
        api::Approval::SkipHook => Ok(Approval::SkipHook),
        api::Approval::Drained => Ok(Approval::Drained),
    }
}
