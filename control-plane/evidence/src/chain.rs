//! A chain: numbered entries, each with the hash of the one before.
//!
//! The hash of an entry covers its number, the hash before it and its content, so an entry that was altered, left out, put in
//! or put elsewhere no longer fits. What is cut off at the end is missed by the [`Head`], which is kept apart from the
//! entries. Old entries may go, all up to one: a later entry then says so ([`Removed`]), and the chain begins after them.

mod check;
mod fault;

use serde::{Deserialize, Serialize};

use crate::Hash;

pub use check::{Check, Checked, FAULTS_MAX};
pub use fault::Fault;

/// An entry with its content.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Entry {
    /// Its number, from 1 and without gaps.
    pub number: u64,
    /// Hash of the entry before; [`Hash::NONE`] for the first.
    pub previous: Hash,
    /// What it says: canonical JSON.
    pub body: String,
}

/// An entry without its content, which it still vouches for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Link {
    /// Number of the entry.
    pub number: u64,
    /// Hash of the entry before.
    pub previous: Hash,
    /// SHA-256 of the content.
    pub body: Hash,
}

/// The newest entry of a chain.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Head {
    /// Its number. 0: the chain is empty.
    pub number: u64,
    /// Its hash.
    pub hash: Hash,
}

/// What an entry says about older ones that went.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Removed {
    /// All entries up to this number went.
    pub through: u64,
    /// Hash of the last that went.
    pub hash: Hash,
    /// Why.
    pub why: String,
}

impl Entry {
    /// The entry that follows a head.
    #[must_use]
    pub const fn after(head: Head, body: String) -> Self {
        Self { number: head.number.saturating_add(1), previous: head.hash, body }
    }

    /// Without its content.
    #[must_use]
    pub fn link(&self) -> Link {
        Link { number: self.number, previous: self.previous, body: Hash::of(self.body.as_bytes()) }
    }

    /// It as the newest entry.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { number: self.number, hash: self.link().hash() }
    }

    /// What it says about older entries that went.
    #[must_use]
    pub fn removed(&self) -> Option<Removed> {
        #[derive(Deserialize)]
        struct Body {
            removed: Option<Removed>,
        }
        serde_json::from_str::<Body>(&self.body).ok().and_then(|body| body.removed)
    }
}

impl Link {
    /// The hash that the next entry holds.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let Self { number, previous, body } = self;
        Hash::of(format!("serin chain 1\n{number}\n{previous}\n{body}\n").as_bytes())
    }
}

#[cfg(test)]
mod tests;
