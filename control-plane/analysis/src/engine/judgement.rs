//! The verdict on one scope.

use super::solo::Beside;
use crate::categories::Categories;
use crate::cells::HEALTH_EDGES;
use crate::config::{Failures, ForecastLimits, Margins};
use crate::effect;
use crate::evalue::told;
use crate::increment::ByArm;
use crate::placebo::Phi;
use crate::power::Needed;
use crate::risk::{Action, Anomaly, Harm, HarmClass, Prediction, Situation, decide, scope_risk};
use crate::scope::{ErrorTotals, Process};
use crate::stratum::{as_floats, slower_than};
use crate::summary::ArmSummary;
use crate::verdict::{
    BaselineUsed, CategoryFailures, EffectSize, Reason, ScopeAssessment, Signal, Trend, Verdict, Veto,
    is_doubtful,
};

/// All that the verdict on one scope depends on.
pub(super) struct Judgement<'a> {
    pub(super) process: &'a Process,
    pub(super) categories: &'a Categories,
    /// What counts as a failure.
    pub(super) failures: Failures,
    /// What stands in the baseline's place. `None`: a baseline runs beside it.
    pub(super) beside: Option<Beside>,
    pub(super) summary: ByArm<ArmSummary>,
    pub(super) needed: Needed,
    pub(super) phi: Phi,
    pub(super) margins: Margins,
    /// What the scope means for the business, 0 to 1.
    pub(super) impact: f64,
    pub(super) slow_down: Option<EffectSize>,
    /// Where it is going.
    pub(super) trend: Option<Trend>,
    pub(super) forecast: ForecastLimits,
    pub(super) regressed: bool,
    pub(super) may_be_healthy: bool,
    pub(super) vetoes: Vec<Veto>,
}

