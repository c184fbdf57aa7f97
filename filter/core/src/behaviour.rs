//! What page views came to, by component, arm, second of arrival, device and country.
//!
//! Apart from the counts of requests: a beacon tells of a page that was shown long after its request ended, and must not count as a
//! request of the component. Sums over views and two histograms are all that is kept. What exceeds a bound is dropped and
//! counted, so that what is there is a sample of the second and not a part of a view.

use serin_proto::fleet::v1 as wire;

use crate::beacon::{Beacon, Country, Device};
use crate::recorder::latency::Latency;
use crate::recorder::{Recorder, SeriesId};

/// Entries (second, component, arm, device and country) that one batch can gather, as the wire contract allows.
pub const MAX_ENTRIES: usize = 2_048;
/// Countries of one service that one batch tells apart. Views from others count under none of them.
pub const MAX_COUNTRIES: usize = 32;
/// Entries after which countries that need another one are told apart no more, so that they never cost a view.
pub const ENTRIES_BY_COUNTRY: usize = MAX_ENTRIES / 2;
/// Distinct times, over all entries, that one batch can gather; 4 bytes each.
pub const MAX_CELLS: usize = 65_536;
/// An interaction that takes longer is slow, and a layout that shifts more is unstable: the published limits of "poor".
const SLOW_INTERACTION_MS: u32 = 500;
const UNSTABLE_LAYOUT_MILLI: u32 = 250;

/// Which of its visitors an arm is looked at by.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Cohort {
    pub(crate) device: Device,
    pub(crate) country: Country,
}

/// Where a page view is counted.
pub(crate) type Key = (u64, SeriesId, Cohort);

/// Page views of the gathering batch, sorted by key: nearly all are of the newest seconds.
#[derive(Debug, Default)]
pub(crate) struct Behaviour {
    entries: Vec<(Key, Views)>,
    cells: usize,
    /// Countries that are told apart, by service.
    countries: Vec<(Box<str>, Vec<[u8; 2]>)>,
}

/// Page views of one key.
#[derive(Debug, Default)]
struct Views {
    load: Latency,
    largest_paint: Latency,
    views: u32,
    /// Views with each of what can be said of a view.
    with: [u32; TRAITS],
    clicks: u64,
}

/// What can be said of a view: error, rage click, conversion, abandonment, feature, slow interaction, unstable layout.
const TRAITS: usize = 7;

impl Behaviour {
    /// Counts a page view of a service; false: there is no room.
    #[cold]
    pub(crate) fn count(&mut self, key: Key, service: &str, beacon: &Beacon<'_>) -> bool {
        // A view adds at most one cell to each of its histograms.
        if self.cells + 2 > MAX_CELLS {
            return false;
        }
        let key = self.told_apart(key, service);
        let at = self.entries.partition_point(|(known, _)| *known < key);
        if self.entries.get(at).is_none_or(|(known, _)| *known != key) {
            if self.entries.len() >= MAX_ENTRIES {
                return false;
            }
            self.entries.insert(at, (key, Views::default()));
        }
        if let Some((_, views)) = self.entries.get_mut(at) {
            self.cells += views.add(beacon);
        }
        true
    }

    /// The key under which a view is counted: with its country where there is room for it.
    #[cold]
    fn told_apart(&mut self, key: Key, service: &str) -> Key {
        let (second, series, cohort) = key;
        let Country::Of(code) = cohort.country else { return key };
        if self.entries.binary_search_by(|(known, _)| known.cmp(&key)).is_ok() {
            return key;
        }
        let known = self.countries.iter_mut().find(|(name, _)| **name == *service);
        let (is_known, has_room) = known
            .as_ref()
            .map_or((false, true), |(_, known)| (known.contains(&code), known.len() < MAX_COUNTRIES));
        if !(is_known || has_room) || self.entries.len() >= ENTRIES_BY_COUNTRY {
            return (second, series, Cohort { country: Country::Other, ..cohort });
        }
        // Names are taken only here, so there are no more of them than entries.
        match known {
            Some((_, known)) if !is_known => known.push(code),
            Some(_) => {}
            None => self.countries.push((service.into(), vec![code])),
        }
        key
    }

    /// Whether nothing has gathered.
    pub(crate) const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether anything is counted for a series.
    pub(crate) fn uses(&self, series: SeriesId) -> bool {
        self.entries.iter().any(|((_, used, _), _)| *used == series)
    }

    /// Takes everything that gathered.
    pub(crate) fn drain(&mut self, recorder: &Recorder) -> Vec<wire::BehaviourCounts> {
        let Self { entries, .. } = std::mem::take(self);
        entries.into_iter().filter_map(|(key, views)| views.told(key, recorder)).collect()
    }
}

impl Views {
    /// How many cells were added.
    fn add(&mut self, beacon: &Beacon<'_>) -> usize {
        let traits: [bool; TRAITS] = [
            beacon.errors > 0,
            beacon.rage_clicks > 0,
            beacon.conversions > 0,
            beacon.abandoned,
            beacon.features > 0,
            beacon.interaction_ms > SLOW_INTERACTION_MS,
            beacon.layout_shift_milli > UNSTABLE_LAYOUT_MILLI,
        ];
        self.views = self.views.saturating_add(1);
        self.clicks += u64::from(beacon.clicks);
        for (count, holds) in self.with.iter_mut().zip(traits) {
            *count = count.saturating_add(u32::from(holds));
        }
        let record = |times: &mut Latency, ms: Option<u32>| {
            ms.map_or(0, |ms| usize::from(times.record(u64::from(ms) * 1_000)))
        };
        record(&mut self.load, beacon.load_ms) + record(&mut self.largest_paint, beacon.largest_paint_ms)
    }

    fn told(&self, (second, series, cohort): Key, recorder: &Recorder) -> Option<wire::BehaviourCounts> {
        let (service, component, arm) = recorder.full_names(series)?;
        let device = match cohort.device {
            Device::Desktop => wire::Device::Desktop,
            Device::Phone => wire::Device::Phone,
        };
        let [errors, rage_clicks, converted, abandoned, features, slow, unstable] = self.with.map(u64::from);
        Some(wire::BehaviourCounts {
            service: service.to_owned(),
            component: component.to_owned(),
            arm: arm.to_owned(),
            second,
            device: device.into(),
            views: self.views.into(),
            load_hdr: self.load.encode(),
            largest_paint_hdr: self.largest_paint.encode(),
            with_error: errors,
            with_rage_click: rage_clicks,
            converted,
            abandoned,
            used_feature: features,
            slow_interaction: slow,
            unstable_layout: unstable,
            clicks: self.clicks,
            country: cohort.country.name(),
        })
    }
}

#[cfg(test)]
mod tests;
