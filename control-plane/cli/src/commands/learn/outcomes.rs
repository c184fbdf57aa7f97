//! `serin learn outcomes`: finished rollouts of a server, as `learn retrain` reads them.
//!
//! What each stream counted, the plan and the statistics are in the evidence of the decision that ended a rollout; what is true is said
//! afterwards. A person's mark goes before all else; who rolls a version back says that it harms; a version that is undone after its
//! promotion was missed; and of what was promoted a week's silence says that it is harmless. Of what Serin undid silence says nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serin_analysis::risk::BySource;
use serin_analysis::streams::{Observed, SourceRisk, SourcesRisk};
use serin_evidence::documents::{self, name};
use serin_learning::outcome::Decided::{Promoted, RolledBack};
use serin_learning::outcome::{Decided, FINDINGS_MAX, Label, Outcome, Outcomes, Said, Seen, Teller, Truth};
use serin_rollout::{Judgement, Plan};

use crate::client::Client;
use crate::failure::{Failure, Kind};
use crate::model::Decision;
use crate::output::Output;

/// Decisions that are asked for at a time, and at most.
const PAGE: u32 = 1_000;
const DECISIONS_MAX: usize = 10_000;
/// How long nobody must complain of what was promoted.
const SILENCE: Duration = Duration::from_hours(7 * 24);
/// Who decides by itself.
const SERIN: &str = "serin";

pub(super) async fn run(
    client: &Client,
    service: Option<String>,
    out: Option<&Path>,
    output: Output,
) -> Result<(), Failure> {
    let mut by_rollout = BTreeMap::<String, Vec<Decision>>::new();
    for decision in decisions(client, service.unwrap_or_default()).await? {
        by_rollout.entry(decision.rollout_id.clone()).or_default().push(decision);
    }
    let (mut outcomes, mut left_out) = (Vec::new(), 0_u64);
    for mut decisions in by_rollout.into_values() {
        decisions.sort_by_key(|decision| decision.sequence);
        let Some(ended) = Ended::of(&decisions, super::now()) else { continue };
        match ended.outcome(client).await? {
            Some(outcome) => outcomes.push(outcome),
            None => left_out += 1,
        }
    }
    let outcomes = Outcomes::of(outcomes);
    if left_out > 0 {
        output.note(&format!("{left_out} rollouts are left out: only their requests were looked at"));
    }
    let Some(out) = out else { return output.verbatim(&outcomes.to_lines()) };
    std::fs::write(out, outcomes.to_lines()).map_err(|error| {
        Failure::new(Kind::Output, format!("{}: cannot be written: {error}", out.display()))
    })?;
    output.note(&format!("{} rollouts were written to {}", outcomes.len(), out.display()));
    Ok(())
}

/// The newest decisions.
async fn decisions(client: &Client, service: String) -> Result<Vec<Decision>, Failure> {
    let (mut all, mut before) = (Vec::new(), 0);
    while all.len() < DECISIONS_MAX {
        let page = client.decisions(service.clone(), before, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        let Some(oldest) = page.last() else { break };
        before = oldest.sequence;
        all.extend(page);
        if is_last {
            break;
        }
    }
    Ok(all)
}

/// A rollout that ended, and what is true of it.
struct Ended<'d> {
    decision: &'d Decision,
    decided: Decided,
    at: u64,
    label: Option<Label>,
}

fn second(decision: &Decision) -> u64 {
    decision.at.as_ref().map_or(0, |at| at.since_epoch().as_secs())
}

impl<'d> Ended<'d> {
    /// Of the decisions on one rollout, oldest first. `None`: it goes on.
    fn of(decisions: &'d [Decision], now: u64) -> Option<Self> {
        let is_of_version = |decision: &&Decision| decision.names.is_empty();
        let decision = decisions
            .iter()
            .filter(is_of_version)
            .find(|decision| matches!(decision.kind.as_str(), "promoted" | "rolled_back"))?;
        let decided = if decision.kind == "promoted" { Promoted } else { RolledBack };
        let at = second(decision);
        let undone =
            decisions.iter().find(|later| later.sequence > decision.sequence && later.kind == "rolled_back");
        let says = |truth, by, at| Label { truth, by, at };
        let marked = decision.mark.map(|mark| {
            let is_right = mark == "right";
            let harmful = is_right == (decided == RolledBack);
            let truth = if harmful { Truth::Harmful } else { Truth::Harmless };
            says(truth, person(decision.marked_by.as_deref().unwrap_or_default()), now.max(at))
        });
        let label = marked.or_else(|| match (decided, undone) {
            (Promoted, Some(undone)) => {
                Some(says(Truth::Harmful, Teller::Verification, second(undone).max(at)))
            }
            (Promoted, None) => {
                let known = at.saturating_add(SILENCE.as_secs());
                (known <= now).then(|| says(Truth::Harmless, Teller::Default, known))
            }
            (RolledBack, _) if decision.actor != SERIN => {
                Some(says(Truth::Harmful, person(&decision.actor), at))
            }
            (RolledBack, _) => None,
        });
        Some(Self { decision, decided, at, label })
    }

