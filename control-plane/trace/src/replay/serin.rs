//! Serin's own judgement of a trace: a rollout on paper.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serin_analysis::{Arm, HostSample, Increment, Outcomes, ScopeAssessment, Verdict};
use serin_proto::assignment::UNMATCHED;
use serin_rollout::{
    Cause, Creation, Event, Fact, Judgement, Phase, Plan, RolloutId, Salt, Trial, UnixMillis, summary,
};

use super::ReplayError;
use super::outcome::{Decided, Decision, Entry, Level, Needed, Reason};
use crate::seconds::{Cell, Second};

/// The one source of a trace.
const SOURCE: u64 = 0;

#[derive(Debug)]
pub(super) struct Serin {
    trial: Trial,
    verdicts: BTreeMap<Option<String>, Verdict>,
    /// Components that came too late to be judged alone.
    latecomers: BTreeSet<String>,
    /// What the trace said last.
    weight_ppm: Option<u32>,
    now: u64,
    decided: Option<Decision>,
}

impl Serin {
    /// Creates the rollout at the second `first`. Components in `names` that the plan does not know are judged alone.
    pub(super) fn begin(
        plan: Plan,
        names: &BTreeSet<&String>,
        first: u64,
        entries: &mut Vec<Entry>,
    ) -> Result<Self, ReplayError> {
        let unknown =
            names.iter().filter(|name| plan.component(name).is_none() && name.as_str() != UNMATCHED);
        let unknown: Vec<String> = unknown.map(|name| (*name).clone()).collect();
        if !unknown.is_empty() {
            let note = format!(
                "not in the plan, so judged alone at weight 1, and returned only with the whole version: {}",
                unknown.join(", ")
            );
            entries.push(Entry::Note { t: first, note });
        }
        let creation = Creation {
            id: RolloutId("replay".to_owned()),
            salt: Salt(0),
            actor: "replay".to_owned(),
            paused: false,
        };
        let trial =
            Trial::with_components(plan, &unknown, creation, UnixMillis(first.saturating_mul(1_000)))?;
        Ok(Self {
            trial,
            verdicts: BTreeMap::new(),
            latecomers: BTreeSet::new(),
            weight_ppm: None,
            now: first,
            decided: None,
        })
    }

    /// Adds an interval whose requests count as started in the second `counts_at`.
    pub(super) fn merge(&mut self, second: &Second, counts_at: u64, entries: &mut Vec<Entry>) {
        if second.weight_ppm.is_some() && second.weight_ppm != self.weight_ppm {
            self.weight_ppm = second.weight_ppm;
            let alone = self.trial.plan().splits_by_weight_alone();
            let split = self.weight_ppm.filter(|ppm| alone && (1..1_000_000).contains(ppm));
            self.trial.evaluation().set_weight(counts_at, split);
        }
        for (name, arms) in &second.components {
            let evaluation = self.trial.evaluation();
            let known = evaluation.index(name);
            let Some(component) = known.or_else(|| evaluation.index(UNMATCHED)) else { continue };
            for (arm, cell) in [(Arm::Baseline, &arms.baseline), (Arm::Canary, &arms.canary)] {
                let Cell { started, outcomes, latency, hosts } = cell;
                if *started == 0 {
                    continue;
                }
                evaluation.merge(&Increment {
                    component,
                    start_second: counts_at,
                    arm,
                    source: SOURCE,
                    started: *started,
                    outcomes: *outcomes,
                    latency: (!latency.is_empty()).then(|| latency.clone()),
                });
                for (address, host) in hosts {
                    evaluation.merge_host(&HostSample {
                        component,
                        start_second: counts_at,
                        arm,
                        host: hash(address),
                        one_in: 1,
                        requests: host.outcomes.finished(),
                        failed: failures(&host.outcomes),
                        latency: (!host.latency.is_empty()).then(|| host.latency.clone()),
                    });
                }
            }
            if known.is_none() && self.latecomers.insert(name.clone()) {
                let note = format!("{name} is not in the plan and came late: counted as {UNMATCHED}");
                entries.push(Entry::Note { t: second.t, note });
            }
        }
    }

    /// Judges at the second `now`, when everything that finished before `complete_until` is known.
    pub(super) fn judge(
        &mut self,
        now: u64,
        complete_until: u64,
        entries: &mut Vec<Entry>,
    ) -> Result<(), ReplayError> {
        if self.trial.state().phase.is_terminal() {
            return Ok(());
        }
        self.now = now;
        let at = UnixMillis(now.saturating_mul(1_000));
        self.trial.evaluation().progress(SOURCE, complete_until, at);
        let events = self.trial.judge(at)?;
        self.note_verdicts(entries);
        for event in &events {
            entries.push(Entry::Event { t: now, event: event.fact.kind(), text: event.fact.text() });
            if let Some(decision) = decision(event) {
                match &mut self.decided {
                    Some(first) => first.later.push(decision),
                    None => self.decided = Some(decision),
                }
            }
        }
        Ok(())
    }

    pub(super) fn decision(self) -> Decision {
        match self.decided {
            Some(decision) => decision,
            None => self.hold(),
        }
    }

    #[cfg(test)]
    pub(super) fn learned(&mut self) -> serin_analysis::Learned {
        self.trial.evaluation().learned()
    }

