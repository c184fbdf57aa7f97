mod streams;

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::*;

const S: u64 = 1_000_000_000;
/// When queries begin to be asked.
const BEGAN: u64 = 1_000_000 * S;

fn pairs(of: &[(&'static str, &str)]) -> Vec<(Cow<'static, str>, Cow<'static, str>)> {
    of.iter().map(|(name, value)| (Cow::Borrowed(*name), Cow::Owned((*value).to_owned()))).collect()
}

fn query(read: Read, over_s: u64) -> Query {
    Query {
        metric: "m".to_owned(),
        matching: BTreeMap::from([("service.version".to_owned(), "v2".to_owned())]),
        read,
        over: Duration::from_secs(over_s),
        or_zero: false,
    }
}

fn sum(temporality: Temporality) -> Kind {
    Kind::Sum { temporality, is_monotonic: true }
}

/// A point of the series that has the attribute `of`, `start` and `time` in seconds since [`BEGAN`].
fn point(of: &str, start: u64, time: u64, value: Value) -> Point<'static> {
    let attributes = pairs(&[("of", of)]);
    Point {
        start_ns: BEGAN + start * S,
        time_ns: BEGAN + time * S,
        attributes,
        has_other_attributes: false,
        value,
    }
}

/// What one process of version v2 sends.
fn sent(metric: &'static str, kind: Kind, points: Vec<Point<'static>>) -> Points<'static> {
    let metrics = vec![Metric { name: metric.into(), kind, points }];
    let scopes = vec![Scope { name: "test".into(), metrics }];
    let attributes = pairs(&[("service.version", "v2"), ("service.instance.id", "a")]);
    Points { resources: vec![Resource { attributes, scopes }], beyond_bound: 0 }
}

fn asked(queries: &[Query]) -> Store {
    let mut store = Store::default();
    store.ask(queries, BEGAN);
    store
}

/// Takes a single point of the metric `m` as soon as it can come. Gives what became of it.
fn take(store: &mut Store, kind: Kind, one: Point<'static>) -> Fate {
    let now = one.time_ns;
    let fates = store.take(sent("m", kind, vec![one]), now);
    assert_eq!(fates.values().sum::<u64>(), 1);
    *fates.keys().next().unwrap()
}

fn read(store: &Store, read: Read, over_s: u64, at_s: u64) -> Result<f64, Nothing> {
    store.read(&query(read, over_s), BEGAN + at_s * S)
}

fn histogram(buckets: &[u64], sum: f64) -> Value {
    let (count, buckets) = (buckets.iter().sum(), buckets.to_vec());
    Value::Histogram(Histogram { count, sum: Some(sum), buckets, bounds: vec![10.0, 20.0, 40.0] })
}

#[test]
fn a_window_counts_what_happened_in_it_and_of_a_span_the_part_within() {
    let mut store = asked(&[query(Read::Increase, 60)]);
    let cumulative = sum(Temporality::Cumulative);
    for (time, value) in [(20, 100.0), (40, 160.0), (60, 180.0), (80, 180.0), (100, 200.0)] {
        take(&mut store, cumulative, point("x", 1, time, Value::Number(value)));
    }
    // From 40 to 100: 20, 0 and 20. From 50 to 100 half of the first.
    assert_eq!(read(&store, Read::Increase, 60, 100), Ok(40.0));
    assert_eq!(read(&store, Read::Rate, 60, 110), Ok(40.0 / 60.0));
    assert_eq!(read(&store, Read::Increase, 50, 100), Ok(30.0));
    assert_eq!(read(&store, Read::Increase, 10, 100), Err(Nothing::TooSeldom { apart_s: 20, over_s: 10 }));
    assert_eq!(read(&store, Read::Increase, 60, 161), Err(Nothing::Silent { age_s: 61 }));
}

#[test]
fn a_counter_that_begins_anew_counts_from_zero_with_and_without_a_start() {
    for starts in [[1, 50], [0, 0]] {
        let mut store = asked(&[query(Read::Increase, 60)]);
        for (time, start, value) in
            [(10, starts[0], 5.0), (40, starts[0], 7.0), (60, starts[1], 3.0), (80, starts[1], 4.0)]
        {
            let mut one = point("x", start, time, Value::Number(value));
            one.start_ns = if start == 0 { 0 } else { one.start_ns };
            assert_eq!(take(&mut store, sum(Temporality::Cumulative), one), Fate::Taken);
        }
        // 2 of the first life after 20, of which a third lies before; 4 of the second.
        let found = read(&store, Read::Increase, 60, 80).unwrap();
        assert!((found - (2.0 * 20.0 / 30.0 + 4.0)).abs() < 1e-9, "{found}");
    }
}

