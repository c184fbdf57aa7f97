//! Where a signal is going, as data and in words.

use serde::{Deserialize, Serialize};

use super::{EffectSize, Signal};
use crate::risk::{HarmClass, Prediction};

/// Where one signal of the canary is going, relative to the baseline beside it.
///
/// Values are the ratio of a quantile for latency, and the difference of the shares of failed requests (-1 to 1) for
/// errors, each with an interval of 95 % by the model ([`crate::forecast::trend`]).
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Trend {
    /// The signal.
    pub signal: Signal,
    /// Which quantile of latency, 0 to 1. 0 for errors.
    pub quantile: f64,
    /// The present level.
    pub now: EffectSize,
    /// The level at the horizon.
    pub ahead: EffectSize,
    /// How far ahead `ahead` and `probability` are, in seconds.
    pub horizon_s: u32,
    /// The level that it must not exceed.
    pub limit: f64,
    /// Probability that it is beyond the limit at the horizon.
    pub probability: f64,
    /// Seconds until it is beyond the limit with probability 0.05. `None`: not within four horizons.
    pub earliest_s: Option<u32>,
    /// The same with probability 0.5.
    pub median_s: Option<u32>,
    /// The same with probability 0.95.
    pub latest_s: Option<u32>,
    /// What follows: nothing, that a limit will be exceeded, or that it will be very soon.
    pub prediction: Prediction,
}

impl Trend {
    /// Risk of what is in sight, 0 to 100: how bad its harm is, as sure as it is probable. 0 where nothing is.
    pub fn risk(&self) -> f64 {
        let class = match self.signal {
            Signal::ErrorRate | Signal::Share => HarmClass::ServerError,
            Signal::Latency => HarmClass::Slow,
        };
        match self.prediction {
            Prediction::Quiet => 0.0,
            Prediction::Ahead | Prediction::Imminent => 100.0 * class.severity() * self.probability,
        }
    }

    /// The trend in words: one sentence without a full stop.
    pub fn sentence(&self) -> String {
        let Self { now, ahead, limit, probability, .. } = self;
        let horizon = minutes(self.horizon_s);
        let (what, told): (String, fn(f64) -> String) = match self.signal {
            Signal::ErrorRate | Signal::Share => ("error rate beyond the baseline's".to_owned(), |share| {
                format!("{:+.2} points", share * 100.0)
            }),
            Signal::Latency => {
                let name = format!(
                    "{:.0}th percentile of latency relative to the baseline's",
                    self.quantile * 100.0
                );
                (name, |ratio| format!("{ratio:.2} times"))
            }
        };
        let course = format!(
            "{what} is {}, in {horizon} {} ({} to {})",
            told(now.estimate),
            told(ahead.estimate),
            told(ahead.low),
            told(ahead.high)
        );
        let probability = (probability * 100.0).floor();
        format!("{course}; beyond {} by then with probability {probability} %{}", told(*limit), self.breach())
    }

    fn breach(&self) -> String {
        let Some(median) = self.median_s else { return String::new() };
        let earliest = self.earliest_s.unwrap_or(median);
        match self.latest_s {
            Some(latest) => {
                format!(", about {} from now ({} to {})", minutes(median), minutes(earliest), minutes(latest))
            }
            None => format!(", about {} from now ({} or later)", minutes(median), minutes(earliest)),
        }
    }

    pub(super) fn numbers(&mut self) -> impl Iterator<Item = &mut f64> {
        let levels = [&mut self.now, &mut self.ahead];
        let levels = levels.into_iter().flat_map(|of| [&mut of.estimate, &mut of.low, &mut of.high]);
        levels.chain([&mut self.quantile, &mut self.limit, &mut self.probability])
    }
}

fn minutes(seconds: u32) -> String {
    if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds.saturating_add(30) / 60) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rising() -> Trend {
        Trend {
            signal: Signal::Latency,
            quantile: 0.9,
            now: EffectSize { estimate: 1.12, low: 1.1, high: 1.14 },
            ahead: EffectSize { estimate: 1.41, low: 1.25, high: 1.6 },
            horizon_s: 300,
            limit: 1.3,
            probability: 0.9345,
            earliest_s: Some(110),
            median_s: Some(240),
            latest_s: Some(480),
            prediction: Prediction::Ahead,
        }
    }

    #[test]
    fn a_trend_says_where_it_is_where_it_goes_and_when_it_is_too_much() {
        assert_eq!(
            rising().sentence(),
            "90th percentile of latency relative to the baseline's is 1.12 times, in 5 min 1.41 times (1.25 times to \
             1.60 times); beyond 1.30 times by then with probability 93 %, about 4 min from now (110 s to 8 min)"
        );
        let errors = Trend {
            signal: Signal::ErrorRate,
            now: EffectSize { estimate: 0.001, low: 0.0, high: 0.002 },
            ahead: EffectSize { estimate: 0.004, low: 0.001, high: 0.007 },
            limit: 0.01,
            probability: 0.0,
            earliest_s: None,
            median_s: None,
            latest_s: None,
            ..rising()
        };
        assert_eq!(
            errors.sentence(),
            "error rate beyond the baseline's is +0.10 points, in 5 min +0.40 points (+0.10 points to +0.70 points); \
             beyond +1.00 points by then with probability 0 %"
        );
        let late = Trend { latest_s: None, ..rising() };
        assert!(late.sentence().ends_with("about 4 min from now (110 s or later)"), "{}", late.sentence());
    }
}
