//! Why an evaluation gives no value: OpenFeature's code, and the field and the rule in words.

/// Characters of a caller's text that a message repeats.
const QUOTED_CHARS_MAX: usize = 100;

/// Why an evaluation gives no value.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{code}: {details}", code = .code.name())]
pub struct Failure {
    /// As OpenFeature names it.
    pub code: Code,
    /// Field and rule.
    pub details: String,
}

/// OpenFeature's error codes, as far as they occur.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Code {
    /// The request cannot be read.
    ParseError,
    /// The context is not as it must be.
    InvalidContext,
    /// No block has this name.
    FlagNotFound,
}

impl Code {
    /// As OpenFeature names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ParseError => "PARSE_ERROR",
            Self::InvalidContext => "INVALID_CONTEXT",
            Self::FlagNotFound => "FLAG_NOT_FOUND",
        }
    }
}

impl Failure {
    pub(super) const fn parse_error(details: String) -> Self {
        Self { code: Code::ParseError, details }
    }

    pub(super) const fn invalid_context(details: String) -> Self {
        Self { code: Code::InvalidContext, details }
    }

    pub(super) const fn flag_not_found(details: String) -> Self {
        Self { code: Code::FlagNotFound, details }
    }
}

/// A caller's text in quotes, escaped and cut short.
pub(super) fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(QUOTED_CHARS_MAX).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{more}")
}
