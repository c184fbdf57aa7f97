//! What was known when a decision was made, and who did what: kept so that it can be trusted later.
//!
//! * [`bundle`] is the evidence of one decision: documents, each under its SHA-256, and a manifest that lists them.
//! * [`chain`] links manifests and entries of the audit log: each holds the hash of the one before, so whatever is altered,
//!   left out or put elsewhere is named.
//! * [`archive`] is an export as one file that is checked without a server.
//! * [`mask`] takes secrets out of everything that came from outside.
//! * [`course`] remembers how counts and evidence got where they are, within bounds.
//! * [`audit`] is an entry of the audit log.
//! * [`report`] writes the post-mortem of a rollout from an archive.
//!
//! Everything here is a function of its arguments: it reads no clock, file or socket. A hash chain shows changes to who keeps
//! a later hash elsewhere; it does not stop somebody who rewrites all of it.
#![forbid(unsafe_code)]

pub mod archive;
pub mod audit;
pub mod bundle;
pub mod canonical;
pub mod chain;
pub mod course;
pub mod documents;
mod hash;
pub mod mask;
pub mod report;

pub use hash::Hash;
