//! The hours of a week: which one a second lies in, and what was seen in each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::KNOWN;
use crate::chart::Reference;

/// Hours of a week.
const HOURS: u8 = 168;
/// Seconds of an hour.
const HOUR_S: u64 = 3_600;

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
pub(super) struct Moments {
    pub(super) weight: f32,
    mean: f32,
    variance: f32,
}

impl Moments {
    pub(super) fn add(&mut self, value: f64) {
        let value = value as f32;
        self.weight += 1.0;
        let error = value - self.mean;
        let part = 1.0 / self.weight;
        self.mean += part * error;
        self.variance = (1.0 - part) * (self.variance + part * error * error);
    }

    pub(super) fn reference(&self) -> Option<Reference> {
        self.at_least(KNOWN)
    }

    pub(super) fn at_least(&self, weight: f64) -> Option<Reference> {
        (f64::from(self.weight) >= weight).then(|| Reference {
            centre: f64::from(self.mean),
            spread: f64::from(self.variance.max(0.0)).sqrt(),
        })
    }
}

/// Moments of one hour that is not the present one, in eight bytes: there are many of them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Packed {
    hour: HourOfWeek,
    /// In twos, at most 510: beyond that an hour forgets a little faster.
    weight: u8,
    /// Upper half of the bits of a variance: 0.4 % of it.
    variance: u16,
    mean: f32,
}

impl Packed {
    fn new(hour: HourOfWeek, moments: Moments) -> Self {
        let Moments { weight, mean, variance } = moments;
        let rounded = variance.max(0.0).to_bits().saturating_add(1 << 15) >> 16;
        let twos = (weight / 2.0).round().clamp(0.0, f32::from(u8::MAX));
        Self { hour, weight: twos as u8, variance: u16::try_from(rounded).unwrap_or_default(), mean }
    }

    fn moments(self) -> Moments {
        let variance = f32::from_bits(u32::from(self.variance) << 16);
        Moments { weight: 2.0 * f32::from(self.weight), mean: self.mean, variance }
    }
}

/// Moments of the hours in which something was seen, in their order, but for the present one: a component is rarely
/// watched all week.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(from = "BTreeMap<u8, Moments>", into = "BTreeMap<u8, Moments>")]
pub(super) struct Hours(Vec<Packed>);

impl Hours {
    pub(super) fn of(&self, hour: HourOfWeek) -> Option<Moments> {
        let at = self.at(hour).ok()?;
        self.0.get(at).map(|packed| packed.moments())
    }

    pub(super) fn set(&mut self, hour: HourOfWeek, moments: Moments) {
        const SPARE: usize = 8;
        let packed = Packed::new(hour, moments);
        match self.at(hour) {
            Ok(at) => self.0.get_mut(at).into_iter().for_each(|into| *into = packed),
            Err(at) => {
                if self.0.len() == self.0.capacity() {
                    self.0.reserve_exact(SPARE);
                }
                self.0.insert(at, packed);
            }
        }
    }

    /// Leaves `part` of each weight, rounded down so that nothing stays for ever.
    pub(super) fn age(&mut self, part: f32) {
        self.0.iter_mut().for_each(|packed| packed.weight = (part * f32::from(packed.weight)) as u8);
    }

    fn at(&self, hour: HourOfWeek) -> Result<usize, usize> {
        self.0.binary_search_by_key(&hour, |packed| packed.hour)
    }
}

impl From<BTreeMap<u8, Moments>> for Hours {
    fn from(stored: BTreeMap<u8, Moments>) -> Self {
        let known = stored.into_iter().filter(|(hour, _)| *hour < HOURS);
        Self(known.map(|(hour, moments)| Packed::new(HourOfWeek(hour), moments)).collect())
    }
}

impl From<Hours> for BTreeMap<u8, Moments> {
    fn from(hours: Hours) -> Self {
        hours.0.into_iter().map(|packed| (packed.hour.index(), packed.moments())).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_past_hour_keeps_its_mean_and_nearly_its_variance_and_weight(
            weight in 1.0..600.0_f32,
            mean in -1e12..1e12_f32,
            variance in prop_oneof![Just(0.0_f32), 1e-30..1e24_f32],
        ) {
            let mut hours = Hours::default();
            let hour = HourOfWeek::of(0);
            hours.set(hour, Moments { weight, mean, variance });
            let kept = hours.of(hour).unwrap();
            prop_assert_eq!(kept.mean, mean);
            prop_assert!((kept.variance - variance).abs() <= 0.004 * variance, "{}", kept.variance);
            prop_assert!((kept.weight - weight.min(510.0)).abs() <= 1.0, "{}", kept.weight);
            hours.set(hour, kept);
            prop_assert_eq!(hours.of(hour).unwrap(), kept);
        }
    }

    #[test]
    fn hours_age_together_and_are_forgotten_at_last() {
        let mut hours = Hours::default();
        let hour = HourOfWeek::of(0);
        hours.set(hour, Moments { weight: 60.0, mean: 1.0, variance: 1.0 });
        hours.age(0.5);
        assert_eq!(hours.of(hour).map(|moments| moments.weight), Some(30.0));
        (0..10).for_each(|_| hours.age(0.5));
        assert_eq!(hours.of(hour).map(|moments| moments.weight), Some(0.0));
    }
}
