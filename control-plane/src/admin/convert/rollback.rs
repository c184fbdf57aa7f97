//! A rollback that is carried out.

use serin_proto::admin::v1 as api;
use serin_rollout::{Returned, Rollback, Stage, StageRecord};

use super::timestamp;

pub(super) fn rollback(rollback: &Rollback) -> api::Rollback {
    let (what, names) = match &rollback.returned {
        Returned::Version => ("version", Vec::new()),
        Returned::Components { names } => ("components", names.iter().cloned().collect()),
        Returned::Arms { names } => ("arms", names.iter().cloned().collect()),
        Returned::Blocks { names } => ("blocks", names.iter().cloned().collect()),
    };
    api::Rollback {
        what: what.to_owned(),
        names,
        decided_at: Some(timestamp(rollback.decided_at)),
        stage: rollback.stage.map(Stage::name).unwrap_or_default().to_owned(),
        stages: rollback.records.iter().map(stage).collect(),
        verified: rollback.is_verified(),
    }
}

fn stage(record: &StageRecord) -> api::RollbackStage {
    api::RollbackStage {
        stage: record.stage.name().to_owned(),
        outcome: record.outcome.name().to_owned(),
        took_ms: record.took_ms,
        text: record.to_string(),
    }
}
