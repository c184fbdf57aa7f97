//! Which component calls which, as spans of the services tell.
//!
//! Spans come by OTLP ([`otlp`](crate::otlp)), each with the component that it ran in, by the plan of its service (`place`). They
//! are joined by trace and parent (`join`) and become edges of the dependency graph (`book`), which `serin components` shows and
//! new rollouts take. An observed edge tells what is likely at fault; it never widens a rollback unless a plan asks for that.
//!
//! Nothing here decides, is stored or is waited for: without traces, there are no observed edges.

mod book;
mod join;
mod place;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serin_proto::assignment::raw::Service;
use serin_rollout::UnixMillis;

pub use book::Observed;
pub(crate) use join::Span;
pub(crate) use place::{Places, Spot, Told};

use book::Book;
use join::Join;

/// The component of a span that serves a request with this route (`http.route`), path and method. `None`: none, or it cannot be
/// told from these.
#[must_use]
pub fn component_of(
    service: &Service,
    route: Option<&str>,
    path: Option<&str>,
    method: Option<&str>,
) -> Option<String> {
    let places = Places::of(std::slice::from_ref(service));
    let spot = places.service(&service.name)?.serving(&Told { route, path, method })?;
    Some(spot.component.clone())
}

/// What was observed. Shared by who takes spans and who asks.
#[derive(Debug, Default)]
pub struct Calls(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    join: Join<Arc<Spot>>,
    book: Book,
}

impl Calls {
    /// Adds spans that came at `now`. Tells of each whether it came for the first time.
    pub(crate) fn add(&self, spans: impl IntoIterator<Item = Span<Arc<Spot>>>, now: UnixMillis) -> Vec<bool> {
        let mut inner = self.inner();
        let Inner { join, book } = &mut *inner;
        let mut calls = Vec::new();
        let is_new = spans.into_iter().map(|span| join.add(span, now.second(), &mut calls)).collect();
        calls.into_iter().for_each(|call| book.note(call, now));
        is_new
    }

    /// The edges, by caller and callee.
    #[must_use]
    pub fn observed(&self, now: UnixMillis) -> Vec<Observed> {
        self.inner().book.observed(now)
    }

    /// Calls whose edge was not kept.
    #[must_use]
    pub fn not_kept(&self) -> u64 {
        self.inner().book.not_kept()
    }

    /// A rollout of the service begins, so arms are told apart anew.
    pub(crate) fn begin(&self, service: &str) {
        self.inner().book.begin(service);
    }

    /// Forgets what was not seen for long.
    pub(crate) fn forget(&self, now: UnixMillis) {
        self.inner().book.forget(now);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    pub(crate) use super::place::tests::service;
}
