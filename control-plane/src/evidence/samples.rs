//! A few failing log records of each component, for people who ask what the failures said.
//!
//! Records are masked before they are kept. Of each service, component and arm the newest [`KEPT`] are remembered, and at most one
//! a second is taken, so that masking costs little however much is logged. What is beyond that is counted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use serin_evidence::documents::{LogRecord, Logs};
use serin_evidence::mask::Masker;

/// Records of one component and arm.
const KEPT: usize = 8;
/// Services, components and arms that are told apart.
const PLACES_MAX: usize = 2_048;
/// Bytes of a record's text that are looked at.
const LOOKED_AT: usize = 8 * 1024;
/// Bytes of a record's text that are kept, once it is masked.
const TEXT_BYTES: usize = 1_024;
/// Age in seconds at which a record is no longer of interest.
const AGE_MAX_S: u64 = 900;

/// A record that may be kept.
#[derive(Clone, Debug)]
pub(crate) struct Sampled<'a> {
    pub(crate) service: &'a str,
    pub(crate) component: &'a str,
    pub(crate) arm: &'a str,
    pub(crate) block: &'a str,
    pub(crate) second: u64,
    pub(crate) severity: i32,
    pub(crate) text: &'a str,
}

#[derive(Debug, Default)]
struct Kept {
    records: VecDeque<LogRecord>,
    /// Second in which the newest was taken.
    taken_at: u64,
    not_kept: u64,
}

/// The samples of all services.
#[derive(Debug)]
pub(crate) struct Samples {
    masker: Masker,
    places: Mutex<BTreeMap<(String, String, String), Kept>>,
}

impl Samples {
    pub(crate) fn new(masker: Masker) -> Self {
        Self { masker, places: Mutex::default() }
    }

    /// Keeps a record that came at `now`, in seconds, or counts it.
    pub(crate) fn offer(&self, record: &Sampled<'_>, now: u64) {
        let key = (record.service.to_owned(), record.component.to_owned(), record.arm.to_owned());
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= PLACES_MAX && !places.contains_key(&key) {
            places.retain(|_, kept| kept.taken_at + AGE_MAX_S > now);
            if places.len() >= PLACES_MAX {
                return;
            }
        }
        let kept = places.entry(key).or_default();
        if kept.taken_at == now && !kept.records.is_empty() {
            kept.not_kept = kept.not_kept.saturating_add(1);
            return;
        }
        kept.taken_at = now;
        if kept.records.len() >= KEPT {
            kept.records.pop_front();
        }
        kept.records.push_back(LogRecord {
            second: record.second,
            component: self.short(record.component),
            arm: record.arm.to_owned(),
            block: self.short(record.block),
            severity: record.severity,
            text: self.short(record.text),
        });
    }

    /// Those of a service that are not too old at `now`, in seconds.
    pub(crate) fn of(&self, service: &str, now: u64) -> Logs {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let from = (service.to_owned(), String::new(), String::new());
        let of_it = places.range(from..).take_while(|((of, _, _), _)| of == service).map(|(_, kept)| kept);
        let mut logs = Logs::default();
        for kept in of_it {
            logs.not_kept = logs.not_kept.saturating_add(kept.not_kept);
            let fresh = kept.records.iter().filter(|record| record.second + AGE_MAX_S > now);
            logs.records.extend(fresh.cloned());
        }
        logs
    }

    /// Masked first and cut then, so that no secret is cut in two and half of it kept.
    fn short(&self, text: &str) -> String {
        let looked_at = text.get(..text.floor_char_boundary(LOOKED_AT)).unwrap_or_default();
        let mut masked = self.masker.mask(looked_at).into_owned();
        masked.truncate(masked.floor_char_boundary(TEXT_BYTES));
        masked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record<'a>(component: &'a str, text: &'a str, second: u64) -> Sampled<'a> {
        Sampled { service: "shop", component, arm: "canary", block: "", second, severity: 17, text }
    }

    #[test]
    fn the_newest_of_each_component_are_kept_masked_and_in_bounds() {
        let samples = Samples::new(Masker::new(false).unwrap());
        for second in 1_000..1_100 {
            let text = format!("{second}: password=hunter2 {}", "x".repeat(3_000));
            samples.offer(&record("cart", &text, second), second);
            samples.offer(&record("cart", "again in the same second", second), second);
        }
        let logs = samples.of("shop", 1_100);
        assert_eq!((logs.records.len(), logs.not_kept), (KEPT, 100));
        assert!(
            logs.records[7].text.starts_with("1099: password=[masked:secret] xxx"),
            "{:?}",
            logs.records[7]
        );
        assert!(logs.records.iter().all(|record| record.text.len() <= TEXT_BYTES));
        assert!(samples.of("shop", 5_000).records.is_empty(), "old ones are of no interest");
        assert!(samples.of("sho", 1_100).records.is_empty());
        for place in 0..3 * PLACES_MAX {
            samples.offer(&record(&format!("c{place}"), "x", 1_100), 1_100);
        }
        assert!(samples.places.lock().unwrap().len() <= PLACES_MAX);
    }
}
