//! The evidence of a decision, as it is known when the decision is made.

use std::collections::BTreeMap;

use serde_json::Value;
use serin_evidence::bundle::{DECISIONS, Draft, Kind};
use serin_evidence::course::KEPT_S;
use serin_evidence::documents::{Assignments, Decision as Decided, Environment, Histogram, Latencies, name};
use serin_proto::assignment::{BASELINE, CANARY, UNMATCHED};
use serin_rollout::evaluation::Evaluation;
use serin_rollout::{Event, Transition, UnixMillis};

use super::perform::Decision;
use super::task::Task;
use super::tracked::Tracked;
use crate::evidence;

impl Task {
    /// What is known about those of these decisions that have evidence.
    pub(super) fn drafts(&self, decisions: &[Decision], now: UnixMillis) -> Vec<Draft> {
        let drafts = decisions.iter().filter_map(|Decision { index, transition }| {
            let tracked = self.tracked.get(*index)?;
            let (first, last) = decided(transition)?;
            let mut draft = tracked.draft(transition, (first, last), now);
            let undoes = is_undone(transition);
            draft.add(name::ENVIRONMENT, self.environment(tracked, now, undoes));
            draft.add(name::ASSIGNMENT, self.assignments(tracked, transition));
            if undoes {
                draft.add(name::LOGS, self.shared.samples.of(&tracked.state.service, now.second()));
            }
            Some(draft)
        });
        drafts.collect()
    }

    fn environment(&self, tracked: &Tracked, now: UnixMillis, with_nodes: bool) -> Environment {
        let fleet = &self.shared.fleet;
        let all = fleet.nodes();
        let spread = all.spread(tracked.generation, now, fleet.live_within());
        let (nodes, nodes_left_out) =
            if with_nodes { evidence::listed(&all) } else { (Vec::new(), all.iter().count() as u64) };
        let mut filter_versions = BTreeMap::<String, u64>::new();
        for (_, node) in all.iter() {
            *filter_versions.entry(node.filter_version.clone()).or_default() += node.vms().count() as u64;
        }
        Environment {
            serin_version: env!("CARGO_PKG_VERSION").to_owned(),
            filter_versions,
            vms: spread.known,
            vms_applied: spread.applied,
            nodes,
            nodes_left_out,
        }
    }

    fn assignments(&self, tracked: &Tracked, transition: &Transition) -> Assignments {
        let told = |state| {
            let told = serde_json::to_value(tracked.plan.service_assignment(state));
            told.unwrap_or_else(|error| Value::String(error.to_string()))
        };
        Assignments {
            generation_before: self.shared.board.newest().generation,
            before: told(&tracked.state),
            after: told(&transition.state),
        }
    }
}

/// The first and the last event that have evidence. `None`: none has.
pub(super) fn decided(transition: &Transition) -> Option<(u64, u64)> {
    let mut revisions =
        transition.events().iter().filter(|event| is_decision(event)).map(|event| event.revision);
    let first = revisions.next()?;
    Some((first, revisions.next_back().unwrap_or(first)))
}

/// Whether something returns to the baseline.
pub(super) fn is_undone(transition: &Transition) -> bool {
    let undoes = |event: &Event| is_decision(event) && event.fact.kind() != "promoted";
    transition.events().iter().any(undoes)
}

fn is_decision(event: &Event) -> bool {
    DECISIONS.contains(&event.fact.kind())
}

/// The name of the evidence of a transition.
pub(super) fn id(transition: &Transition) -> Option<String> {
    decided(transition).map(|(first, _)| format!("{}.{first}", transition.state.id.0))
}

impl Tracked {
    fn draft(&self, transition: &Transition, revisions: (u64, u64), now: UnixMillis) -> Draft {
        let events: Vec<&Event> = transition.events().iter().filter(|event| is_decision(event)).collect();
        let mut draft = Draft {
            kind: Kind::Bundle,
            id: id(transition).unwrap_or_default(),
            rollout: self.state.id.0.clone(),
            service: self.state.service.clone(),
            at: now,
            actor: events.first().map(|event| event.actor.clone()).unwrap_or_default(),
            revisions: Some(revisions),
            decided: events.iter().map(|event| event.fact.kind().to_owned()).collect(),
            text: events.iter().map(|event| event.fact.text()).collect(),
            about: None,
            documents: Vec::new(),
        };
        match self.decision(transition) {
            Ok(decision) => draft.add(name::DECISION, decision),
            Err(error) => draft.lacks(name::DECISION, error.to_string()),
        }
        draft.add(name::PLAN, self.plan.source().to_owned());
        // What a decision was made by is in its event; a person may decide without any.
        let seen = events.iter().find_map(|event| event.fact.evidence()).or(self.judgement.as_ref());
        let seen = serde_json::to_value(seen).map_err(|error| error.to_string());
        match seen {
            Ok(seen) => {
                if let Some(outside) = seen.get(name::OUTSIDE).filter(|outside| !outside.is_null()) {
                    draft.add(name::OUTSIDE, outside.clone());
                }
                draft.add(name::STATISTICS, seen);
            }
            Err(why) => draft.lacks(name::STATISTICS, why),
        }
        let streams = self.evaluation.as_ref().map(Evaluation::observed).unwrap_or_default();
        if !streams.is_empty() {
            draft.add(name::STREAMS, streams);
        }
        draft.add(name::PATH, self.course.path());
        draft.add(name::COUNTS, self.course.counts(now.second().saturating_sub(KEPT_S)));
        if is_undone(transition) {
            draft.add(name::LATENCIES, self.latencies());
        }
        draft
    }

    fn decision(&self, transition: &Transition) -> Result<Decided, serde_json::Error> {
        let event = |event: &Event| {
            let mut value = serde_json::to_value(event)?;
            if let Some(members) = value.as_object_mut() {
                members.remove("evidence");
            }
            Ok(value)
        };
        let events: Result<_, serde_json::Error> = transition.events().iter().map(event).collect();
        let (before, after) = (&self.state, &transition.state);
        let onset_second = self.course.onset();
        let (buckets_seen, buckets_failed) =
            onset_second.map_or((0, 0), |onset| self.course.buckets(CANARY, onset));
        Ok(Decided {
            events: events?,
            baseline_version: before.baseline.clone(),
            canary_version: before.canary.clone(),
            weight_before_ppm: before.weight.ppm(),
            weight_after_ppm: after.weight.ppm(),
            phase_before: crate::words::phase(before.phase).to_owned(),
            phase_after: crate::words::phase(after.phase).to_owned(),
            created_at: before.created_at,
            onset_second,
            buckets_seen,
            buckets_failed,
            evaluating_since: before.evaluating_since,
            error_limit_ppm: self.plan.limits().error_rate.ppm(),
        })
    }

    fn latencies(&self) -> Latencies {
        let Some(evaluation) = &self.evaluation else { return Latencies::default() };
        let names = self.plan.components().map(|component| component.name).chain([UNMATCHED]);
        let histograms = names.flat_map(|component| {
            let both = evaluation.latencies(component);
            [(BASELINE, both.baseline), (CANARY, both.canary)].map(|(arm, histogram)| Histogram {
                component: component.to_owned(),
                arm: arm.to_owned(),
                bins: histogram.highest_us().collect(),
            })
        });
        Latencies { histograms: histograms.filter(|one| !one.bins.is_empty()).collect() }
    }
}
