use proptest::prelude::*;

use super::*;
use crate::calibrated::Calibrated;
use crate::generated::{PERIOD, Shape};
use crate::seasonal::SeasonalSettings;

#[derive(serde::Deserialize)]
struct Oracle {
    series: Vec<f64>,
    holt: HoltOracle,
    seasonal: SeasonalOracle,
    autoregressive: Vec<f64>,
}

#[derive(serde::Deserialize)]
struct HoltOracle {
    level: f64,
    trend: f64,
    damping: f64,
    mean: Vec<f64>,
    sse: f64,
    best_sse: f64,
}

#[derive(serde::Deserialize)]
struct SeasonalOracle {
    level: f64,
    trend: f64,
    damping: f64,
    season: f64,
    start_level: f64,
    start_trend: f64,
    start_season: Vec<f64>,
    mean: Vec<f64>,
    variance_factors: Vec<f64>,
}

fn oracle() -> Oracle {
    serde_json::from_str(include_str!("../../tests/fixtures/models.json")).unwrap()
}

fn near(found: f64, expected: f64, relative: f64) {
    assert!((found - expected).abs() <= relative * expected.abs(), "{found} instead of {expected}");
}

fn means(model: &dyn Model, expected: &[f64], relative: f64) {
    let found = model.forecast(expected.len() as u32);
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).for_each(|(found, expected)| near(found.mean, *expected, relative));
}

#[test]
fn damped_smoothing_with_given_weights_agrees_with_statsmodels() {
    let oracle = oracle();
    let HoltOracle { level, trend, damping, mean, .. } = oracle.holt;
    let settings = serin_analysis::forecast::HoltSettings { level, trend, damping };
    let mut model = DampedHolt::with(settings);
    oracle.series.iter().for_each(|value| model.update(*value));
    means(&model, &mean, 1e-9);
}

#[test]
fn fitted_weights_are_nearly_as_good_as_those_that_statsmodels_finds() {
    let oracle = oracle();
    let mut model = DampedHolt::default();
    model.fit(&oracle.series);
    let mut errors = 0.0;
    let mut again = DampedHolt::with(model.settings());
    for value in &oracle.series {
        if let Some(expected) = again.forecast(1).first() {
            errors += (value - expected.mean).powi(2);
        }
        again.update(*value);
    }
    assert!(oracle.holt.best_sse < oracle.holt.sse);
    assert!(errors < 1.03 * oracle.holt.best_sse, "{errors} beside {}", oracle.holt.best_sse);
}

#[test]
fn seasonal_smoothing_agrees_with_statsmodels() {
    let Oracle { series, seasonal: oracle, .. } = oracle();
    let settings = SeasonalSettings {
        level: oracle.level,
        trend: oracle.trend,
        damping: oracle.damping,
        season: oracle.season,
    };
    let (level, trend) = (oracle.start_level, oracle.start_trend);
    let mut model = SeasonalSmoothing::starting(settings, level, trend, &oracle.start_season);
    series.iter().for_each(|value| model.update(*value));
    means(&model, &oracle.mean, 1e-9);
    let forecasts = model.forecast(oracle.variance_factors.len() as u32);
    for (forecast, factor) in forecasts.iter().zip(&oracle.variance_factors) {
        near((forecast.sd / forecasts[0].sd).powi(2), *factor, 1e-6);
    }
}

#[test]
fn the_autoregression_agrees_with_least_squares_of_statsmodels() {
    let oracle = oracle();
    let mut model = Kind::Autoregressive.model(0, 0);
    model.fit(&oracle.series);
    means(model.as_ref(), &oracle.autoregressive, 1e-7);
}

#[test]
fn a_season_is_repeated_and_a_line_continued() {
    let wave: Vec<f64> = (0..96).map(|step| f64::from(step % 12)).collect();
    for kind in [Kind::SeasonalNaive, Kind::Seasonal] {
        let mut model = kind.model(12, 1);
        model.fit(&wave);
        for (step, forecast) in (0..).zip(model.forecast(30)) {
            assert!((forecast.mean - f64::from(step % 12)).abs() < 1e-6, "{kind:?} {step}: {forecast:?}");
        }
    }
    let line: Vec<f64> = (0..200).map(|step| 1e6 + 250.0 * f64::from(step)).collect();
    let mut model = Kind::Trend.model(0, 1);
    model.fit(&line);
    let last = *model.forecast(20).last().unwrap();
    near(last.mean, 1e6 + 250.0 * 219.0, 1e-4);
}

#[test]
fn names_are_those_of_json() {
    for kind in Kind::ALL {
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.name()));
        assert_eq!(kind.model(PERIOD, 1).kind(), kind);
    }
}

#[test]
fn each_model_fits_the_shape_that_it_is_made_for() {
    let error = |kind: Kind, shape: Shape| {
        let settings = crate::BacktestSettings { period: PERIOD, ..Default::default() };
        crate::backtest::backtest(kind, &shape.series(3, 480), &settings).unwrap().mae_to_naive.unwrap()
    };
    assert!(error(Kind::Mean, Shape::Stationary) < 0.9);
    assert!(error(Kind::Trend, Shape::Trending) < 0.8);
    assert!(error(Kind::Seasonal, Shape::Seasonal) < 0.5);
    assert!(error(Kind::SeasonalNaive, Shape::Seasonal) < 0.6);
    assert!(error(Kind::Autoregressive, Shape::Stationary) < 0.95);
}

fn any_series(length: usize) -> impl Strategy<Value = Vec<f64>> {
    let number = prop_oneof![
        4 => -1e3..1e3_f64,
        1 => prop::num::f64::ANY,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(7.0),
    ];
    prop_oneof![
        prop::collection::vec(number, 0..length),
        (prop::num::f64::ANY, 0..length).prop_map(|(value, count)| vec![value; count]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_numbers_make_a_model_panic_and_the_same_give_the_same(
        series in any_series(160),
        coming in any_series(20),
        period in prop_oneof![0..20_usize, Just(usize::MAX)],
        horizon in 0..40_u32,
    ) {
        for kind in Kind::ALL {
            let run = || {
                let mut model = Calibrated::new(kind.model(period, 7), horizon);
                model.fit(&series);
                coming.iter().for_each(|value| model.update(*value));
                model.forecast(horizon)
            };
            let forecasts = run();
            prop_assert!(forecasts.len() <= horizon as usize);
            for forecast in &forecasts {
                prop_assert!(forecast.mean.is_finite() && forecast.sd >= 0.0, "{:?} {:?}", kind, forecast);
                prop_assert!(forecast.half_80 >= 0.0 && forecast.half_95 >= forecast.half_80);
            }
            prop_assert_eq!(forecasts, run());
        }
    }
}
