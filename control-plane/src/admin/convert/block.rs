//! Blocks of code, as the contract tells them.

use serin_proto::admin::v1 as api;

use crate::snapshot::{Block, BlockEvidence};

pub(super) fn block(block: &Block) -> api::Block {
    api::Block {
        name: block.name.clone(),
        current: block.current.clone(),
        previous: block.previous.clone(),
        restored: block.restored.clone().unwrap_or_default(),
        restored_because: block.restored_because.clone().unwrap_or_default(),
        evidence: block.evidence.as_ref().map(evidence),
    }
}

fn evidence(evidence: &BlockEvidence) -> api::BlockEvidence {
    let data = &evidence.data;
    api::BlockEvidence {
        at_fault: data.at_fault,
        log_evidence: data.log_evidence,
        log_threshold: data.log_threshold,
        baseline_failures: data.baseline_failures,
        canary_failures: data.canary_failures,
        baseline_requests: data.baseline_requests,
        canary_requests: data.canary_requests,
        text: evidence.text.clone(),
    }
}
