//! What a query gave.

use serde::{Deserialize, Serialize};

use crate::UnixMillis;
use crate::outside::{QueryAnswer, QueryReading, reason};
use crate::plan::Query;

/// The newest of its answers.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Asked {
    /// Its last value, and when it came.
    value: Option<(f64, UnixMillis)>,
    /// Why the newest answer gave none.
    error: Option<String>,
}

impl Asked {
    pub(super) fn hear(&mut self, at: UnixMillis, answer: &QueryAnswer) {
        match answer {
            QueryAnswer::Value { value } if value.is_finite() => {
                self.value = Some((*value, at));
                self.error = None;
            }
            QueryAnswer::Value { value } => self.error = Some(format!("{value} is no number to judge by")),
            QueryAnswer::Nothing { reason: why } => self.error = Some(reason(why)),
        }
    }

    /// The value, if it came just now.
    pub(super) fn just_told(&self, at: UnixMillis) -> Option<f64> {
        self.value.filter(|(_, came)| *came == at && self.error.is_none()).map(|(value, _)| value)
    }

    /// Its value and when it came, unless that is too long ago.
    pub(super) fn fresh(&self, query: &Query, now: UnixMillis) -> Option<(f64, UnixMillis)> {
        self.value.filter(|(_, at)| now.since(*at) <= query.stale_after)
    }

    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    pub(super) fn read(&self, query: &Query, began: UnixMillis, now: UnixMillis) -> QueryReading {
        let since = self.value.map_or(began, |(_, at)| at);
        let fresh = self.fresh(query, now);
        QueryReading {
            name: query.name.clone(),
            value: fresh.map(|(value, _)| value),
            age_s: self.value.map(|(_, at)| now.since(at).as_secs()),
            error: self.error.clone(),
            silent: fresh.is_none() && now.since(since) >= query.alert_after,
        }
    }
}
