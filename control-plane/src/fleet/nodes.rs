//! Which Envoys there are, which VMs live in them, and which of their reports are counted.
//!
//! A VM numbers its batches upwards, so remembering the newest counted seq of each life is enough to drop every
//! repetition. Bounds: [`NODES_MAX`] Envoys and [`VMS_MAX`] VMs in each. A VM that is silent for an hour is
//! forgotten; when a bound is reached the one that is silent for longest makes room, if it is silent for a minute,
//! else the newcomer is told to come later. What an Envoy's routes say about themselves is kept with it ([`RouteBook`]).

mod node;
mod routes;

use std::collections::BTreeMap;
use std::time::Duration;

use super::report::Report;
use crate::store::Seen;
use serin_rollout::UnixMillis;

pub use node::{Node, VmState};
pub use routes::{NAMED_MAX, NODE_ROUTES_MAX, NodeRoutes, ROUTES_MAX, RouteBook, Told};

/// Envoys that are remembered.
pub const NODES_MAX: usize = 20_000;
/// VMs that are remembered of one Envoy.
pub const VMS_MAX: usize = 256;
/// VMs that are read from the store at the start, the newest ones.
pub const VMS_LOADED: u32 = 200_000;
/// Silence after which a VM is forgotten.
pub const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);
/// Silence after which a VM may be forgotten to make room.
const REPLACEABLE_AFTER: Duration = Duration::from_mins(1);
/// Silence after which a VM counts as dead.
pub const LIVE_WITHIN: Duration = Duration::from_secs(15);

/// What to do with a report.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Admission {
    /// Count it: it was never seen, and is remembered from now on.
    New,
    /// Answer OK and do nothing: it is counted already.
    Repeated,
    /// Ask to send it again later: there is no room to remember it.
    Full,
}

/// How far a generation got.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Spread {
    /// VMs that live.
    pub known: u32,
    /// Of these, those that obey at least this generation.
    pub applied: u32,
    /// Envoys with an open stream.
    pub connected: u32,
    /// Of these, those that acknowledged at least this generation.
    pub acknowledged: u32,
}

/// All Envoys, by node id.
#[derive(Debug, Default)]
pub struct Nodes {
    nodes: BTreeMap<String, Node>,
    /// What the routes of all of them say, each text kept once.
    book: RouteBook,
}

impl Nodes {
    /// Begins with what was counted before a restart.
    #[must_use]
    pub fn new(seen: &[Seen]) -> Self {
        let mut nodes = Self::default();
        for entry in seen {
            let node = nodes.nodes.entry(entry.node.clone()).or_insert_with(|| Node::new(entry.at));
            node.restore(entry);
        }
        nodes
    }

    /// Decides what to do with a report, and remembers it when it is to be counted.
    pub fn admit(&mut self, report: &Report, now: UnixMillis) -> Admission {
        let Some(node) = self.entry(&report.vm.node, now) else { return Admission::Full };
        let admission = node.admit(report, now);
        if admission == Admission::New && !report.routes.is_empty() {
            let Self { nodes, book } = self;
            if let Some(node) = nodes.get_mut(&report.vm.node) {
                node.routes.note(book, &report.routes, now);
            }
        }
        admission
    }

    /// What the routes of all Envoys say, each different statement once.
    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        routes::told(self.iter())
    }

    /// Statements of routes that were not kept because there are too many.
    #[must_use]
    pub const fn routes_not_kept(&self) -> u64 {
        self.book.not_kept()
    }

    /// Notes a report that cannot be merged. True when it is worth a word: the first of an Envoy, then ever rarer.
    pub fn refused(&mut self, node: &str) -> bool {
        let Some(node) = self.nodes.get_mut(node) else { return false };
        node.refused += 1;
        node.refused.is_power_of_two()
    }

    /// The Envoy of a configuration stream that opens. `None`: there is no room.
    pub fn entry(&mut self, name: &str, now: UnixMillis) -> Option<&mut Node> {
        if !self.nodes.contains_key(name) {
            if self.nodes.len() >= NODES_MAX && !self.make_room(now) {
                return None;
            }
            self.nodes.insert(name.to_owned(), Node::new(now));
        }
        self.nodes.get_mut(name)
    }

    /// A known Envoy.
    pub fn known(&mut self, name: &str) -> Option<&mut Node> {
        self.nodes.get_mut(name)
    }

    /// All Envoys, by node id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(name, node)| (name.as_str(), node))
    }

    /// How far `generation` got.
    #[must_use]
    pub fn spread(&self, generation: u64, now: UnixMillis, live_within: Duration) -> Spread {
        let mut spread = Spread::default();
        for node in self.nodes.values() {
            for vm in node.live(now, live_within) {
                spread.known += 1;
                spread.applied += u32::from(vm.generation >= generation);
            }
            if node.streams > 0 {
                spread.connected += 1;
                spread.acknowledged += u32::from(node.generation_acknowledged >= generation);
            }
        }
        spread
    }

    /// Forgets who has been silent for an hour.
    pub fn forget(&mut self, now: UnixMillis) {
        self.nodes.retain(|_, node| {
            node.forget(now, FORGOTTEN_AFTER);
            node.streams > 0 || now.since(node.at) < FORGOTTEN_AFTER
        });
        self.book.forget_unused();
    }

    fn make_room(&mut self, now: UnixMillis) -> bool {
        let idle = self.nodes.iter().filter(|(_, node)| node.streams == 0).min_by_key(|(_, node)| node.at);
        let Some((name, node)) = idle else { return false };
        if now.since(node.at) < REPLACEABLE_AFTER {
            return false;
        }
        let name = name.clone();
        self.nodes.remove(&name).is_some()
    }
}

#[cfg(test)]
mod tests;
