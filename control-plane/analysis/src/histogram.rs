//! Latency histograms on the fixed bins of HdrHistogram with 2 significant digits.
//!
//! Only the bins that hold something are kept (a dense histogram is 26 kB, and thousands are alive at a time), and
//! the V2 wire format is read straight into them, so the cost of decoding follows the size of the payload and not
//! what its header claims. The bins are HdrHistogram's own: below 256 µs each value is a bin, above it each octave
//! is cut into 128, so a bin is never wider than 0.8 %.

mod dense;
mod packed;
mod v2;

pub(crate) use dense::{DenseHistogram, quantiles};
pub(crate) use packed::PackedHistogram;
pub use v2::V2Payload;

use serde::{Deserialize, Serialize};

/// Largest latency that is told apart, one hour in µs; longer ones count as this.
pub const MAX_LATENCY_US: u64 = 3_600_000_000;
/// Largest payload that [`LatencyHistogram::from_v2_bytes`] reads, in bytes: more than all bins can need.
pub const MAX_PAYLOAD_BYTES: usize = 64 * 1024;

/// Bins that 64-bit values can have.
const BINS_OF_64_BITS: u64 = 58 * 128;
const SIGNIFICANT_DIGITS: u32 = 2;
const SUB_BUCKETS: u64 = 256;
const HALF_BITS: u32 = 7;
/// Most requests that a bin tells apart; more count as this.
pub const MOST_IN_BIN: u64 = (1 << COUNT_BITS) - 1;
const COUNT_BITS: u32 = 52;
/// Neighbouring bins that share a counter where histograms are kept for long: a group is at most 1.6 % wide.
const GROUP: usize = 2;

/// Why bytes are no latency histogram.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DecodeError {
    /// More bytes than [`MAX_PAYLOAD_BYTES`].
    #[error("payload of {0} bytes is larger than {MAX_PAYLOAD_BYTES}")]
    TooLong(usize),
    /// The bytes end within the header or a count.
    #[error("payload ends early")]
    Truncated,
    /// Not an uncompressed V2 payload.
    #[error("cookie {0:#010x} is not that of an uncompressed V2 histogram")]
    Cookie(u32),
    /// The header claims another length than the bytes have.
    #[error("header claims {claimed} bytes of counts, payload has {actual}")]
    Length {
        /// What the header says.
        claimed: u32,
        /// What follows the header.
        actual: usize,
    },
    /// Bins of another layout.
    #[error("histogram must have 2 significant digits, lowest value 1 and no offset")]
    Layout,
    /// A count lies beyond the bins that 64-bit values can have.
    #[error("count lies beyond the last bin")]
    TooManyBins,
}

/// Number of a bin; larger bins hold larger latencies.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(crate) struct Bin(u16);

impl Bin {
    /// One more than the number of the largest bin.
    pub(crate) const COUNT: usize = 3328;

    /// The bin that holds `us`; values beyond [`MAX_LATENCY_US`] share its bin.
    pub(crate) fn of(us: u64) -> Self {
        let us = us.min(MAX_LATENCY_US);
        let shift = us.max(1).ilog2().saturating_sub(HALF_BITS);
        let bin = (u64::from(shift) << HALF_BITS) + (us >> shift);
        Self(u16::try_from(bin).unwrap_or(u16::MAX))
    }

    /// Largest value of the bin, in µs.
    pub(crate) fn highest_us(self) -> u64 {
        let bin = u64::from(self.0);
        if bin < SUB_BUCKETS {
            return bin;
        }
        let shift = (bin >> HALF_BITS) - 1;
        let sub_bucket = bin - (shift << HALF_BITS);
        ((sub_bucket + 1) << shift) - 1
    }

