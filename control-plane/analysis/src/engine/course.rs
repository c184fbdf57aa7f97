//! Where the canary is going: how it compares with the baseline, ten seconds at a time, and when that will be beyond a limit.
//!
//! Series are of the canary relative to the baseline beside it, in which load, time of day and whatever is shared cancel, so
//! no season has to be known. The version's value is the mean of its components', each by its precision: a shift of the
//! traffic between fast and slow components is no trend. It never tells of a canary without a baseline beside it.

use serde::{Deserialize, Serialize};

use crate::config::ForecastLimits;
use crate::effect::{Z, slow};
use crate::forecast::alarm::Outlook;
use crate::forecast::{
    Forecast, Forecaster, LocalLinearTrend, TrendAlarm, TrendAlarmSettings, TrendSettings,
};
use crate::histogram::DenseHistogram;
use crate::increment::ByArm;
use crate::placebo::Phi;
use crate::risk::Prediction;
use crate::summary::Recent;
use crate::verdict::{EffectSize, Signal, Trend};

/// Seconds of a step.
pub(super) const STEP_S: u64 = 10;
/// Variance of a value at the least: bins are 1.6 % wide, and no model is exact.
const LEAST_VARIANCE: f64 = 1e-4;
/// Requests of an arm in a step without which its value is a gap.
const LEAST_REQUESTS: u64 = 20;

/// What is forecast.
const SERIES: [Kind; SERIES_COUNT] = [Kind::Latency(0.5), Kind::Latency(0.9), Kind::Errors];
const SERIES_COUNT: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Logarithm of the ratio of this quantile.
    Latency(f64),
    /// Difference of the shares of failed requests.
    Errors,
}

/// A value of a series, with its variance were requests independent.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Value {
    value: f64,
    variance: f64,
}

/// One step of all series. `None`: a gap.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Step([Option<Value>; SERIES_COUNT]);

/// The series of one scope.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Course(Vec<Series>);

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Series {
    trend: LocalLinearTrend,
    alarm: TrendAlarm,
    outlook: Outlook,
}

impl Step {
    /// What the last two slots saw.
    pub(super) fn of(recent: &ByArm<Recent>) -> Self {
        let ByArm { baseline, canary } = recent;
        if baseline.requests.min(canary.requests) < LEAST_REQUESTS {
            return Self::default();
        }
        Self(SERIES.map(|kind| match kind {
            Kind::Latency(share) => log_ratio(&baseline.latency, &canary.latency, share),
            Kind::Errors => difference(recent),
        }))
    }

    /// The mean of several components, each by its precision.
    pub(super) fn mean(of: impl Iterator<Item = Self>) -> Self {
        let mut sums = [(0.0, 0.0); SERIES_COUNT];
        for Self(step) in of {
            for ((sum, precision), value) in sums.iter_mut().zip(step) {
                let Some(Value { value, variance }) = value else { continue };
                *sum += value / variance;
                *precision += 1.0 / variance;
            }
        }
        Self(sums.map(|(sum, precision)| {
            (precision > 0.0).then(|| Value { value: sum / precision, variance: 1.0 / precision })
        }))
    }
}

fn log_ratio(baseline: &DenseHistogram, canary: &DenseHistogram, share: f64) -> Option<Value> {
    let arm = |histogram: &DenseHistogram| {
        let (estimate, low, high) = slow(std::iter::once(histogram), share, 1.0)?;
        (histogram.count() >= LEAST_REQUESTS).then(|| (estimate.ln(), (high / low).ln() / (2.0 * Z)))
    };
    let ((baseline, baseline_sd), (canary, canary_sd)) = (arm(baseline)?, arm(canary)?);
    let variance = (baseline_sd * baseline_sd + canary_sd * canary_sd).max(LEAST_VARIANCE);
    Some(Value { value: canary - baseline, variance })
}

fn difference(recent: &ByArm<Recent>) -> Option<Value> {
    let ByArm { baseline, canary } = recent;
    let (of_baseline, of_canary) = (baseline.requests as f64, canary.requests as f64);
    let errors = |arm: &Recent| arm.errors.min(arm.requests) as f64;
    // One failure more than there were, so that none at all is not thought certain.
    let share = (errors(baseline) + errors(canary) + 1.0) / (of_baseline + of_canary + 2.0);
    let variance = share * (1.0 - share) * (1.0 / of_baseline + 1.0 / of_canary);
    let value = errors(canary) / of_canary - errors(baseline) / of_baseline;
    Some(Value { value, variance })
}

