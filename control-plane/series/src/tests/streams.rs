//! One stream in both forms: as what came in each part, and as what came since the start.

use proptest::prelude::*;

use super::*;

/// A part of a stream: seconds since the point before, what came in it by bucket, and whether the process began anew before it.
type Part = (u64, [u64; 4], bool);

fn parts() -> impl Strategy<Value = Vec<Part>> {
    prop::collection::vec((1_u64..15, prop::array::uniform4(0_u64..20), prop::bool::weighted(0.15)), 1..40)
}

/// The same stream in both forms.
struct Twins {
    delta: Vec<Point<'static>>,
    cumulative: Vec<Point<'static>>,
}

fn twins(parts: &[Part], value: impl Fn(&[u64; 4]) -> Value) -> Twins {
    let mut twins = Twins { delta: Vec::new(), cumulative: Vec::new() };
    let (mut start, mut time, mut total) = (1, 1, [0; 4]);
    for (seconds, came, is_new) in parts {
        if *is_new {
            (start, total) = (time, [0; 4]);
        }
        let before = time;
        time += seconds;
        total.iter_mut().zip(came).for_each(|(total, came)| *total += came);
        twins.delta.push(point("x", before, time, value(came)));
        twins.cumulative.push(point("x", start, time, value(&total)));
    }
    twins
}

fn store_of(kind: Kind, points: Vec<Point<'static>>) -> Store {
    let mut store = asked(&[query(Read::Increase, 60)]);
    for one in points {
        take(&mut store, kind, one);
    }
    store
}

/// The same number, or none for the same reason.
fn alike(one: &Result<f64, Nothing>, other: &Result<f64, Nothing>) -> bool {
    match (one, other) {
        (Ok(one), Ok(other)) => (one - other).abs() < 1e-6,
        (one, other) => one == other,
    }
}

proptest! {
    #[test]
    fn a_stream_reads_alike_as_delta_and_as_cumulative_over_every_restart(all in parts(), over_s in 10_u64..600) {
        let number = |came: &[u64; 4]| Value::Number(came.iter().sum::<u64>() as f64);
        let of = twins(&all, number);
        let at = 1 + all.iter().map(|(seconds, ..)| seconds).sum::<u64>();
        let delta = store_of(sum(Temporality::Delta), of.delta);
        let cumulative = store_of(sum(Temporality::Cumulative), of.cumulative);
        for what in [Read::Increase, Read::Rate] {
            let [one, other] = [&delta, &cumulative].map(|store| read(store, what, over_s, at));
            prop_assert!(alike(&one, &other), "{what:?}: {one:?} and {other:?}");
        }
        let of = twins(&all, |came| histogram(came, came.iter().sum::<u64>() as f64 * 7.0));
        let delta = store_of(Kind::Histogram(Temporality::Delta), of.delta);
        let cumulative = store_of(Kind::Histogram(Temporality::Cumulative), of.cumulative);
        for what in [Read::Increase, Read::Mean, Read::P50, Read::P99] {
            let [one, other] = [&delta, &cumulative].map(|store| read(store, what, over_s, at));
            prop_assert!(alike(&one, &other), "{what:?}: {one:?} and {other:?}");
        }
    }

    #[test]
    fn nothing_that_was_counted_is_lost_or_doubled_whatever_comes_again_or_late(
        all in parts(),
        again in prop::collection::vec((0_usize..40, 0_usize..40), 0..20),
    ) {
        let of = twins(&all, |came| Value::Number(came.iter().sum::<u64>() as f64));
        let at = 1 + all.iter().map(|(seconds, ..)| seconds).sum::<u64>();
        // As long as a query may read; what is longer ago is out of the window.
        prop_assume!(at <= 600);
        let came: u64 = all.iter().flat_map(|(_, came, _)| came).sum();
        for (temporality, points) in [(Temporality::Delta, of.delta), (Temporality::Cumulative, of.cumulative)] {
            let mut store = asked(&[query(Read::Increase, 600)]);
            for (index, one) in points.iter().enumerate() {
                prop_assert_eq!(take(&mut store, sum(temporality), one.clone()), Fate::Taken);
                for (_, earlier) in again.iter().filter(|(after, earlier)| *after == index && earlier <= after) {
                    let fate = take(&mut store, sum(temporality), points[*earlier].clone());
                    prop_assert!(matches!(fate, Fate::Repeated | Fate::Late), "{:?}", fate);
                }
            }
            // The whole of it is known, and all of it lies in the window once that began before it.
            let end = points.last().unwrap().time_ns;
            let whole = query(Read::Increase, 600);
            let stretches = store.matching(&whole).flat_map(|one| one.stretches());
            let kept: f64 = stretches.map(|stretch| stretch.amount.count).sum();
            prop_assert!((kept - came as f64).abs() < 1e-6, "{} of {}", kept, came);
            let short = store.read(&query(Read::Increase, 600), end);
            prop_assert!(at == 600 || short.is_err(), "{:?}", short);
        }
    }
}
