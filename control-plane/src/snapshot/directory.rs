//! All snapshots, for readers. Only the rollouts' task writes.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use super::Snapshot;

/// Rollouts that are kept in memory; the oldest terminal ones make room.
pub const ROLLOUTS_MAX: usize = 1_000;

/// The newest snapshot of each rollout.
#[derive(Debug, Default)]
pub struct Directory {
    entries: RwLock<Entries>,
    /// How often a rollout came, went, or had an event.
    turns: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Entries {
    /// By order of creation.
    snapshots: BTreeMap<u64, watch::Sender<Arc<Snapshot>>>,
    orders: BTreeMap<String, u64>,
    next: u64,
}

impl Directory {
    /// Replaces the snapshot of a rollout. The first call for each must come in order of creation.
    pub fn put(&self, snapshot: Snapshot) {
        let snapshot = Arc::new(snapshot);
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = entries.orders.get(&snapshot.id).and_then(|order| entries.snapshots.get(order))
        {
            let revision = snapshot.revision;
            let before = sender.send_replace(snapshot).revision;
            drop(entries);
            if before != revision {
                self.turn();
            }
            return;
        }
        let order = entries.next;
        entries.next += 1;
        entries.orders.insert(snapshot.id.clone(), order);
        entries.snapshots.insert(order, watch::Sender::new(snapshot));
        drop(entries);
        self.turn();
    }

    fn turn(&self) {
        self.turns.send_modify(|turns| *turns = turns.wrapping_add(1));
    }

    /// Tells when a rollout came, went, or had an event: what a reader does not want to learn a second later.
    #[must_use]
    pub fn turns(&self) -> watch::Receiver<u64> {
        self.turns.subscribe()
    }

    /// Forgets a rollout; who watches it sees its stream end.
    pub fn remove(&self, id: &str) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(order) = entries.orders.remove(id) {
            entries.snapshots.remove(&order);
            drop(entries);
            self.turn();
        }
    }

    /// A rollout by its identifier, or the newest one of a service.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<watch::Receiver<Arc<Snapshot>>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = entries.orders.get(name).and_then(|order| entries.snapshots.get(order)) {
            return Some(sender.subscribe());
        }
        let newest = entries.snapshots.values().rev().find(|sender| sender.borrow().service == name);
        newest.map(watch::Sender::subscribe)
    }

    /// The newest rollout of each service.
    #[must_use]
    pub fn current(&self) -> Vec<Arc<Snapshot>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let current = entries.snapshots.values().filter(|sender| sender.borrow().current);
        current.map(|sender| Arc::clone(&sender.borrow())).collect()
    }

    /// Rollouts, newest first.
    #[must_use]
    pub fn list(&self, service: Option<&str>, limit: usize) -> Vec<Arc<Snapshot>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let all = entries.snapshots.values().rev().map(|sender| Arc::clone(&sender.borrow()));
        all.filter(|snapshot| service.is_none_or(|name| snapshot.service == name)).take(limit).collect()
    }
}
