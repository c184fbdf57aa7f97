//! The rollout as a state machine: what a plan is, where a rollout stands, and what follows from what is seen.
//!
//! * [`plan`] turns YAML into a [`Plan`] that cannot be wrong, and says what the filters are told.
//! * [`State`] is where a rollout stands; it changes by [`Event`]s alone, so a journal replayed gives it back.
//! * [`create`] and [`step()`] are the only rules: `(plan, state, input, now)` gives the next state, the events to
//!   write and the effects to perform, in order.
//! * [`Evaluation`] is the evidence: what was measured goes in, what [`step()`] judges by comes out.
//!   [`ExperimentEvaluation`] is that of an experiment, with an [`Evaluation`] for each arm beside the control.
//! * [`outside`] is what triggers, queries and health checks say beside the comparison of the versions.
//! * [`Trial`] goes through the whole loop on paper, for replays and simulations.
//! * [`expected()`] tells how soon harm is expected to be found, by the plan's engine on simulated traffic.
//! * [`yaml`] reads documents that people write, with the place of every field.
//! * [`emergency`] says which rollouts one order for all of them returns.
//! * [`train`] lets several rollouts go out as one release.
//! * [`Places`] says whose turn it is, where only so many run at once.
//! * [`summary()`] says in one sentence what is happening and what is awaited.
//!
//! Everything here is a function of its arguments, so that a decision can be replayed and a test can go through years
//! in milliseconds. Nothing here reads a clock, draws a random number, opens a file or waits; the control plane's
//! shell passes the time in and performs the effects.
#![forbid(unsafe_code)]

mod effect;
pub mod emergency;
pub mod evaluation;
mod event;
mod expected;
mod hook;
mod input;
pub mod outside;
pub mod plan;
mod rollback;
mod state;
mod step;
mod summary;
mod text;
mod time;
pub mod train;
mod trial;
mod turn;
pub mod yaml;

pub use effect::{Effect, Notice, Severity};
pub use evaluation::{
    ArmResult, ComponentResult, Evaluation, ExperimentEvaluation, Seen, Stored, StoredExperiment,
    host_number, source_number,
};
pub use event::{Beyond, Cause, Dependents, EVENT_FORMAT, Event, Fact, Impact, Mark};
pub use expected::{Expected, HARMS, Harm, Traffic, expected};
pub use hook::{
    Answer, Approval, Approved, Due, HOOK_OUTPUT_BYTES, HookEnd, HookEnded, HookOutcome, HookRun, HookState,
    Work, due, hooks_are_done, pending,
};
pub use input::{
    ArmJudgement, ArmWindow, Command, ComponentJudgement, Input, Judgement, Order, Refused, RollbackScope,
    TrainOrder,
};
pub use plan::{Plan, PlanError, RollbackWindow};
pub use rollback::{
    Counted, Measured, Returned, Rollback, Sighting, Stage, StageOutcome, StageRecord, WINDOW_S,
};
pub use serin_proto::assignment::{Granularity, Salt, Weight};
pub use state::{
    ActivePhase, Hold, HoldReason, Phase, Pin, ReplayError, Restored, Returning, RolloutId, State, replay,
};
pub use step::{
    Creation, Transition, answers, begin, context, create, create_in, create_with, may_follow, next_step_at,
    step,
};
pub use summary::summary;
pub use time::UnixMillis;
pub use trial::Trial;
pub use turn::{Places, Rival, Turn, TurnLimits};

/// Who acts when nobody asked: the actor of automatic decisions.
pub const AUTOMATIC: &str = "serin";

/// Evidence older than this is missing: the rollout holds. In seconds.
pub const DATA_AGE_MAX_S: u64 = 15;

/// Shortest time between two journal entries about holding, in milliseconds: bounds the journal while a signal flaps.
pub const HOLD_CHANGE_MIN_MS: u64 = 10_000;

/// Longest reason of a command, in bytes.
pub const REASON_BYTES: usize = 1_000;
