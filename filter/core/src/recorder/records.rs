//! The records of the gathering batch.

use std::collections::BTreeMap;

use super::Record;
use super::series::SeriesId;
use crate::hash::NumberMap;

/// Start second and series of a record.
pub(super) type Key = (u64, SeriesId);
/// Records of one second.
type Second = NumberMap<SeriesId, Record>;

/// Records by start second, of which there are a few, then by series.
#[derive(Debug, Default)]
pub(super) struct Records {
    seconds: BTreeMap<u64, Second>,
    count: usize,
}

impl Records {
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn contains(&self, (second, series): Key) -> bool {
        self.seconds.get(&second).is_some_and(|records| records.contains_key(&series))
    }

    /// The record of a key, made if there is none.
    pub(super) fn get_or_insert(&mut self, (second, series): Key) -> &mut Record {
        self.seconds.entry(second).or_default().entry(series).or_insert_with(|| {
            self.count += 1;
            Record::default()
        })
    }

    /// The record of a key, if there is one.
    pub(super) fn get_mut(&mut self, (second, series): Key) -> Option<&mut Record> {
        self.seconds.get_mut(&second)?.get_mut(&series)
    }

    /// Takes the records of the oldest second.
    pub(super) fn pop_oldest(&mut self) -> Option<impl Iterator<Item = Record> + use<>> {
        let (_, records) = self.seconds.pop_first()?;
        self.count = self.count.saturating_sub(records.len());
        Some(records.into_values())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &Record)> {
        let second = |(second, records): (&u64, _)| (*second, records);
        self.seconds.iter().map(second).flat_map(|(second, records): (u64, &Second)| {
            records.iter().map(move |(series, record)| ((second, *series), record))
        })
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = (Key, Record)> {
        self.seconds.into_iter().flat_map(|(second, records)| {
            records.into_iter().map(move |(series, record)| ((second, series), record))
        })
    }
}
