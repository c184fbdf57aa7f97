//! A rollback that is carried out.

use serin_proto::admin::v1 as proto;

use super::moment;
use crate::model::{Moment, Rollback, RollbackStage};

impl From<proto::Rollback> for Rollback {
    fn from(rollback: proto::Rollback) -> Self {
        Self {
            what: rollback.what,
            names: rollback.names,
            decided_at: moment!(rollback.decided_at),
            stage: rollback.stage,
            stages: rollback.stages.into_iter().map(RollbackStage::from).collect(),
            verified: rollback.verified,
        }
    }
}

impl From<proto::RollbackStage> for RollbackStage {
    fn from(stage: proto::RollbackStage) -> Self {
        let proto::RollbackStage { stage, outcome, took_ms, text } = stage;
        Self { stage, outcome, took_ms, text }
    }
}
