//! What is usual for a series at each hour of the week, kept from week to week.
//!
//! Each hour holds a mean and a variance with exponentially ageing weights, so that last month counts less than last
//! week; a value far from what is known moves them only as far as 4 σ would, so that an incident does not become
//! usual. The first values of an hour wait until there are enough to tell an incident among them. An hour that is not
//! known well borrows from all hours.

mod hours;

use serde::{Deserialize, Serialize};

use super::Reference;
pub use hours::HourOfWeek;
use hours::{Hours, Moments};

/// Weight from which on an hour speaks for itself.
pub(crate) const KNOWN: f64 = 20.0;
/// Weight from which on an hour tells which values are far from it.
const TELLING: f64 = 10.0;
/// Seconds of a week.
const WEEK_S: u64 = 168 * 3_600;
/// Weights are halved in this time.
const HALF_LIFE_WEEKS: f64 = 4.0;
/// Distance in σ to which far values are pulled in.
const PULLED_IN: f64 = 4.0;
/// Largest value that is told apart.
const MOST: f64 = 1e12;

/// What is usual for one series.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Profile {
    /// Those that were present before.
    hours: Hours,
    #[serde(default)]
    present: Option<(HourOfWeek, Moments)>,
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
        let of_hour = self.of(hour).unwrap_or_default();
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
        let mut moments = self.of(hour).unwrap_or_default();
        moments.add(value);
        if let Some((of, past)) = self.present.replace((hour, moments))
            && of != hour
        {
            self.hours.set(of, past);
        }
    }

    fn of(&self, hour: HourOfWeek) -> Option<Moments> {
        let present = self.present.filter(|(of, _)| *of == hour);
        present.map(|(_, moments)| moments).or_else(|| self.hours.of(hour))
    }

    /// What is usual in the hour of the Unix second `second`: that hour's, or that of all hours while it is not
    /// known. `None`: nothing is known yet.
    pub fn usual(&self, second: u64) -> Option<Reference> {
        let hour = self.of(HourOfWeek::of(second));
        hour.as_ref().and_then(Moments::reference).or_else(|| self.all.reference())
    }

    /// Lowers the weights for the time since they were last lowered, week by week.
    fn age(&mut self, second: u64) {
        if self.aged_at == 0 {
            self.aged_at = second;
        }
        let elapsed = second.saturating_sub(self.aged_at);
        if elapsed < WEEK_S {
            return;
        }
        let left = 0.5_f64.powf(elapsed as f64 / WEEK_S as f64 / HALF_LIFE_WEEKS) as f32;
        self.aged_at = second;
        self.all.weight *= left;
        self.hours.age(left);
        if let Some((_, moments)) = &mut self.present {
            moments.weight *= left;
        }
    }
}
