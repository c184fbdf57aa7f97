//! What survives a crash of the simulated control plane: the product's store, kept in memory.

use std::collections::BTreeMap;

use serin_control_plane::store::{
    Append, Appended, Counts, EventQuery, Ledger, Loaded, Seen, Series, Store, StoreError, StoredEvent,
    StoredRollout,
};
use serin_rollout::UnixMillis;

/// The generation of a store that holds nothing yet.
const FIRST: u64 = 1;

/// Everything that was written.
#[derive(Debug, Default)]
pub(super) struct Disk {
    rollouts: Vec<Written>,
    journal: Vec<StoredEvent>,
    generation: Option<u64>,
    seen: BTreeMap<(String, u64), (u64, UnixMillis)>,
    counts: BTreeMap<Series, Counts>,
}

#[derive(Debug)]
struct Written {
    stored: StoredRollout,
    revision: u64,
}

impl Disk {
    /// All events, in order.
    pub(super) fn journal(&self) -> &[StoredEvent] {
        &self.journal
    }

    /// The newest counted report of a VM. 0: none.
    pub(super) fn seen(&self, node: &str, epoch: u64) -> u64 {
        self.seen.get(&(node.to_owned(), epoch)).map_or(0, |(seq, _)| *seq)
    }

    /// What all reports add up to.
    pub(super) fn counts(&self) -> &BTreeMap<Series, Counts> {
        &self.counts
    }

    fn append_one(&mut self, append: &Append) -> Result<Appended, StoreError> {
        let place = self.rollouts.iter().position(|written| written.stored.id == append.rollout_id);
        let found = place.and_then(|place| self.rollouts.get(place)).map_or(0, |written| written.revision);
        if found != append.expected_revision {
            return Err(StoreError::Conflict { expected: append.expected_revision, found });
        }
        if let (None, Some(plan)) = (place, &append.plan) {
            let stored = StoredRollout {
                id: append.rollout_id.clone(),
                state: String::new(),
                plan: plan.clone(),
                events: Vec::new(),
                evidence: None,
            };
            self.rollouts.push(Written { stored, revision: 0 });
        }
        let Some(written) = self.rollouts.iter_mut().find(|one| one.stored.id == append.rollout_id) else {
            return Err(StoreError::Gone);
        };
        for event in &append.events {
            self.journal.push(StoredEvent {
                sequence: FIRST + 1 + self.journal.len() as u64,
                at: append.at,
                rollout_id: append.rollout_id.clone(),
                event: event.clone(),
            });
            written.stored.events.push(event.json.clone());
        }
        written.revision += append.events.len() as u64;
        if let Some(state) = &append.state {
            written.stored.state.clone_from(state);
            written.stored.events.clear();
        }
        let sequence = FIRST + self.journal.len() as u64;
        if append.assignment_changed {
            self.generation = Some(sequence);
        }
        Ok(Appended { sequence, revision: written.revision })
    }
}

impl Store for Disk {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        let seen = self.seen.iter();
        let seen = seen.map(|((node, epoch), (seq, at))| Seen {
            node: node.clone(),
            epoch: *epoch,
            seq: *seq,
            at: *at,
        });
        let counts = self.counts.iter().map(|(series, counts)| (series.clone(), *counts));
        Ok(Loaded {
            rollouts: self.rollouts.iter().map(|written| written.stored.clone()).collect(),
            generation: self.generation.unwrap_or(FIRST),
            ledger: Ledger { seen: seen.collect(), counts: counts.collect() },
        })
    }

    fn append(&mut self, appends: &[Append]) -> Result<Vec<Appended>, StoreError> {
        appends.iter().map(|append| self.append_one(append)).collect()
    }

    fn events(&mut self, query: &EventQuery) -> Result<Vec<StoredEvent>, StoreError> {
        let wanted = |event: &&StoredEvent| {
            event.sequence > query.after_sequence
                && query.rollout_id.as_ref().is_none_or(|id| *id == event.rollout_id)
        };
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        Ok(self.journal.iter().filter(wanted).take(limit).cloned().collect())
    }

    fn save_evidence(&mut self, evidence: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
        for (id, bytes) in evidence {
            for written in self.rollouts.iter_mut().filter(|written| written.stored.id == *id) {
                written.stored.evidence = Some(bytes.clone());
            }
        }
        Ok(())
    }

    fn record(&mut self, entries: &Ledger) -> Result<(), StoreError> {
        for Seen { node, epoch, seq, at } in &entries.seen {
            let newest = self.seen.entry((node.clone(), *epoch)).or_insert((0, *at));
            *newest = (newest.0.max(*seq), *at);
        }
        for (series, counts) in &entries.counts {
            self.counts.entry(series.clone()).or_default().add(counts);
        }
        Ok(())
    }
}
