//! What is usual for a series at each hour of the week, kept from week to week.
//!
//! Each hour holds a mean and a variance with exponentially ageing weights, so that last month counts less than last
//! week; a value far from what is known moves them only as far as 4 σ would, so that an incident does not become
//! usual. The first values of an hour wait until there are enough to tell an incident among them. An hour that is not
//! known well borrows from all hours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Reference;

/// Hours of a week.
const HOURS: u8 = 168;
/// Seconds of an hour.
const HOUR_S: u64 = 3_600;
/// Weight from which on an hour speaks for itself.
pub(crate) const KNOWN: f64 = 20.0;
/// Weight from which on an hour tells which values are far from it.
const TELLING: f64 = 10.0;
/// Weights are halved in this time, in seconds: four weeks.
const HALF_LIFE_S: f64 = 4.0 * 168.0 * 3_600.0;
/// Distance in σ to which far values are pulled in.
const PULLED_IN: f64 = 4.0;
/// Largest value that is told apart.
const MOST: f64 = 1e12;

/// An hour of the week in UTC, 0 being Monday from midnight.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct HourOfWeek(u8);

impl HourOfWeek {
    /// The hour that the Unix second lies in.
    pub fn of(unix_second: u64) -> Self {
        // 1 January 1970 was a Thursday.
        let hours = (unix_second / HOUR_S + 3 * 24) % u64::from(HOURS);
        Self(u8::try_from(hours).unwrap_or_default())
    }

    /// 0 to 167.
    pub fn index(self) -> u8 {
        self.0
    }
}

/// Mean and variance of what has been seen, with a weight that ages. In single precision: there are many of them, and what
/// is usual is not known to seven digits.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Moments {
    weight: f32,
    mean: f32,
    variance: f32,
}

impl Moments {
    fn add(&mut self, value: f64) {
        let value = value as f32;
        self.weight += 1.0;
        let error = value - self.mean;
        let part = 1.0 / self.weight;
        self.mean += part * error;
        self.variance = (1.0 - part) * (self.variance + part * error * error);
    }

    fn reference(&self) -> Option<Reference> {
        self.at_least(KNOWN)
    }

    fn at_least(&self, weight: f64) -> Option<Reference> {
        (f64::from(self.weight) >= weight).then(|| Reference {
            centre: f64::from(self.mean),
            spread: f64::from(self.variance.max(0.0)).sqrt(),
        })
    }
}

/// Moments of some hours of the week, in their order.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(from = "BTreeMap<u8, Moments>", into = "BTreeMap<u8, Moments>")]
struct Hours(Vec<(HourOfWeek, Moments)>);

impl Hours {
    fn of(&self, hour: HourOfWeek) -> Option<&Moments> {
        let at = self.at(hour).ok()?;
        self.0.get(at).map(|(_, moments)| moments)
    }

    fn of_mut(&mut self, hour: HourOfWeek) -> Option<&mut Moments> {
        const SPARE: usize = 8;
        let at = self.at(hour).unwrap_or_else(|at| {
            if self.0.len() == self.0.capacity() {
                self.0.reserve_exact(SPARE);
            }
            self.0.insert(at, (hour, Moments::default()));
            at
        });
        self.0.get_mut(at).map(|(_, moments)| moments)
    }

    fn at(&self, hour: HourOfWeek) -> Result<usize, usize> {
        self.0.binary_search_by_key(&hour, |(hour, _)| *hour)
    }
}

impl From<BTreeMap<u8, Moments>> for Hours {
    fn from(stored: BTreeMap<u8, Moments>) -> Self {
        let known = stored.into_iter().filter(|(hour, _)| *hour < HOURS);
        Self(known.map(|(hour, moments)| (HourOfWeek(hour), moments)).collect())
    }
}

impl From<Hours> for BTreeMap<u8, Moments> {
    fn from(hours: Hours) -> Self {
        hours.0.into_iter().map(|(hour, moments)| (hour.index(), moments)).collect()
    }
}

/// What is usual for one series.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Profile {
    /// By hour of the week, those in which something was seen: a component is rarely watched all week.
    hours: Hours,
    all: Moments,
    aged_at: u64,
    /// Values that nothing tells yet whether they are usual: the first ones ever, or those of an hour.
    #[serde(default)]
    first: Vec<(HourOfWeek, f64)>,
}

impl Profile {
    /// Takes in a value of the Unix second `second`; `by_chance` is the standard deviation that chance gives one around a
    /// centre. A value that is no number is left out; a second before those seen counts but does not age.
    pub fn observe(&mut self, second: u64, value: f64, by_chance: impl Fn(f64) -> f64) {
        if !value.is_finite() {
            return;
        }
        let value = value.clamp(-MOST, MOST);
        self.age(second);
        let hour = HourOfWeek::of(second);
        let is_past = self.first.last().is_some_and(|(of, _)| *of != hour);
        if is_past && self.all.reference().is_some() {
            self.take_first(&by_chance);
        }
        let of_hour = self.hours.of(hour).copied().unwrap_or_default();
        if let Some(usual) = of_hour.at_least(TELLING) {
            self.add(hour, usual.pulled_in(value, PULLED_IN, by_chance(usual.centre)));
            return;
        }
        self.first.push((hour, value));
        let known = if self.all.reference().is_some() { f64::from(of_hour.weight) } else { 0.0 };
        if known + self.first.len() as f64 >= KNOWN {
            self.take_first(&by_chance);
        }
    }

    fn take_first(&mut self, by_chance: &impl Fn(f64) -> f64) {
        let first = std::mem::take(&mut self.first);
        let values: Vec<f64> = first.iter().map(|(_, value)| *value).collect();
        let Some(usual) = Reference::of_blocks(&values) else { return };
        for (hour, value) in first {
            self.add(hour, usual.pulled_in(value, PULLED_IN, by_chance(usual.centre)));
        }
    }

    fn add(&mut self, hour: HourOfWeek, value: f64) {
        self.all.add(value);
        if let Some(of_hour) = self.hours.of_mut(hour) {
            of_hour.add(value);
        }
    }

    /// What is usual in the hour of the Unix second `second`: that hour's, or that of all hours while it is not
    /// known. `None`: nothing is known yet.
    pub fn usual(&self, second: u64) -> Option<Reference> {
        let hour = self.hours.of(HourOfWeek::of(second));
        hour.and_then(Moments::reference).or_else(|| self.all.reference())
    }

    /// Lowers the weights for the time since they were last lowered, hour by hour.
    fn age(&mut self, second: u64) {
        if self.aged_at == 0 {
            self.aged_at = second;
        }
        let elapsed = second.saturating_sub(self.aged_at);
        if elapsed < HOUR_S {
            return;
        }
        let left = 0.5_f64.powf(elapsed as f64 / HALF_LIFE_S) as f32;
        self.aged_at = second;
        self.all.weight *= left;
        self.hours.0.iter_mut().for_each(|(_, hour)| hour.weight *= left);
    }
}
