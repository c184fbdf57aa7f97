use proptest::prelude::*;

use super::*;
use crate::noise::Noise;

#[derive(serde::Deserialize)]
struct Oracle {
    series: Vec<f64>,
    gaps: Vec<usize>,
    trend: TrendOracle,
    trend_with_gaps: TrendOracle,
    holt: Vec<f64>,
    damped: Vec<f64>,
    autoregressive: AutoregressiveOracle,
}

#[derive(serde::Deserialize)]
struct TrendOracle {
    slope: f64,
    covariance: [[f64; 2]; 2],
    mean: Vec<f64>,
    variance: Vec<f64>,
}

#[derive(serde::Deserialize)]
struct AutoregressiveOracle {
    parameters: Vec<f64>,
    mean: Vec<f64>,
}

fn oracle() -> Oracle {
    serde_json::from_str(include_str!("../../tests/fixtures/forecast.json")).unwrap()
}

fn near(value: f64, expected: f64, relative: f64) {
    assert!((value - expected).abs() <= relative * expected.abs(), "{value} instead of {expected}");
}

fn fed<F: Forecaster>(mut model: F, series: &[f64]) -> F {
    series.iter().for_each(|value| model.observe(*value));
    model
}

fn means(model: &impl Forecaster, expected: &[f64], relative: f64) {
    for (steps, expected) in (1..).zip(expected) {
        near(model.forecast(steps).unwrap().mean, *expected, relative);
    }
}

#[test]
fn the_trend_agrees_with_statsmodels_with_and_without_gaps() {
    const VALUE_VARIANCE: f64 = 0.0225 * 0.0225;
    let oracle = oracle();
    let settings = TrendSettings { value_variance: VALUE_VARIANCE, ..TrendSettings::default() };
    let check = |series: &[f64], expected: &TrendOracle| {
        let model = fed(LocalLinearTrend::new(settings), series);
        near(model.slope(), expected.slope, 1e-9);
        near(model.slope_sd().powi(2), expected.covariance[1][1], 1e-9);
        means(&model, &expected.mean, 1e-9);
        for (steps, variance) in (1..).zip(&expected.variance) {
            // H³/3 stands for (H-1)H(2H-1)/6.
            near(model.forecast_value(steps).unwrap().sd.powi(2), *variance, 1e-3);
        }
    };
    check(&oracle.series, &oracle.trend);
    let mut gappy = oracle.series;
    oracle.gaps.iter().for_each(|gap| gappy[*gap] = f64::NAN);
    check(&gappy, &oracle.trend_with_gaps);
}

#[test]
fn smoothing_agrees_with_statsmodels() {
    let oracle = oracle();
    means(&fed(Holt::new(HoltSettings::default()), &oracle.series), &oracle.holt, 1e-9);
    means(&fed(Holt::new(HoltSettings::damped()), &oracle.series), &oracle.damped, 1e-9);
}

#[test]
fn the_autoregression_agrees_with_statsmodels() {
    let oracle = oracle();
    let model = fed(Autoregressive::new(8), &oracle.series);
    for (parameter, expected) in model.parameters().unwrap().iter().zip(&oracle.autoregressive.parameters) {
        near(*parameter, *expected, 1e-8);
    }
    means(&model, &oracle.autoregressive.mean, 1e-8);
}

#[test]
fn the_autoregression_spreads_like_a_random_walk() {
    let mut noise = Noise::new(3);
    let mut value = 0.0;
    let mut model = Autoregressive::new(1);
    for _ in 0..190 {
        value += noise.normal();
        model.observe(value);
    }
    let ratio = model.forecast(16).unwrap().sd / model.forecast(1).unwrap().sd;
    assert!((3.0..5.5).contains(&ratio), "{ratio} instead of about 4");
}

/// Log ratio of the medians, in steps of 10 s, of 1000 requests on the canary and 9000 on the baseline each, under
/// pod jitter that is known from placebo hosts. `per_minute` is the canary's slow-down.
struct Ratio {
    noise: Noise,
    jitter: f64,
    wander: f64,
    per_minute: f64,
}

impl Ratio {
    const COUNT_SD: f64 = 1.25 * 0.6 * 0.033_333;

