//! Commands on rollouts, and what they have in common.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{Weight, value};

/// Commands on rollouts.
#[derive(Debug, Subcommand)]
pub(crate) enum Rollout {
    /// Start a rollout from a plan.
    Create {
        /// The plan as YAML; - reads standard input.
        #[arg(short, long, value_name = "FILE")]
        file: PathBuf,
        /// Begin at weight 0 and wait for `resume`. The plan's header, cookie and user rules apply meanwhile, but not those of an
        /// experiment.
        #[arg(long)]
        paused: bool,
        /// Begin although a window of the plan's calendar forbids it, for this reason, which is kept in the journal: it is
        /// created paused, its windows are overridden, and it is resumed.
        #[arg(long, value_name = "REASON", conflicts_with = "paused", value_parser = value::reason)]
        override_windows: Option<String>,
        #[command(flatten)]
        wait: Wait,
    },
    /// The rollouts, newest first.
    List {
        /// Only this service.
        #[arg(long)]
        service: Option<String>,
        /// At most so many, 1 to 1,000.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
    },
    /// One rollout: where it stands, and why.
    Status {
        #[command(flatten)]
        target: Target,
    },
    /// Follow a rollout until it ends: on a terminal as a live screen with keys to act, else a line at every change.
    Watch {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        within: Within,
        /// Print lines on a terminal, too.
        #[arg(long)]
        plain: bool,
    },
    /// Set the canary's weight by hand; the rollout then holds until `resume`.
    SetWeight {
        #[command(flatten)]
        target: Target,
        /// New weight: 25%, 0.5% or 250000ppm.
        weight: Weight,
        #[command(flatten)]
        reason: Reason,
    },
    /// Hold a rollout at its weight. Automatic rollback stays armed.
    Pause {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        reason: Reason,
    },
    /// Continue a paused rollout with a fresh evaluation of its step.
    Resume {
        #[command(flatten)]
        target: Target,
        /// Why; kept in the journal.
        #[arg(long, value_parser = value::reason)]
        reason: Option<String>,
    },
    /// Give the canary its full weight and complete the rollout, whatever the verdict.
    Promote {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        reason: Reason,
        #[command(flatten)]
        wait: Wait,
    },
    /// After a promotion: return all users to the baseline's endpoint, which runs the promoted version by now, so that the
    /// canary's endpoint is free for the next one. `promote` takes it back.
    HandOver {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        reason: Reason,
    },
    /// Let the rollout go on in spite of the windows of its plan's calendar that are open, until they close.
    OverrideWindows {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        reason: Reason,
    },
    /// Return the version, or one component, to the baseline. Ends an experiment, or stops one of its arms.
    Rollback {
        #[command(flatten)]
        target: Target,
        /// Only this component; the rollout goes on without it.
        #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
        component: Option<String>,
        /// Only this block of code: it returns to its previous version, and its component goes on.
        #[arg(long, value_name = "NAME", conflicts_with = "component")]
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        block: Option<String>,
        /// Only this arm of an experiment: its users return to the control, and nobody else moves.
        #[arg(long, value_name = "NAME", conflicts_with_all = ["component", "block"])]
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        arm: Option<String>,
        #[command(flatten)]
        reason: Reason,
    },
    /// Allow what waits for a person.
    #[command(group = clap::ArgGroup::new("approval").required(true))]
    Approve {
        #[command(flatten)]
        target: Target,
        /// Schema changes of this rollout may lose data; those that waited for it run again.
        #[arg(long, group = "approval")]
        data_loss: bool,
        /// The hook that failed runs again.
        #[arg(long, group = "approval")]
        retry_hook: bool,
        /// The rollout goes on as if the hook that failed had succeeded.
        #[arg(long, group = "approval")]
        skip_hook: bool,
        /// Nothing goes to the canary any more after a rollback, though that was not seen: what waits for it goes on.
        #[arg(long, group = "approval")]
        drained: bool,
        #[command(flatten)]
        reason: Reason,
    },
}

/// Which rollout.
#[derive(Args, Debug)]
pub(crate) struct Target {
    /// Identifier of a rollout, or the name of a service for its newest one.
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) id: String,
}

/// Why a person acts.
#[derive(Args, Debug)]
pub(crate) struct Reason {
    /// Why, at most 1,000 bytes; kept in the journal.
    #[arg(long, value_parser = value::reason)]
    pub(crate) reason: String,
}

/// Whether to stay until the end.
#[derive(Args, Debug)]
pub(crate) struct Wait {
    /// Watch the rollout until it ends.
    #[arg(long)]
    pub(crate) wait: bool,
    /// Give up after this time, for example 90s, 30m or 2h. The rollout goes on.
    #[arg(long, value_name = "DURATION", requires = "wait", value_parser = value::duration)]
    pub(crate) within: Option<Duration>,
}

/// How long to stay.
#[derive(Args, Debug)]
pub(crate) struct Within {
    /// Give up after this time, for example 90s, 30m or 2h. The rollout goes on.
    #[arg(long, value_name = "DURATION", value_parser = value::duration)]
    pub(crate) within: Option<Duration>,
}