#[test]
fn what_was_counted_before_anyone_looked_is_not_known_and_holds() {
    let mut store = asked(&[query(Read::Increase, 60)]);
    let old = |time: u64, value: f64| Point {
        start_ns: BEGAN - 9_000 * S,
        ..point("x", 0, time, Value::Number(value))
    };
    for time in [10, 20, 60] {
        take(&mut store, sum(Temporality::Cumulative), old(time, 1e6));
    }
    assert_eq!(read(&store, Read::Increase, 60, 60), Err(Nothing::NotYet { known_s: 50, over_s: 60 }));
    take(&mut store, sum(Temporality::Cumulative), old(70, 1e6 + 3.0));
    assert_eq!(read(&store, Read::Increase, 60, 70), Ok(3.0), "and not a million");
}

#[test]
fn a_new_series_of_a_process_that_reports_counts_whole_and_that_of_an_unknown_one_does_not() {
    let old = |of: &str, time: u64, value: f64| {
        let mut one = point(of, 0, time, Value::Number(value));
        one.start_ns = BEGAN - 9_000 * S;
        one
    };
    for (is_told, expected) in [(true, Ok(2.0)), (false, Err(Nothing::NotYet { known_s: 0, over_s: 60 }))] {
        let mut store = asked(&[query(Read::Increase, 60)]);
        for (time, points) in [
            (20, vec![old("x", 20, 7.0)]),
            (80, vec![old("x", 80, 7.0)]),
            (90, vec![old("x", 90, 7.0), old("new", 90, 2.0)]),
        ] {
            let mut sent = sent("m", sum(Temporality::Cumulative), points);
            if !is_told {
                sent.resources[0].attributes.retain(|(name, _)| name != "service.instance.id");
            }
            store.take(sent, BEGAN + time * S);
        }
        assert_eq!(read(&store, Read::Increase, 60, 90), expected);
    }
}

#[test]
fn values_are_read_of_gauges_and_what_happened_of_counters() {
    let mut store = asked(&[query(Read::Last, 60)]);
    take(&mut store, Kind::Gauge, point("x", 0, 5, Value::Number(3.0)));
    assert_eq!(read(&store, Read::Last, 60, 10), Ok(3.0));
    take(&mut store, Kind::Gauge, point("y", 0, 6, Value::Number(-1.0)));
    assert_eq!(read(&store, Read::Last, 60, 10), Err(Nothing::Several(2)));
    assert_eq!(read(&store, Read::Max, 60, 10), Ok(3.0));
    assert_eq!(read(&store, Read::Sum, 60, 10), Ok(2.0));
    let unfit = |what| Err(Nothing::Unfit { read: "rate", what });
    assert_eq!(read(&store, Read::Rate, 60, 61), unfit("a gauge"));
    assert_eq!(take(&mut store, Kind::Gauge, point("x", 0, 7, Value::Absent)), Fate::NoValue);
    assert_eq!(read(&store, Read::Last, 60, 10), Ok(-1.0), "one of them has ended");

    let mut store = asked(&[query(Read::Last, 60)]);
    let up_and_down = Kind::Sum { temporality: Temporality::Cumulative, is_monotonic: false };
    for (time, value) in [(10, 5.0), (70, 3.0)] {
        take(&mut store, up_and_down, point("x", 1, time, Value::Number(value)));
    }
    assert_eq!(read(&store, Read::Last, 60, 70), Ok(3.0));
    assert_eq!(read(&store, Read::Increase, 60, 70), Ok(-2.0));
    let mut store = asked(&[query(Read::Last, 60)]);
    take(&mut store, sum(Temporality::Cumulative), point("x", 1, 10, Value::Number(5.0)));
    let unfit = Nothing::Unfit { read: "max", what: "a counter or histogram" };
    assert_eq!(read(&store, Read::Max, 60, 10), Err(unfit));
}

#[test]
fn quantiles_are_linear_within_their_bucket_and_end_at_the_last_bound() {
    for (buckets, expected) in [
        ([100, 0, 0, 0], Ok([5.0, 9.9])),
        ([0, 100, 0, 0], Ok([15.0, 19.9])),
        ([50, 0, 49, 1], Ok([10.0, 40.0])),
        ([0, 0, 0, 5], Ok([40.0, 40.0])),
        ([0, 0, 0, 0], Err(Nothing::Empty)),
    ] {
        let mut store = asked(&[query(Read::P50, 60)]);
        take(
            &mut store,
            Kind::Histogram(Temporality::Delta),
            point("x", 1, 10, histogram(&[9, 9, 9, 9], 9.0)),
        );
        take(&mut store, Kind::Histogram(Temporality::Delta), point("x", 10, 70, histogram(&buckets, 500.0)));
        let found = [Read::P50, Read::P99].map(|what| read(&store, what, 60, 70));
        match expected {
            Ok(expected) => assert_eq!(found, expected.map(Ok), "{buckets:?}"),
            Err(nothing) => assert_eq!(found, [Err(nothing.clone()), Err(nothing)]),
        }
    }
}