    fn new(seed: u64, jitter: f64, per_minute: f64) -> Self {
        Self { noise: Noise::new(seed), jitter, wander: 0.0, per_minute }
    }

    fn variance(&self) -> f64 {
        Self::COUNT_SD.powi(2) + self.jitter.powi(2)
    }

    fn at(&mut self, step: u32) -> f64 {
        const MEMORY: f64 = 0.6;
        self.wander =
            MEMORY * self.wander + (1.0 - MEMORY * MEMORY).sqrt() * self.jitter * self.noise.normal();
        let growth = (1.0 + self.per_minute * f64::from(step) / 6.0).ln();
        growth + self.wander + Self::COUNT_SD * self.noise.normal()
    }

    /// The step at which the trigger first fires within `steps`.
    fn fires(mut self, steps: u32) -> Option<u32> {
        let mut trend = LocalLinearTrend::new(TrendSettings::default());
        let mut alarm = TrendAlarm::new(TrendAlarmSettings::default());
        (0..steps).find(|&step| {
            trend.observe_with(self.at(step), self.variance());
            alarm.look(&trend).fires
        })
    }
}

#[test]
fn a_slow_leak_is_seen_four_minutes_ahead() {
    const CROSSING_S: i64 = 900;
    for jitter in [0.0, 0.02, 0.05] {
        let lead = |seed| CROSSING_S - 10 * i64::from(Ratio::new(seed, jitter, 0.02).fires(180).unwrap());
        let mut leads: Vec<i64> = (0..100).map(lead).collect();
        leads.sort_unstable();
        assert!(leads[50] >= 250, "median lead {} s at a jitter of {jitter}", leads[50]);
        assert!(leads[5] >= 60, "5 % lead {} s at a jitter of {jitter}", leads[5]);
    }
}

#[test]
fn a_good_build_is_seen_to_leak_in_at_most_one_of_a_hundred() {
    for jitter in [0.0, 0.02, 0.05, 0.1] {
        let fired = (0..300).filter(|seed| Ratio::new(1000 + seed, jitter, 0.0).fires(180).is_some()).count();
        assert!(fired <= 3, "{fired} of 300 at a jitter of {jitter}");
    }
}

#[test]
fn a_threshold_is_exceeded_for_sure_or_never_where_nothing_is_uncertain_and_never_where_it_is_no_number() {
    let forecast = |sd| Forecast { mean: 2.0, sd };
    for (sd, threshold, probability) in [
        (0.0, 1.0, 1.0),
        (0.0, 2.0, 0.0),
        (0.0, 3.0, 0.0),
        (0.0, f64::NAN, 0.0),
        (1.0, f64::NAN, 0.0),
        (1.0, 2.0, 0.5),
        (1.0, f64::INFINITY, 0.0),
        (1.0, f64::NEG_INFINITY, 1.0),
    ] {
        near(forecast(sd).probability_above(threshold), probability, 1e-12);
    }
}

#[test]
fn breach_times_bracket_the_crossing() {
    let mut trend = LocalLinearTrend::new(TrendSettings::default());
    (0..60).for_each(|step| trend.observe_with(0.003 * f64::from(step), 1e-4));
    let time = breach_time(&trend, 0.3, 400);
    let (earliest, median, latest) = (time.earliest.unwrap(), time.median.unwrap(), time.latest.unwrap());
    assert!(earliest < median && median < latest, "{time:?}");
    assert!((35..=48).contains(&median), "{time:?}");
    assert_eq!(breach_time(&trend, f64::NAN, 400), BreachTime::default());
}

#[test]
fn adaptive_intervals_hold_their_coverage_when_the_noise_changes() {
    let mut noise = Noise::new(11);
    let mut interval = AdaptiveInterval::new(0.1);
    let (mut covered, mut asked) = (0, 0);
    for step in 0..6_000 {
        let scale = if step % 1_500 < 750 { 1.0 } else { 3.0 };
        let error = scale * noise.normal();
        if let Some(width) = interval.half_width() {
            asked += 1;
            covered += u32::from(error.abs() <= width);
        }
        interval.observe(error);
    }
    let share = f64::from(covered) / f64::from(asked);
    assert!((0.885..=0.915).contains(&share), "{share}");
}

