//! Finished rollouts of a server: what was decided, what is true of it, and the evidence of the decision that ended each.
//!
//! What is true is said afterwards. A person's mark goes before all else; who rolls a version back says that it harms; a version that is
//! undone after its promotion was missed; and of what was promoted a week's silence says that it is harmless. Of what Serin undid silence
//! says nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;
use serin_evidence::documents::{self, name};
use serin_learning::outcome::Decided::{Promoted, RolledBack};
use serin_learning::outcome::{Decided, Label, Teller, Truth};
use serin_rollout::Plan;

use crate::client::Client;
use crate::failure::Failure;
use crate::file;
use crate::model::Decision;
use crate::output::Output;

/// Decisions that are asked for at a time, and at most.
const PAGE: u32 = 1_000;
const DECISIONS_MAX: usize = 10_000;
/// How long nobody must complain of what was promoted.
const SILENCE: Duration = Duration::from_hours(7 * 24);
/// Who decides by itself.
const SERIN: &str = "serin";

/// Seconds since the Unix epoch.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The decisions on each rollout of a service, or of all where it is empty, oldest first. The newest 10,000 are looked at.
pub(super) async fn decided(client: &Client, service: String) -> Result<Vec<Vec<Decision>>, Failure> {
    let mut by_rollout = BTreeMap::<String, Vec<Decision>>::new();
    for decision in decisions(client, service).await? {
        by_rollout.entry(decision.rollout_id.clone()).or_default().push(decision);
    }
    for decisions in by_rollout.values_mut() {
        decisions.sort_by_key(|decision| decision.sequence);
    }
    Ok(by_rollout.into_values().collect())
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

/// Writes lines about so many rollouts to a file, or to standard output.
pub(super) fn tell(lines: &str, count: usize, out: Option<&Path>, output: Output) -> Result<(), Failure> {
    let Some(out) = out else { return output.verbatim(lines) };
    file::write(out, lines.as_bytes())?;
    output.note(&format!("{count} rollouts were written to {}", out.display()));
    Ok(())
}

/// A rollout that ended, and what is true of it.
pub(super) struct Finished<'d> {
    pub(super) decision: &'d Decision,
    pub(super) decided: Decided,
    /// When it ended, seconds since the Unix epoch.
    pub(super) at: u64,
    /// `None`: not known yet.
    pub(super) label: Option<Label>,
}

fn second(decision: &Decision) -> u64 {
    decision.at.as_ref().map_or(0, |at| at.since_epoch().as_secs())
}

impl<'d> Finished<'d> {
    /// Of the decisions on one rollout, oldest first. `None`: it goes on.
    pub(super) fn of(decisions: &'d [Decision], now: u64) -> Option<Self> {
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

    /// The evidence of the decision that ended it.
    pub(super) async fn evidence(&self, client: &Client) -> Result<Evidence, Failure> {
        let (_, documents) = client.bundle(self.decision.id.clone()).await?;
        Ok(Evidence { id: self.decision.id.clone(), documents: documents.into_iter().collect() })
    }
}

/// Documents of the evidence of one decision.
pub(super) struct Evidence {
    id: String,
    documents: BTreeMap<String, String>,
}

impl Evidence {
    /// A document by name. `None`: it is not there.
    pub(super) fn document<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Failure> {
        let Some(text) = self.documents.get(name) else { return Ok(None) };
        serde_json::from_str(text)
            .map(Some)
            .map_err(|error| Failure::usage(format!("{}: its {name} cannot be read: {error}", self.id)))
    }

    /// The plan of the rollout.
    pub(super) fn plan(&self) -> Result<Option<Plan>, Failure> {
        let Some(text) = self.document::<String>(name::PLAN)? else { return Ok(None) };
        let plan = Plan::parse(&text);
        plan.map(Some).map_err(|errors| Failure::usage(format!("{}: its plan: {errors}", self.id)))
    }

    /// When the rollout was created, seconds since the Unix epoch.
    pub(super) fn began(&self) -> Result<Option<u64>, Failure> {
        let decided: Option<documents::Decision> = self.document(name::DECISION)?;
        Ok(decided.map(|decided| decided.created_at.second()))
    }
}

fn person(name: &str) -> Teller {
    Teller::Person(if name.is_empty() { "unknown".to_owned() } else { name.to_owned() })
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
            let finished = Finished::of(&decisions, now).unwrap();
            let label = finished.label.map(|Label { truth, by, at }| (truth, by, at));
            assert_eq!((finished.decided, label), (decided, expected), "{decisions:?}");
        }
        let part =
            Decision { names: vec!["cart".to_owned()], ..decision(1, "components_rolled_back", SERIN, None) };
        assert!(Finished::of(&[part], 5_000).is_none(), "one route is not the rollout");
    }
}
