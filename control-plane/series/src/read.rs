//! The one number that a query reads, or why there is none.
//!
//! A window ends with the newest point and not with the clock, because points come late and in turn. What happened in a stretch that
//! begins before the window counts by the part of the stretch within it.

use std::time::Duration;

use crate::amount::Amount;
use crate::ns;
use crate::point::Kind;
use crate::query::{Query, Read};
use crate::series::Series;
use crate::store::Store;

/// Why a query gives no number.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Nothing {
    /// No series is there.
    #[error("no series of {0} has these attributes")]
    NoSeries(String),
    /// No point came for long.
    #[error("its newest point is {age_s} s old")]
    Silent {
        /// Age in seconds.
        age_s: u64,
    },
    /// What happened in the whole time is not known yet.
    #[error("what happened is known for {known_s} s of {over_s} s")]
    NotYet {
        /// Known seconds.
        known_s: u64,
        /// Of so many.
        over_s: u64,
    },
    /// Points come too seldom.
    #[error("its points are {apart_s} s apart, further than {over_s} s")]
    TooSeldom {
        /// Seconds between two points.
        apart_s: u64,
        /// More than so many.
        over_s: u64,
    },
    /// One series is needed.
    #[error("{0} series have these attributes, and `last` needs one: read `max` or `sum`")]
    Several(usize),
    /// What is read does not fit the metric.
    #[error("{read} cannot be read of {what}")]
    Unfit {
        /// What is read.
        read: &'static str,
        /// Of what.
        what: &'static str,
    },
    /// The histograms have other buckets.
    #[error("its series have buckets of different bounds")]
    Bounds,
    /// A histogram saw nothing.
    #[error("nothing was recorded")]
    Empty,
}

/// A time from one point to another.
#[derive(Clone, Copy)]
struct Window {
    start_ns: u64,
    end_ns: u64,
}

impl Store {
    /// What `query` gives at `now_ns`.
    ///
    /// # Errors
    /// Why that is no number.
    pub fn read(&self, query: &Query, now_ns: u64) -> Result<f64, Nothing> {
        let over_ns = ns(query.over);
        let series: Vec<&Series> = self.matching(query).collect();
        let newest = series.iter().map(|one| one.last_ns()).max();
        let is_fresh = |at: u64| at.saturating_add(over_ns) >= now_ns;
        let Some(end_ns) = newest.filter(|newest| is_fresh(*newest)) else {
            return self.absent(query, newest, now_ns);
        };
        let window = Window { start_ns: end_ns.saturating_sub(over_ns), end_ns };
        let live: Vec<&Series> = series.into_iter().filter(|one| one.last_ns() > window.start_ns).collect();
        match query.read {
            Read::Last | Read::Max | Read::Sum => level(query.read, &live),
            Read::Increase | Read::Rate | Read::Mean | Read::P50 | Read::P90 | Read::P95 | Read::P99 => {
                if live.iter().any(|one| matches!(one.kind(), Kind::Gauge)) {
                    return Err(Nothing::Unfit { read: query.read.name(), what: "a gauge" });
                }
                let since = self.asked_since(query).unwrap_or(now_ns);
                known(&live, since, window)?;
                let total = happened(&live, window)?;
                let bounds = live.first().map(|one| one.bounds()).unwrap_or_default();
                number(query, &total, bounds)
            }
        }
    }

    /// What a query gives without a fresh series.
    fn absent(&self, query: &Query, newest: Option<u64>, now_ns: u64) -> Result<f64, Nothing> {
        let over_ns = ns(query.over);
        if query.or_zero && query.read.adds_up() {
            let reporting = self.sources.matching(&query.matching);
            let fresh = reporting.filter(|one| one.last_ns.saturating_add(over_ns) >= now_ns);
            if let Some(source) = fresh.min_by_key(|one| one.first_ns) {
                let since = self.asked_since(query).unwrap_or(now_ns).max(source.first_ns);
                let window =
                    Window { start_ns: source.last_ns.saturating_sub(over_ns), end_ns: source.last_ns };
                return known(&[], since, window).map(|()| 0.0);
            }
        }
        Err(match newest {
            Some(newest) => {
                Nothing::Silent { age_s: Duration::from_nanos(now_ns.saturating_sub(newest)).as_secs() }
            }
            None => Nothing::NoSeries(query.metric.clone()),
        })
    }
}

