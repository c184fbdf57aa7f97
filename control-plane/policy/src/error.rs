//! Why a policy is refused.

/// The rule that an expression breaks, and where.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line}, column {column} of the expression: {rule}")]
pub struct PolicyError {
    /// Line of the expression, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The rule.
    pub rule: PolicyRule,
}

/// What an expression must be.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PolicyRule {
    /// Not an expression.
    #[error("{message}")]
    Syntax {
        /// The parser's words.
        message: String,
    },
    /// Nothing there.
    #[error("must not be empty")]
    Empty,
    /// Too many bytes.
    #[error("exceeds the limit of {limit} bytes")]
    TooLong {
        /// The bound.
        limit: usize,
    },
    /// Nested too deeply.
    #[error("is nested more than {limit} deep")]
    TooDeep {
        /// The bound.
        limit: usize,
    },
    /// It might run for too long.
    #[error("may take {steps} steps, beyond the limit of {limit}")]
    TooCostly {
        /// What it takes at the most.
        steps: u64,
        /// The bound.
        limit: u64,
    },
    /// A name that the context does not have.
    #[error("there is no {what} {name:?}; there are: {known}")]
    Unknown {
        /// What is named: a variable, a field, a function.
        what: &'static str,
        /// The name, shortened.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// A word that the value never is.
    #[error("{of} is never {name:?}; it is one of: {known}")]
    UnknownWord {
        /// What is compared.
        of: &'static str,
        /// The word, shortened.
        name: String,
        /// Those that it may be.
        known: String,
    },
    /// An operand of the wrong type.
    #[error("{of} needs {expected}, and this is {found}")]
    Type {
        /// The operator or function.
        of: String,
        /// What it needs.
        expected: &'static str,
        /// What there is.
        found: String,
    },
    /// Two operands that do not go together.
    #[error("{of} cannot join {left} and {right}")]
    Mixed {
        /// The operator.
        of: String,
        /// Left operand.
        left: String,
        /// Right operand.
        right: String,
    },
    /// Part of CEL, and not of policies.
    #[error("{what} cannot be used in a policy")]
    Unsupported {
        /// What.
        what: String,
    },
    /// The result is no decision.
    #[error("must say one of \"continue\", \"hold\", \"promote\" and \"rollback\", and this is {found}")]
    NotADecision {
        /// What it is.
        found: String,
    },
    /// A condition is not one.
    #[error("must be true or false where `then` is given, and this is {found}")]
    NotACondition {
        /// What it is.
        found: String,
    },
}
