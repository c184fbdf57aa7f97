//! What the routes of the fleet say about themselves.
//!
//! The Envoys of a service are configured alike, so what they say is kept once in the [`RouteBook`], and each Envoy keeps
//! which of it is its own. Bounds: [`NODE_ROUTES_MAX`] routes of an Envoy, [`ROUTES_MAX`] different statements of the
//! fleet; what is beyond is not kept, and counted. A route that no VM of an Envoy has told for an hour is forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serin_rollout::UnixMillis;

use super::Node;
use crate::fleet::report::RouteTags;

/// Routes that are kept of one Envoy, each once for every component that its requests belong to.
pub const NODE_ROUTES_MAX: usize = 512;
/// Different statements that are kept of the fleet.
pub const ROUTES_MAX: usize = 16_384;
/// Envoys that are named beside one statement; the others are counted.
pub const NAMED_MAX: usize = 8;

/// Every different statement, once.
#[derive(Debug, Default)]
pub struct RouteBook {
    statements: BTreeSet<Arc<RouteTags>>,
    not_kept: u64,
}

/// What the routes of one Envoy say.
#[derive(Clone, Debug, Default)]
pub struct NodeRoutes(Vec<(Arc<RouteTags>, UnixMillis)>);

/// A statement, and who makes it.
#[derive(Clone, Debug)]
pub struct Told {
    /// What is said.
    pub said: Arc<RouteTags>,
    /// Envoys that say it, at most [`NAMED_MAX`], by node id.
    pub named: Vec<String>,
    /// Envoys that say it.
    pub nodes: u32,
    /// When one last did.
    pub at: UnixMillis,
}

impl RouteBook {
    fn keep(&mut self, said: &RouteTags) -> Option<Arc<RouteTags>> {
        if let Some(known) = self.statements.get(said) {
            return Some(Arc::clone(known));
        }
        if self.statements.len() >= ROUTES_MAX {
            return None;
        }
        let said = Arc::new(said.clone());
        self.statements.insert(Arc::clone(&said));
        Some(said)
    }

    /// Statements that were not kept.
    #[must_use]
    pub const fn not_kept(&self) -> u64 {
        self.not_kept
    }

    pub(super) fn forget_unused(&mut self) {
        self.statements.retain(|said| Arc::strong_count(said) > 1);
    }
}

impl NodeRoutes {
    pub(super) fn note(&mut self, book: &mut RouteBook, routes: &[RouteTags], now: UnixMillis) {
        for route in routes {
            let known = self.0.iter().position(|(said, _)| is_same(said, route));
            if route.tags.is_none() {
                known.map(|at| self.0.swap_remove(at));
                continue;
            }
            let kept = known.is_some() || self.0.len() < NODE_ROUTES_MAX;
            let Some(said) = kept.then(|| book.keep(route)).flatten() else {
                book.not_kept += 1;
                continue;
            };
            match known.and_then(|at| self.0.get_mut(at)) {
                Some(entry) => *entry = (said, now),
                None => self.0.push((said, now)),
            }
        }
    }

    pub(super) fn forget(&mut self, now: UnixMillis, after: Duration) {
        self.0.retain(|(_, at)| now.since(*at) < after);
    }
}

fn is_same(one: &RouteTags, other: &RouteTags) -> bool {
    one.route == other.route && one.component == other.component && one.service == other.service
}

/// Each statement once, with the Envoys that make it.
pub(super) fn told<'a>(nodes: impl Iterator<Item = (&'a str, &'a Node)>) -> Vec<Told> {
    let mut told = BTreeMap::<*const RouteTags, Told>::new();
    for (name, node) in nodes {
        for (said, at) in &node.routes.0 {
            let entry = told.entry(Arc::as_ptr(said)).or_insert_with(|| Told {
                said: Arc::clone(said),
                named: Vec::new(),
                nodes: 0,
                at: *at,
            });
            entry.nodes += 1;
            entry.at = entry.at.max(*at);
            if entry.named.len() < NAMED_MAX {
                entry.named.push(name.to_owned());
            }
        }
    }
    let mut told: Vec<Told> = told.into_values().collect();
    told.sort_by(|left, right| left.said.cmp(&right.said));
    told
}

#[cfg(test)]
mod tests;