/// The newest values.
fn level(read: Read, live: &[&Series]) -> Result<f64, Nothing> {
    if live.iter().any(|one| !one.has_level()) {
        return Err(Nothing::Unfit { read: read.name(), what: "a counter or histogram" });
    }
    let levels: Vec<f64> = live.iter().filter_map(|one| one.level()).collect();
    match (read, levels.as_slice()) {
        (_, []) => Err(Nothing::Empty),
        (Read::Last, [one]) => Ok(*one),
        (Read::Last, several) => Err(Nothing::Several(several.len())),
        (Read::Max, several) => Ok(several.iter().copied().fold(f64::MIN, f64::max)),
        (_, several) => Ok(several.iter().sum()),
    }
}

/// Whether all is known that happened in the window.
fn known(live: &[&Series], since: u64, window: Window) -> Result<(), Nothing> {
    let since = live.iter().map(|one| one.known_ns()).fold(since, u64::max);
    if since <= window.start_ns {
        return Ok(());
    }
    let seconds = |from: u64| Duration::from_nanos(window.end_ns.saturating_sub(from)).as_secs();
    Err(Nothing::NotYet { known_s: seconds(since), over_s: seconds(window.start_ns) })
}

/// What happened in the window, in all series together.
fn happened(live: &[&Series], window: Window) -> Result<Amount, Nothing> {
    let over_ns = window.end_ns - window.start_ns;
    let mut total: Option<Amount> = None;
    for series in live {
        if live.first().is_some_and(|first| first.bounds() != series.bounds()) {
            return Err(Nothing::Bounds);
        }
        for stretch in series.stretches().filter(|stretch| stretch.end_ns > window.start_ns) {
            let length = stretch.end_ns.saturating_sub(stretch.start_ns);
            if length > over_ns {
                let seconds = |ns| Duration::from_nanos(ns).as_secs();
                return Err(Nothing::TooSeldom { apart_s: seconds(length), over_s: seconds(over_ns) });
            }
            let within =
                stretch.end_ns.min(window.end_ns).saturating_sub(stretch.start_ns.max(window.start_ns));
            let part = if length == 0 { 1.0 } else { within as f64 / length as f64 };
            let amount = stretch.amount.part(part);
            match &mut total {
                Some(total) => total.add(&amount),
                None => total = Some(amount),
            }
        }
    }
    Ok(total.unwrap_or_default())
}

fn number(query: &Query, total: &Amount, bounds: &[f64]) -> Result<f64, Nothing> {
    let unfit = Nothing::Unfit { read: query.read.name(), what: "a metric without buckets" };
    let quantile = match query.read {
        Read::Increase | Read::Last | Read::Max | Read::Sum => return Ok(total.count),
        Read::Rate => return Ok(total.count / query.over.as_secs_f64()),
        Read::Mean if total.count <= 0.0 => return Err(Nothing::Empty),
        Read::Mean => {
            let unfit = Nothing::Unfit { read: query.read.name(), what: "a metric without a sum" };
            return total.sum.map(|sum| sum / total.count).ok_or(unfit);
        }
        Read::P50 => 0.5,
        Read::P90 => 0.9,
        Read::P95 => 0.95,
        Read::P99 => 0.99,
    };
    if total.count <= 0.0 {
        return Err(Nothing::Empty);
    }
    if total.buckets.is_empty() {
        return Err(unfit);
    }
    self::quantile(quantile, &total.buckets, bounds).ok_or(unfit)
}

/// Linear within its bucket, whose lower end is 0 where it is the first and its bound is positive; the last bucket, which has no
/// bound, counts as the bound before it.
fn quantile(quantile: f64, buckets: &[f64], bounds: &[f64]) -> Option<f64> {
    let rank = quantile * buckets.iter().sum::<f64>();
    let mut below = 0.0;
    for (index, count) in buckets.iter().enumerate() {
        if below + count >= rank && *count > 0.0 {
            let Some(upper) = bounds.get(index) else { break };
            let lower = match index.checked_sub(1) {
                Some(before) => bounds.get(before).copied()?,
                None => upper.min(0.0),
            };
            return Some(lower + (upper - lower) * ((rank - below) / count).clamp(0.0, 1.0));
        }
        below += count;
    }
    bounds.last().copied()
}
