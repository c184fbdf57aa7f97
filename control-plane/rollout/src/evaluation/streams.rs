//! What logs and users tell, beside the requests.

use serin_analysis::risk::Impacts;
use serin_analysis::streams::{Finding, Observed, Source, StreamCounts, Streams};
use serin_analysis::verdict::{Alarm, Verdict};
use serin_analysis::{ComponentIndex, Increment, Trend};

use super::Evaluation;
use crate::{Cause, Judgement, Plan, UnixMillis};

impl Evaluation {
    /// Adds what was counted of a source. What the plan does not look at is left out.
    pub fn merge_stream(&mut self, counts: &StreamCounts) {
        if let Some(streams) = &mut self.streams {
            streams.merge(counts);
        }
    }

    /// What every stream of logs and users has counted. Empty: the plan looks at neither.
    #[must_use]
    pub fn observed(&self) -> Vec<Observed> {
        self.streams.iter().flat_map(Streams::observed).collect()
    }

    pub(super) fn expose_streams(&mut self, increment: &Increment) {
        let Increment { component: ComponentIndex(_), start_second, arm, started, .. } = *increment;
        if let Some(streams) = self.streams.as_mut().filter(|_| started > 0) {
            streams.expose(start_second, arm, started);
        }
    }

    pub(super) fn step_started(&mut self, second: u64) {
        self.engine.step_started(second);
        if let Some(streams) = &mut self.streams {
            streams.step_started(second);
        }
    }

    /// Nothing that logs tell of seconds before `warm` is evidence, and nothing that users do while the canary is new to them.
    pub(super) fn exclude_streams_until(&mut self, plan: &Plan, since: UnixMillis, warm: Option<u64>) {
        let Some(streams) = &mut self.streams else { return };
        let novelty = plan.behaviour().map_or(0, |behaviour| behaviour.novelty.as_secs());
        let (warm, known) = (warm.unwrap_or_default(), since.second().saturating_add(novelty));
        streams.exclude_until(Source::Logs, warm);
        streams.exclude_until(Source::Behaviour, warm.max(known));
    }

    /// Adds what the sources tell: what crossed its threshold, `factor` times the odds demanded, is an alarm, and what is
    /// doubtful is not healthy.
    pub(super) fn with_streams(
        &mut self,
        mut judgement: Judgement,
        factor: f64,
        impacts: &Impacts,
        now_second: u64,
    ) -> Judgement {
        let Some(streams) = &mut self.streams else { return judgement };
        streams.set_odds_factor(factor);
        streams.advance(now_second);
        let evidence = judgement.version.reasons.iter().map(|reason| reason.log_evidence);
        let ahead = judgement.version.trend.as_ref().map_or(0.0, Trend::risk);
        let metrics = (judgement.version.risk.max(ahead), evidence.fold(0.0, f64::max));
        judgement.sources = Some(streams.risk(metrics, impacts));
        judgement.findings = streams.findings();
        if judgement.findings.iter().any(|finding| finding.verdict == Verdict::Regressed) {
            judgement.alarm = Some(Alarm::Version);
            judgement.version.verdict = Verdict::Regressed;
        } else if streams.is_doubtful() && judgement.version.verdict == Verdict::Healthy {
            judgement.version.verdict = Verdict::Inconclusive;
        }
        judgement
    }
}

impl Judgement {
    /// Why the version is undone, where a source beside the requests says so. `None`: none does.
    #[must_use]
    pub(crate) fn told(&self) -> Option<Cause> {
        let regressed = || self.findings.iter().filter(|finding| finding.verdict == Verdict::Regressed);
        let by_requests = self.version.reasons.iter().any(|reason| reason.verdict == Verdict::Regressed);
        let source = regressed().next().filter(|_| !by_requests)?.kind.source();
        // Where the version regressed, the same of those on a device or from a country says nothing more.
        let is_of_all = |kind| {
            let of_kind =
                |one: &&Finding| one.kind == kind && one.component.is_empty() && one.cohort().is_none();
            regressed().any(|one| of_kind(&one))
        };
        let of_source = regressed().filter(|finding| finding.kind.source() == source);
        let telling = of_source.filter(|finding| finding.cohort().is_none() || !is_of_all(finding.kind));
        let findings = telling.map(Finding::sentence);
        Some(Cause::Told { source, findings: findings.collect() })
    }
}
