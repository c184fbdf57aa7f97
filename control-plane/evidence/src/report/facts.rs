//! What an archive tells about the decision that a report is about.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serin_rollout::outside::Outside;
use serin_rollout::{Judgement, UnixMillis};

use super::impact::Impact;
use crate::archive::{Archive, Verified};
use crate::bundle::{Kind, Manifest};
use crate::documents::{Acknowledgements, Aftermath, Counts, Decision, Environment, Logs, Path, name};

/// Why no report can be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// Nothing was undone.
    #[error("the evidence of {rollout} holds no decision that undid something; it holds {bundles} others")]
    NothingUndone {
        /// The rollout.
        rollout: String,
        /// Bundles in the archive.
        bundles: usize,
    },
    /// A document is not there, or is not what it should be.
    #[error("{bundle}: document {name}: {why}")]
    Document {
        /// Name of the bundle.
        bundle: String,
        /// Name of the document.
        name: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// An event of the journal.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Event {
    pub(super) at: UnixMillis,
    pub(super) kind: String,
    pub(super) actor: String,
    pub(super) text: String,
}

/// Everything that is known.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) verified: Verified,
    /// The decision that the report is about: the newest that undid something.
    pub(super) main: Manifest,
    /// All others.
    pub(super) others: Vec<Manifest>,
    pub(super) decision: Decision,
    /// What the statistics said. `None`: nothing was judged.
    pub(super) judgement: Option<Judgement>,
    /// What triggers, queries and health checks said. `None`: nothing.
    pub(super) outside: Option<Outside>,
    pub(super) path: Path,
    /// Before the decision, and after it as far as that is known.
    pub(super) counts: Counts,
    pub(super) environment: Environment,
    pub(super) logs: Logs,
    pub(super) acknowledgements: Option<Acknowledgements>,
    pub(super) aftermath: Option<Aftermath>,
    pub(super) journal: Vec<Event>,
    pub(super) impact: Impact,
    pub(super) head: crate::chain::Head,
}

impl Facts {
    pub(super) fn read(archive: &Archive) -> Result<Self, ReportError> {
        let manifests: Vec<Manifest> =
            archive.entries.iter().filter_map(|entry| serde_json::from_str(&entry.body).ok()).collect();
        let undoes =
            |one: &&Manifest| one.kind == Kind::Bundle && one.decided.iter().any(|kind| kind != "promoted");
        let Some(main) = manifests.iter().rfind(undoes).cloned() else {
            let rollout = archive.about.rollout.clone();
            return Err(ReportError::NothingUndone { rollout, bundles: manifests.len() });
        };
        let added = |name: &str| manifests.iter().find(|one| one.id == format!("{}+{name}", main.id));
        let decision: Decision = required(archive, &main, name::DECISION)?;
        let acknowledgements = added(name::ACKNOWLEDGEMENTS);
        let acknowledgements = acknowledgements
            .and_then(|added| document(archive, added, name::ACKNOWLEDGEMENTS).ok().flatten());
        let aftermath: Option<Aftermath> =
            added(name::AFTERMATH).and_then(|added| document(archive, added, name::AFTERMATH).ok().flatten());
        let mut counts: Counts = required(archive, &main, name::COUNTS)?;
        if let Some(aftermath) = &aftermath {
            let since = aftermath.counts.slots.first().map_or(u64::MAX, |slot| slot.second);
            counts.slots.retain(|slot| slot.second < since);
            counts.slots.extend(aftermath.counts.slots.iter().cloned());
        }
        let others =
            manifests.iter().filter(|one| one.kind == Kind::Bundle && one.id != main.id).cloned().collect();
        let impact = Impact::of(&counts, &decision, main.at);
        Ok(Self {
            verified: archive.verify(None),
            others,
            judgement: document(archive, &main, name::STATISTICS)?.flatten(),
            outside: document(archive, &main, name::OUTSIDE)?.filter(|outside: &Outside| !outside.is_empty()),
            path: document(archive, &main, name::PATH)?.unwrap_or_default(),
            environment: document(archive, &main, name::ENVIRONMENT)?.unwrap_or_default(),
            logs: document(archive, &main, name::LOGS)?.unwrap_or_default(),
            journal: serde_json::from_str(&archive.journal).unwrap_or_default(),
            head: archive.about.head,
            decision,
            counts,
            acknowledgements,
            aftermath,
            impact,
            main,
        })
    }

    /// Milliseconds from the first bad second to the decision. `None`: nobody knows when it began.
    pub(super) fn detection_ms(&self) -> Option<u64> {
        let onset = self.decision.onset_second?;
        Some(self.main.at.0.saturating_sub(onset.saturating_mul(1_000)))
    }

    /// Whether nobody asked for it.
    pub(super) fn is_automatic(&self) -> bool {
        self.main.actor == serin_rollout::AUTOMATIC
    }
}

/// A document of a bundle. `None`: it has none of this name.
fn document<T: DeserializeOwned>(
    archive: &Archive,
    manifest: &Manifest,
    name: &'static str,
) -> Result<Option<T>, ReportError> {
    let wrong = |why: String| ReportError::Document { bundle: manifest.id.clone(), name, why };
    let Some(listed) = manifest.document(name) else { return Ok(None) };
    let content = archive.documents.get(&listed.sha256).ok_or_else(|| wrong("is missing".to_owned()))?;
    serde_json::from_str(content).map(Some).map_err(|error| wrong(error.to_string()))
}

fn required<T: DeserializeOwned>(
    archive: &Archive,
    manifest: &Manifest,
    name: &'static str,
) -> Result<T, ReportError> {
    document(archive, manifest, name)?.ok_or_else(|| ReportError::Document {
        bundle: manifest.id.clone(),
        name,
        why: "is not part of the bundle".to_owned(),
    })
}