    fn hold(&self) -> Decision {
        let judgement = self.trial.judgement();
        let at = UnixMillis(self.now.saturating_mul(1_000));
        let text = summary(self.trial.plan(), self.trial.state(), Some(judgement), at);
        let mut reasons = vec![Reason { component: None, signal: None, text }];
        reasons.extend(of_scope(None, &judgement.version, |verdict| verdict != Verdict::Healthy));
        for component in &judgement.components {
            let assessment = &component.assessment;
            if assessment.verdict == Verdict::Regressed {
                reasons.extend(of_scope(Some(&component.name), assessment, |verdict| {
                    verdict == Verdict::Regressed
                }));
            }
        }
        let needed = Some(self.needed());
        Decision { t: Some(self.now), reasons, needed, ..Decision::nothing(String::new()) }
    }

    fn needed(&self) -> Needed {
        let (plan, state, judgement) = (self.trial.plan(), self.trial.state(), self.trial.judgement());
        let at = UnixMillis(self.now.saturating_mul(1_000));
        let step = usize::try_from(state.step).unwrap_or(usize::MAX);
        let bake = |skip: usize| plan.steps().iter().skip(skip).map(|step| step.bake).sum::<Duration>();
        let whole = match state.phase {
            Phase::WarmingUp => plan.warm_up() + bake(0) + plan.promotion(),
            Phase::Completing => plan.promotion(),
            Phase::Progressing
            | Phase::Paused { .. }
            | Phase::Promoted
            | Phase::RolledBack
            | Phase::Failed => bake(step) + plan.promotion(),
        };
        let by_plan = whole.saturating_sub(at.since(state.evaluating_since)).as_secs();
        let requests =
            judgement.version.reasons.iter().filter_map(|reason| reason.canary_requests_needed).max();
        let is_healthy = judgement.version.verdict == Verdict::Healthy;
        let by_evidence = match requests {
            Some(requests) => requests.saturating_mul(60).checked_div(judgement.canary.requests),
            None => is_healthy.then_some(0),
        };
        Needed { canary_requests: requests, seconds: by_evidence.map(|seconds| seconds.max(by_plan)) }
    }

    fn note_verdicts(&mut self, entries: &mut Vec<Entry>) {
        let judgement = self.trial.judgement();
        let components = judgement
            .components
            .iter()
            .map(|component| (Some(component.name.clone()), &component.assessment));
        for (component, assessment) in components.chain([(None, &judgement.version)]) {
            let before = self.verdicts.entry(component.clone()).or_default();
            if *before == assessment.verdict {
                continue;
            }
            *before = assessment.verdict;
            let said = assessment.reasons.iter().filter(|reason| reason.verdict == assessment.verdict);
            let text = said.map(serin_analysis::Reason::sentence).collect::<Vec<_>>().join("; ");
            entries.push(Entry::Verdict { t: self.now, verdict: assessment.verdict, component, text });
        }
    }
}

/// Requests that failed by fault of the service.
pub(super) fn failures(outcomes: &Outcomes) -> u64 {
    let Outcomes { server_error, timeout, connect_failure, reset, overload, .. } = *outcomes;
    [server_error, timeout, connect_failure, reset, overload].into_iter().fold(0, u64::saturating_add)
}

/// A number for a host (FNV-1a).
fn hash(address: &str) -> u64 {
    address.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// What an event decides, if it decides anything.
fn decision(event: &Event) -> Option<Decision> {
    let whole = Decision { t: Some(event.at.second()), ..Decision::nothing(event.fact.text()) };
    let evidence = event.fact.evidence();
    match &event.fact {
        Fact::ComponentsRolledBack { components, .. } => {
            Some(rolled_back(whole, Level::Medium, components.clone(), evidence))
        }
        Fact::RolledBack { cause, .. } => {
            let components = match cause {
                Cause::CoarseComponent { component } => vec![component.clone()],
                Cause::TooManyComponents { components, .. } | Cause::ComponentsRegressed { components } => {
                    components.clone()
                }
                Cause::VersionRegressed
                | Cause::LimitSustained { .. }
                | Cause::WithinLimits
                | Cause::Person { .. } => Vec::new(),
            };
            Some(rolled_back(whole, Level::Coarse, components, evidence))
        }
        Fact::Promoted { .. } => Some(Decision { decision: Decided::Promote, ..whole }),
        Fact::Created { .. }
        | Fact::StepStarted { .. }
        | Fact::Held { .. }
        | Fact::HoldLifted { .. }
        | Fact::Completing { .. }
        | Fact::HandedOver { .. }
        | Fact::WeightSet { .. }
        | Fact::Paused { .. }
        | Fact::Resumed { .. }
        | Fact::Superseded { .. } => None,
    }
}

fn rolled_back(
    whole: Decision,
    level: Level,
    components: Vec<String>,
    evidence: Option<&Judgement>,
) -> Decision {
    let regressed = |verdict| verdict == Verdict::Regressed;
    let mut reasons = whole.reasons;
    if let Some(judgement) = evidence {
        reasons.extend(of_scope(None, &judgement.version, regressed));
        for component in judgement.components.iter().filter(|one| components.contains(&one.name)) {
            reasons.extend(of_scope(Some(&component.name), &component.assessment, regressed));
        }
    }
    Decision { decision: Decided::Rollback, level: Some(level), components, reasons, ..whole }
}

fn of_scope(
    component: Option<&String>,
    assessment: &ScopeAssessment,
    counts: impl Fn(Verdict) -> bool,
) -> Vec<Reason> {
    let reasons = assessment.reasons.iter().filter(|reason| counts(reason.verdict));
    let said = reasons.map(|reason| Reason {
        component: component.cloned(),
        signal: Some(reason.signal),
        text: reason.sentence(),
    });
    said.collect()
}
