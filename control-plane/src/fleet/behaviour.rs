//! Page views since the start of the process, by service, component and arm, and by service, arm and cohort, as metrics show
//! them.
//!
//! Bounded by [`SERIES_MAX`] and [`COHORTS_MAX`]; what comes beyond counts as `other`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serin_analysis::{Country, Device};

use super::report::{self, LostBeacons, Report};
use crate::store::Series;

/// Series that are counted apart.
pub const SERIES_MAX: usize = 10_000;
/// Cohorts that are counted apart. Each has a series for each of [`TRAITS`].
pub const COHORTS_MAX: usize = 1_000;
/// Name of everything beyond the bound.
const OTHER: &str = "other";

/// Visitors who are looked at together.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Cohort {
    /// Service.
    pub service: String,
    /// Name of the arm.
    pub arm: String,
    /// What the pages were shown on.
    pub device: Device,
    /// Where the visitors were.
    pub country: Country,
}

/// What page views of one component or cohort and arm came to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// Page views.
    pub views: u64,
    /// Clicks.
    pub clicks: u64,
    /// Page views with each of [`TRAITS`].
    pub with: [u64; TRAITS.len()],
}

/// What can be said of a page view, by its name in metrics.
pub const TRAITS: [&str; 7] =
    ["error", "rage_click", "converted", "abandoned", "used_feature", "slow_interaction", "unstable_layout"];

/// All page views, shared by ingest and metrics.
#[derive(Debug, Default)]
pub struct Behaviour(Mutex<Counted>);

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// By service, component and arm.
    pub series: BTreeMap<Series, Totals>,
    /// By service, arm, device and country.
    pub cohorts: BTreeMap<Cohort, Totals>,
    /// Beacons that counted nothing.
    pub lost: LostBeacons,
}

impl Behaviour {
    /// Adds what a report counts. Call it once for each report.
    pub fn add(&self, report: &Report) {
        self.lock().add(report);
    }

    /// Everything counted so far.
    #[must_use]
    pub fn counted(&self) -> Counted {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    /// Adds what a report counts.
    pub fn add(&mut self, report: &Report) {
        let (lost, gaps) = (&mut self.lost, report.gaps.beacons);
        lost.malformed += gaps.malformed;
        lost.bot += gaps.bot;
        lost.unattributed += gaps.unattributed;
        lost.dropped += gaps.dropped;
        for behaviour in &report.behaviour {
            let key = self.series_of(behaviour);
            self.series.entry(key).or_default().add(behaviour);
            let key = self.cohort_of(behaviour);
            self.cohorts.entry(key).or_default().add(behaviour);
        }
    }

    fn series_of(&self, behaviour: &report::Behaviour) -> Series {
        let series = |service: &str, component: &str, arm: &str| Series {
            service: service.to_owned(),
            component: component.to_owned(),
            arm: arm.to_owned(),
        };
        let own = series(&behaviour.service, &behaviour.component, &behaviour.arm);
        let is_apart = self.series.contains_key(&own) || self.series.len() < SERIES_MAX;
        if is_apart { own } else { series(OTHER, OTHER, OTHER) }
    }

    fn cohort_of(&self, behaviour: &report::Behaviour) -> Cohort {
        let cohort = |service: &str, arm: &str, country| Cohort {
            service: service.to_owned(),
            arm: arm.to_owned(),
            device: behaviour.device,
            country,
        };
        let own = cohort(&behaviour.service, &behaviour.arm, behaviour.country);
        let is_apart = self.cohorts.contains_key(&own) || self.cohorts.len() < COHORTS_MAX;
        if is_apart { own } else { cohort(OTHER, OTHER, Country::Other) }
    }
}

impl Totals {
    fn add(&mut self, behaviour: &report::Behaviour) {
        let views = &behaviour.views;
        self.views += views.views;
        self.clicks += views.clicks;
        let with = [
            views.with_error,
            views.with_rage_click,
            views.converted,
            views.abandoned,
            views.used_feature,
            views.slow_interaction,
            views.unstable_layout,
        ];
        for (total, count) in self.with.iter_mut().zip(with) {
            *total += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use serin_analysis::PageViews;
    use serin_proto::fleet::v1::ReportRequest;

    use super::*;

    fn report(components: impl IntoIterator<Item = usize>) -> Report {
        let request = ReportRequest { node: "n".to_owned(), epoch: 1, seq: 1, ..ReportRequest::default() };
        let one = |number: usize| report::Behaviour {
            service: "shop".to_owned(),
            component: format!("c{number}"),
            arm: "canary".to_owned(),
            second: 1,
            device: Device::Phone,
            country: Country::Unknown,
            views: PageViews { views: 3, converted: 2, clicks: 9, ..PageViews::default() },
        };
        let mut report = Report::try_from(request).unwrap();
        report.behaviour = components.into_iter().map(one).collect();
        report.gaps.beacons.bot = 4;
        report
    }

    #[test]
    fn page_views_are_added_up_by_component_and_arm() {
        let behaviour = Behaviour::default();
        behaviour.add(&report([1, 2]));
        behaviour.add(&report([1]));
        let counted = behaviour.counted();
        let views: Vec<_> =
            counted.series.iter().map(|(series, totals)| (series.component.as_str(), totals.views)).collect();
        assert_eq!(views, [("c1", 6), ("c2", 3)]);
        let first = counted.series.values().next().unwrap();
        assert_eq!((first.clicks, first.with, counted.lost.bot), (18, [0, 0, 4, 0, 0, 0, 0], 8));
    }

    #[test]
    fn the_bound_on_series_is_exact_and_what_is_beyond_counts_as_other() {
        let mut counted = Counted::default();
        counted.add(&report(0..SERIES_MAX + 2));
        assert_eq!(counted.series.len(), SERIES_MAX + 1);
        let other = counted.series.iter().find(|(series, _)| series.service == OTHER).unwrap();
        assert_eq!(other.1.views, 6);
    }

    #[test]
    fn page_views_are_added_up_by_device_and_country_of_each_arm() {
        let mut counted = Counted::default();
        let mut report = report([1, 1, 2, 3]);
        for (behaviour, country) in report.behaviour.iter_mut().zip(["NL", "BE", "NL", ""]) {
            behaviour.country = Country::parse(country).unwrap();
        }
        report.behaviour[2].device = Device::Desktop;
        counted.add(&report);
        counted.add(&report);
        let views: Vec<_> = counted
            .cohorts
            .iter()
            .map(|(cohort, totals)| (cohort.device.name(), cohort.country.to_string(), totals.views))
            .collect();
        let views: Vec<_> =
            views.iter().map(|(device, country, views)| (*device, country.as_str(), *views)).collect();
        assert_eq!(
            views,
            [("desktop", "NL", 6), ("phone", "unknown", 6), ("phone", "BE", 6), ("phone", "NL", 6)]
        );
    }

    #[test]
    fn the_bound_on_cohorts_is_exact_and_what_is_beyond_counts_as_other() {
        let mut counted = Counted::default();
        let mut report = report(0..COHORTS_MAX + 2);
        for (number, behaviour) in report.behaviour.iter_mut().enumerate() {
            behaviour.service = format!("service-{number}");
        }
        counted.add(&report);
        assert_eq!(counted.cohorts.len(), COHORTS_MAX + 1);
        let other = counted.cohorts.iter().find(|(cohort, _)| cohort.service == OTHER).unwrap();
        assert_eq!((other.0.country, other.1.views), (Country::Other, 6));
    }
}
