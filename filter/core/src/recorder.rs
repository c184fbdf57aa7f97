//! What happened, by component, start second and arm.
//!
//! Counts gather between two batches and are drained into one. Everything is bounded: when the records or the
//! latency cells of the gathering batch are full, its oldest second is dropped whole and counted as a gap, so that what
//! remains is complete for its seconds. Names are interned, so that a request costs numbers only; components beyond
//! the bound are recorded together as `overflow`.
//!
//! The recorder never sees a user, a path or a header; only which of 64 buckets the user is in, which tells whether
//! failures are those of few users.

mod drain;
mod gaps;
pub mod latency;
mod records;
mod series;

use std::collections::{BTreeMap, BTreeSet};

use self::latency::Latency;
use self::records::{Key, Records};
use self::series::SeriesTable;
use crate::arms::ring::Bucket;
use crate::outcome::Outcome;

pub use self::gaps::Gaps;
pub use self::series::SeriesId;

/// Records (arms of strata) that one batch can gather.
pub const MAX_RECORDS: usize = 8_192;
/// Distinct latencies, over all records and hosts, that one batch can gather; 4 bytes each.
pub const MAX_CELLS: usize = 262_144;
/// Hosts of one record, as the wire contract allows.
pub const MAX_HOSTS: usize = 32;
/// Blocks of one record whose failures are told, as the wire contract allows.
pub const MAX_BLOCKS: usize = 32;
/// Failed blocks of all records of one batch; names beyond are counted as unknown.
pub const MAX_BATCH_BLOCKS: usize = 4_096;
/// Hosts of all records of one batch.
pub const MAX_BATCH_HOSTS: usize = 4_096;
/// The users of so many requests of a record are told; all would soon be in all buckets.
pub const SEEN_USERS: u32 = 8;
/// Blocks that one response can name; a name beyond is unknown, and ends the reading.
const MAX_NAMED: usize = 8;
/// Bytes of a host's address, as the wire contract allows.
const HOST_BYTES: usize = 64;

/// How many requests of a second and series are open.
pub type Levels = BTreeMap<(u64, SeriesId), u64>;

/// Counts of the gathering batch.
#[derive(Debug, Default)]
pub struct Recorder {
    series: SeriesTable,
    records: Records,
    cells: usize,
    hosts: usize,
    blocks: usize,
    gaps: Gaps,
    /// Requests are not recorded in seconds before this one, which earlier batches called complete.
    floor_second: u64,
}

/// One arm of a stratum.
#[derive(Debug, Default)]
struct Record {
    started: u32,
    outcomes: [u32; Outcome::ALL.len()],
    latency: Latency,
    hosts: Vec<Host>,
    /// Failures by the block that their responses named.
    blocks: BTreeMap<Box<str>, u32>,
    /// Buckets of the users that were seen, and of those whose requests failed.
    seen: u64,
    failed: u64,
}

/// A sampled upstream host.
#[derive(Debug)]
struct Host {
    address: Box<str>,
    requests: u32,
    errors: u32,
    latency: Latency,
}

impl Recorder {
    /// The series of these names, from now on until [`Recorder::forget_unused`].
    pub fn series(&mut self, service: &str, component: &str, arm: &str) -> SeriesId {
        self.series.intern(service, component, arm)
    }

    /// Frees the names of series without records; `used` says which others are still needed.
    pub fn forget_unused(&mut self, used: impl Fn(SeriesId) -> bool) {
        let mut recorded = BTreeSet::new();
        for ((_, series), _) in self.records.iter() {
            recorded.insert(series);
        }
        self.series.retain(|series| recorded.contains(&series) || used(series));
    }

    /// Counts a request of `user` that starts; returns the second under which it is recorded.
    pub fn start(&mut self, series: SeriesId, second: u64, user: Option<Bucket>) -> u64 {
        // After the clock was set back: a second once reported complete gains no request.
        let second = self.open_second(second);
        if self.series.is_overflow(series) {
            self.gaps.overflow_requests += 1;
        }
        let record = self.record((second, series));
        if record.started < SEEN_USERS {
            record.seen |= user.map_or(0, Bucket::mask);
        }
        record.started = record.started.saturating_add(1);
        second
    }

    /// Counts a request that ended; `second` is what [`Recorder::start`] returned. Without a latency, or with an outcome
    /// that tells none, only the outcome counts. A failure of a request without a `user` may be anyone's: all buckets are
    /// told.
    pub fn finish(
        &mut self,
        series: SeriesId,
        second: u64,
        outcome: Outcome,
        latency_us: Option<u64>,
        host: Option<&[u8]>,
        user: Option<Bucket>,
    ) {
        self.make_room();
        let spare_hosts = MAX_BATCH_HOSTS.saturating_sub(self.hosts);
        let record = self.record((second, series));
        if let Some(count) = record.outcomes.get_mut(outcome as usize) {
            *count = count.saturating_add(1);
        }
        if outcome.is_error() {
            record.failed |= user.map_or(u64::MAX, Bucket::mask);
        }
        let latency_us = latency_us.filter(|_| outcome.has_latency());
        let mut cells = 0;
        let mut hosts = 0;
        if let Some(latency_us) = latency_us {
            cells += usize::from(record.latency.record(latency_us));
        }
        if let Some(host) = host.and_then(|address| record.host(address, spare_hosts, &mut hosts)) {
            host.requests = host.requests.saturating_add(1);
            if outcome.is_error() {
                host.errors = host.errors.saturating_add(1);
            }
            if let Some(latency_us) = latency_us {
                cells += usize::from(host.latency.record(latency_us));
            }
        }
        self.cells += cells;
        self.hosts += hosts;
    }

