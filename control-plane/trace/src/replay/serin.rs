//! Serin's own judgement of a trace: a rollout on paper.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serin_analysis::{Arm, ComponentIndex, HostSample, Increment, Verdict};
use serin_policy::{Answer, Outcome};
use serin_proto::assignment::UNMATCHED;
use serin_rollout::{
    Command, Creation, Event, Phase, Plan, RolloutId, Salt, State, Stored, Trial, UnixMillis, Weight,
    answers, host_number, source_number, summary,
};

use super::ReplayError;
use super::outcome::{Decision, Entry, Needed, Reason, decision, of_scope};
use crate::line::Line;
use serin_analysis::streams::StreamCounts;

use crate::logged::Logged;
use crate::merged::Merged;
use crate::seconds::{Cell, Second, failures};

/// The one source of a trace that is no recording.
const SOURCE: u64 = 0;
/// Names that are noted as not known; of more, nothing is said.
const LATECOMERS_MAX: usize = 2_000;

#[derive(Debug)]
pub(super) struct Serin {
    trial: Trial,
    verdicts: BTreeMap<Option<String>, Verdict>,
    /// What each policy of the plan said last.
    said: BTreeMap<String, &'static str>,
    /// Components that came too late to be judged alone.
    latecomers: BTreeSet<String>,
    /// Whether the rollout ran live until the replay began: then what its plan does not name was not merged.
    was_live: bool,
    /// What the trace said last.
    weight_ppm: Option<u32>,
    /// Whether requests finished, and whether any of them told its latency.
    finished: bool,
    timed: bool,
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
        Ok(Self::of(trial, false, first))
    }

    /// Takes up a rollout that ran live until `at`.
    pub(super) fn take_up(
        plan: Plan,
        state: State,
        stored: Option<Stored>,
        at: UnixMillis,
    ) -> Result<Self, ReplayError> {
        Ok(Self::of(Trial::take_up(plan, state, stored)?, true, at))
    }

    fn of(trial: Trial, was_live: bool, at: UnixMillis) -> Self {
        let (verdicts, latecomers) = (BTreeMap::new(), BTreeSet::new());
        Self {
            trial,
            verdicts,
            said: BTreeMap::new(),
            latecomers,
            was_live,
            weight_ppm: None,
            finished: false,
            timed: false,
            now: at.second(),
            decided: None,
        }
    }

    /// Time goes by until `second` without a word, so that an interval is not thought to lie far ahead when it is told.
    pub(super) fn wait_until(&mut self, second: u64) {
        self.trial.evaluation().judge(UnixMillis(second.saturating_mul(1_000)));
    }

    /// Adds an interval whose requests count as started in the second `counts_at`.
    pub(super) fn merge(&mut self, second: &Second, counts_at: u64, entries: &mut Vec<Entry>) {
        self.set_weight(second.weight_ppm, counts_at);
        for (name, arms) in &second.components {
            let Some(component) = self.component(name, second.t, entries) else { continue };
            let evaluation = self.trial.evaluation();
            for (arm, cell) in [(Arm::Baseline, &arms.baseline), (Arm::Canary, &arms.canary)] {
                let Cell { started, outcomes, latency, hosts, users, blocks } = cell;
                self.finished |= outcomes.finished() > 0;
                self.timed |= !latency.is_empty();
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
                    users: *users,
                });
                for (block, failed) in blocks {
                    evaluation.merge_block(block, component, arm, counts_at, *failed);
                }
                for (address, host) in hosts {
                    evaluation.merge_host(&HostSample {
                        component,
                        start_second: counts_at,
                        arm,
                        host: host_number(address),
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
        let source = source_number(line.node.as_deref().unwrap_or_default(), merged.epoch);
        if let Some(component) = self.component(&line.component, line.t, entries) {
            let Line { t: start_second, arm, started, outcomes, users, .. } = *line;
            let latency = (!line.latency.is_empty()).then(|| line.latency.clone());
            let evaluation = self.trial.evaluation();
            let increment =
                Increment { component, start_second, arm, source, started, outcomes, latency, users };
            evaluation.merge(&increment);
            for (block, failed) in &line.blocks {
                evaluation.merge_block(block, component, arm, start_second, *failed);
            }
            for host in &merged.hosts {
                evaluation.merge_host(&HostSample {
                    component,
                    start_second,
                    arm,
                    host: host_number(&host.host),
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

    /// Adds what log records said.
    pub(super) fn merge_logged(&mut self, logged: &Logged) {
        let Logged { t, component, arm, blocks, .. } = logged;
        for (block, failed) in blocks {
            self.trial.evaluation().merge_logged(component, block, *arm, *t, *failed);
        }
    }

    /// Adds what logs or users told.
    pub(super) fn merge_stream(&mut self, counts: &StreamCounts) {
        self.trial.evaluation().merge_stream(counts);
    }

    /// Takes over what a query or a health check answered.
    pub(super) fn hear(&mut self, told: &serin_rollout::outside::Told) {
        self.trial.evaluation().hear(told);
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
        if self.was_live {
            return None;
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
        if !self.trial.state().runs() {
            return Ok(());
        }
        self.now = at.second();
        let before = (!self.trial.plan().policies().is_empty()).then(|| self.trial.state().clone());
        let events = self.trial.judge(at)?;
        self.note_verdicts(entries);
        if let Some(before) = before {
            self.note_policies(&before, at, entries);
        }
        self.note_events(&events, entries);
        Ok(())
    }

    /// Does what a person did.
    pub(super) fn act(
        &mut self,
        command: Command,
        at: UnixMillis,
        entries: &mut Vec<Entry>,
    ) -> Result<(), ReplayError> {
        self.now = at.second();
        let events = self.trial.obey(command, at)?;
        self.note_events(&events, entries);
        // Evidence that begins anew knows no weight.
        self.weight_ppm = None;
        Ok(())
    }

    fn note_events(&mut self, events: &[Event], entries: &mut Vec<Entry>) {
        for event in events {
            entries.push(Entry::Event { t: self.now, event: event.fact.kind(), text: event.fact.text() });
            if let Some(decision) = decision(event) {
                match &mut self.decided {
                    Some(first) => first.later.push(decision),
                    None => self.decided = Some(decision),
                }
            }
        }
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

    /// State and evidence as JSON.
    #[cfg(test)]
    pub(super) fn stands(mut self: Box<Self>) -> (String, String) {
        let evidence = String::from_utf8(self.trial.evaluation().stored().unwrap()).unwrap();
        (serde_json::to_string(self.trial.state()).unwrap(), evidence)
    }

    fn hold(&self) -> Decision {
        let judgement = self.trial.judgement();
        let at = UnixMillis(self.now.saturating_mul(1_000));
        let text = summary(self.trial.plan(), self.trial.state(), Some(judgement), at);
        let mut reasons = vec![Reason { component: None, signal: None, baseline_used: None, text }];
        if self.finished && !self.timed {
            let text =
                "the trace tells no latencies, and without them nothing is shown to be healthy".to_owned();
            reasons.push(Reason { component: None, signal: None, baseline_used: None, text });
        }
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
            | Phase::RollingBack
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

    /// What each policy said to this judgement, where that changed.
    fn note_policies(&mut self, before: &State, at: UnixMillis, entries: &mut Vec<Entry>) {
        if before.began_at.is_none() || before.weight == Weight::ZERO {
            return;
        }
        for (policy, Answer { outcome, values }) in
            answers(self.trial.plan(), before, self.trial.judgement(), at)
        {
            let says = match &outcome {
                Outcome::Decided(decision) => decision.name(),
                Outcome::Inconclusive { .. } => "inconclusive",
            };
            if self.said.insert(policy.to_owned(), says) == Some(says) {
                continue;
            }
            let text = match outcome {
                Outcome::Inconclusive { why } => why,
                Outcome::Decided(_) => {
                    let values: Vec<_> =
                        values.iter().map(|(name, value)| format!("{name} = {value}")).collect();
                    values.join(", ")
                }
            };
            entries.push(Entry::Policy { t: self.now, policy: policy.to_owned(), says, text });
        }
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
