//! What a control chart shows, as data and in words.

use serde::{Deserialize, Serialize};

use super::Signal;
use crate::chart::Broken;
use crate::increment::Arm;

/// What the control charts of one series of one arm show of its last minute.
///
/// Values are the share of failed requests (0 to 1) for errors, and the median in µs for latency. What is usual is that of
/// this hour of the week ([`crate::chart::profile`]).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ControlChart {
    /// The arm.
    pub arm: Arm,
    /// Errors or latency.
    pub signal: Signal,
    /// Unix second in which the minute ended.
    pub at: u64,
    /// The minute's value.
    pub value: f64,
    /// What is usual at this hour.
    pub usual: f64,
    /// A minute usually lies above this, by three standard deviations.
    pub lower_limit: f64,
    /// A minute usually lies below this.
    pub upper_limit: f64,
    /// Exponentially weighted mean of the last minutes.
    pub ewma: f64,
    /// It usually lies above this.
    pub ewma_lower_limit: f64,
    /// It usually lies below this.
    pub ewma_upper_limit: f64,
    /// The charts and run rules that signal. Empty: in control.
    pub broken: Vec<Broken>,
    /// Unix second of the first minute since which there was a signal in each. `None`: in control.
    pub since: Option<u64>,
}

impl ControlChart {
    /// The chart in words: one sentence without a full stop.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { arm, signal, value, usual, lower_limit: low, upper_limit: high, .. } = self;
        let name = match signal {
            Signal::ErrorRate => "error rate",
            Signal::Latency => "median latency",
            Signal::Share => "share of requests",
        };
        let [value, usual, low, high] = [*value, *usual, *low, *high].map(|value| signal.value(value));
        let course =
            format!("{name} of the {} {value}, usually {usual} at this hour ({low} to {high})", arm.name());
        let Some(since) = self.since else { return format!("{course}: in control") };
        let minutes = self.at.saturating_sub(since) / 60 + 1;
        let broken: Vec<_> = self.broken.iter().map(|broken| broken.name().replace('_', " ")).collect();
        format!("{course}: out of control for {minutes} min ({})", broken.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Rule;

    #[test]
    fn a_chart_says_what_is_usual_and_for_how_long_it_has_not_been_so() {
        let chart = ControlChart {
            arm: Arm::Baseline,
            signal: Signal::Latency,
            at: 1_000_000,
            value: 95_400.0,
            usual: 80_000.0,
            lower_limit: 70_000.0,
            upper_limit: 92_000.0,
            ewma: 81_000.0,
            ewma_lower_limit: 75_000.0,
            ewma_upper_limit: 85_000.0,
            broken: Vec::new(),
            since: None,
        };
        assert_eq!(
            chart.sentence(),
            "median latency of the baseline 95.4 ms, usually 80.0 ms at this hour (70.0 ms to 92.0 ms): in control"
        );
        let chart = ControlChart {
            arm: Arm::Canary,
            signal: Signal::ErrorRate,
            value: 0.021,
            usual: 0.001,
            lower_limit: 0.0,
            upper_limit: 0.004,
            since: Some(1_000_000 - 120),
            broken: vec![Broken::Ewma, Broken::Rule(Rule::EightOnOneSide)],
            ..chart
        };
        assert_eq!(
            chart.sentence(),
            "error rate of the canary 2.10 %, usually 0.10 % at this hour (0.00 % to 0.40 %): out of control for 3 min \
             (ewma, eight on one side)"
        );
    }
}
