//! Metrics of services, as far as plans of rollouts that run ask for them: who takes points and who asks share them.
//!
//! Points come by OTLP ([`otlp`](crate::otlp)); what queries read of them is told to the rollouts' task as any other answer
//! ([`probe`](crate::probe)). Nothing is stored: after a restart queries say nothing until they know enough.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serin_rollout::UnixMillis;
use serin_rollout::outside::QueryAnswer;
use serin_series::{Fate, Points, Query, Store};

/// The series that are asked for.
#[derive(Debug, Default)]
pub(crate) struct SharedSeries(Mutex<Store>);

impl SharedSeries {
    /// Takes over what is asked for.
    pub(crate) fn ask<'a>(&self, queries: impl IntoIterator<Item = &'a Query>, now: UnixMillis) {
        self.store().ask(queries, ns(now));
    }

    /// Takes points that came at `now`. Says what became of them.
    pub(crate) fn take(&self, points: Points<'_>, now: UnixMillis) -> BTreeMap<Fate, u64> {
        self.store().take(points, ns(now))
    }

    /// What a query gives.
    pub(crate) fn read(&self, query: &Query, now: UnixMillis) -> QueryAnswer {
        match self.store().read(query, ns(now)) {
            Ok(value) => QueryAnswer::Value { value },
            Err(nothing) => QueryAnswer::Nothing { reason: nothing.to_string() },
        }
    }

    /// Series that are kept.
    pub(crate) fn kept(&self) -> usize {
        self.store().len()
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn ns(at: UnixMillis) -> u64 {
    at.0.saturating_mul(1_000_000)
}
