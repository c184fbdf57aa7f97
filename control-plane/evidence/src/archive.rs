//! An export: one `.tar.gz` with everything that is needed to check it, and nothing else.
//!
//! ```text
//! about.json                  what it is of, when and by which version it was written, the head of the chain
//! chain.json                  all links from the first entry in it to the head, without the contents of other rollouts
//! entries/0000000007.json     manifests, as they are chained
//! documents/HASH.json         documents, each under its SHA-256
//! journal.json                the rollout's journal
//! ```
//!
//! The same content always gives the same bytes. The gzip header's comment holds the SHA-256 of all that follows it, so any
//! change of any byte of the file is found before it is unpacked; ordinary `tar xzf` reads it all the same.

mod file;
mod verify;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serin_rollout::UnixMillis;

use crate::Hash;
use crate::chain::{Entry, Head, Link};

pub use file::{ArchiveError, UNPACKED_BYTES};
pub use verify::Verified;

/// Version of the form. Later versions read all earlier ones.
pub const FORMAT: u32 = 1;

/// What an archive holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Archive {
    /// What it is of.
    pub about: About,
    /// The chain, from the first entry in it on.
    pub links: Vec<Link>,
    /// Manifests, by number.
    pub entries: Vec<Entry>,
    /// Documents by hash.
    pub documents: BTreeMap<Hash, String>,
    /// Events of the rollout: a JSON list. Empty: none.
    pub journal: String,
}

/// What an archive is of.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct About {
    /// Version of the form: [`FORMAT`].
    pub format: u32,
    /// The rollout. Empty: all.
    pub rollout: String,
    /// When it was written.
    pub written_at: UnixMillis,
    /// Version of the control plane that wrote it.
    pub serin_version: String,
    /// The newest entry of the chain at that time.
    pub head: Head,
    /// SHA-256 of the journal.
    pub journal: Hash,
}
