//! The control charts of one component: both arms minute by minute, around what is usual at this hour of the week.
//!
//! They show people what no comparison of the arms can: that both are not what they usually are, or that a canary is fine
//! beside its baseline on a bad day only. They have false signals at a known rate rather than a bound for the rollout, so
//! they never undo or hold anything. There is none until something is usual, which takes twenty minutes.

use serde::{Deserialize, Serialize};

use crate::chart::{Chart, Reading, Reference, RuleSet};
use crate::histogram::MAX_LATENCY_US;
use crate::history::{FullMinute, History};
use crate::increment::{Arm, ByArm};
use crate::verdict::{ControlChart, Signal};

/// Seconds after which a minute is no longer shown: its arm has no traffic, or next to none.
const STALE_S: u64 = 900;
/// Standard deviations of a minute within which its control limits lie.
const LIMIT: f64 = 3.0;

/// The charts of both arms.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Control {
    rules: RuleSet,
    /// None until something is usual, then one of an arm's failures and one of its median.
    arms: ByArm<Vec<Series>>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Series {
    signal: Signal,
    chart: Chart,
    shown: Option<ControlChart>,
}

impl Control {
    pub(super) fn new(rules: RuleSet) -> Self {
        Self { rules, arms: ByArm::default() }
    }

    /// Takes in a minute of `arm`, before `history` does.
    pub(super) fn see(&mut self, arm: Arm, minute: FullMinute, history: &History) {
        let Some(usual) = history.of_minute(minute) else { return };
        let charts = self.arms.of_mut(arm);
        if charts.is_empty() {
            *charts = [Signal::ErrorRate, Signal::Latency].map(Series::new).into();
        }
        let values = [Some(minute.failing()), minute.log_median()];
        for ((series, value), usual) in charts.iter_mut().zip(values).zip(usual) {
            if let Some(value) = value {
                series.observe((minute.second, arm), value, usual, self.rules);
            }
        }
    }

    /// What the charts show at `second` of the last minute.
    pub(super) fn shown(&self, second: u64) -> impl Iterator<Item = &ControlChart> {
        let ByArm { baseline, canary } = &self.arms;
        let charts = baseline.iter().chain(canary).filter_map(|series| series.shown.as_ref());
        charts.filter(move |chart| chart.at.saturating_add(STALE_S) >= second)
    }
}

impl Series {
    fn new(signal: Signal) -> Self {
        Self { signal, chart: Chart::default(), shown: None }
    }

    fn observe(&mut self, (second, arm): (u64, Arm), value: f64, usual: Reference, rules: RuleSet) {
        let Some(reading) = self.chart.observe(value, usual, rules) else { return };
        let told = |value: f64| match self.signal {
            Signal::Latency => value.exp().min(MAX_LATENCY_US as f64),
            Signal::ErrorRate | Signal::Share => value.clamp(0.0, 1.0),
        };
        let from_usual = |deviations: f64| told(usual.centre + deviations * usual.spread);
        let Reading { ewma, ewma_limit, .. } = reading;
        let broken: Vec<_> = reading.broken().collect();
        let since = self.shown.as_ref().and_then(|before| before.since).unwrap_or(second);
        self.shown = Some(ControlChart {
            arm,
            signal: self.signal,
            at: second,
            value: told(value),
            usual: told(usual.centre),
            lower_limit: from_usual(-LIMIT),
            upper_limit: from_usual(LIMIT),
            ewma: from_usual(ewma),
            ewma_lower_limit: from_usual(-ewma_limit),
            ewma_upper_limit: from_usual(ewma_limit),
            since: (!broken.is_empty()).then_some(since),
            broken,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_can_be_stored_however_wide_their_limits_are() {
        for signal in [Signal::ErrorRate, Signal::Latency] {
            for (value, spread) in [(22.0, 1e6), (0.0, 1e300), (1e12, 0.0), (22.0, f64::MIN_POSITIVE)] {
                let mut series = Series::new(signal);
                let usual = Reference { centre: 10.0, spread };
                (0..20)
                    .for_each(|second| series.observe((second, Arm::Canary), value, usual, RuleSet::Nelson));
                let json = serde_json::to_string(&series).unwrap();
                assert!(serde_json::from_str::<Series>(&json).is_ok(), "{json}");
            }
        }
    }
}
