//! From our errors to gRPC's.

use serin_registry::store::ArtifactError;
use tonic::Status;

pub(super) use crate::admin::failure::store;

/// Without whose artifact it is; see [`super::Registry::lost`].
pub(super) fn artifact(error: &ArtifactError) -> Status {
    let words = error.to_string();
    match error {
        ArtifactError::TooLarge { .. } | ArtifactError::Mistaken { .. } => Status::invalid_argument(words),
        ArtifactError::Missing { .. } | ArtifactError::Damaged { .. } => Status::data_loss(words),
        ArtifactError::Late { .. } | ArtifactError::Store { .. } | ArtifactError::Ending => {
            Status::unavailable(words)
        }
        ArtifactError::Pack(_) => Status::internal(words),
    }
}

/// The request itself is wrong.
pub(super) fn argument(field: impl std::fmt::Display, rule: impl std::fmt::Display) -> Status {
    Status::invalid_argument(format!("{field}: {rule}"))
}
