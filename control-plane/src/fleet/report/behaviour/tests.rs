use serin_analysis::LatencyHistogram;

use super::*;
use crate::fleet::report::{COUNT_MAX, Report};

/// Two views that took a second each to load.
fn counts() -> wire::BehaviourCounts {
    let mut load = LatencyHistogram::new();
    load.record(1_000_000);
    load.record(1_000_000);
    wire::BehaviourCounts {
        service: "shop".to_owned(),
        component: "checkout".to_owned(),
        arm: "canary".to_owned(),
        second: 1_700_000_000,
        device: wire::Device::Phone.into(),
        views: 2,
        load_hdr: load.to_v2_bytes(),
        converted: 1,
        clicks: 7,
        country: "NL".to_owned(),
        ..wire::BehaviourCounts::default()
    }
}

fn report(behaviour: Vec<wire::BehaviourCounts>) -> Result<Report, ReportError> {
    let batch = wire::Batch { complete_until_second: 5, behaviour, ..wire::Batch::default() };
    let node = "n".to_owned();
    let request =
        wire::ReportRequest { node, epoch: 1, seq: 1, batch: Some(batch), ..wire::ReportRequest::default() };
    Report::try_from(request)
}

#[test]
fn page_views_are_read_with_their_times() {
    let report = report(vec![counts()]).unwrap();
    let [read] = &report.behaviour[..] else { panic!("not one: {report:?}") };
    assert_eq!((read.service.as_str(), read.component.as_str()), ("shop", "checkout"));
    assert_eq!((read.arm.as_str(), read.second, read.device), ("canary", 1_700_000_000, Device::Phone));
    assert_eq!(read.country, Country::Of(*b"NL"));
    assert_eq!((read.views.views, read.views.converted, read.views.clicks), (2, 1, 7));
    assert_eq!(read.views.load.as_ref().map(LatencyHistogram::count), Some(2));
    assert_eq!(read.views.largest_paint, None);
}

#[test]
fn a_filter_that_does_not_know_of_countries_tells_none() {
    let old = wire::BehaviourCounts { country: String::new(), ..counts() };
    assert_eq!(report(vec![old]).unwrap().behaviour[0].country, Country::Unknown);
}

#[test]
fn every_refusal_names_the_field() {
    type Change = fn(&mut wire::BehaviourCounts);
    let cases: [(Change, &str); 13] = [
        (|counts| counts.service.clear(), "service"),
        (|counts| counts.component = "x".repeat(129), "component"),
        (|counts| counts.arm = "x".repeat(65), "arm"),
        (|counts| counts.second = u64::MAX, "second"),
        (|counts| counts.device = 0, "device"),
        (|counts| counts.device = 9, "device"),
        (|counts| counts.country = "nl".to_owned(), "country"),
        (|counts| counts.country = "x".repeat(1_000), "country"),
        (|counts| counts.views = COUNT_MAX + 1, "views"),
        (|counts| counts.with_error = 3, "with_error"),
        (|counts| counts.abandoned = u64::MAX, "abandoned"),
        (|counts| counts.views = 1, "load_hdr"),
        (|counts| counts.largest_paint_hdr = vec![1, 2, 3], "largest_paint_hdr"),
    ];
    for (change, field) in cases {
        let mut wrong = counts();
        change(&mut wrong);
        let error = report(vec![counts(), wrong]).unwrap_err();
        assert_eq!(error.field, format!("batch.behaviour[1].{field}"), "{error}");
    }
}

#[test]
fn the_bound_on_entries_is_exact() {
    assert_eq!(report(vec![counts(); BEHAVIOUR_MAX]).unwrap().behaviour.len(), BEHAVIOUR_MAX);
    assert_eq!(report(vec![counts(); BEHAVIOUR_MAX + 1]).unwrap_err().field, "batch.behaviour");
}

#[test]
fn page_views_of_the_future_are_refused() {
    let taken = report(vec![counts()]).unwrap();
    assert!(taken.clone().not_ahead(1_700_000_000).is_ok());
    let error = taken.not_ahead(1_699_999_999).unwrap_err();
    assert_eq!(error.field, "batch.behaviour[0].second");
}