    /// The blocks of the component of a series, from now on.
    pub fn set_blocks(&mut self, series: SeriesId, names: &[Box<str>]) {
        self.series.set_blocks(series, names);
    }

    /// Whether the component of a series has blocks.
    #[must_use]
    pub fn has_blocks(&self, series: SeriesId) -> bool {
        !self.series.blocks(series).is_empty()
    }

    /// Counts a failed request of a series with blocks by the blocks that its response `named`, separated by commas; each
    /// once. Call it after [`Recorder::finish`].
    pub fn blame(&mut self, series: SeriesId, second: u64, named: &[u8]) {
        let Self { series: table, records, blocks, gaps, .. } = self;
        let Some(record) = records.get_mut((second, series)) else { return };
        let known = table.blocks(series);
        let mut told = [false; MAX_BLOCKS];
        for (at, name) in named.split(|byte| *byte == b',').enumerate() {
            let block = known.iter().position(|block| block.as_bytes() == name.trim_ascii());
            let Some((position, block)) = block.and_then(|at| Some((at, known.get(at)?))) else {
                gaps.unknown_blocks += 1;
                continue;
            };
            if at >= MAX_NAMED {
                gaps.unknown_blocks += 1;
                return;
            }
            let Some(is_told) = told.get_mut(position) else { continue };
            if std::mem::replace(is_told, true) {
                continue;
            }
            if !record.blocks.contains_key(block) {
                if *blocks >= MAX_BATCH_BLOCKS || record.blocks.len() >= MAX_BLOCKS {
                    gaps.unknown_blocks += 1;
                    continue;
                }
                *blocks += 1;
            }
            let count = record.blocks.entry(block.clone()).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// Counts a request that ended without having been seen.
    pub fn unseen(&mut self) {
        self.gaps.unseen_requests += 1;
    }

    /// Counts a sampled request whose route could not be told.
    pub fn untold_route(&mut self) {
        self.gaps.untold_routes += 1;
    }

    /// Service and component of a series.
    #[must_use]
    pub fn names(&self, series: SeriesId) -> Option<(&str, &str)> {
        self.full_names(series).map(|(service, component, _)| (service, component))
    }

    /// Service, component and arm of a series.
    #[must_use]
    pub fn full_names(&self, series: SeriesId) -> Option<(&str, &str, &str)> {
        let series = self.series.name(series)?;
        Some((&series.service, &series.component, &series.arm))
    }

    /// The second under which what happens at `second` is recorded: none that was once reported complete.
    #[must_use]
    pub const fn open_second(&self, second: u64) -> u64 {
        if second > self.floor_second { second } else { self.floor_second }
    }

    /// What could not be kept, to be added to.
    pub(crate) const fn gaps(&mut self) -> &mut Gaps {
        &mut self.gaps
    }

    /// Counts a batch that the control plane refused.
    pub fn refused(&mut self) {
        self.gaps.refused_batches += 1;
    }

    /// Whether nothing has gathered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.gaps == Gaps::default()
    }

    fn record(&mut self, key: Key) -> &mut Record {
        while self.records.len() >= MAX_RECORDS && !self.records.contains(key) {
            self.drop_oldest_second();
        }
        self.records.get_or_insert(key)
    }

    fn make_room(&mut self) {
        // A request adds at most one cell to its arm and one to its host.
        while self.cells + 2 > MAX_CELLS && !self.records.is_empty() {
            self.drop_oldest_second();
        }
    }

    fn drop_oldest_second(&mut self) {
        for record in self.records.pop_oldest().into_iter().flatten() {
            self.gaps.dropped_records += 1;
            self.gaps.dropped_requests += u64::from(record.started).max(record.finished());
            self.cells = self.cells.saturating_sub(record.cells());
            self.hosts = self.hosts.saturating_sub(record.hosts.len());
            self.blocks = self.blocks.saturating_sub(record.blocks.len());
        }
    }
}

impl Record {
    fn finished(&self) -> u64 {
        self.outcomes.iter().map(|count| u64::from(*count)).sum()
    }

    fn cells(&self) -> usize {
        self.latency.cells() + self.hosts.iter().map(|host| host.latency.cells()).sum::<usize>()
    }

    /// The host of this address; `None` if it is not text, too long or beyond the bounds.
    fn host(&mut self, address: &[u8], spare: usize, added: &mut usize) -> Option<&mut Host> {
        let address =
            std::str::from_utf8(address).ok().filter(|text| (1..=HOST_BYTES).contains(&text.len()))?;
        if let Some(at) = self.hosts.iter().position(|host| *host.address == *address) {
            return self.hosts.get_mut(at);
        }
        if self.hosts.len() >= MAX_HOSTS || spare == 0 {
            return None;
        }
        *added += 1;
        self.hosts.push(Host {
            address: address.into(),
            requests: 0,
            errors: 0,
            latency: Latency::default(),
        });
        self.hosts.last_mut()
    }
}

#[cfg(test)]
mod tests;
