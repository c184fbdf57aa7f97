//! Which sources a rollout began with, how much each counts, and what together they make of the risk.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Finding, Source, Streams};
use crate::risk::{Anomaly, BySource, Fusion, Impacts, SourceWeights, scope_risk};

/// The sources that a rollout began with. A source that falls silent later keeps its part.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Sources {
    fusion: Fusion,
    alpha: f64,
}

impl Sources {
    /// Requests are always there; `behaviour` and `logs` if they are looked at. The error budget `alpha` is shared by the weights,
    /// renormalised over those that are there.
    #[must_use]
    pub fn new(alpha: f64, weights: SourceWeights, behaviour: bool, logs: bool) -> Self {
        Self { fusion: Fusion::start(weights, BySource { metrics: true, behaviour, logs }), alpha }
    }

    /// The error budget of the requests' own evidence.
    #[must_use]
    pub fn metrics_alpha(&self) -> f64 {
        self.alpha * self.fusion.weights().metrics
    }

    /// The parts of the sources; they sum to 1.
    #[must_use]
    pub fn weights(&self) -> BySource<f64> {
        self.fusion.weights()
    }

    fn weight(&self, source: Source) -> f64 {
        let weights = self.fusion.weights();
        match source {
            Source::Behaviour => weights.behaviour,
            Source::Logs => weights.logs,
        }
    }

    /// Whether the rollout began with `source`.
    #[must_use]
    pub fn has(&self, source: Source) -> bool {
        self.weight(source) > 0.0
    }

    /// What the logarithm of a source's evidence must reach. `None`: the rollout began without it.
    #[must_use]
    pub fn log_threshold(&self, source: Source) -> Option<f64> {
        self.has(source).then(|| -(self.alpha * self.weight(source)).ln())
    }
}

/// What one source says.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct SourceRisk {
    /// Its part of all sources, 0 to 1.
    pub weight: f64,
    /// Its own risk, 0 to 100.
    pub risk: f64,
    /// Natural logarithm of its evidence.
    pub log_evidence: f64,
    /// Events that were not judged: too late, too far ahead, or of more streams than there may be.
    #[serde(default)]
    pub dropped: u64,
}

/// What the sources make of a version's risk.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct SourcesRisk {
    /// By source.
    pub by_source: BySource<SourceRisk>,
    /// Weighted mean of the risks, 0 to 100.
    pub risk: f64,
    /// Natural logarithm of the weighted mean of the evidences, which is an e-value itself.
    pub log_evidence: f64,
}

impl SourcesRisk {
    /// What each source has of the risk, 0 to 1; all 0 while there is none.
    #[must_use]
    pub fn shares(&self) -> BySource<f64> {
        let part = |of: &SourceRisk| if self.risk > 0.0 { of.weight * of.risk / self.risk } else { 0.0 };
        let BySource { metrics, behaviour, logs } = &self.by_source;
        BySource { metrics: part(metrics), behaviour: part(behaviour), logs: part(logs) }
    }
}

/// What is found of `source`. The page views of a cohort are those of the version once more, so of each kind the worst counts.
fn anomalies(findings: &[Finding], source: Source, impacts: &Impacts, log_threshold: f64) -> Vec<Anomaly> {
    let mut worst: BTreeMap<_, Anomaly> = BTreeMap::new();
    let harmful = findings.iter().filter(|finding| finding.is_harmful && finding.kind.source() == source);
    for finding in harmful {
        let cohort = finding.cohort();
        let name = if cohort.is_some() { "" } else { finding.name.as_str() };
        let anomaly = finding.anomaly(impacts.of(&finding.component, cohort));
        let product = |of: &Anomaly| of.factors(log_threshold).product();
        let place = worst.entry((finding.kind, finding.component.as_str(), name));
        let kept = place.or_insert_with(|| anomaly.clone());
        if product(&anomaly) > product(kept) {
            *kept = anomaly;
        }
    }
    worst.into_values().collect()
}

impl Streams {
    /// The risk with what `metrics` says of the requests, its risk and the logarithm of its evidence, where harms mean what `impacts` says.
    #[must_use]
    pub fn risk(&self, metrics: (f64, f64), impacts: &Impacts) -> SourcesRisk {
        let findings = self.findings();
        let of = |source: Source| {
            let threshold = self.sources.log_threshold(source).unwrap_or_default();
            let anomalies = anomalies(&findings, source, impacts, threshold);
            SourceRisk {
                weight: self.sources.weight(source),
                risk: scope_risk(&anomalies, threshold),
                log_evidence: self.log_evidence(source),
                dropped: self.dropped(source),
            }
        };
        let (risk, log_evidence) = metrics;
        let weight = self.sources.weights().metrics;
        let by_source = BySource {
            metrics: SourceRisk { weight, risk, log_evidence, dropped: 0 },
            behaviour: of(Source::Behaviour),
            logs: of(Source::Logs),
        };
        let each = |of: fn(&SourceRisk) -> f64| BySource {
            metrics: of(&by_source.metrics),
            behaviour: of(&by_source.behaviour),
            logs: of(&by_source.logs),
        };
        SourcesRisk {
            by_source,
            risk: self.sources.fusion.risk(each(|source| source.risk)),
            log_evidence: self.sources.fusion.log_evidence(each(|source| source.log_evidence)),
        }
    }
}
