//! What adds up: a number, or what a histogram saw.

use crate::BUCKETS_MAX;
use crate::point::{Histogram, Value};

/// An amount. Counts are exact up to 2^53.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Amount {
    /// The number, or how often.
    pub(crate) count: f64,
    /// Sum of what a histogram saw. `None`: not known.
    pub(crate) sum: Option<f64>,
    /// By bucket.
    pub(crate) buckets: Vec<f64>,
}

impl Amount {
    /// With the bounds of its buckets. `None`: the value is none that can be counted with.
    pub(crate) fn of(value: Value) -> Option<(Self, Vec<f64>)> {
        match value {
            Value::Absent => None,
            Value::Number(number) => {
                number.is_finite().then(|| (Self { count: number, ..Self::default() }, Vec::new()))
            }
            Value::Histogram(histogram) => Self::of_histogram(histogram),
        }
    }

    fn of_histogram(histogram: Histogram) -> Option<(Self, Vec<f64>)> {
        let Histogram { count, sum, buckets, bounds } = histogram;
        let fits = buckets.is_empty() && bounds.is_empty() || buckets.len() == bounds.len() + 1;
        let rises = bounds.iter().zip(bounds.iter().skip(1)).all(|(one, next)| one < next);
        let adds_up = buckets.is_empty()
            || buckets.iter().try_fold(0_u64, |sum, one| sum.checked_add(*one)) == Some(count);
        let is_sound = fits && rises && adds_up && bounds.iter().all(|bound| bound.is_finite());
        if !is_sound || buckets.len() > BUCKETS_MAX || sum.is_some_and(|sum| !sum.is_finite()) {
            return None;
        }
        let buckets = buckets.into_iter().map(|count| count as f64).collect();
        Some((Self { count: count as f64, sum, buckets }, bounds))
    }

    /// What came since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let buckets = self.buckets.iter().zip(&earlier.buckets).map(|(now, then)| now - then).collect();
        let sum = self.sum.zip(earlier.sum).map(|(now, then)| now - then);
        Self { count: self.count - earlier.count, sum, buckets }
    }

    /// Whether less was counted than `earlier`, which what only grows cannot.
    pub(crate) fn is_below(&self, earlier: &Self) -> bool {
        self.count < earlier.count || self.buckets.iter().zip(&earlier.buckets).any(|(now, then)| now < then)
    }

    /// A part of it.
    pub(crate) fn part(&self, part: f64) -> Self {
        let buckets = self.buckets.iter().map(|count| count * part).collect();
        Self { count: self.count * part, sum: self.sum.map(|sum| sum * part), buckets }
    }

    /// Adds another, which has as many buckets.
    pub(crate) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.sum = self.sum.zip(other.sum).map(|(sum, more)| sum + more);
        for (bucket, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *bucket += more;
        }
    }
}
