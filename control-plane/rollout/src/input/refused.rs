//! Why a command is refused.

use std::fmt;

use crate::{Phase, RolloutId};

/// Why a command is refused. Nothing changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// Right, but not in this phase.
    #[error("cannot {order} a rollout that is {phase}; possible now: {}", Possible(possible))]
    Phase {
        /// What was asked for.
        order: &'static str,
        /// Where the rollout stands.
        phase: Phase,
        /// What is possible now.
        possible: &'static [&'static str],
    },
    /// Another rollout of the service took over.
    #[error("cannot {order} this rollout: rollout {by} took over; act on that one")]
    Superseded {
        /// What was asked for.
        order: &'static str,
        /// The newer rollout.
        by: RolloutId,
    },
    /// The baseline's endpoint has the promoted version already.
    #[error(
        "cannot {order} a rollout that was handed over: the baseline's endpoint serves all users with the promoted \
         version; deploy another version there, or promote again to return to the canary's endpoint"
    )]
    HandedOver {
        /// What was asked for.
        order: &'static str,
    },
    /// A new rollout would take the promoted version from its users.
    #[error(
        "{promoted} was promoted by rollout {by} and serves all users, and the plan's baseline is {baseline}: this would \
         return them to {baseline}; bring the baseline's endpoint to {promoted} and say baseline: {promoted}, or roll \
         {by} back first"
    )]
    Baseline {
        /// The plan's baseline.
        baseline: String,
        /// The version that was promoted.
        promoted: String,
        /// Its rollout.
        by: RolloutId,
    },
    /// A new rollout would send its first requests to the promoted version, which still has the canary's endpoint.
    #[error(
        "{promoted} was promoted by rollout {by} and serves all users from the canary's endpoint: this would judge it in \
         the place of {canary}; hand {by} over and bring {canary} to the canary's endpoint first, or create this one paused"
    )]
    CanaryInUse {
        /// The plan's canary.
        canary: String,
        /// The version that was promoted.
        promoted: String,
        /// Its rollout.
        by: RolloutId,
    },
    /// The plan names no such component.
    #[error("component {name:?} is not part of the plan; its components are: {}", known.join(", "))]
    UnknownComponent {
        /// What was asked for, shortened.
        name: String,
        /// What the plan names, the first 20.
        known: Vec<String>,
    },
    /// The plan names no such block.
    #[error("block {name:?} is not part of the plan; its blocks are: {}", Known(known))]
    UnknownBlock {
        /// What was asked for, shortened.
        name: String,
        /// What the plan names, the first 20.
        known: Vec<String>,
    },
    /// The plan names no such arm.
    #[error("arm {name:?} is not part of the plan; its arms are: {}", Known(known))]
    UnknownArm {
        /// What was asked for, shortened.
        name: String,
        /// What the plan names, the first 20.
        known: Vec<String>,
    },
    /// Not possible in an experiment, whatever its phase.
    #[error(
        "cannot {order} in an experiment: its weights are fixed and no arm is promoted; stop an arm with `rollback --arm`, \
         end the experiment with `rollback`, and create a rollout for the version that won"
    )]
    Experiment {
        /// What was asked for.
        order: &'static str,
    },
    /// A window of the plan's calendar forbids it.
    #[error(
        "cannot {order} a rollout now: window {window} ({when}, {zone}) forbids it; wait until it closes, or override it \
         with a reason"
    )]
    Window {
        /// What was asked for.
        order: &'static str,
        /// The window.
        window: String,
        /// When it is open.
        when: String,
        /// The zone that it is told in.
        zone: String,
    },
    /// What stands before the start is not done.
    #[error(
        "cannot {order} a rollout that has not begun: what stands before its start is not done; its hooks are shown by \
         `serin rollout status`"
    )]
    NotBegun {
        /// What was asked for.
        order: &'static str,
    },
    /// The rollout before is not done with its hooks.
    #[error(
        "rollout {by} is over, but its hooks are not: wait for them, or say `serin rollout approve {by}` to what waits for a person"
    )]
    HooksPending {
        /// That rollout.
        by: RolloutId,
    },
    /// What the rollout before changed is not undone, because it is not known that nothing goes to its canary any more.
    #[error(
        "rollout {by} was rolled back, and what it changed is not undone: it was not seen that nothing goes to its canary any \
         more; make sure of that and say `serin rollout approve {by} --drained`, wait for its hooks and schema changes, and say \
         `--skip-hook` to one that fails and is not needed"
    )]
    NotDrained {
        /// That rollout.
        by: RolloutId,
    },
    /// There is nothing to approve.
    #[error("no hook of this rollout failed and waits for a person")]
    NoFailedHook,
    /// There is nothing to approve.
    #[error("the plan of this rollout has no migrations that could lose data")]
    NoMigrations,
    /// Nothing drains.
    #[error("this rollout is not rolled back: its canary does not drain")]
    NotRolledBack,
    /// It waits for its turn in a train.
    #[error(
        "cannot {order} this rollout: it waits for its turn in {train}; `serin train approve` opens what it waits for, and it \
         can be rolled back"
    )]
    Waits {
        /// What was asked for.
        order: &'static str,
        /// The train.
        train: String,
    },
    /// A reason must be given.
    #[error("reason: must not be empty")]
    ReasonMissing,
    /// The reason is too long.
    #[error("reason: exceeds the limit of {} bytes", crate::REASON_BYTES)]
    ReasonTooLong,
}

struct Known<'a>(&'a [String]);

impl fmt::Display for Known<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&if self.0.is_empty() { "none".to_owned() } else { self.0.join(", ") })
    }
}

struct Possible<'a>(&'a [&'static str]);

impl fmt::Display for Possible<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            formatter.write_str("nothing; create a new rollout")
        } else {
            formatter.write_str(&self.0.join(", "))
        }
    }
}
