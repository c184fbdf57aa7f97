//! Counters of 8, 16 or 32 bits: all of one histogram are as wide as its largest count needs.

use std::ops::Range;

use super::{Bin, CHUNK};

/// Counters in whole chunks.
#[derive(Clone, Debug)]
pub(super) enum Counters {
    Narrow(Vec<u8>),
    Middle(Vec<u16>),
    Wide(Vec<u32>),
}

impl Default for Counters {
    fn default() -> Self {
        Self::Narrow(Vec::new())
    }
}

/// What [`Counters::add_all`] did.
pub(super) struct Added {
    pub(super) sum: u64,
    /// The bin at which it stopped: it has no counter, or one that is too narrow.
    pub(super) missing: Option<(Bin, u64)>,
}

/// Runs the same code on counters of any width.
macro_rules! each {
    ($counters:expr, $list:ident => $body:expr) => {
        match $counters {
            Counters::Narrow($list) => $body,
            Counters::Middle($list) => $body,
            Counters::Wide($list) => $body,
        }
    };
}

impl Counters {
    /// Adds `bins`, of which the group `first` has the first counter, and each chunk a sum.
    pub(super) fn add_all(
        &mut self,
        first: usize,
        sums: &mut [u32],
        bins: &mut impl Iterator<Item = (Bin, u64)>,
    ) -> Added {
        each!(self, list => add_all(list, first, sums, bins))
    }

    /// Takes back `bins`; gives how many requests that were.
    pub(super) fn take_all(
        &mut self,
        first: usize,
        sums: &mut [u32],
        bins: impl Iterator<Item = (Bin, u64)>,
    ) -> u64 {
        each!(self, list => take_all(list, first, sums, bins))
    }

    /// Adds `count` to a counter; the sum fits in 32 bits.
    pub(super) fn add(&mut self, at: usize, count: u32) {
        if !each!(self, list => add(list, at, count)) {
            let before = each!(self, list => counter(list, at));
            self.widen(before.saturating_add(count));
            each!(self, list => add(list, at, count));
        }
    }

    /// Adds `counts` to a chunk, unless a counter is too narrow; says whether it did.
    pub(super) fn add_chunk(&mut self, chunk: usize, counts: &[u32; CHUNK]) -> bool {
        each!(self, list => add_chunk(list, chunk, counts))
    }

    pub(super) fn halve(&mut self) {
        each!(self, list => list.iter_mut().for_each(|counter| *counter /= 2));
    }

    pub(super) fn clear(&mut self) {
        each!(self, list => list.fill(0));
    }

    /// The counters of one chunk; zeros if there are none.
    pub(super) fn chunk(&self, chunk: usize) -> [u32; CHUNK] {
        each!(self, list => {
            let counters = list.get(chunk * CHUNK..).and_then(|rest| rest.first_chunk::<CHUNK>());
            counters.map_or([0; CHUNK], |counters| counters.map(Into::into))
        })
    }

    /// Adds chunks of zeros at both ends.
    pub(super) fn extend(&mut self, before: usize, after: usize) {
        each!(self, list => {
            let mut extended = Vec::with_capacity(list.len() + (before + after) * CHUNK);
            extended.resize(before * CHUNK, 0);
            extended.append(list);
            extended.resize(extended.len() + after * CHUNK, 0);
            *list = extended;
        });
    }

    /// Forgets the chunks that are not among `chunks`.
    pub(super) fn keep(&mut self, chunks: Range<usize>) {
        let kept = chunks.start * CHUNK..chunks.end * CHUNK;
        each!(self, list => *list = list.get(kept).unwrap_or_default().to_vec());
    }

    /// Makes the counters so wide that they can hold `count`.
    fn widen(&mut self, count: u32) {
        let all: Vec<u32> = each!(self, list => widened(list));
        *self = if u16::try_from(count).is_ok() {
            Self::Middle(all.iter().map(|counter| u16::try_from(*counter).unwrap_or(u16::MAX)).collect())
        } else {
            Self::Wide(all)
        };
    }
}

trait Counter: Copy + TryFrom<u32> + Into<u32> {}

impl<T: Copy + TryFrom<u32> + Into<u32>> Counter for T {}

fn counter(counters: &[impl Counter], at: usize) -> u32 {
    counters.get(at).map_or(0, |counter| (*counter).into())
}

fn widened(counters: &[impl Counter]) -> Vec<u32> {
    counters.iter().map(|counter| (*counter).into()).collect()
}

/// Whether the sum fits.
fn add(counters: &mut [impl Counter], at: usize, count: u32) -> bool {
    let Some(counter) = counters.get_mut(at) else { return true };
    let sum = (*counter).into().checked_add(count).and_then(|sum| sum.try_into().ok());
    if let Some(sum) = sum {
        *counter = sum;
    }
    sum.is_some()
}

/// Whether all sums fit; else nothing is added.
fn add_chunk<C: Counter>(counters: &mut [C], chunk: usize, counts: &[u32; CHUNK]) -> bool {
    let counters = counters.get_mut(chunk * CHUNK..).and_then(|rest| rest.first_chunk_mut::<CHUNK>());
    let Some(counters) = counters else { return true };
    let mut sums = [0_u32; CHUNK];
    for ((sum, counter), count) in sums.iter_mut().zip(counters.iter()).zip(counts) {
        *sum = (*counter).into().saturating_add(*count);
    }
    let largest = sums.iter().fold(0, |largest, sum| (*sum).max(largest));
    if C::try_from(largest).is_err() {
        return false;
    }
    for (counter, sum) in counters.iter_mut().zip(sums) {
        if let Ok(sum) = sum.try_into() {
            *counter = sum;
        }
    }
    true
}

fn add_all<C: Counter>(
    counters: &mut [C],
    first: usize,
    sums: &mut [u32],
    bins: &mut impl Iterator<Item = (Bin, u64)>,
) -> Added {
    let mut added = 0;
    for (bin, count) in bins {
        let at = bin.group().wrapping_sub(first);
        let places = counters.get_mut(at).zip(sums.get_mut(at / CHUNK));
        let fitting = places.and_then(|(counter, sum)| {
            let count = u32::try_from(count).ok()?;
            let chunk = sum.checked_add(count)?;
            *counter = ((*counter).into() + count).try_into().ok()?;
            *sum = chunk;
            Some(())
        });
        if fitting.is_none() {
            return Added { sum: added, missing: Some((bin, count)) };
        }
        added += count;
    }
    Added { sum: added, missing: None }
}

fn take_all<C: Counter>(
    counters: &mut [C],
    first: usize,
    sums: &mut [u32],
    bins: impl Iterator<Item = (Bin, u64)>,
) -> u64 {
    let mut taken = 0;
    for (bin, count) in bins {
        let at = bin.group().wrapping_sub(first);
        let Some((counter, sum)) = counters.get_mut(at).zip(sums.get_mut(at / CHUNK)) else { continue };
        let before: u32 = (*counter).into();
        let fall = u32::try_from(count).unwrap_or(u32::MAX).min(before);
        if let Ok(left) = (before - fall).try_into() {
            *counter = left;
        }
        *sum -= fall;
        taken += u64::from(fall);
    }
    taken
}
