//! Which outcomes are failures.
//!
//! Whose requests failed, on which host and in which block of code is reported of the five outcomes that count by default.
//! Where others count, nothing may be concluded from that about them.

use serde::{Deserialize, Serialize};

use crate::failures::FailureCounts;
use crate::increment::Outcomes;
use crate::verdict::Category;

/// Outcomes that count as a failure of the service. Cancelled requests and client errors do only where they are named.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Failures {
    /// Count `server_error`.
    pub server_error: bool,
    /// Count `timeout`.
    pub timeout: bool,
    /// Count `connect_failure`.
    pub connect_failure: bool,
    /// Count `reset`.
    pub reset: bool,
    /// Count `overload`.
    pub overload: bool,
    /// Count `client_error`.
    pub client_error: bool,
    /// Count `cancelled`.
    pub cancelled: bool,
}

impl Default for Failures {
    fn default() -> Self {
        Self {
            server_error: true,
            timeout: true,
            connect_failure: true,
            reset: true,
            overload: true,
            client_error: false,
            cancelled: false,
        }
    }
}

impl Failures {
    /// These categories and no other.
    #[must_use]
    pub fn of(categories: &[Category]) -> Self {
        let counts = |category| categories.contains(&category);
        Self {
            server_error: counts(Category::ServerError),
            timeout: counts(Category::Timeout),
            connect_failure: counts(Category::ConnectFailure),
            reset: counts(Category::Reset),
            overload: counts(Category::Overload),
            client_error: counts(Category::ClientError),
            cancelled: counts(Category::Cancelled),
        }
    }

    /// Whether it counts.
    #[must_use]
    pub const fn counts(&self, category: Category) -> bool {
        match category {
            Category::ServerError => self.server_error,
            Category::Timeout => self.timeout,
            Category::ConnectFailure => self.connect_failure,
            Category::Reset => self.reset,
            Category::Overload => self.overload,
            Category::ClientError => self.client_error,
            Category::Cancelled => self.cancelled,
        }
    }

    /// The categories that count.
    pub fn categories(&self) -> impl Iterator<Item = Category> {
        Category::ALL.into_iter().filter(|category| self.counts(*category))
    }

    /// Whether they are the failures of which reports tell whose they were and on which host: the default.
    pub(crate) fn are_told_apart(&self) -> bool {
        *self == Self::default()
    }

    /// Those of `outcomes` that count.
    pub(crate) fn among(&self, outcomes: &Outcomes) -> FailureCounts {
        let count = |category| if self.counts(category) { outcomes.of(category) } else { 0 };
        FailureCounts::of(Category::ALL.map(count))
    }
}
