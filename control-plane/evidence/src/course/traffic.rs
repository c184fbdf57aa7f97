//! How many requests came lately.

use std::collections::BTreeMap;

use super::{Course, SLOT_S};

/// Slots that are looked at: a minute.
const SLOTS: u64 = 12;
/// Newest slots that are left out, because not everything is reported yet: the present one and the one before.
const UNREPORTED: u64 = 2;

/// Requests of a service in the time that was looked at.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Traffic {
    /// Seconds that were looked at: a minute, or less where counting began later. 0: no request was counted.
    pub seconds: u32,
    /// Requests that started and those that failed, by arm.
    pub arms: BTreeMap<String, (u64, u64)>,
}

impl Course {
    /// The last whole minute of which everything is reported.
    #[must_use]
    pub fn traffic(&self, now_second: u64) -> Traffic {
        let end = (now_second / SLOT_S + 1).saturating_sub(UNREPORTED);
        let Some(((first, _, _), _)) = self.cells.first_key_value() else { return Traffic::default() };
        let begin = end.saturating_sub(SLOTS).max(*first);
        if begin >= end {
            return Traffic::default();
        }
        let mut arms: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for ((_, _, arm), cell) in self.cells.range((begin, 0, 0)..(end, 0, 0)) {
            let (requests, failed) = arms.entry(self.names.name(*arm).to_owned()).or_default();
            *requests = requests.saturating_add(cell.started);
            *failed = failed.saturating_add(cell.failed);
        }
        arms.retain(|_, (requests, _)| *requests > 0);
        let seconds = if arms.is_empty() { 0 } else { (end - begin) * SLOT_S };
        Traffic { seconds: u32::try_from(seconds).unwrap_or(u32::MAX), arms }
    }
}