    /// Smallest value of the bin, in µs.
    pub(crate) fn lowest_us(self) -> u64 {
        self.0.checked_sub(1).map_or(0, |before| Self(before).highest_us() + 1)
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Number of the group of [`GROUP`] bins that holds this one.
    fn group(self) -> usize {
        self.index() / GROUP
    }

    /// The last bin of a group.
    fn last_of(group: usize) -> Self {
        Self::from_index(group * GROUP + GROUP - 1)
    }

    pub(crate) fn from_index(index: usize) -> Self {
        Self(u16::try_from(index).unwrap_or(u16::MAX)).min(Self::of(MAX_LATENCY_US))
    }
}

/// A bin that holds something, in 8 bytes: 12 bits for the bin, 52 for the count.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "(Bin, u64)", into = "(Bin, u64)")]
struct Entry(u64);

impl Entry {
    const fn new(bin: Bin, count: u64) -> Self {
        let count = if count < MOST_IN_BIN { count } else { MOST_IN_BIN };
        Self(((bin.0 as u64) << COUNT_BITS) | count)
    }

    fn bin(self) -> Bin {
        Bin((self.0 >> COUNT_BITS) as u16)
    }

    fn count(self) -> u64 {
        self.0 & MOST_IN_BIN
    }

    fn plus(self, count: u64) -> Self {
        Self::new(self.bin(), self.count().saturating_add(count))
    }
}

impl From<(Bin, u64)> for Entry {
    fn from((bin, count): (Bin, u64)) -> Self {
        Self::new(Bin::from_index(bin.index()), count)
    }
}

impl From<Entry> for (Bin, u64) {
    fn from(entry: Entry) -> Self {
        (entry.bin(), entry.count())
    }
}

/// How many requests took how long.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct LatencyHistogram {
    /// Sorted by bin; no count is zero.
    bins: Vec<Entry>,
}

impl LatencyHistogram {
    /// An empty histogram.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty histogram with room for so many bins.
    pub fn with_capacity(bins: usize) -> Self {
        Self { bins: Vec::with_capacity(bins) }
    }

