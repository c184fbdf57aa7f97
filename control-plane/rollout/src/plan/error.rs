//! Why a plan is refused.

use std::fmt;

use serin_proto::assignment::Rule;

/// A field, the rule that it breaks and where it is.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct PlanError {
    /// Path of the field, for example `steps[2].weight`; empty for the whole text.
    pub field: String,
    /// The rule.
    pub rule: PlanRule,
    /// Line, from 1. 0: the place is not known.
    pub line: u32,
    /// Column in characters, from 1. 0: the place is not known.
    pub column: u32,
}

/// What a field must be.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PlanRule {
    /// Not YAML, a wrong type, a missing or an unknown field.
    #[error("{message}")]
    Syntax {
        /// The parser's words.
        message: String,
    },
    /// Too many entries or bytes.
    #[error("exceeds the limit of {limit}")]
    TooLong {
        /// The bound.
        limit: usize,
    },
    /// Empty where something is needed.
    #[error("must not be empty")]
    Empty,
    /// A text or number of the wrong form.
    #[error("{found:?} is not {expected}")]
    Form {
        /// What was found, shortened.
        found: String,
        /// What is expected.
        expected: &'static str,
    },
    /// Outside its range.
    #[error("must be between {min} and {max}")]
    Range {
        /// Lowest value.
        min: String,
        /// Highest value.
        max: String,
    },
    /// Weights of steps must rise.
    #[error("must be above the weight of the step before, {before}")]
    NotRising {
        /// Weight of the step before.
        before: String,
    },
    /// Both ways of giving the steps.
    #[error("cannot be given together with `steps`")]
    StepsGiven,
    /// Two times for the same thing.
    #[error("cannot be given for 100% together with `promotion`")]
    PromotionGiven,
    /// Baseline and canary are the same.
    #[error("must differ from `baseline`")]
    SameVersion,
    /// A dependency on nothing.
    #[error("there is no component {name:?} in this plan")]
    UnknownComponent {
        /// What was written, shortened.
        name: String,
    },
    /// Blocks of a component that is rolled back as a whole.
    #[error("only a component of granularity fine has blocks")]
    NotFine,
    /// Nothing that could be switched off.
    #[error("a component that is disabled needs a `feature` to switch off")]
    NoFeature,
    /// A value for no version of the block.
    #[error("{name:?} is neither the current nor a previous version of this block")]
    UnknownVersion {
        /// What was written, shortened.
        name: String,
    },
    /// Components that depend on each other.
    #[error("must not lead back: {}", cycle.join(" needs "))]
    Cycle {
        /// One way back, with its start at both ends.
        cycle: Vec<String>,
    },
    /// A field that is needed.
    #[error("missing field `{name}`")]
    Missing {
        /// The field.
        name: &'static str,
    },
    /// A field of an experiment in a rollout.
    #[error("can be given only with `kind: experiment`")]
    OnlyInExperiment,
    /// An experiment that ends before it measures anything.
    #[error("must be longer than the warm-up, {warm_up}: nothing is measured before")]
    WithinWarmUp {
        /// How long that is.
        warm_up: String,
    },
    /// A field of a rollout in an experiment.
    #[error("cannot be given in an experiment: {because}")]
    NotInExperiment {
        /// Why it makes no sense.
        because: &'static str,
    },
    /// The arms of an experiment leave too little to its control.
    #[error("the weights add up to {total}, and the control needs at least {least}")]
    NoControl {
        /// Their sum.
        total: String,
        /// What must be left.
        least: String,
    },
    /// A policy that is neither written nor built in.
    #[error("there is no built-in policy {name:?}; there are: {known}")]
    UnknownPolicy {
        /// What was written, shortened.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// A policy that cannot be used.
    #[error("{0}")]
    Policy(serin_policy::PolicyError),
    /// Several fields, none of which is given.
    #[error("needs at least one of {names}")]
    NoneOf {
        /// The fields.
        names: &'static str,
    },
    /// A window that the calendar does not have.
    #[error("there is no window {name:?} in `calendar`")]
    UnknownWindow {
        /// What was written, shortened.
        name: String,
    },
    /// A time that is not after another one.
    #[error("must be after `{name}`")]
    NotAfter {
        /// The other field.
        name: &'static str,
    },
    /// A field of a rollback in stages.
    #[error("can be given only with `mode: gradual`")]
    OnlyGradual,
    /// Stages of a rollback must fall.
    #[error("must be below the stage before, {before}")]
    NotFalling {
        /// The stage before.
        before: String,
    },
    /// A hook that comes too late to undo anything.
    #[error("`rollback` is possible only before the start and before a step")]
    NothingToRollBack,
    /// A route that would lead nowhere.
    #[error("must not all be 0")]
    NoWeight,
    /// A rule of schema changes.
    #[error("{0}")]
    Migration(serin_migrate::Rule),
    /// Several ways of saying one thing, of which one is needed.
    #[error("must have exactly one of {names}")]
    OneOf {
        /// The ways.
        names: &'static str,
    },
    /// A query that cannot be asked.
    #[error("is no query that gives one number: {message}")]
    Promql {
        /// What is wrong.
        message: String,
    },
    /// A query that is not there.
    #[error("there is no query {name:?} in this plan")]
    UnknownQuery {
        /// What was written, shortened.
        name: String,
    },
    /// A component that is required to be healthy, which nobody asks.
    #[error("no health check is about a component {name:?}")]
    NoCheck {
        /// What was written, shortened.
        name: String,
    },
    /// A field that says nothing here.
    #[error("cannot be given here: {because}")]
    NotHere {
        /// Why.
        because: &'static str,
    },
    /// A table of confidences that is none.
    #[error("{0}")]
    Points(serin_analysis::streams::PointsError),
    /// A rule of what the filters are told.
    #[error("{0}")]
    Assignment(#[from] Rule),
}

/// All that is wrong with a plan; at least one error, in the order of the text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PlanErrors(pub(super) Vec<PlanError>);

impl PlanErrors {
    /// The errors, in the order of the text.
    #[must_use]
    pub fn errors(&self) -> &[PlanError] {
        &self.0
    }
}

impl std::error::Error for PlanErrors {}

impl fmt::Display for PlanErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            write!(formatter, "{error}")?;
        }
        Ok(())
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(formatter, "line {}, column {}: ", self.line, self.column)?;
        }
        if !self.field.is_empty() {
            write!(formatter, "{}: ", self.field)?;
        }
        write!(formatter, "{}", self.rule)
    }
}
