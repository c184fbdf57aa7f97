//! Calls that were observed, as edges of the dependency graph.
//!
//! Bounds: [`EDGES_MAX`] edges; a new one beyond is not kept, and counted. An edge that was not seen for [`KEPT`] is forgotten.
//! Nothing is stored: after a restart, edges are learned again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serin_analysis::Arm;
use serin_rollout::UnixMillis;

use super::join::Call;
use super::place::Spot;

/// Edges of all services.
pub(super) const EDGES_MAX: usize = 4_096;
/// How long an edge is kept after a call was last seen.
pub(super) const KEPT: Duration = Duration::from_hours(24);

/// One component calls another.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Observed {
    /// Service of the caller.
    pub service: String,
    /// The caller.
    pub component: String,
    /// What it calls: a component of its service, or `SERVICE/COMPONENT`.
    pub needed: String,
    /// Calls that were seen.
    pub calls: u64,
    /// Those of them, since the newest rollout of the service began, that the baseline made.
    pub baseline: u64,
    /// Those that the canary made.
    pub canary: u64,
    /// When the last one was seen.
    pub last_seen: UnixMillis,
}

impl Observed {
    /// True when only the canary was seen to call it: new code does.
    #[must_use]
    pub const fn is_canary_only(&self) -> bool {
        self.canary > 0 && self.canary == self.calls
    }
}

/// What was seen of an edge.
#[derive(Debug, Default)]
struct Edge {
    calls: u64,
    baseline: u64,
    canary: u64,
    last_seen: UnixMillis,
}

/// All edges.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// By caller and callee.
    edges: BTreeMap<(Arc<Spot>, Arc<Spot>), Edge>,
    not_kept: u64,
}

impl Book {
    pub(super) fn note(&mut self, call: Call<Arc<Spot>>, now: UnixMillis) {
        let Call { from, to, arm } = call;
        let key = (from, to);
        if self.edges.len() >= EDGES_MAX && !self.edges.contains_key(&key) {
            self.forget(now);
            if self.edges.len() >= EDGES_MAX {
                self.not_kept = self.not_kept.saturating_add(1);
                return;
            }
        }
        let edge = self.edges.entry(key).or_default();
        edge.calls = edge.calls.saturating_add(1);
        edge.last_seen = now;
        match arm {
            Some(Arm::Baseline) => edge.baseline = edge.baseline.saturating_add(1),
            Some(Arm::Canary) => edge.canary = edge.canary.saturating_add(1),
            None => {}
        }
    }

    /// Forgets what was not seen for long.
    pub(super) fn forget(&mut self, now: UnixMillis) {
        self.edges.retain(|_, edge| now.since(edge.last_seen) < KEPT);
    }

    /// A rollout of the service begins: what was its canary is its baseline by now, or gone.
    pub(super) fn begin(&mut self, service: &str) {
        for edge in self.edges.iter_mut().filter(|((from, _), _)| from.service == service) {
            (edge.1.baseline, edge.1.canary) = (0, 0);
        }
    }

    /// By caller and callee.
    pub(super) fn observed(&self, now: UnixMillis) -> Vec<Observed> {
        let lately = self.edges.iter().filter(|(_, edge)| now.since(edge.last_seen) < KEPT);
        let observed = lately.map(|((from, to), edge)| Observed {
            service: from.service.clone(),
            component: from.component.clone(),
            needed: if from.service == to.service {
                to.component.clone()
            } else {
                format!("{}/{}", to.service, to.component)
            },
            calls: edge.calls,
            baseline: edge.baseline,
            canary: edge.canary,
            last_seen: edge.last_seen,
        });
        observed.collect()
    }

    /// Calls that were not kept.
    pub(super) const fn not_kept(&self) -> u64 {
        self.not_kept
    }
}

#[cfg(test)]
mod tests;
