//! From evidence to verdicts and to what should be undone.

use super::component::Component;
use super::{Assessment, Engine, Scope};
use crate::increment::ByArm;
use crate::localise::components_at_fault;
use crate::placebo::Phi;
use crate::power::Needed;
use crate::scope::Process;
use crate::summary::ScopeSummary;
use crate::verdict::{Alarm, Reason, ScopeAssessment, Signal, Verdict};

/// Odds against "within the margins" from which a scope blocks a promotion.
const DOUBTFUL_ODDS: f64 = 20.0;
/// Without data for longer than this, in seconds, nothing is healthy.
const STALE_S: u64 = 15;

impl Engine {
    /// Names the scopes that have crossed their thresholds. A scope once named stays so until it is made inactive.
    pub(super) fn flag(&mut self) {
        if self.version_flagged {
            return;
        }
        let crossed = self.components.iter().enumerate();
        let crossed =
            crossed.filter(|(_, component)| component.is_active() && component.process().is_crossed());
        self.flagged.extend(crossed.map(|(index, _)| index));
        if self.share.is_crossed() {
            self.version_flagged = true;
        } else if self.version.is_crossed() {
            match self.at_fault() {
                Some(named) => self.flagged.extend(named),
                None => self.version_flagged = true,
            }
        }
    }

    pub(super) fn assess(&self) -> Assessment {
        let data_age_s =
            self.last_exposed_second.map(|second| self.at_second.saturating_sub(second.saturating_add(1)));
        let fresh = data_age_s.is_some_and(|age| age <= STALE_S);
        let active = || self.components.iter().filter(|component| component.is_active());
        let doubtful = is_doubtful(&self.version)
            || self.share.log_evidence() >= DOUBTFUL_ODDS.ln()
            || active().any(|component| is_doubtful(component.process()));
        let version = Judgement {
            process: &self.version,
            summary: self.summary(Scope::Version),
            needed: Needed::of(&self.version, self.pool.archetypes(), self.version_phi(), self.config.raw()),
            phi: self.version_phi(),
            regressed: self.version_flagged,
            may_be_healthy: fresh && !doubtful && self.flagged.is_empty(),
        };
        let mut version = version.assessment();
        version.reasons.extend(self.share_reason());
        let component = |(index, component): (usize, &Component)| {
            let assessment = if component.is_active() {
                let judgement = Judgement {
                    process: component.process(),
                    summary: component.summary().summary(),
                    needed: component.needed(),
                    phi: component.phi(self.config.raw()),
                    regressed: self.flagged.contains(&index),
                    may_be_healthy: fresh && !is_doubtful(component.process()),
                };
                judgement.assessment()
            } else {
                ScopeAssessment::default()
            };
            (component.name().to_owned(), assessment)
        };
        Assessment {
            at_second: self.at_second,
            version,
            components: self.components.iter().enumerate().map(component).collect(),
            alarm: self.alarm(),
            late_requests: self.late_requests,
            dropped_requests: self.dropped_requests,
            data_age_s,
        }
    }

    /// What the split of the requests says; `None` while it is not judged.
    fn share_reason(&self) -> Option<Reason> {
        let (requests, expected) = self.share.seen()?;
        let (baseline, canary) = (requests.baseline as f64, requests.canary as f64);
        let (log_evidence, log_threshold) = (self.share.log_evidence(), self.share.log_threshold());
        let verdict = if self.share.is_crossed() {
            Verdict::Regressed
        } else if log_evidence >= DOUBTFUL_ODDS.ln() {
            Verdict::Inconclusive
        } else {
            Verdict::Healthy
        };
        Some(Reason {
            signal: Signal::Share,
            verdict,
            log_evidence,
            log_threshold,
            baseline: expected,
            canary: if baseline + canary > 0.0 { canary / (baseline + canary) } else { expected },
            baseline_requests: requests.baseline,
            canary_requests: requests.canary,
            overdispersion: self.share.phi(),
            ..Reason::default()
        })
    }