    /// Reads an uncompressed HdrHistogram V2 payload. Total: any bytes give a value or an error.
    ///
    /// # Errors
    /// [`DecodeError`] names what is wrong with the bytes.
    pub fn from_v2_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_PAYLOAD_BYTES {
            return Err(DecodeError::TooLong(bytes.len()));
        }
        let payload = V2Payload::parse(bytes)?;
        if payload.significant_digits != SIGNIFICANT_DIGITS || payload.lowest != 1 {
            return Err(DecodeError::Layout);
        }
        let mut histogram = Self::new();
        payload.for_each(BINS_OF_64_BITS, |bin, count| {
            histogram.add(Bin::from_index(usize::try_from(bin).unwrap_or(usize::MAX)), count);
        })?;
        Ok(histogram)
    }

    /// Writes an uncompressed HdrHistogram V2 payload. [`Self::from_v2_bytes`] gives the same histogram again.
    pub fn to_v2_bytes(&self) -> Vec<u8> {
        v2::write(
            self.bins().map(|(bin, count)| (u64::from(bin.0), count)),
            SIGNIFICANT_DIGITS,
            MAX_LATENCY_US,
        )
    }

    /// Counts one request that took `us` µs.
    pub fn record(&mut self, us: u64) {
        self.record_n(us, 1);
    }

    /// Counts `count` requests that took `us` µs.
    pub fn record_n(&mut self, us: u64, count: u64) {
        self.add(Bin::of(us), count);
    }

    /// Adds the counts of `other`: one pass over both, from the back, in place.
    pub fn merge(&mut self, other: &Self) {
        if self.bins.is_empty() {
            self.bins.clone_from(&other.bins);
            return;
        }
        let (mut left, mut right) = (self.bins.len(), other.bins.len());
        let mut into = left + self.missing(other);
        self.bins.reserve_exact(into - left);
        self.bins.resize(into, Entry::new(Bin(0), 0));
        while let Some(&theirs) = right.checked_sub(1).and_then(|at| other.bins.get(at)) {
            let own = left.checked_sub(1).and_then(|at| self.bins.get(at)).copied();
            into -= 1;
            let entry = match own {
                Some(own) if own.bin() > theirs.bin() => own,
                Some(own) if own.bin() == theirs.bin() => own.plus(theirs.count()),
                Some(_) | None => theirs,
            };
            left -= usize::from(own.is_some_and(|own| own.bin() >= theirs.bin()));
            right -= usize::from(entry.bin() == theirs.bin());
            if let Some(place) = self.bins.get_mut(into) {
                *place = entry;
            }
        }
    }

    /// All requests.
    pub fn count(&self) -> u64 {
        self.bins.iter().fold(0, |sum, entry| sum.saturating_add(entry.count()))
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.bins.is_empty()
    }

    /// Latency in µs that the share `quantile` (0 to 1) of the requests does not exceed, rounded up to its bin.
    /// `None` if nothing was counted.
    pub fn quantile_us(&self, quantile: f64) -> Option<u64> {
        quantile_bin(self.bins(), self.count(), quantile).map(Bin::highest_us)
    }

    /// Each bin that holds something: its largest latency in µs, and how many requests it holds. Recording them gives
    /// the same histogram.
    pub fn highest_us(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.bins().map(|(bin, count)| (bin.highest_us(), count))
    }

    /// Each bin that holds something: its smallest and its largest latency in µs, and how many requests it holds.
    pub fn ranges_us(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        self.bins().map(|(bin, count)| (bin.lowest_us(), bin.highest_us(), count))
    }

    pub(crate) fn bins(&self) -> impl Iterator<Item = (Bin, u64)> + Clone + '_ {
        self.bins.iter().map(|entry| (entry.bin(), entry.count()))
    }

    /// Adds the requests up to each of `edges`, which do not fall, and those beyond the last one, to the cells.
    pub(crate) fn sort(&self, edges: &[Bin], cells: &mut [u64]) {
        let mut rest = self.bins.as_slice();
        let ends = edges.iter().map(|edge| Entry::new(*edge, MOST_IN_BIN).0).chain([u64::MAX]);
        for (end, cell) in ends.zip(cells) {
            let (within, beyond) = rest.split_at(rest.partition_point(|entry| entry.0 <= end));
            rest = beyond;
            // All bins together hold less than 2^64.
            *cell = cell.saturating_add(within.iter().map(|entry| entry.count()).sum());
        }
    }

    /// How many bins `other` has that this one has not.
    fn missing(&self, other: &Self) -> usize {
        let mut own = self.bins.iter().map(|entry| entry.bin()).peekable();
        let mut is_missing = |bin: &Bin| {
            while own.next_if(|own| own < bin).is_some() {}
            own.peek() != Some(bin)
        };
        other.bins.iter().map(|entry| entry.bin()).filter(|bin| is_missing(bin)).count()
    }

    fn add(&mut self, bin: Bin, count: u64) {
        if count == 0 {
            return;
        }
        // Bins mostly come in rising order.
        if self.bins.last().is_none_or(|last| last.bin() < bin) {
            self.bins.push(Entry::new(bin, count));
            return;
        }
        match self.bins.binary_search_by_key(&bin, |entry| entry.bin()) {
            Ok(at) => {
                if let Some(entry) = self.bins.get_mut(at) {
                    *entry = entry.plus(count);
                }
            }
            Err(at) => self.bins.insert(at, Entry::new(bin, count)),
        }
    }
}

/// The first of `bins`, which hold `count` requests in all, at which the share `quantile` is reached.
pub(crate) fn quantile_bin(bins: impl Iterator<Item = (Bin, u64)>, count: u64, quantile: f64) -> Option<Bin> {
    let rank = (quantile.clamp(0.0, 1.0) * count as f64).ceil().max(1.0);
    let mut seen = 0_u64;
    let mut last = None;
    for (bin, in_bin) in bins {
        seen = seen.saturating_add(in_bin);
        last = Some(bin);
        if seen as f64 >= rank {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests;
