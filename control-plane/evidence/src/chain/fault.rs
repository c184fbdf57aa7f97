//! What is wrong with a chain, and where.

use serde::Serialize;

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, thiserror::Error)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// The content of an entry, or the hash before it, is not what was written.
    #[error("entry {number} was altered: it does not have the hash that was written for it")]
    Altered {
        /// Which entry.
        number: u64,
    },
    /// Two entries do not belong after each other.
    #[error("entry {number} does not follow the entry before it: one of the two was altered or replaced")]
    Broken {
        /// The later one.
        number: u64,
    },
    /// Entries are not there.
    #[error("entries {from} to {through} are missing")]
    Missing {
        /// The first.
        from: u64,
        /// The last.
        through: u64,
    },
    /// An entry stands where it does not belong.
    #[error("entry {number} stands after entry {after}: entries were put elsewhere or repeated")]
    Order {
        /// Which entry.
        number: u64,
        /// What it stands after.
        after: u64,
    },
    /// The first entry is not the beginning, and nothing says that older ones went.
    #[error("the chain begins at entry {number}, and no entry says that those before it were removed")]
    Beginning {
        /// The first entry that is there.
        number: u64,
    },
    /// The newest entries are not there.
    #[error("the chain ends at entry {last}, and its head is entry {head}: the newest entries were cut off")]
    End {
        /// The last entry that is there. 0: none.
        last: u64,
        /// The head's number.
        head: u64,
    },
    /// The head is another entry than the last one.
    #[error("the head of the chain is not the hash of entry {number}: the entry or the head was altered")]
    Head {
        /// The last entry.
        number: u64,
    },
    /// A hash that was kept elsewhere is of no entry.
    #[error("no entry has the hash {hash}: the chain was cut before it, or rewritten")]
    Anchor {
        /// The hash.
        hash: String,
    },
    /// A document is not there.
    #[error("entry {number}: its document {name} is missing")]
    DocumentMissing {
        /// Entry that lists it.
        number: u64,
        /// Its name.
        name: String,
    },
    /// A document is not what it was.
    #[error(
        "entry {number}: its document {name} was altered: it does not have the hash that the manifest names"
    )]
    DocumentAltered {
        /// Entry that lists it.
        number: u64,
        /// Its name.
        name: String,
    },
    /// The content of an entry cannot be read.
    #[error("entry {number} cannot be read: {why}")]
    Unreadable {
        /// Which entry.
        number: u64,
        /// Why.
        why: String,
    },
    /// A decision of the journal has no bundle.
    #[error("rollout {rollout}: its decision number {revision} ({kind}) has no evidence")]
    NoBundle {
        /// The rollout.
        rollout: String,
        /// Number of the decision among the rollout's events.
        revision: u64,
        /// What was decided.
        kind: String,
    },
    /// A file that nothing refers to.
    #[error("{name} belongs to no entry")]
    Stray {
        /// Its name.
        name: String,
    },
}
