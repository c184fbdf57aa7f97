//! What logs and users tell, and what each source makes of the risk.

use serin_analysis::streams::{Finding, Peculiarity, SourceRisk, SourcesRisk, Trait};
use serin_proto::admin::v1 as api;
use serin_rollout::UnixMillis;

use super::{timestamp, verdict};

pub(super) fn finding(finding: &Finding) -> api::Finding {
    api::Finding {
        source: finding.kind.source().name().to_owned(),
        kind: finding.kind.name().to_owned(),
        component: finding.component.clone(),
        name: finding.name.clone(),
        samples: finding.samples.clone(),
        first_seen: Some(timestamp(UnixMillis(finding.first_second.saturating_mul(1_000)))),
        harmful: finding.is_harmful,
        only_canary: finding.is_new,
        verdict: verdict(finding.verdict).into(),
        log_evidence: finding.log_evidence,
        log_threshold: finding.log_threshold,
        baseline_events: finding.events.baseline,
        baseline_exposures: finding.exposures.baseline,
        canary_events: finding.events.canary,
        canary_exposures: finding.exposures.canary,
        text: finding.sentence(),
        learned_confidence: finding.learned_confidence,
        peculiarity: finding.peculiarity.as_ref().map(peculiarity),
    }
}

fn peculiarity(peculiarity: &Peculiarity) -> api::Peculiarity {
    let of = |one: &Trait| api::PeculiarTrait {
        kind: one.kind.name().to_owned(),
        part: one.part,
        baseline_events: one.events.baseline,
        baseline_exposures: one.exposures.baseline,
        canary_events: one.events.canary,
        canary_exposures: one.exposures.canary,
    };
    let Peculiarity { distance, probability, traits } = peculiarity;
    api::Peculiarity {
        distance: *distance,
        probability: *probability,
        traits: traits.iter().map(of).collect(),
    }
}

/// One for each source that the rollout began with.
pub(super) fn sources(risk: &SourcesRisk) -> Vec<api::SourceRisk> {
    let shares = risk.shares();
    let by_source = &risk.by_source;
    let all = [
        ("metrics", &by_source.metrics, shares.metrics),
        ("behaviour", &by_source.behaviour, shares.behaviour),
        ("logs", &by_source.logs, shares.logs),
    ];
    let of = |(source, told, share): (&str, &SourceRisk, f64)| api::SourceRisk {
        source: source.to_owned(),
        weight: told.weight,
        risk: told.risk,
        share,
        log_evidence: told.log_evidence,
        dropped_events: told.dropped,
    };
    all.into_iter().filter(|(_, told, _)| told.weight > 0.0).map(of).collect()
}
