//! Requests that have started and not ended.

use std::collections::BTreeSet;

use crate::arms::ring::Bucket;
use crate::hash::NumberMap;
use crate::recorder::{Levels, SeriesId};
use crate::request::Kind;

/// Requests that can be open at once. Those beyond are routed and not recorded; their ends count as unseen.
pub(super) const MAX_OPEN: usize = 65_536;
/// Requests open for longer are streams, not requests that hang: they are not reported as open any more.
const REPORTED_FOR_NS: u64 = 300 * 1_000_000_000;
/// When the table is full, requests open for longer are forgotten; their ends count as unseen.
const ABANDONED_AFTER_NS: u64 = 3_600 * 1_000_000_000;

/// One request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    /// Series and start second; `None`: of no known service, not recorded.
    pub(super) counted: Option<(SeriesId, u64)>,
    pub(super) start_ns: u64,
    /// Whether its upstream host is asked for.
    pub(super) sampled: bool,
    /// What its answer carries.
    pub(super) kind: Kind,
    /// Who sent it, as far as that is told.
    pub(super) user: Option<Bucket>,
}

/// Requests by context id.
#[derive(Debug, Default)]
pub(super) struct OpenRequests(NumberMap<u32, Open>);

impl OpenRequests {
    /// Whether there was room.
    pub(super) fn has_room(&self) -> bool {
        self.0.len() < MAX_OPEN
    }

    pub(super) fn insert(&mut self, context: u32, open: Open) {
        if self.has_room() {
            self.0.insert(context, open);
        }
    }

    pub(super) fn remove(&mut self, context: u32) -> Option<Open> {
        self.0.remove(&context)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn forget_abandoned(&mut self, now_ns: u64) {
        if !self.has_room() {
            self.0.retain(|_, open| now_ns.saturating_sub(open.start_ns) < ABANDONED_AFTER_NS);
        }
    }

    pub(super) fn series(&self) -> BTreeSet<SeriesId> {
        let mut used = BTreeSet::new();
        for (series, _) in self.0.values().filter_map(|open| open.counted) {
            used.insert(series);
        }
        used
    }

    /// How many are open, by start second and series.
    pub(super) fn levels(&self, now_ns: u64) -> Levels {
        let mut levels = Levels::new();
        for open in self.0.values().filter(|open| now_ns.saturating_sub(open.start_ns) < REPORTED_FOR_NS) {
            if let Some((series, second)) = open.counted {
                *levels.entry((second, series)).or_default() += 1;
            }
        }
        levels
    }
}