#[test]
fn histograms_without_buckets_have_a_rate_and_a_mean_and_no_quantile() {
    let mut store = asked(&[query(Read::Mean, 60)]);
    let value = |count, sum| Value::Histogram(Histogram { count, sum: Some(sum), ..Histogram::default() });
    for (time, value) in [(10, value(4, 1.0)), (70, value(10, 31.0))] {
        take(&mut store, Kind::Histogram(Temporality::Cumulative), point("x", 1, time, value));
    }
    assert_eq!(read(&store, Read::Mean, 60, 70), Ok(5.0));
    assert_eq!(read(&store, Read::Increase, 60, 70), Ok(6.0));
    let unfit = Nothing::Unfit { read: "p99", what: "a metric without buckets" };
    assert_eq!(read(&store, Read::P99, 60, 70), Err(unfit));
}

#[test]
fn series_are_told_by_attributes_of_points_and_resources_and_only_those_that_are_asked_for_are_kept() {
    let mut store = asked(&[query(Read::Increase, 60)]);
    let delta = sum(Temporality::Delta);
    let mut other = sent("m", delta, vec![point("x", 1, 10, Value::Number(1.0))]);
    other.resources[0].attributes = pairs(&[("service.version", "v1")]);
    assert_eq!(store.take(other.clone(), BEGAN + 10 * S), BTreeMap::from([(Fate::Unasked, 1)]));
    // An attribute of the point stands before that of the resource.
    other.resources[0].scopes[0].metrics[0].points[0].attributes = pairs(&[("service.version", "v2")]);
    assert_eq!(store.take(other, BEGAN + 10 * S), BTreeMap::from([(Fate::Taken, 1)]));
    let unknown = sent("n", delta, vec![point("x", 1, 10, Value::Number(1.0))]);
    assert_eq!(store.take(unknown, BEGAN + 10 * S), BTreeMap::from([(Fate::Unasked, 1)]));
    assert_eq!(store.len(), 1);
    store.ask(&[], BEGAN + 11 * S);
    assert!(store.is_empty(), "nobody asks any more");
    assert_eq!(read(&store, Read::Increase, 60, 11), Err(Nothing::NoSeries("m".to_owned())));
}

#[test]
fn a_counter_without_series_is_zero_where_that_is_wanted_and_its_resource_reports() {
    let wanted = Query { or_zero: true, ..query(Read::Increase, 60) };
    let read = |store: &Store, at: u64| store.read(&wanted, BEGAN + at * S);
    let mut store = asked(std::slice::from_ref(&wanted));
    assert_eq!(read(&store, 80), Err(Nothing::NoSeries("m".to_owned())), "nobody reports");
    for time in [5, 30, 70] {
        store.take(sent("n", Kind::Gauge, vec![point("x", 0, time, Value::Number(1.0))]), BEGAN + time * S);
    }
    assert_eq!(read(&store, 70), Ok(0.0));
    assert_eq!(read(&store, 131), Err(Nothing::NoSeries("m".to_owned())), "it is silent");
    let of_other = Query {
        matching: BTreeMap::from([("service.version".to_owned(), "v3".to_owned())]),
        ..wanted.clone()
    };
    store.ask([&wanted, &of_other], BEGAN);
    assert_eq!(store.read(&of_other, BEGAN + 70 * S), Err(Nothing::NoSeries("m".to_owned())));
    let gauge = Query { read: Read::Last, ..wanted.clone() };
    assert_eq!(
        store.read(&gauge, BEGAN + 70 * S),
        Err(Nothing::NoSeries("m".to_owned())),
        "no value is no zero"
    );
    let early = Query { over: Duration::from_secs(120), ..wanted };
    assert_eq!(store.read(&early, BEGAN + 70 * S), Err(Nothing::NotYet { known_s: 65, over_s: 120 }));
}

