//! Which outcomes of requests count as failures of the canary.

use schemars::JsonSchema;
use serde::Deserialize;
use serin_analysis::Category;
use serin_analysis::config::Failures;
use serin_proto::assignment::Rule;

use super::check::Findings;
use super::error::PlanRule;

/// An outcome that can count as a failure.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PlanFailure")]
pub(super) enum RawFailure {
    /// The service failed: 5xx without a more precise cause, and the gRPC codes like it.
    ServerError,
    /// No answer in time.
    Timeout,
    /// No connection to the service could be made.
    ConnectFailure,
    /// The connection broke before the response ended.
    Reset,
    /// Refused for load: circuit breaker, 429.
    Overload,
    /// The request was refused as wrong: 4xx other than 429, and the gRPC codes like it.
    ClientError,
    /// The client went away before the response ended.
    Cancelled,
}

impl RawFailure {
    const fn category(self) -> Category {
        match self {
            Self::ServerError => Category::ServerError,
            Self::Timeout => Category::Timeout,
            Self::ConnectFailure => Category::ConnectFailure,
            Self::Reset => Category::Reset,
            Self::Overload => Category::Overload,
            Self::ClientError => Category::ClientError,
            Self::Cancelled => Category::Cancelled,
        }
    }
}

pub(super) fn check(raw: Option<&[RawFailure]>, findings: &mut Findings) -> Failures {
    let Some(raw) = raw else { return Failures::default() };
    if raw.is_empty() {
        findings.add("failures", PlanRule::Empty);
    }
    let categories: Vec<Category> = raw.iter().map(|failure| failure.category()).collect();
    for (index, category) in categories.iter().enumerate() {
        if categories.iter().take(index).any(|before| before == category) {
            let name = category.name().to_owned();
            findings.add(&format!("failures[{index}]"), Rule::Duplicate { name }.into());
        }
    }
    Failures::of(&categories)
}