#[test]
fn the_ensemble_covers_and_is_no_worse_than_its_best_model() {
    for seed in 0..5 {
        let mut noise = Noise::new(100 + seed);
        let mut ensemble = Ensemble::default();
        let models = [Autoregressive::new(8), Autoregressive::new(1)].map(Model::Autoregressive);
        let mut alone: Vec<(Model, f64)> = models
            .into_iter()
            .chain(
                [HoltSettings::default(), HoltSettings::damped()]
                    .map(|settings| Model::Holt(Holt::new(settings))),
            )
            .chain([Model::Mean(ensemble::MovingMean::default())])
            .map(|model| (model, 0.0))
            .collect();
        let (mut level, mut together, mut covered, mut asked) = (0.0, 0.0, 0, 0);
        for step in 0..1_500 {
            level = 0.8 * level + noise.normal();
            let value = 20.0 + level;
            if step > 200 {
                let (low, high) = ensemble.interval(1).unwrap();
                asked += 1;
                covered += i32::from((low..=high).contains(&value));
                together += (ensemble.forecast(1).unwrap().mean - value).abs();
                for (model, error) in &mut alone {
                    *error += (model.forecast(1).unwrap().mean - value).abs();
                }
            }
            ensemble.observe(value);
            alone.iter_mut().for_each(|(model, _)| model.observe(value));
        }
        let share = f64::from(covered) / f64::from(asked);
        assert!((0.85..=0.95).contains(&share), "{share}");
        let best = alone.iter().map(|(_, error)| *error).fold(f64::INFINITY, f64::min);
        assert!(together <= 1.03 * best, "{together} {best}");
    }
}

#[test]
fn a_stored_ensemble_goes_on_where_it_was() {
    let mut noise = Noise::new(5);
    let mut ensemble = Ensemble::default();
    (0..100).for_each(|_| ensemble.observe(noise.normal()));
    let stored: Ensemble = serde_json::from_str(&serde_json::to_string(&ensemble).unwrap()).unwrap();
    let (before, after) = (ensemble.forecast(5).unwrap(), stored.forecast(5).unwrap());
    near(after.mean, before.mean, 1e-12);
    near(after.sd, before.sd, 1e-12);
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -10.0..10.0_f64,
        1 => any::<f64>(),
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::MAX), Just(f64::MIN), Just(0.0)],
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn forecasts_of_any_series_are_numbers(
        values in prop::collection::vec((any_value(), any_value()), 1..300),
        threshold in any::<f64>(),
        steps in any::<u32>(),
        order in any::<usize>(),
    ) {
        let mut ensemble = Ensemble::default();
        let mut trend = LocalLinearTrend::new(TrendSettings::default());
        let mut autoregressive = Autoregressive::new(order);
        let mut alarm = TrendAlarm::new(TrendAlarmSettings { threshold, ..TrendAlarmSettings::default() });
        for (value, variance) in values {
            ensemble.observe(value);
            autoregressive.observe(value);
            trend.observe_with(value, variance);
            let outlook = alarm.look(&trend);
            prop_assert!((0.0..=1.0).contains(&outlook.probability));
        }
        let forecasts = [ensemble.forecast(steps), trend.forecast(steps), autoregressive.forecast(steps)];
        for forecast in forecasts.into_iter().flatten() {
            prop_assert!(forecast.mean.is_finite() && forecast.sd.is_finite() && forecast.sd >= 0.0);
        }
        let sum: f64 = ensemble.weights().iter().sum();
        prop_assert!(sum == 0.0 || (sum - 1.0).abs() < 1e-9);
    }

    #[test]
    fn models_of_any_settings_forecast_numbers(
        settings in prop::array::uniform5(any_value()),
        values in prop::collection::vec(any_value(), 1..60),
    ) {
        let [level, trend, damping, value, start] = settings;
        let holt = fed(Holt::new(HoltSettings { level, trend, damping }), &values);
        let settings = TrendSettings {
            level_variance: level,
            slope_variance: trend,
            value_variance: value,
            start_level_variance: start,
            start_slope_variance: damping,
        };
        let model = fed(LocalLinearTrend::new(settings), &values);
        for forecast in [holt.forecast(7), model.forecast(7)].into_iter().flatten() {
            prop_assert!(forecast.mean.is_finite() && forecast.sd.is_finite());
        }
    }
}
