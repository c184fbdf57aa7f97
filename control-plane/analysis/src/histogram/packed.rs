//! Histograms that wait to be taken back from a sum: about a byte a group of bins, or less.
//!
//! Runs of (groups since the previous one, count) as Rice codes. Adding appends a run; many small ones are joined. What was
//! stored by earlier versions has runs of LEB128 numbers, which are read as well.

mod rice;

use serde::{Deserialize, Serialize};

use super::v2::{read_number, write_number};
use super::{Bin, GROUP};

/// Runs that were added since the last were joined may take as much as the joined one, and this, in bytes.
const SMALL_BYTES: usize = 256;
/// Of a run of usual length.
const HEADER_BYTES: usize = 3;

/// Counts by bin, in as few bytes as reading them in order allows.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct PackedHistogram {
    /// A run begins with a LEB128 number and a zero: as many bytes of Rice codes follow. If it is 0, pairs of LEB128
    /// numbers follow up to the next zero.
    bytes: Vec<u8>,
    runs: u32,
}

impl PackedHistogram {
    /// Appends `bins`, which rise.
    pub(crate) fn add(&mut self, bins: impl Iterator<Item = (Bin, u64)>) {
        let mut run = Run::default();
        bins.for_each(|(bin, count)| run.add(bin.group(), count));
        self.append(run);
    }

    /// All counts; a bin shows once for each run that has it.
    pub(crate) fn bins(&self) -> impl Iterator<Item = (Bin, u64)> + '_ {
        Groups { rest: &self.bytes, run: rice::Codes::default(), group: 0 }
            .map(|(group, count)| (Bin::last_of(group), count))
    }

    /// Makes one run of all.
    fn join(&mut self) {
        let mut groups = [0_u64; Bin::COUNT / GROUP];
        for (bin, count) in self.bins() {
            if let Some(sum) = groups.get_mut(bin.group()) {
                *sum = sum.saturating_add(count);
            }
        }
        let mut run = Run::default();
        groups.into_iter().enumerate().for_each(|(group, count)| run.add(group, count));
        *self = Self::default();
        self.append(run);
    }

    fn append(&mut self, run: Run) {
        let codes = run.finish();
        if codes.is_empty() {
            return;
        }
        self.runs = self.runs.saturating_add(1);
        self.bytes.reserve_exact(codes.len() + HEADER_BYTES);
        write_number(&mut self.bytes, codes.len() as u64);
        self.bytes.push(0);
        self.bytes.extend_from_slice(&codes);
        let joined = read_number(&self.bytes).map_or(0, |(bytes, _)| usize::try_from(bytes).unwrap_or(0));
        if self.runs > 1 && self.bytes.len() > 2 * joined + SMALL_BYTES {
            self.join();
        }
    }
}

/// A run that is being written.
#[derive(Debug, Default)]
struct Run {
    codes: rice::Writer,
    /// The group after the last one written.
    next: usize,
    /// The last group, which may get more.
    last: Option<(usize, u64)>,
}

impl Run {
    /// Groups must not fall.
    #[inline]
    fn add(&mut self, group: usize, count: u64) {
        match &mut self.last {
            Some((last, sum)) if *last == group => *sum = sum.saturating_add(count),
            Some(_) | None => {
                self.write();
                self.last = (count > 0).then_some((group, count));
            }
        }
    }

    #[inline]
    fn write(&mut self) {
        if let Some((group, count)) = self.last {
            self.codes.write(group.saturating_sub(self.next) as u64, count.saturating_sub(1));
            self.next = group + 1;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.write();
        self.codes.finish()
    }
}

/// Groups with their counts, run by run.
struct Groups<'a> {
    rest: &'a [u8],
    /// What is left of a run of Rice codes.
    run: rice::Codes<'a>,
    /// The next group.
    group: u64,
}

impl Iterator for Groups<'_> {
    type Item = (usize, u64);

    #[inline]
    fn next(&mut self) -> Option<(usize, u64)> {
        loop {
            if let Some((gap, count)) = self.run.next() {
                let group = self.group.saturating_add(gap).min(Bin::COUNT as u64);
                self.group = group + 1;
                return Some((group as usize, count.saturating_add(1)));
            }
            let (first, rest) = read_number(self.rest).ok()?;
            let (second, rest) = read_number(rest).ok()?;
            self.rest = rest;
            if second > 0 {
                // Pairs say how many groups lie between the last one and this, and one more.
                let group = self.group.saturating_add(first).min(Bin::COUNT as u64);
                self.group = group;
                return Some((group as usize, second));
            }
            let (run, rest) = rest.split_at_checked(usize::try_from(first).ok()?)?;
            (self.run, self.rest, self.group) = (rice::Codes::new(run), rest, 0);
        }
    }
}

#[cfg(test)]
mod tests;
