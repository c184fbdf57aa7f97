//! News for tests.

use std::collections::BTreeSet;

use serin_rollout::{Severity, UnixMillis};

use crate::News;

/// A step of `service`, told at second `sequence`.
pub(crate) fn news(sequence: u64, service: &str) -> News {
    News {
        sequence,
        at: UnixMillis(1_767_225_600_000 + sequence * 1_000),
        severity: Severity::Info,
        rollout: format!("{service}-1"),
        service: service.to_owned(),
        version: "v2".to_owned(),
        baseline: "v1".to_owned(),
        kind: "step_started".to_owned(),
        actor: "serin".to_owned(),
        text: "Step 1 began at 10 %".to_owned(),
        components: Vec::new(),
        owners: BTreeSet::new(),
        cause: format!("rollout/{service}-1"),
        follows: BTreeSet::new(),
        harm: crate::Harm::default(),
        closes: None,
    }
}

/// The rollback of `service`.
pub(crate) fn rollback(sequence: u64, service: &str) -> News {
    News {
        severity: Severity::Critical,
        kind: "rolled_back".to_owned(),
        harm: crate::Harm::of(&serin_rollout::Fact::RolledBack {
            cause: serin_rollout::Cause::VersionRegressed,
            evidence: None,
        }),
        text: "Rolled back the whole version: the canary regressed".to_owned(),
        cause: format!("service/{service}"),
        ..news(sequence, service)
    }
}
