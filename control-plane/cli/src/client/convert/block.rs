//! Blocks of code.

use serin_proto::admin::v1 as proto;

use crate::model::{Block, BlockEvidence};

impl From<proto::Block> for Block {
    fn from(block: proto::Block) -> Self {
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            name: block.name,
            current: block.current,
            previous: block.previous,
            restored: given(block.restored),
            restored_because: given(block.restored_because),
            evidence: block.evidence.map(BlockEvidence::from),
        }
    }
}

impl From<proto::BlockEvidence> for BlockEvidence {
    fn from(evidence: proto::BlockEvidence) -> Self {
        Self {
            at_fault: evidence.at_fault,
            log_evidence: evidence.log_evidence,
            log_threshold: evidence.log_threshold,
            baseline_failures: evidence.baseline_failures,
            canary_failures: evidence.canary_failures,
            baseline_requests: evidence.baseline_requests,
            canary_requests: evidence.canary_requests,
            text: evidence.text,
        }
    }
}
