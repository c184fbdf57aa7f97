//! Decision policies: what a team adds to the rules of a rollout, as one expression in CEL.
//!
//! * [`Policy::new`] takes an expression that says `"continue"`, `"hold"`, `"promote"` or `"rollback"`, or a condition and what
//!   follows from it. It is checked when it is loaded: every name, type and word against the documented [`Context`], and its
//!   cost against a bound, so that no policy fails for its form, or runs on, once a rollout goes by it.
//! * [`Policy::ask`] says what follows from a [`Context`], and which of its values were read. What is not known has no value:
//!   an expression that needs it is *inconclusive*.
//! * [`strictest`] joins several answers.
//!
//! Parser and interpreter are those of the crate `cel`, which checks no types; the checker is here. The language is a part of
//! CEL: no maps or structures can be built, no text joined, no pattern matched, so that what an expression may cost can be
//! read off it, and no list within a list.
//!
//! A policy decides nothing by itself. Whoever asks it takes its answer beside the safety rules and never in place of one.
//! Nothing here reads a clock, a file or the network.
#![forbid(unsafe_code)]

mod built_in;
mod check;
mod context;
mod decision;
mod error;
mod policy;
mod schema;

pub use built_in::{BUILT_IN, BuiltIn};
pub use context::{
    Arm, ComponentFacts, Context, LimitFacts, PHASES, ReasonFacts, STATES, Signals, StepFacts, TRIGGERS,
    TimeFacts,
};
pub use decision::{Answer, Decision, Outcome, Strictest, strictest};
pub use error::{PolicyError, PolicyRule};
pub use policy::{Policy, Values};
pub use schema::{Described, described};

/// Bounds of a policy. What exceeds one is refused.
pub mod bounds {
    /// Bytes of an expression.
    pub const EXPRESSION_BYTES: usize = 2_000;
    /// Nodes of an expression that lie within one another.
    pub const DEPTH: usize = 40;
    /// Entries of a list or map of the context; more are left out.
    pub const ENTRIES: usize = 64;
    /// Steps of an evaluation, at most, whatever the context holds.
    pub const STEPS: u64 = 10_000;
    /// Values that an answer tells of.
    pub const VALUES: usize = 16;
}
