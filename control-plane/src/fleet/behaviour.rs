//! Page views since the start of the process, by service, component and arm, as metrics show them.
//!
//! Bounded by [`SERIES_MAX`]; what comes beyond counts as `other`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::report::{LostBeacons, Report};
use crate::store::Series;

/// Series that are counted apart.
pub const SERIES_MAX: usize = 10_000;
/// Name of everything beyond the bound.
const OTHER: &str = "other";

/// What page views of one component and arm came to.
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
            let series = |service: &str, component: &str, arm: &str| Series {
                service: service.to_owned(),
                component: component.to_owned(),
                arm: arm.to_owned(),
            };
            let mut key = series(&behaviour.service, &behaviour.component, &behaviour.arm);
            if !self.series.contains_key(&key) && self.series.len() >= SERIES_MAX {
                key = series(OTHER, OTHER, OTHER);
            }
            let (totals, views) = (self.series.entry(key).or_default(), &behaviour.views);
            totals.views += views.views;
            totals.clicks += views.clicks;
            let with = [
                views.with_error,
                views.with_rage_click,
                views.converted,
                views.abandoned,
                views.used_feature,
                views.slow_interaction,
                views.unstable_layout,
            ];
            for (total, count) in totals.with.iter_mut().zip(with) {
                *total += count;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serin_analysis::{Device, PageViews};
    use serin_proto::fleet::v1::ReportRequest;

    use super::*;
    use crate::fleet::report;

    fn report(components: impl IntoIterator<Item = usize>) -> Report {
        let request = ReportRequest { node: "n".to_owned(), epoch: 1, seq: 1, ..ReportRequest::default() };
        let one = |number: usize| report::Behaviour {
            service: "shop".to_owned(),
            component: format!("c{number}"),
            arm: "canary".to_owned(),
            second: 1,
            device: Device::Phone,
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
}
