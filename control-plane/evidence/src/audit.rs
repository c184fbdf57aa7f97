//! An entry of the audit log: who asked for what, when, from where, through which interface, and what became of it.
//!
//! A call leaves two entries: *asked*, which is durable before the call acts, and *answered*. So a crash leaves at most an
//! entry without its answer, which says that the outcome is not known, and never a deed without an entry.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serin_rollout::UnixMillis;

use crate::chain::Removed;

/// Version of the form. Later versions read all earlier ones.
pub const FORMAT: u32 = 1;

/// What an entry says.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Record {
    /// Version of this form: [`FORMAT`].
    pub format: u32,
    /// When.
    pub at: UnixMillis,
    /// What it is about.
    #[serde(flatten)]
    pub what: What,
    /// Of a checkpoint: which entries went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Removed>,
}

/// What an entry is about.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// Somebody asks for something.
    Asked(Asked),
    /// What became of it.
    Answered {
        /// Number of the entry in which it was asked.
        asked: u64,
        /// `ok`, or the name of gRPC's code or HTTP's status.
        outcome: String,
        /// Why it was refused. Empty: it was not.
        #[serde(default)]
        message: String,
    },
    /// Somebody without a right to was turned away.
    Denied {
        /// Who it was and what was asked for.
        #[serde(flatten)]
        asked: Asked,
        /// Others that were turned away since the entry before and are only counted.
        #[serde(default)]
        and_more: u64,
    },
    /// Older entries went.
    Checkpoint,
}

/// Who asks for what.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Asked {
    /// Who: the name that was given and the token that vouches for it.
    pub actor: String,
    /// SHA-256 of the client's certificate. Empty: it showed none.
    #[serde(default)]
    pub certificate: String,
    /// Address that the call came from. Empty: not known.
    pub peer: String,
    /// Through which interface: `grpc` or `http`.
    pub interface: String,
    /// Which method, for example `serin.admin.v1.AdminService/Rollback`.
    pub method: String,
    /// With which arguments, masked and cut.
    pub arguments: Value,
}

impl Record {
    /// That older entries of the log went.
    #[must_use]
    pub const fn checkpoint(removed: Removed, at: UnixMillis) -> Self {
        Self { format: FORMAT, at, what: What::Checkpoint, removed: Some(removed) }
    }

    /// An entry of now.
    #[must_use]
    pub const fn new(what: What, at: UnixMillis) -> Self {
        Self { format: FORMAT, at, what, removed: None }
    }
}