impl Course {
    /// Takes in a step. Its variances are those of independent requests, which `phi` widens.
    pub(super) fn observe(&mut self, Step(step): Step, phi: Phi, limits: &ForecastLimits) {
        if self.0.is_empty() {
            self.0 = SERIES.iter().map(|kind| Series::new(*kind, limits)).collect();
        }
        for ((series, value), kind) in self.0.iter_mut().zip(step).zip(SERIES) {
            let phi = match kind {
                Kind::Latency(_) => phi.latency,
                Kind::Errors => phi.errors,
            };
            series.observe(value.map(|value| Value { variance: value.variance * phi, ..value }));
        }
    }

    /// The series that is most likely to be beyond its limit soon. `None`: nothing is known yet.
    pub(super) fn trend(&self, limits: &ForecastLimits) -> Option<Trend> {
        let trends = self.0.iter().zip(SERIES).filter_map(|(series, kind)| series.trend(kind, limits));
        trends.max_by(|a, b| a.prediction.cmp(&b.prediction).then(a.probability.total_cmp(&b.probability)))
    }
}

impl Kind {
    /// Value that the series must not exceed.
    fn limit(self, limits: &ForecastLimits) -> f64 {
        match self {
            Self::Latency(_) => limits.latency_ratio.ln_1p(),
            Self::Errors => limits.error_absolute,
        }
    }

    /// As people read it: a ratio for latency.
    fn told(self, value: f64) -> f64 {
        match self {
            Self::Latency(_) => value.exp(),
            Self::Errors => value,
        }
    }
}

impl Series {
    fn new(kind: Kind, limits: &ForecastLimits) -> Self {
        let usual = TrendAlarmSettings::default();
        let threshold = kind.limit(limits);
        // The usual settings are for a logarithm and the usual limit; another unit scales with its own.
        let square = match kind {
            Kind::Latency(_) => 1.0,
            Kind::Errors => (threshold / usual.threshold).powi(2),
        };
        let of = TrendSettings::default();
        let settings = TrendSettings {
            level_variance: of.level_variance * square,
            slope_variance: of.slope_variance * square,
            value_variance: of.value_variance * square,
            start_level_variance: of.start_level_variance * square,
            start_slope_variance: of.start_slope_variance * square,
        };
        Self {
            trend: LocalLinearTrend::new(settings),
            alarm: TrendAlarm::new(TrendAlarmSettings { threshold, ..usual }),
            outlook: Outlook::default(),
        }
    }

    fn observe(&mut self, value: Option<Value>) {
        match value {
            Some(Value { value, variance }) => {
                self.trend.observe_with(value, variance);
                self.outlook = self.alarm.look(&self.trend);
            }
            // Nothing was seen, so no crossing was: what is known only becomes less sure.
            None if self.trend.forecast(0).is_some() => self.trend.observe(f64::NAN),
            None => {}
        }
    }

    fn trend(&self, kind: Kind, limits: &ForecastLimits) -> Option<Trend> {
        const STEP: u32 = STEP_S as u32;
        const TWO_MINUTES: u32 = 120 / STEP;
        let horizon_steps = self.alarm.settings().horizon_steps;
        let (now, ahead) = (self.trend.forecast(0)?, self.trend.forecast(horizon_steps)?);
        let seconds = |steps: Option<u32>| steps.map(|steps| steps.saturating_mul(STEP));
        let told = |of: Forecast| EffectSize {
            estimate: kind.told(of.mean),
            low: kind.told(of.mean - Z * of.sd),
            high: kind.told(of.mean + Z * of.sd),
        };
        let (signal, quantile) = match kind {
            Kind::Latency(share) => (Signal::Latency, share),
            Kind::Errors => (Signal::ErrorRate, 0.0),
        };
        Some(Trend {
            signal,
            quantile,
            now: told(now),
            ahead: told(ahead),
            horizon_s: horizon_steps.saturating_mul(STEP),
            limit: kind.told(kind.limit(limits)),
            probability: self.outlook.probability,
            earliest_s: seconds(self.outlook.time.earliest),
            median_s: seconds(self.outlook.time.median),
            latest_s: seconds(self.outlook.time.latest),
            prediction: Prediction::of(&self.outlook, TWO_MINUTES),
        })
    }
}
