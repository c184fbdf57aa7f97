//! From evidence to verdicts with their reasons.

use super::component::Component;
use super::flag::disturbance;
use super::judgement::Judgement;
use super::solo::Beside;
use super::{Assessment, Engine, Scope};
use crate::effect;
use crate::evalue::told;
use crate::placebo::Phi;
use crate::power::Needed;
use crate::risk::Action;
use crate::verdict::{Reason, ScopeAssessment, Signal, Trend, Verdict, Veto, is_doubtful};

/// Without data for longer than this, in seconds, nothing is healthy.
const STALE_S: u64 = 15;

impl Engine {
    pub(super) fn assess(&self) -> Assessment {
        let missing_since = self.gaps.canary_missing_since();
        let last = missing_since.or(self.last_exposed_second);
        let data_age_s = last.map(|second| self.at_second.saturating_sub(second.saturating_add(1)));
        let warming_up = self.at_second < self.exclude_until;
        let fresh = !warming_up && missing_since.is_none() && data_age_s.is_some_and(|age| age <= STALE_S);
        let component = |(index, component): (usize, &Component)| {
            let assessment = if component.is_active() {
                self.assess_component(index, component, fresh)
            } else {
                let recovering = component.resting_until().is_some();
                ScopeAssessment { recovering, ..ScopeAssessment::default() }
            };
            (component.name().to_owned(), assessment)
        };
        let components: Vec<_> = self.components.iter().enumerate().map(component).collect();
        let is_held = components
            .iter()
            .any(|(_, assessment)| !assessment.vetoes.is_empty() || assessment.action >= Action::Hold);
        Assessment {
            at_second: self.at_second,
            version: self.assess_version(fresh && !is_held),
            components,
            alarm: self.alarm(),
            late_requests: self.late_requests,
            dropped_requests: self.dropped_requests,
            data_age_s,
            warming_up,
        }
    }

    fn assess_version(&self, fresh: bool) -> ScopeAssessment {
        let doubtful = is_doubtful(self.version.log_evidence())
            || is_doubtful(self.share.log_evidence())
            || self.active_components().any(|component| is_doubtful(component.process().log_evidence()));
        let phi = self.version_phi();
        let summary = self.summary(Scope::Version);
        let judgement = Judgement {
            process: &self.version,
            categories: &self.version_categories,
            failures: self.config.raw().failures,
            beside: self.alone,
            summary,
            needed: self.version_needed(phi),
            phi,
            margins: self.present().margins,
            impact: self.impact.unwrap_or(1.0),
            slow_down: self.version_slow_down,
            trend: self.version_trend(),
            forecast: self.config.raw().forecast,
            regressed: self.version_flagged || !self.version_vetoes.is_empty(),
            may_be_healthy: fresh && !doubtful && self.flagged.is_empty() && !self.is_any_resting(),
            vetoes: with_disturbance(&self.version_vetoes, disturbance(&self.watch)),
        };
        let mut version = judgement.assessment();
        version.reasons.extend(self.share_reason());
        version
    }

    /// Where the version is going. `None`: not known, or no baseline runs beside it.
    pub(super) fn version_trend(&self) -> Option<Trend> {
        if self.alone.is_some() { None } else { self.course.trend(&self.config.raw().forecast) }
    }

    /// Alone its components are judged by bounds of their own, so what is needed is said of them.
    fn version_needed(&self, phi: Phi) -> Needed {
        match self.alone {
            Some(_) => Needed::default(),
            None => {
                let totals = self.version.totals();
                Needed::of(&self.version, totals, self.pool.archetypes(), phi, &self.present())
            }
        }
    }

    fn assess_component(&self, index: usize, component: &Component, fresh: bool) -> ScopeAssessment {
        let config = &self.present();
        let regressed = self.flagged.contains(&index) || !component.vetoes().is_empty();
        let judgement = Judgement {
            process: component.process(),
            categories: component.categories(),
            failures: config.failures,
            beside: component.solo().map(Beside::of),
            summary: component.summary().summary(),
            needed: component.needed(),
            phi: component.phi(config),
            margins: config.margins,
            impact: component.impact(),
            slow_down: component.slow_down(regressed, config),
            trend: component.trend(config),
            forecast: config.forecast,
            regressed,
            may_be_healthy: fresh && !is_doubtful(component.process().log_evidence()),
            vetoes: with_disturbance(component.vetoes(), disturbance(component.watch())),
        };
        ScopeAssessment { blocks: component.block_evidence(), ..judgement.assessment() }
    }

    /// What the split of the requests says; `None` while it is not judged.
    fn share_reason(&self) -> Option<Reason> {
        let (requests, expected) = self.share.seen()?;
        let (baseline, canary) = (requests.baseline as f64, requests.canary as f64);
        let (log_evidence, log_threshold) = (self.share.log_evidence(), self.share.log_threshold());
        let verdict = if self.share.is_crossed() {
            Verdict::Regressed
        } else if is_doubtful(log_evidence) {
            Verdict::Inconclusive
        } else {
            Verdict::Healthy
        };
        Some(Reason {
            signal: Signal::Share,
            verdict,
            log_evidence: told(log_evidence),
            log_threshold,
            baseline: expected,
            canary: if baseline + canary > 0.0 { canary / (baseline + canary) } else { expected },
            baseline_requests: requests.baseline,
            canary_requests: requests.canary,
            effect: effect::share_ratio(&requests, expected, self.share.phi()),
            overdispersion: self.share.phi(),
            ..Reason::default()
        })
    }
}

fn with_disturbance(vetoes: &[Veto], disturbance: Option<Veto>) -> Vec<Veto> {
    let mut all: Vec<Veto> = vetoes.iter().copied().chain(disturbance).collect();
    all.sort_unstable();
    all.dedup();
    all
}
