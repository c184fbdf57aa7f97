//! Page views, on their way into the evidence.
//!
//! Each kind of event is a stream of the whole version, and those that are judged by themselves one of the component that the pages
//! belong to, of the visitor's class of device, and of the country, too: of the first so many that a rollout meets. What is a slow page is settled once for a rollout, by the first page loads of its baseline, so that it does not
//! depend on what is judged.

use std::collections::BTreeSet;

use serin_analysis::streams::{COUNTRIES_MAX, Kind, StreamCounts, StreamId};
use serin_analysis::{Arm, Cohort, Country, LatencyHistogram, PageViews};
use serin_proto::assignment::{BASELINE, CANARY};

use crate::fleet::report::Behaviour;

/// Page loads of the baseline after which it is settled what is slow.
const LOADS: u64 = 200;
/// Share of them that is not slow.
const NOT_SLOW: f64 = 0.9;

/// From page views of one rollout to streams of events.
#[derive(Debug, Default)]
pub(super) struct Views {
    /// Page loads of the baseline until it is settled what is slow.
    loads: LatencyHistogram,
    /// Longest load in µs that is not slow.
    slow_beyond_us: Option<u64>,
    /// Countries that are told apart.
    countries: BTreeSet<[u8; 2]>,
}

impl Views {
    /// What `behaviour` tells, where the canary's pages may load longer by the part `tolerance`. Nothing of an experiment's arms.
    ///
    /// A report comes here once: what was merged before was recognised by (node, epoch, seq) and dropped.
    pub(super) fn streams(&mut self, behaviour: &Behaviour, tolerance: f64) -> Vec<StreamCounts> {
        let arm = match behaviour.arm.as_str() {
            BASELINE => Arm::Baseline,
            CANARY => Arm::Canary,
            _ => return Vec::new(),
        };
        let views = &behaviour.views;
        let slow = self.slow(views, arm, tolerance);
        let all = [
            (Kind::ScriptError, Some((views.with_error, views.views))),
            (Kind::RageClick, Some((views.with_rage_click, views.views))),
            (Kind::Abandonment, Some((views.abandoned, views.views))),
            (Kind::Conversion, Some((views.converted, views.views))),
            (Kind::SlowLoad, slow),
            (Kind::UsedFeature, Some((views.used_feature, views.views))),
            (Kind::SlowInteraction, Some((views.slow_interaction, views.views))),
            (Kind::UnstableLayout, Some((views.unstable_layout, views.views))),
        ];
        let told = all.into_iter().filter_map(|(kind, counts)| counts.map(|counts| (kind, counts)));
        let parts = self.parts(behaviour);
        let counts = told.flat_map(|(kind, (events, exposures))| {
            let of = if kind.is_judged() { parts.as_slice() } else { parts.get(..1).unwrap_or_default() };
            of.iter().map(move |(component, name)| StreamCounts {
                id: StreamId { kind, component: component.clone(), name: name.clone() },
                second: behaviour.second,
                arm,
                events,
                exposures: Some(exposures),
                is_harmful: kind.is_judged(),
                samples: Vec::new(),
            })
        });
        counts.collect()
    }

    /// What the views are part of, as components and names of streams: first the whole version.
    fn parts(&mut self, behaviour: &Behaviour) -> Vec<(String, String)> {
        let device = Some(Cohort::Device(behaviour.device));
        let cohorts = [device, self.country(behaviour.country)].into_iter().flatten();
        let mut parts = vec![(String::new(), String::new()), (behaviour.component.clone(), String::new())];
        parts.extend(cohorts.map(|cohort| (String::new(), cohort.to_string())));
        parts
    }

    /// `None`: the country is not told apart.
    fn country(&mut self, country: Country) -> Option<Cohort> {
        let Country::Of(code) = country else { return None };
        let is_apart = self.countries.len() < COUNTRIES_MAX || self.countries.contains(&code);
        is_apart.then(|| {
            self.countries.insert(code);
            Cohort::Country(code)
        })
    }

    /// Slow page loads and all of them. `None`: it is not settled what is slow.
    fn slow(&mut self, views: &PageViews, arm: Arm, tolerance: f64) -> Option<(u64, u64)> {
        let loads = views.load.as_ref()?;
        let Some(beyond) = self.slow_beyond_us else {
            if arm == Arm::Baseline {
                self.loads.merge(loads);
            }
            if self.loads.count() >= LOADS {
                self.slow_beyond_us = self.loads.quantile_us(NOT_SLOW);
                self.loads = LatencyHistogram::default();
            }
            return None;
        };
        let beyond = match arm {
            Arm::Baseline => beyond as f64,
            Arm::Canary => beyond as f64 * (1.0 + tolerance),
        };
        let slow = loads.highest_us().filter(|(us, _)| *us as f64 > beyond).map(|(_, count)| count);
        Some((slow.sum(), loads.count()))
    }
}