#[test]
fn at_the_bound_new_series_are_refused_and_known_ones_go_on() {
    let mut store = asked(&[query(Read::Increase, 60)]);
    let delta = sum(Temporality::Delta);
    let of = |count: usize, time: u64| {
        let points = (0..count).map(|of| point(&of.to_string(), time - 10, time, Value::Number(1.0)));
        sent("m", delta, points.collect())
    };
    let fates = store.take(of(SERIES_MAX + 5, 10), BEGAN + 10 * S);
    assert_eq!(fates, BTreeMap::from([(Fate::Taken, SERIES_MAX as u64), (Fate::TooManySeries, 5)]));
    let fates = store.take(of(SERIES_MAX, 20), BEGAN + 20 * S);
    assert_eq!(fates, BTreeMap::from([(Fate::Taken, SERIES_MAX as u64)]));
    // Those that are silent make room.
    let fates = store.take(of(5, 700), BEGAN + 700 * S);
    assert_eq!((fates, store.len()), (BTreeMap::from([(Fate::Taken, 5)]), 5));
}

#[test]
fn a_series_keeps_its_time_and_no_more_however_often_points_come() {
    let mut store = asked(&[query(Read::Increase, 60)]);
    for tenth in 1..20_000_u64 {
        let mut one = point("x", 0, 0, Value::Number(tenth as f64));
        (one.start_ns, one.time_ns) = (BEGAN + 1, BEGAN + tenth * S / 10);
        take(&mut store, sum(Temporality::Cumulative), one);
    }
    let wanted = query(Read::Increase, 60);
    assert!(store.matching(&wanted).flat_map(|one| one.stretches()).count() <= 240);
    let found = store.read(&wanted, BEGAN + 2_000 * S).unwrap();
    assert!((found - 600.0).abs() < 1e-6, "{found}");
    let all = store.read(&query(Read::Rate, 600), BEGAN + 2_000 * S).unwrap();
    assert!((all - 10.0).abs() < 1e-6, "{all}");
}

#[test]
fn what_cannot_be_counted_with_is_refused_by_name() {
    let number = |value: f64| point("x", 5, 10, Value::Number(value));
    let delta = sum(Temporality::Delta);
    let of_buckets = |buckets: &[u64], bounds: &[f64], count| {
        let (buckets, bounds) = (buckets.to_vec(), bounds.to_vec());
        point("x", 5, 10, Value::Histogram(Histogram { count, sum: None, buckets, bounds }))
    };
    let with = |change: &dyn Fn(&mut Point<'static>)| {
        let mut one = number(1.0);
        change(&mut one);
        one
    };
    let seen = Kind::Histogram(Temporality::Delta);
    for (kind, one, fate) in [
        (delta, number(f64::NAN), Fate::BadValue),
        (delta, number(f64::INFINITY), Fate::BadValue),
        (delta, number(-1.0), Fate::BadValue),
        (seen, number(1.0), Fate::BadValue),
        (seen, of_buckets(&[1, 2], &[1.0, 2.0], 3), Fate::BadValue),
        (seen, of_buckets(&[1, 2], &[1.0], 4), Fate::BadValue),
        (seen, of_buckets(&[1, 2, 3], &[2.0, 1.0], 6), Fate::BadValue),
        (seen, of_buckets(&[0; 65], &[0.0; 64], 0), Fate::BadValue),
        (sum(Temporality::Unspecified), number(1.0), Fate::Unsupported),
        (Kind::Other, number(1.0), Fate::Unsupported),
        (delta, with(&|one| one.has_other_attributes = true), Fate::Unsupported),
        (delta, with(&|one| one.attributes = pairs(&[("a", &"x".repeat(1_025))])), Fate::Unsupported),
        (delta, with(&|one| one.start_ns = one.time_ns + 1), Fate::OutOfTime),
        (delta, with(&|one| one.time_ns = BEGAN - 591 * S), Fate::OutOfTime),
        (delta, with(&|one| one.time_ns = BEGAN + 71 * S), Fate::OutOfTime),
        (delta, number(1.0), Fate::Taken),
    ] {
        let mut store = asked(&[query(Read::Increase, 60)]);
        let fates = store.take(sent("m", kind, vec![one.clone()]), BEGAN + 10 * S);
        assert_eq!(fates, BTreeMap::from([(fate, 1)]), "{one:?}");
    }
    let mut store = asked(&[query(Read::Increase, 60)]);
    let cumulative = sum(Temporality::Cumulative);
    take(&mut store, cumulative, point("x", 5, 10, Value::Number(1.0)));
    let fate = take(&mut store, cumulative, point("x", 4, 11, Value::Number(1.0)));
    assert_eq!(fate, Fate::OtherWriter, "two processes report as one");
}
