//! Whose requests they are, before the rules are checked.

use schemars::JsonSchema;
use serde::Deserialize;
use serin_proto::assignment::raw as proto;

use crate::plan::quantity::Span;

/// Where users and sessions are read from. The first source that is present and not empty counts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanIdentity")]
pub(in crate::plan) struct Identity {
    /// Sources of the user id.
    #[serde(default)]
    pub(in crate::plan) user: Vec<proto::KeySource>,
    /// Sources of the session id, used when there is no user id.
    #[serde(default)]
    pub(in crate::plan) session: Vec<proto::KeySource>,
    /// What to do with neither. Default: random.
    #[serde(default)]
    pub(in crate::plan) anonymous: Anonymous,
}

/// A request without user and session id.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PlanAnonymous")]
pub(in crate::plan) enum Anonymous {
    /// Draws its version at random, request by request.
    #[default]
    Random,
    /// Goes to the baseline.
    Baseline,
    /// Is given a session cookie, and keeps its version by it. The cookie is also read as the last session source.
    IssueCookie(IssuedCookie),
}

/// The cookie given to anonymous requests.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanIssuedCookie")]
pub(in crate::plan) struct IssuedCookie {
    /// Name of the cookie. Default: serin-session.
    #[serde(default)]
    pub(in crate::plan) name: Option<String>,
    /// Its lifetime, 1s to 30d. Default: 30d.
    #[serde(default)]
    pub(in crate::plan) max_age: Option<Span>,
}