#[cfg(test)]
mod tests {
    use serin_analysis::{Country, Device};

    use super::*;

    fn told(arm: &str, loads_ms: &[u64]) -> Behaviour {
        let mut load = LatencyHistogram::new();
        loads_ms.iter().for_each(|ms| load.record(ms * 1_000));
        let count = loads_ms.len() as u64;
        Behaviour {
            service: "shop".to_owned(),
            component: "checkout".to_owned(),
            arm: arm.to_owned(),
            second: 7,
            device: Device::Phone,
            country: Country::Unknown,
            views: PageViews { views: count, converted: 1, load: Some(load), ..PageViews::default() },
        }
    }

    /// Streams of the version and its components.
    fn of(counts: &[StreamCounts], kind: Kind) -> Vec<(&str, u64, Option<u64>)> {
        let of_kind = counts.iter().filter(|counts| counts.id.kind == kind && counts.id.name.is_empty());
        of_kind.map(|counts| (counts.id.component.as_str(), counts.events, counts.exposures)).collect()
    }

    #[test]
    fn page_views_are_told_of_the_version_and_of_their_component_also_where_nothing_happened() {
        let counts = Views::default().streams(&told("canary", &[100; 3]), 0.2);
        assert_eq!(of(&counts, Kind::Conversion), [("", 1, Some(3)), ("checkout", 1, Some(3))]);
        assert_eq!(of(&counts, Kind::ScriptError), [("", 0, Some(3)), ("checkout", 0, Some(3))]);
        assert_eq!(
            of(&counts, Kind::UsedFeature),
            [("", 0, Some(3))],
            "the profile is one of the whole version"
        );
        assert!(counts.iter().all(|counts| counts.arm == Arm::Canary && counts.second == 7));
        assert!(counts.iter().all(|counts| counts.is_harmful == counts.id.kind.is_judged()));
        assert_eq!(Views::default().streams(&told("blue", &[100]), 0.2), []);
    }

    #[test]
    fn page_views_are_told_of_their_device_and_of_the_first_countries_that_come() {
        let mut views = Views::default();
        let mut cohorts = |country| {
            let told = views.streams(&Behaviour { country, ..told("canary", &[100]) }, 0.2);
            let of_kind =
                told.into_iter().filter(|one| one.id.kind == Kind::Conversion && one.id.component.is_empty());
            of_kind.map(|one| one.id.name).filter(|name| !name.is_empty()).collect::<Vec<_>>()
        };
        assert_eq!(cohorts(Country::Unknown), ["phone"]);
        assert_eq!(cohorts(Country::Other), ["phone"]);
        for number in 0..COUNTRIES_MAX as u8 {
            assert_eq!(cohorts(Country::Of([b'A', b'A' + number])).len(), 2, "{number}");
        }
        assert_eq!(cohorts(Country::Of(*b"NL")), ["phone"]);
        assert_eq!(cohorts(Country::Of(*b"AC")), ["phone", "AC"]);
    }

    #[test]
    fn what_is_slow_is_settled_by_the_baseline_once() {
        let mut views = Views::default();
        let usual: Vec<u64> = (1..=LOADS).collect();
        assert_eq!(of(&views.streams(&told("canary", &usual), 0.2), Kind::SlowLoad), []);
        assert_eq!(of(&views.streams(&told("baseline", &usual), 0.2), Kind::SlowLoad), []);
        // Nine of ten take up to 180 ms; the canary may take 216.
        let baseline = views.streams(&told("baseline", &[170, 190, 230]), 0.2);
        assert_eq!(of(&baseline, Kind::SlowLoad)[0], ("", 2, Some(3)));
        let canary = views.streams(&told("canary", &[170, 190, 230]), 0.2);
        assert_eq!(of(&canary, Kind::SlowLoad)[0], ("", 1, Some(3)));
        views.streams(&told("baseline", &[5_000; 500]), 0.2);
        let again = views.streams(&told("canary", &[170, 190, 230]), 0.2);
        assert_eq!(of(&again, Kind::SlowLoad)[0], ("", 1, Some(3)));
    }
}
