//! Serin's own judgement of a trace: a rollout on paper.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serin_analysis::{Arm, ComponentIndex, HostSample, Increment, Outcomes, ScopeAssessment, Verdict};
use serin_proto::assignment::UNMATCHED;
use serin_rollout::{
    Cause, Creation, Event, Fact, Judgement, Phase, Plan, RolloutId, Salt, Trial, UnixMillis, summary,
};

use super::ReplayError;
use super::outcome::{Decided, Decision, Entry, Level, Needed, Reason};
use crate::line::Line;
use crate::merged::Merged;
use crate::seconds::{Cell, Second};

/// The one source of a trace that is no recording.
const SOURCE: u64 = 0;
/// Where the hash of a host begins.
const HASH_SEED: u64 = 0xcbf2_9ce4_8422_2325;
/// Names that are noted as not known; of more, nothing is said.
const LATECOMERS_MAX: usize = 2_000;

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
    /// Creates the rollout at `first`. Components in `names` that the plan does not know are judged alone.
    pub(super) fn begin(
        plan: Plan,
        names: &BTreeSet<&String>,
        first: UnixMillis,
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
            entries.push(Entry::Note { t: first.second(), note });
        }
        let creation = Creation {
            id: RolloutId("replay".to_owned()),
            salt: Salt(0),
            actor: "replay".to_owned(),
            paused: false,
        };
        let trial = Trial::with_components(plan, &unknown, creation, first)?;
        Ok(Self {
            trial,
            verdicts: BTreeMap::new(),
            latecomers: BTreeSet::new(),
            weight_ppm: None,
            now: first.second(),
            decided: None,
        })
    }

    /// Adds an interval whose requests count as started in the second `counts_at`.
    pub(super) fn merge(&mut self, second: &Second, counts_at: u64, entries: &mut Vec<Entry>) {
        self.set_weight(second.weight_ppm, counts_at);
        for (name, arms) in &second.components {
            let Some(component) = self.component(name, second.t, entries) else { continue };
            let evaluation = self.trial.evaluation();
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
                        host: hash(HASH_SEED, address),
                        one_in: 1,
                        requests: host.outcomes.finished(),
                        failed: failures(&host.outcomes),
                        latency: (!host.latency.is_empty()).then(|| host.latency.clone()),
                    });
                }
            }
        }
    }

    /// Adds a line of a recording, which was merged at `at`.
    pub(super) fn merge_line(
        &mut self,
        line: &Line,
        merged: &Merged,
        at: UnixMillis,
        entries: &mut Vec<Entry>,
    ) {
        self.set_weight(line.weight_ppm, at.second());
        let source = hash(merged.epoch, line.node.as_deref().unwrap_or_default());
        if let Some(component) = self.component(&line.component, line.t, entries) {
            let Line { t: start_second, arm, started, outcomes, .. } = *line;
            let latency = (!line.latency.is_empty()).then(|| line.latency.clone());
            let evaluation = self.trial.evaluation();
            evaluation.merge(&Increment { component, start_second, arm, source, started, outcomes, latency });
            for host in &merged.hosts {
                evaluation.merge_host(&HostSample {
                    component,
                    start_second,
                    arm,
                    host: hash(HASH_SEED, &host.host),
                    one_in: merged.host_sample,
                    requests: host.requests,
                    failed: host.failed,
                    latency: (!host.latency.is_empty()).then(|| host.latency.clone()),
                });
            }
        }
        if merged.complete_until > 0 {
            self.trial.evaluation().progress(source, merged.complete_until, at);
        }
    }

    /// Takes over the canary's weight, if it is another one from the second `from` on.
    fn set_weight(&mut self, weight_ppm: Option<u32>, from: u64) {
        if weight_ppm.is_none() || weight_ppm == self.weight_ppm {
            return;
        }
        self.weight_ppm = weight_ppm;
        let alone = self.trial.plan().splits_by_weight_alone();
        let split = weight_ppm.filter(|ppm| alone && (1..1_000_000).contains(ppm));
        self.trial.evaluation().set_weight(from, split);
    }

    /// How increments name a component; one that is not known counts as unmatched, which is said once.
    fn component(&mut self, name: &str, t: u64, entries: &mut Vec<Entry>) -> Option<ComponentIndex> {
        let evaluation = self.trial.evaluation();
        if let Some(known) = evaluation.index(name) {
            return Some(known);
        }
        let unmatched = evaluation.index(UNMATCHED);
        if !self.latecomers.contains(name) && self.latecomers.len() < LATECOMERS_MAX {
            self.latecomers.insert(name.to_owned());
            let note = format!("{name} is not in the plan and came late: counted as {UNMATCHED}");
            entries.push(Entry::Note { t, note });
        }
        unmatched
    }

    /// Judges at the second `now`, when everything that finished before `complete_until` is known.
    pub(super) fn judge_complete(
        &mut self,
        now: u64,
        complete_until: u64,
        entries: &mut Vec<Entry>,
    ) -> Result<(), ReplayError> {
        let at = UnixMillis(now.saturating_mul(1_000));
        self.trial.evaluation().progress(SOURCE, complete_until, at);
        self.judge(at, entries)
    }

    /// Judges.
    pub(super) fn judge(&mut self, at: UnixMillis, entries: &mut Vec<Entry>) -> Result<(), ReplayError> {
        if self.trial.state().phase.is_terminal() {
            return Ok(());
        }
        self.now = at.second();
        let events = self.trial.judge(at)?;
        self.note_verdicts(entries);
        for event in &events {
            entries.push(Entry::Event { t: self.now, event: event.fact.kind(), text: event.fact.text() });
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

/// A number for a text (FNV-1a), begun with `seed`: as the control plane has it.
fn hash(seed: u64, text: &str) -> u64 {
    text.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
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
