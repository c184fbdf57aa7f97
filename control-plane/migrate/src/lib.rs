//! Schema changes of a release on PostgreSQL, and their way back.
//!
//! * [`sql`] reads a script as PostgreSQL does, splits it into statements, and says of each what it may lose, what the
//!   baseline's code may miss afterwards, and whether it can run in a transaction.
//! * [`Step`] is one change with its way back; what breaks a rule is refused before anything runs.
//! * [`narrows`] says whether a change of a column's type can lose a part of a value.
//! * With the feature `runner`, `runner` performs steps: under an advisory lock, in one transaction where possible, with
//!   what was done recorded in the same transaction, so that a crash leaves each step applied or reverted.
//!
//! The reader is strict where it cannot know: a statement that it does not recognise counts as one that loses data, and so
//! needs an approval. It never changes a script, and never sends more than one statement to the server at a time, so
//! that the server itself refuses what was split wrongly. Without the feature nothing here reaches outside.
#![forbid(unsafe_code)]

mod narrow;
#[cfg(feature = "runner")]
pub mod runner;
pub mod sql;
mod step;

pub use narrow::narrows;
pub use step::{Direction, NAME_BYTES, Refusal, Rule, SCRIPT_BYTES, STATEMENTS, STEPS, Stage, Step, Written};
