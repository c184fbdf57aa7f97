//! What logs and users tell.

use serin_proto::admin::v1 as proto;

use super::moment;
use crate::model::{Finding, Moment, PeculiarTrait, Peculiarity, SourceRisk};

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
        peculiarity: finding.peculiarity.map(peculiarity),
    }
}

fn peculiarity(peculiarity: proto::Peculiarity) -> Peculiarity {
    let of = |one: proto::PeculiarTrait| PeculiarTrait {
        kind: one.kind,
        part: one.part,
        baseline_events: one.baseline_events,
        baseline_exposures: one.baseline_exposures,
        canary_events: one.canary_events,
        canary_exposures: one.canary_exposures,
    };
    let proto::Peculiarity { distance, probability, traits } = peculiarity;
    Peculiarity { distance, probability, traits: traits.into_iter().map(of).collect() }
}

pub(super) fn source(source: proto::SourceRisk) -> SourceRisk {
    let proto::SourceRisk { source, weight, risk, share, log_evidence, dropped_events } = source;
    SourceRisk { source, weight, risk, share, log_evidence, dropped_events }
}
