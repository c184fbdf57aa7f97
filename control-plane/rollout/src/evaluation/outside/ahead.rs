//! Where the value of a query is going: whether its limit is in sight.
//!
//! A gauge such as memory says hours before its limit that it will get there. Its values go through the watch of
//! `serin-forecast`, which knows its noise; a limit below is watched with both turned around. Silence foresees nothing: without a
//! fresh value nobody looks, and steps without one count as missing.

use serde::{Deserialize, Serialize};
use serin_forecast::{Exposure, Outlook, Watch, WatchSettings};

use crate::UnixMillis;
use crate::plan::{Ahead, Bound, Query};
use crate::text::Time;

/// Steps of the time that is looked ahead, at most.
const STEPS: u64 = 60;

/// The watch over one query of a trigger.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Course(Watch);

/// What a look ahead showed.
pub(super) struct Sight {
    /// The limit is about to be crossed.
    pub(super) fires: bool,
    /// When, in words. Empty: it is not in sight.
    pub(super) text: String,
}

impl Course {
    pub(super) fn new(ahead: Ahead, bound: Bound, query: &Query) -> Self {
        let within_s = ahead.within.as_secs();
        Self(Watch::new(WatchSettings {
            limit: upwards(bound, bound.limit()),
            step_s: query.every.as_secs().max(within_s.div_ceil(STEPS)).max(1),
            horizon_s: within_s,
            collection_s: ahead.collection.as_secs(),
            ..WatchSettings::default()
        }))
    }

    /// Whether it watches what `other` does.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.0.settings() == other.0.settings()
    }

    pub(super) fn observe(&mut self, bound: Bound, at: UnixMillis, value: f64) {
        self.0.observe(at.second(), upwards(bound, value));
    }

    pub(super) fn look(&mut self) -> Option<Sight> {
        let outlook = self.0.look(Exposure::default())?;
        Some(Sight { fires: outlook.fires.is_some(), text: told(&outlook) })
    }
}

/// The value, so that what is beyond the limit is above it.
const fn upwards(bound: Bound, value: f64) -> f64 {
    match bound {
        Bound::Above(_) => value,
        Bound::Below(_) => -value,
    }
}

fn told(outlook: &Outlook) -> String {
    let time = |seconds: Option<u64>| seconds.map(|seconds| Time(std::time::Duration::from_secs(seconds)));
    let Some(median) = time(outlook.time.median_s) else { return String::new() };
    match (time(outlook.time.earliest_s), time(outlook.time.latest_s)) {
        (Some(earliest), Some(latest)) => format!(", which it crosses in {median} ({earliest} to {latest})"),
        _ => format!(", which it may cross in {median}"),
    }
}
