//! What logs and users tell.

use serin_proto::admin::v1 as proto;

use super::moment;
use crate::model::{Finding, Moment, SourceRisk};

pub(super) fn finding(finding: proto::Finding) -> Finding {
    Finding {
        verdict: finding.verdict().into(),
        source: finding.source,
        kind: finding.kind,
        component: finding.component,
        name: finding.name,
        samples: finding.samples,
        first_seen: moment!(finding.first_seen),
        harmful: finding.harmful,
        only_canary: finding.only_canary,
        log_evidence: finding.log_evidence,
        log_threshold: finding.log_threshold,
        baseline_events: finding.baseline_events,
        baseline_exposures: finding.baseline_exposures,
        canary_events: finding.canary_events,
        canary_exposures: finding.canary_exposures,
        text: finding.text,
        learned_confidence: finding.learned_confidence,
    }
}

pub(super) fn source(source: proto::SourceRisk) -> SourceRisk {
    let proto::SourceRisk { source, weight, risk, share, log_evidence } = source;
    SourceRisk { source, weight, risk, share, log_evidence }
}