impl Judgement<'_> {
    pub(super) fn assessment(self) -> ScopeAssessment {
        let errors = self.process.log_evidence_of(Signal::ErrorRate);
        let latency = self.process.log_evidence_of(Signal::Latency);
        let reasons = vec![
            self.errors(errors, errors >= latency, self.needed.errors),
            self.latency(latency, latency > errors, self.needed.latency),
        ];
        let served =
            (self.beside.is_some() || self.summary.baseline.requests > 0) && self.summary.canary.requests > 0;
        let reasons = match self.beside {
            Some(beside) => reasons.into_iter().map(|reason| self.alone(reason, beside)).collect(),
            None => reasons,
        };
        let all_healthy = reasons.iter().all(|reason| reason.verdict == Verdict::Healthy);
        let risk = self.risk(&reasons);
        let action = self.action(risk);
        let may_be_healthy = self.may_be_healthy && self.vetoes.is_empty() && action == Action::Continue;
        let verdict = if self.regressed {
            Verdict::Regressed
        } else if may_be_healthy && served && all_healthy {
            Verdict::Healthy
        } else {
            Verdict::Inconclusive
        };
        let (vetoes, trend) = (self.vetoes, self.trend);
        ScopeAssessment { verdict, reasons, vetoes, risk, trend, action, ..ScopeAssessment::default() }
    }

    fn errors(&self, log_evidence: f64, is_stronger: bool, needed: Option<u64>) -> Reason {
        let totals = self.process.suspect_totals();
        let failed = totals.failures();
        let rate =
            |failed: u64, requests: u64| if requests > 0 { failed as f64 / requests as f64 } else { 0.0 };
        Reason {
            baseline: rate(failed.baseline, totals.requests.baseline),
            canary: rate(failed.canary, totals.requests.canary),
            effect: effect::difference(&failed, &totals.requests, self.phi.errors),
            overdispersion: self.phi.errors,
            categories: self.of_categories(&totals),
            ..self.reason(Signal::ErrorRate, log_evidence, is_stronger, needed, totals.requests)
        }
    }

    /// The same reason where no baseline runs beside the canary.
    fn alone(&self, reason: Reason, beside: Beside) -> Reason {
        let failed =
            reason.categories.iter().fold(0_u64, |sum, category| sum.saturating_add(category.canary));
        let is_known = beside.kind != BaselineUsed::Nothing;
        let (baseline, effect) = match reason.signal {
            Signal::ErrorRate | Signal::Share => {
                let excess =
                    effect::excess(failed, reason.canary_requests, beside.failing, reason.overdispersion);
                (beside.failing, excess.filter(|_| is_known))
            }
            Signal::Latency => (beside.p99_us, reason.effect),
        };
        Reason { baseline, effect, baseline_requests: 0, baseline_used: beside.kind, ..reason }
    }

    fn latency(&self, log_evidence: f64, is_stronger: bool, needed: Option<u64>) -> Reason {
        let ByArm { baseline, canary } = self.summary;
        let requests = ByArm { baseline: baseline.requests, canary: canary.requests };
        Reason {
            baseline: baseline.p99_us.unwrap_or(0) as f64,
            canary: canary.p99_us.unwrap_or(0) as f64,
            effect: self.slow_down,
            overdispersion: self.phi.latency,
            ..self.reason(Signal::Latency, log_evidence, is_stronger, needed, requests)
        }
    }

    fn reason(
        &self,
        signal: Signal,
        log_evidence: f64,
        is_stronger: bool,
        needed: Option<u64>,
        requests: ByArm<u64>,
    ) -> Reason {
        let health = self.process.health();
        let log_evidence_healthy = match signal {
            Signal::ErrorRate | Signal::Share => health.errors(),
            Signal::Latency => health.latency().into_iter().fold(f64::INFINITY, f64::min),
        };
        let crossed = log_evidence >= self.process.log_threshold();
        let predicted =
            self.forecast.rollback && self.trend.is_some_and(|trend| trend.prediction != Prediction::Quiet);
        // Where the version's evidence is that of its share, its errors and latencies say nothing against it.
        let is_blamed = is_stronger && !predicted && log_evidence > 0.0;
        let verdict = if self.regressed && (crossed || is_blamed) {
            Verdict::Regressed
        } else if log_evidence_healthy >= health.log_threshold() && !is_doubtful(log_evidence) {
            Verdict::Healthy
        } else {
            Verdict::Inconclusive
        };
        Reason {
            signal,
            verdict,
            log_evidence: told(log_evidence),
            log_threshold: self.process.log_threshold(),
            log_evidence_healthy,
            log_threshold_healthy: health.log_threshold(),
            baseline_requests: requests.baseline,
            canary_requests: requests.canary,
            canary_requests_needed: needed.filter(|needed| *needed > 0 && verdict == Verdict::Inconclusive),
            ..Reason::default()
        }
    }

    /// What the table asks for. Only what is named is undone: a veto may stand against it, or the plan.
    fn action(&self, risk: f64) -> Action {
        let prediction = self.trend.map(|trend| trend.prediction).unwrap_or_default();
        let (log_evidence, log_threshold) = (self.process.log_evidence(), self.process.log_threshold());
        let situation = Situation { risk, log_evidence, log_threshold, prediction };
        if self.regressed && self.vetoes.is_empty() {
            Action::Rollback
        } else {
            decide(&situation).min(Action::HoldAndPage)
        }
    }

    /// Severity, frequency, impact and confidence of what the reasons show ([`crate::risk`]).
    fn risk(&self, reasons: &[Reason]) -> f64 {
        let per_minute = self.summary.canary.requests as f64;
        let anomaly = |reason: &Reason| {
            let effect = reason.effect.map_or(0.0, |effect| effect.estimate);
            let (class, effect_to_margin, share) = match reason.signal {
                Signal::ErrorRate | Signal::Share => {
                    let margin =
                        (self.margins.error_ratio - 1.0) * reason.baseline + self.margins.error_absolute;
                    (HarmClass::ServerError, effect / margin.max(1e-9), effect)
                }
                Signal::Latency => (
                    HarmClass::Slow,
                    (effect - 1.0) / self.margins.latency_ratio.max(1e-9),
                    self.slower_share(),
                ),
            };
            Anomaly {
                harms: vec![Harm { class, effect_to_margin }],
                excess_per_minute: share.max(0.0) * per_minute,
                requests_per_minute: per_minute,
                impact: self.impact,
                log_evidence: reason.log_evidence,
                learned_confidence: None,
            }
        };
        let anomalies: Vec<Anomaly> = reasons.iter().map(anomaly).collect();
        scope_risk(&anomalies, self.process.log_bound())
    }

    /// By how much the canary's share of slow requests exceeds the baseline's, at the quantile where it does most.
    fn slower_share(&self) -> f64 {
        let ByArm { baseline, canary } = self.process.totals();
        let cells = ByArm { baseline: as_floats(&baseline.cells), canary: as_floats(&canary.cells) };
        let excess = HEALTH_EDGES.map(|edge| {
            let slow = slower_than(&cells, edge);
            let share = |events: f64, of: f64| if of > 0.0 { events / of } else { 0.0 };
            share(slow.events.canary, slow.exposures.canary)
                - share(slow.events.baseline, slow.exposures.baseline)
        });
        excess.into_iter().fold(0.0, f64::max)
    }

    /// Failures by category; first those of which the canary has most beyond its share.
    fn of_categories(&self, totals: &ErrorTotals) -> Vec<CategoryFailures> {
        let ByArm { baseline, canary } = &totals.failed;
        let odds = totals.requests.canary as f64 / totals.requests.baseline.max(1) as f64;
        let log_threshold = Categories::log_threshold(self.failures.categories().count());
        let counts = baseline.by_category().zip(canary.by_category());
        let counts = counts.map(|((category, baseline), (_, canary))| (category, baseline, canary));
        let mut shown: Vec<CategoryFailures> = counts
            .filter(|(_, baseline, canary)| *baseline > 0 || *canary > 0)
            .map(|(category, baseline, canary)| {
                let log_evidence = self.categories.log_evidence(category);
                let at_fault = log_evidence >= log_threshold;
                CategoryFailures { category, baseline, canary, log_evidence, at_fault }
            })
            .collect();
        let excess = |of: &CategoryFailures| of.canary as f64 - odds * of.baseline as f64;
        shown.sort_by(|a, b| excess(b).total_cmp(&excess(a)).then(a.category.cmp(&b.category)));
        shown
    }
}
