//! Hooks of a rollout: which are due, and what follows from how they end.
//!
//! A hook that is due is noted as started in the journal, performed by the shell beside the loop that decides, and noted as
//! ended. What was started and has no end is performed again after a crash; the key of a run stays the same then, so that
//! whoever is called can tell. No decision waits for a hook but the start and a step that it stands before, and a rollback
//! is published before its hooks run.
//!
//! Schema changes run among the hooks, under the name `migrations`: before the start, after the promotion, and after a
//! rollback once the canary has drained.

mod due;
mod follow;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plan::HookPoint;
use crate::{RolloutId, State, UnixMillis};

pub use due::{Due, Work, due, hooks_are_done, pending};
pub(crate) use due::{is_passed, left_of_rollback, obstacle, waits};
pub(crate) use follow::{approve, check_approval, ended, go_on};

/// Longest output of a hook that is kept, in bytes.
pub const HOOK_OUTPUT_BYTES: usize = 2_048;
/// How often a person can have a hook of one occurrence run again.
const ROUNDS_MAX: u32 = 100;

/// One run of a hook.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct HookRun {
    /// The point.
    pub point: HookPoint,
    /// Its name, or `migrations`.
    pub name: String,
    /// Before a step: which one, from 0. On a failure: the how manieth. Else 0.
    pub occurrence: u32,
    /// From 1; it rises when a person lets it run again.
    pub round: u32,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HookOutcome {
    /// As wanted.
    Succeeded,
    /// All attempts failed.
    Failed,
}

/// A run that ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct HookEnd {
    /// Which.
    #[serde(flatten)]
    pub run: HookRun,
    /// How.
    pub outcome: HookOutcome,
    /// How often it was tried.
    pub attempts: u32,
    /// What it said, at most [`HOOK_OUTPUT_BYTES`].
    pub output: String,
}

/// What a rollout remembers of a run.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct HookState {
    /// Which.
    #[serde(flatten)]
    pub run: HookRun,
    /// When it was due.
    pub started_at: UnixMillis,
    /// How it ended. `None`: it has not.
    pub end: Option<HookEnded>,
}

/// How a run ended, and what a person said to that.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct HookEnded {
    /// How.
    pub outcome: HookOutcome,
    /// How often it was tried.
    pub attempts: u32,
    /// When.
    pub at: UnixMillis,
    /// The first 200 characters of what it said.
    pub said: String,
    /// What a person said to its failure. `None`: nothing.
    #[serde(default)]
    pub answer: Option<Answer>,
}

/// What a person says to a failed hook.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Run it again.
    Retry,
    /// Go on as if it had succeeded.
    Skip,
}

/// What a person allows.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// That schema changes of this rollout lose data. Those that waited for it run again.
    DataLoss,
    /// That the hook that failed runs again.
    RetryHook,
    /// That the rollout goes on as if the hook that failed had succeeded.
    SkipHook,
    /// That nothing goes to the canary any more after a rollback, though that was not seen: what waits for it goes on.
    Drained,
}

/// Who allowed that data is lost.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Approved {
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: UnixMillis,
}

impl HookRun {
    /// The same whenever this run is performed, and of no other run: by it a receiver can tell a repetition.
    #[must_use]
    pub fn key(&self, rollout: &RolloutId) -> String {
        let Self { point, name, occurrence, round } = self;
        format!("{rollout}/{point}/{name}/{occurrence}/{round}")
    }
}

impl fmt::Display for HookRun {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.point, self.name)?;
        if self.point == HookPoint::BeforeStep {
            write!(formatter, " (step {})", self.occurrence.saturating_add(1))?;
        }
        if self.round > 1 {
            write!(formatter, " (again, {})", self.round)?;
        }
        Ok(())
    }
}

impl HookState {
    pub(crate) const fn new(run: HookRun, at: UnixMillis) -> Self {
        Self { run, started_at: at, end: None }
    }

    /// Whether it failed, and nobody let it pass.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        let failed = |end: &HookEnded| end.outcome == HookOutcome::Failed && end.answer != Some(Answer::Skip);
        self.end.as_ref().is_some_and(failed)
    }
}

impl State {
    /// Runs that were started and have not ended.
    pub fn running_hooks(&self) -> impl Iterator<Item = &HookRun> {
        self.hooks.iter().filter(|hook| hook.end.is_none()).map(|hook| &hook.run)
    }

    /// The newest run of a hook at a point.
    pub(crate) fn newest_run(&self, point: HookPoint, name: &str, occurrence: u32) -> Option<&HookState> {
        let same = |hook: &&HookState| {
            hook.run.point == point && hook.run.name == name && hook.run.occurrence == occurrence
        };
        self.hooks.iter().filter(same).max_by_key(|hook| hook.run.round)
    }

    pub(crate) fn start_hook(&mut self, run: &HookRun, at: UnixMillis) {
        self.hooks.push(HookState::new(run.clone(), at));
    }

    pub(crate) fn end_hook(&mut self, end: &HookEnd, at: UnixMillis) {
        if let Some(hook) = self.hooks.iter_mut().find(|hook| hook.run == end.run) {
            let said = end.output.chars().take(200).collect();
            hook.end =
                Some(HookEnded { outcome: end.outcome, attempts: end.attempts, at, said, answer: None });
        }
    }

    pub(crate) fn approve(&mut self, approval: Approval, run: Option<&HookRun>, by: Approved) {
        let answer = match approval {
            Approval::DataLoss => {
                self.data_loss = Some(by);
                Answer::Retry
            }
            Approval::RetryHook => Answer::Retry,
            Approval::SkipHook => Answer::Skip,
            Approval::Drained => {
                self.drained = true;
                return;
            }
        };
        let hook = self.hooks.iter_mut().find(|hook| Some(&hook.run) == run);
        if let Some(end) = hook.and_then(|hook| hook.end.as_mut()) {
            end.answer = Some(answer);
        }
    }
}
