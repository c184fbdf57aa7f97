//! The evidence of one decision: documents under their hashes, and the manifest that lists them.
//!
//! A bundle is drawn up before the decision acts, from what is known by then; what is learned later is added by *addenda* that
//! name it and never change it. A document that cannot be made does not keep a bundle from being written: it is listed as
//! missing, and the bundle says that it is not complete.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serin_rollout::UnixMillis;

use crate::chain::Removed;
use crate::mask::Masker;
use crate::{Hash, canonical};

/// Version of the form of a manifest. Later versions read all earlier ones.
pub const FORMAT: u32 = 1;
/// Bytes of one document; a larger one is left out, and said to be missing.
pub const DOCUMENT_BYTES: usize = 4 * 1024 * 1024;
/// Documents of one bundle.
pub const DOCUMENTS_MAX: usize = 64;
/// Kinds of the journal that have a bundle: what undoes something, and promotions.
pub const DECISIONS: [&str; 6] = [
    "arms_stopped",
    "blocks_restored",
    "components_rolled_back",
    "experiment_ended",
    "promoted",
    "rolled_back",
];

/// What a manifest is about.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The evidence of a decision.
    Bundle,
    /// What was learned after a decision.
    Addendum,
    /// Older evidence went.
    Removal,
}

impl Kind {
    /// As in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bundle => "bundle",
            Self::Addendum => "addendum",
            Self::Removal => "removal",
        }
    }
}

/// What a bundle holds, and what it is about.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Manifest {
    /// Version of this form: [`FORMAT`].
    pub format: u32,
    /// What it is about.
    pub kind: Kind,
    /// Its name, unique in the chain: rollout and revision, for example `shop-1a2b3c4d.7`; of an addendum with its own name after
    /// a `+`.
    pub id: String,
    /// The rollout. Empty for a removal.
    pub rollout: String,
    /// Its service.
    pub service: String,
    /// When it was decided.
    pub at: UnixMillis,
    /// Who decided.
    pub actor: String,
    /// Numbers of the first and last event that it is about, among the rollout's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revisions: Option<(u64, u64)>,
    /// What was decided, as kinds of the journal, for example `rolled_back`.
    pub decided: Vec<String>,
    /// The same in words, one sentence each.
    pub text: Vec<String>,
    /// True when nothing that should be there is missing.
    pub complete: bool,
    /// What could not be made, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
    /// Of an addendum: the bundle that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// What is kept, in order of names.
    pub documents: Vec<DocumentRef>,
    /// Of a removal: which entries went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Removed>,
}

/// A document by its hash.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DocumentRef {
    /// Name, unique in its bundle.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: Hash,
    /// Its length.
    pub bytes: u64,
}

/// A document that could not be made.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Missing {
    /// Its name.
    pub name: String,
    /// Why.
    pub why: String,
}

/// A document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Document {
    /// SHA-256 of its bytes.
    pub sha256: Hash,
    /// Canonical JSON.
    pub content: String,
}

/// A bundle that can be written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bundle {
    /// What it holds.
    pub manifest: Manifest,
    /// The documents that it lists.
    pub documents: Vec<Document>,
}

/// Makes a document, or says why there is none.
type Maker = Box<dyn FnOnce() -> Result<Value, String> + Send>;

/// A bundle that is being drawn up. Nothing in it is written or masked yet, so that who decides does not wait for that.
pub struct Draft {
    /// What it is about.
    pub kind: Kind,
    /// Its name.
    pub id: String,
    /// The rollout.
    pub rollout: String,
    /// Its service.
    pub service: String,
    /// When it was decided.
    pub at: UnixMillis,
    /// Who decided.
    pub actor: String,
    /// Numbers of the first and last event that it is about, among the rollout's.
    pub revisions: Option<(u64, u64)>,
    /// What was decided, as kinds of the journal.
    pub decided: Vec<String>,
    /// The same in words.
    pub text: Vec<String>,
    /// Of an addendum: the bundle that it belongs to.
    pub about: Option<String>,
    /// Documents by name.
    pub documents: Vec<(&'static str, Maker)>,
}

impl std::fmt::Debug for Draft {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Draft").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Draft {
    /// Adds a document.
    pub fn add(&mut self, name: &'static str, document: impl Serialize + Send + 'static) {
        let make = move || serde_json::to_value(document).map_err(|error| error.to_string());
        self.documents.push((name, Box::new(make)));
    }

    /// Says that a document that should be there could not be made.
    pub fn lacks(&mut self, name: &'static str, why: String) {
        self.documents.push((name, Box::new(move || Err(why))));
    }

    /// Masks what it holds, and gives each document its hash.
    #[must_use]
    pub fn finish(self, masker: &Masker) -> Bundle {
        let (mut listed, mut documents, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        let mut all = self.documents;
        all.sort_by_key(|(name, _)| *name);
        for (place, (name, make)) in all.into_iter().enumerate() {
            match make().and_then(|value| written(value, masker, place)) {
                Ok(document) => {
                    let bytes = document.content.len() as u64;
                    listed.push(DocumentRef { name: name.to_owned(), sha256: document.sha256, bytes });
                    documents.push(document);
                }
                Err(why) => missing.push(Missing { name: name.to_owned(), why }),
            }
        }
        let masked = |texts: Vec<String>| texts.iter().map(|text| masker.mask(text).into_owned()).collect();
        let manifest = Manifest {
            format: FORMAT,
            kind: self.kind,
            id: self.id,
            rollout: self.rollout,
            service: self.service,
            at: self.at,
            actor: masker.mask(&self.actor).into_owned(),
            revisions: self.revisions,
            decided: self.decided,
            text: masked(self.text),
            complete: missing.is_empty(),
            missing,
            about: self.about,
            documents: listed,
            removed: None,
        };
        Bundle { manifest, documents }
    }
}

fn written(mut value: Value, masker: &Masker, place: usize) -> Result<Document, String> {
    if place >= DOCUMENTS_MAX {
        return Err(format!("a bundle holds at most {DOCUMENTS_MAX} documents"));
    }
    masker.mask_value(&mut value);
    let content = canonical::text(&value).map_err(|error| error.to_string())?;
    if content.len() > DOCUMENT_BYTES {
        return Err(format!("has {} bytes, more than {DOCUMENT_BYTES}", content.len()));
    }
    Ok(Document { sha256: Hash::of(content.as_bytes()), content })
}

impl Manifest {
    /// That older entries of a chain went.
    #[must_use]
    pub fn removal(removed: Removed, at: UnixMillis) -> Self {
        Self {
            format: FORMAT,
            kind: Kind::Removal,
            id: format!("removal.{}", removed.through),
            rollout: String::new(),
            service: String::new(),
            at,
            actor: serin_rollout::AUTOMATIC.to_owned(),
            revisions: None,
            decided: Vec::new(),
            text: vec![format!("Removed the evidence up to entry {}: {}", removed.through, removed.why)],
            complete: true,
            missing: Vec::new(),
            about: None,
            documents: Vec::new(),
            removed: Some(removed),
        }
    }

    /// The hash of a document.
    #[must_use]
    pub fn document(&self, name: &str) -> Option<&DocumentRef> {
        self.documents.iter().find(|document| document.name == name)
    }
}
