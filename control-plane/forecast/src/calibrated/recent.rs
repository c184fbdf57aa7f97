//! What a series was like lately, and what a forecast may therefore say.

use std::collections::VecDeque;

use serin_analysis::forecast::Forecast;

use crate::model::{latest, usable};

/// Values that are looked back on.
const WINDOW: usize = 256;
/// Steps in which a series may go as far beyond its recent values as these reach; at first at once.
const STEPS: f64 = 64.0;
/// Largest standard deviation, in the reach of the recent values.
const WIDEST: f64 = 4.0;

/// The last known values.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    values: VecDeque<f64>,
}

impl Recent {
    pub(super) fn of(series: &[f64]) -> Self {
        let mut recent = Self::default();
        latest(series, WINDOW).iter().for_each(|value| recent.push(*value));
        recent
    }

    pub(super) fn push(&mut self, value: f64) {
        let Some(value) = usable(value) else { return };
        if self.values.len() == WINDOW {
            self.values.pop_front();
        }
        self.values.push_back(value);
    }

    /// Bounds what is forecast 1, 2, … steps ahead: an autoregression whose fit contains a jump may explode.
    pub(super) fn bound(&self, forecasts: &mut [Forecast]) {
        let low = self.values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let reach = high - low;
        // Not so where nothing is known (it is infinite) or nothing changed.
        if !(reach.is_finite() && reach > 0.0) {
            return;
        }
        for (steps, forecast) in (1_u32..).zip(forecasts) {
            let beyond = reach * (f64::from(steps) / STEPS).max(1.0);
            forecast.mean = forecast.mean.clamp(low - beyond, high + beyond);
            forecast.sd = forecast.sd.min(WIDEST * beyond);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_reach_of_recent_values_is_bounded_and_all_else_stays() {
        let recent = Recent::of(&[10.0, f64::NAN, 14.0]);
        let said = |mean, sd| {
            let mut forecasts = vec![Forecast { mean, sd }; 128];
            recent.bound(&mut forecasts);
            (forecasts[0], forecasts[127])
        };
        assert_eq!(said(13.0, 2.0).0, Forecast { mean: 13.0, sd: 2.0 });
        assert_eq!(said(1e9, 1e9), (Forecast { mean: 18.0, sd: 16.0 }, Forecast { mean: 22.0, sd: 32.0 }));
        assert_eq!(said(-1e9, 0.0).0, Forecast { mean: 6.0, sd: 0.0 });
        let mut forecasts = [Forecast { mean: 9.0, sd: 3.0 }];
        Recent::of(&[5.0; 3]).bound(&mut forecasts);
        Recent::default().bound(&mut forecasts);
        assert_eq!(forecasts[0], Forecast { mean: 9.0, sd: 3.0 });
    }
}
