//! What queries and health checks answered while a rollout was recorded, so that a replay judges by the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serin_rollout::outside::Told;

use crate::line::Rule;
use crate::merged::MILLIS_MAX;

/// What a query or a health check answered: `at` in ms of Unix time, `of` (`query` or `check`), its `name`, and the answer.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(transparent)]
#[schemars(rename = "TraceOutside")]
pub(crate) struct Raw(#[schemars(with = "serde_json::Map<String, serde_json::Value>")] Told);

pub(crate) fn check(raw: Raw) -> Result<Told, (&'static str, Rule)> {
    if raw.0.at.0 > MILLIS_MAX {
        return Err(("at", Rule::Shape("is beyond the year 9999".to_owned())));
    }
    Ok(raw.0)
}

impl Raw {
    pub(crate) fn of(told: &Told) -> Self {
        Self(told.clone())
    }
}