    fn alarm(&self) -> Option<Alarm> {
        if self.version_flagged {
            return Some(Alarm::Version);
        }
        let flagged = self.flagged.iter().filter_map(|index| self.components.get(*index));
        let mut names: Vec<String> = flagged.map(|component| component.name().to_owned()).collect();
        names.sort();
        (!names.is_empty()).then_some(Alarm::Components(names))
    }

    /// The components that explain why the version crossed its threshold.
    fn at_fault(&self) -> Option<Vec<usize>> {
        let (bet, cusum, since_update) = self.version.best_bet();
        let active = self.components.iter().enumerate().filter(|(_, component)| component.is_active());
        let parts =
            active.map(|(index, component)| (index, component.part_in(bet, since_update, self.config.raw())));
        components_at_fault(cusum, parts.collect())
    }
}

/// All that the verdict on one scope depends on.
struct Judgement<'a> {
    process: &'a Process,
    summary: ScopeSummary,
    needed: Needed,
    phi: Phi,
    regressed: bool,
    may_be_healthy: bool,
}

impl Judgement<'_> {
    fn assessment(&self) -> ScopeAssessment {
        let errors = self.process.log_evidence_of(Signal::ErrorRate);
        let latency = self.process.log_evidence_of(Signal::Latency);
        let reasons = vec![
            self.errors(errors, errors >= latency, self.needed.errors),
            self.latency(latency, latency > errors, self.needed.latency),
        ];
        let served = self.summary.baseline.requests > 0 && self.summary.canary.requests > 0;
        let all_healthy = reasons.iter().all(|reason| reason.verdict == Verdict::Healthy);
        let verdict = if self.regressed {
            Verdict::Regressed
        } else if self.may_be_healthy && served && all_healthy {
            Verdict::Healthy
        } else {
            Verdict::Inconclusive
        };
        ScopeAssessment { verdict, reasons, ..ScopeAssessment::default() }
    }

    fn errors(&self, log_evidence: f64, is_stronger: bool, needed: Option<u64>) -> Reason {
        let totals = self.process.suspect_totals();
        let rate =
            |failed: u64, requests: u64| if requests > 0 { failed as f64 / requests as f64 } else { 0.0 };
        Reason {
            baseline: rate(totals.failed.baseline, totals.requests.baseline),
            canary: rate(totals.failed.canary, totals.requests.canary),
            ..self.reason(Signal::ErrorRate, log_evidence, is_stronger, needed, totals.requests)
        }
    }

    fn latency(&self, log_evidence: f64, is_stronger: bool, needed: Option<u64>) -> Reason {
        let ScopeSummary { baseline, canary } = self.summary;
        let requests = ByArm { baseline: baseline.requests, canary: canary.requests };
        Reason {
            baseline: baseline.p99_us.unwrap_or(0) as f64,
            canary: canary.p99_us.unwrap_or(0) as f64,
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
        let verdict = if self.regressed && (crossed || is_stronger) {
            Verdict::Regressed
        } else if log_evidence_healthy >= health.log_threshold() && log_evidence < DOUBTFUL_ODDS.ln() {
            Verdict::Healthy
        } else {
            Verdict::Inconclusive
        };
        Reason {
            signal,
            verdict,
            log_evidence,
            log_threshold: self.process.log_threshold(),
            log_evidence_healthy,
            log_threshold_healthy: health.log_threshold(),
            baseline: 0.0,
            canary: 0.0,
            baseline_requests: requests.baseline,
            canary_requests: requests.canary,
            canary_requests_needed: needed.filter(|_| verdict == Verdict::Inconclusive),
            overdispersion: match signal {
                Signal::ErrorRate | Signal::Share => self.phi.errors,
                Signal::Latency => self.phi.latency,
            },
            ..Reason::default()
        }
    }
}

fn is_doubtful(process: &Process) -> bool {
    process.log_evidence() >= DOUBTFUL_ODDS.ln()
}
