//! The floor of a gauge that rises and falls by itself, as memory does under garbage collection: a leak is a rising
//! minimum, not a rising value.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::usable;

/// Minimum over the last period, in constant time per value on average.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RunningMinimum {
    period: u32,
    step: u64,
    /// Step and value of each minimum to come, both rising.
    candidates: VecDeque<(u64, f64)>,
}

impl RunningMinimum {
    /// Most steps of a period.
    pub const LONGEST: u32 = 720;

    /// The minimum over `period` steps, 1 to [`Self::LONGEST`]; it should span at least one collection.
    pub fn new(period: u32) -> Self {
        Self { period: period.clamp(1, Self::LONGEST), step: 0, candidates: VecDeque::new() }
    }

    /// Takes in the value of the next step, a gap if it is no number. The minimum of the last period, to be given to
    /// a [`super::Forecaster`]; `None` if all of it is gaps.
    pub fn observe(&mut self, value: f64) -> Option<f64> {
        self.step = self.step.saturating_add(1);
        if let Some(value) = usable(value) {
            while self.candidates.back().is_some_and(|(_, candidate)| *candidate >= value) {
                self.candidates.pop_back();
            }
            self.candidates.push_back((self.step, value));
        }
        while self.candidates.front().is_some_and(|(step, _)| step + u64::from(self.period) <= self.step) {
            self.candidates.pop_front();
        }
        self.candidates.front().map(|(_, minimum)| *minimum)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::forecast::{LocalLinearTrend, TrendAlarm, TrendAlarmSettings, TrendSettings};

    /// Whether the trigger fires within an hour, in steps of 10 s, on memory as a share of its limit that garbage
    /// collection empties every 4 min down to a floor that rises by `leak` per step.
    fn fires(leak: f64) -> bool {
        let mut minimum = RunningMinimum::new(30);
        let mut trend = LocalLinearTrend::new(TrendSettings::default());
        let mut alarm =
            TrendAlarm::new(TrendAlarmSettings { threshold: 1.0, ..TrendAlarmSettings::default() });
        (0..360).any(|step| {
            let garbage = 0.3 * f64::from(step % 24) / 24.0;
            let floor = minimum.observe(0.3 + leak * f64::from(step) + garbage).unwrap();
            trend.observe_with(floor, 1e-4);
            alarm.look(&trend).fires
        })
    }

    #[test]
    fn garbage_alone_never_looks_like_a_leak() {
        assert!(!fires(0.0));
        assert!(fires(0.002));
    }

    proptest! {
        #[test]
        fn the_minimum_is_that_of_the_last_period(
            values in prop::collection::vec(prop_oneof![-9.0..9.0_f64, Just(f64::NAN)], 1..80),
            period in 1..20_u32,
        ) {
            let mut minimum = RunningMinimum::new(period);
            for end in 1..=values.len() {
                let start = end.saturating_sub(period as usize);
                let expected = values[start..end].iter().copied().filter(|value| !value.is_nan()).min_by(f64::total_cmp);
                prop_assert_eq!(minimum.observe(values[end - 1]), expected);
            }
        }
    }
}