    /// With what its evidence holds. `None`: neither logs nor users were looked at.
    async fn outcome(&self, client: &Client) -> Result<Option<Outcome>, Failure> {
        let (_, documents) = client.bundle(self.decision.id.clone()).await?;
        let documents: BTreeMap<String, String> = documents.into_iter().collect();
        let judgement: Option<Option<Judgement>> = self.document(&documents, name::STATISTICS)?;
        let Some(sources) = judgement.flatten().and_then(|judgement| judgement.sources) else {
            return Ok(None);
        };
        let Some(plan) = self.document::<String>(&documents, name::PLAN)? else { return Ok(None) };
        let plan = Plan::parse(&plan)
            .map_err(|errors| Failure::usage(format!("{}: its plan: {errors}", self.decision.id)))?;
        let streams: Vec<Observed> = self.document(&documents, name::STREAMS)?.unwrap_or_default();
        let decided: Option<documents::Decision> = self.document(&documents, name::DECISION)?;
        let began = decided.map_or(self.at, |decided| decided.created_at.second());
        let ppm = |weight: serin_proto::assignment::Weight| f64::from(weight.ppm()) / 1e6;
        Ok(Some(Outcome {
            rollout: self.decision.rollout_id.clone(),
            service: self.decision.service.clone(),
            ended_at: self.at,
            decided: self.decided,
            label: self.label.clone(),
            alpha: ppm(plan.false_rollback()),
            least_conversion: 1.0 - plan.behaviour().map_or(0.05, |behaviour| ppm(behaviour.conversion)),
            progress: progress(&plan, self.decided, self.at.saturating_sub(began)),
            said: said(&sources),
            seen: seen(streams),
        }))
    }

    fn document<T: DeserializeOwned>(
        &self,
        documents: &BTreeMap<String, String>,
        name: &str,
    ) -> Result<Option<T>, Failure> {
        let Some(text) = documents.get(name) else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|error| {
            Failure::usage(format!("{}: its {name} cannot be read: {error}", self.decision.id))
        })
    }
}

fn said(sources: &SourcesRisk) -> BySource<Said> {
    let of = |source: &SourceRisk| Said { weight: source.weight, log_evidence: source.log_evidence };
    let BySource { metrics, behaviour, logs } = &sources.by_source;
    BySource { metrics: of(metrics), behaviour: of(behaviour), logs: of(logs) }
}

fn person(name: &str) -> Teller {
    Teller::Person(if name.is_empty() { "unknown".to_owned() } else { name.to_owned() })
}

/// The part of the planned time after which a rollout ended.
fn progress(plan: &Plan, decided: Decided, lasted_s: u64) -> f64 {
    let planned: u64 = plan.steps().iter().map(|step| step.bake.as_secs()).sum();
    if decided == Promoted || planned == 0 {
        return 1.0;
    }
    (lasted_s.max(1) as f64 / planned as f64).clamp(1e-6, 1.0)
}

/// The harms, the strongest evidence first.
fn seen(mut streams: Vec<Observed>) -> Vec<Seen> {
    streams.retain(|stream| stream.is_harmful);
    streams.sort_by(|one, other| other.log_evidence.total_cmp(&one.log_evidence));
    let seen = streams.into_iter().take(FINDINGS_MAX).map(|stream| {
        let Observed { kind, share, log_evidence, events, exposures, is_harmful: _ } = stream;
        Seen { kind, share, log_evidence, events, exposures }
    });
    seen.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Moment;

    fn decision(sequence: u64, kind: &str, actor: &str, mark: Option<&'static str>) -> Decision {
        Decision {
            id: format!("shop-1.{sequence}"),
            sequence,
            rollout_id: "shop-1".to_owned(),
            service: "shop".to_owned(),
            baseline_version: "v1".to_owned(),
            canary_version: "v2".to_owned(),
            at: Some(Moment::new(String::new(), 1_000 + i64::try_from(sequence).unwrap(), 0)),
            kind: kind.to_owned(),
            names: Vec::new(),
            actor: actor.to_owned(),
            text: String::new(),
            onset_at: None,
            applied_ms: None,
            mark,
            marked_by: mark.map(|_| "ada".to_owned()),
            mark_reason: None,
            is_rollback: kind == "rolled_back",
        }
    }

    #[test]
    fn people_go_before_what_was_measured_and_that_before_silence() {
        let week = SILENCE.as_secs();
        let (ada, bob) = (Teller::Person("ada".to_owned()), Teller::Person("bob".to_owned()));
        let undone = |actor, mark| vec![decision(1, "rolled_back", actor, mark)];
        let promoted = |mark| vec![decision(1, "promoted", SERIN, mark)];
        let missed = vec![decision(1, "promoted", SERIN, None), decision(9, "rolled_back", SERIN, None)];
        for (decisions, now, decided, expected) in [
            (undone(SERIN, None), week * 9, RolledBack, None),
            (
                undone(SERIN, Some("false_alarm")),
                5_000,
                RolledBack,
                Some((Truth::Harmless, ada.clone(), 5_000)),
            ),
            (undone(SERIN, Some("right")), 5_000, RolledBack, Some((Truth::Harmful, ada.clone(), 5_000))),
            (undone("bob", None), 5_000, RolledBack, Some((Truth::Harmful, bob, 1_001))),
            (promoted(None), 5_000, Promoted, None),
            (promoted(None), week * 2, Promoted, Some((Truth::Harmless, Teller::Default, 1_001 + week))),
            (promoted(Some("right")), 5_000, Promoted, Some((Truth::Harmless, ada, 5_000))),
            (missed, week * 2, Promoted, Some((Truth::Harmful, Teller::Verification, 1_009))),
        ] {
            let ended = Ended::of(&decisions, now).unwrap();
            let label = ended.label.map(|Label { truth, by, at }| (truth, by, at));
            assert_eq!((ended.decided, label), (decided, expected), "{decisions:?}");
        }
        let part =
            Decision { names: vec!["cart".to_owned()], ..decision(1, "components_rolled_back", SERIN, None) };
        assert!(Ended::of(&[part], 5_000).is_none(), "one route is not the rollout");
    }
}
