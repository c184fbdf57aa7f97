use super::*;
use crate::generated::{PERIOD, Shape};

#[test]
fn the_naive_model_is_as_good_as_itself() {
    let settings = BacktestSettings { period: PERIOD, ..BacktestSettings::default() };
    let series = Shape::Seasonal.series(1, 400);
    let naive = backtest(Kind::Naive, &series, &settings).unwrap();
    assert!((naive.mae_to_naive.unwrap() - 1.0).abs() < 1e-12);
    let seasonal = backtest(Kind::SeasonalNaive, &series, &settings).unwrap();
    assert!((seasonal.mae_to_seasonal_naive.unwrap() - 1.0).abs() < 1e-12);
    // 200 origins, of which the last 11 see fewer than 12 values.
    assert_eq!(naive.scored, 200 * 12 - 66);
}

#[test]
fn a_forecast_is_scored_by_hand_alike() {
    let prediction = Prediction { mean: 10.0, sd: 1.0, half_80: 1.0, half_95: 2.0 };
    // The value 13 is above all quantiles 8, 9, 10, 11, 12 by 5, 4, 3, 2, 1.
    let expected = (0.025 * 5.0 + 0.1 * 4.0 + 0.5 * 3.0 + 0.9 * 2.0 + 0.975 * 1.0) / 5.0;
    assert!((pinball(&prediction, 3.0) - expected).abs() < 1e-12);
    assert!((pinball(&prediction, -3.0) - expected).abs() < 1e-12);
}

#[test]
fn nothing_that_comes_later_is_known_at_an_origin() {
    let settings = BacktestSettings { origins: 1, period: 12, ..BacktestSettings::default() };
    let mut series: Vec<f64> = (0..101).map(|step| f64::from(step % 7)).collect();
    let mae = |series: &[f64]| backtest(Kind::Seasonal, series, &settings).unwrap().mae;
    let before = mae(&series);
    series[100] += 1000.0;
    assert!((mae(&series) - before).abs() > 990.0);
}

#[test]
fn missing_points_are_neither_scored_nor_known() {
    let mut series = Shape::Stationary.series(2, 200);
    series.iter_mut().skip(1).step_by(2).for_each(|value| *value = f64::NAN);
    let settings = BacktestSettings { horizon: 2, ..BacktestSettings::default() };
    let score = backtest(Kind::Mean, &series, &settings).unwrap();
    assert_eq!(score.scored, 99);
    assert_eq!(backtest(Kind::Mean, &[f64::NAN; 90], &settings), None);
    assert_eq!(backtest(Kind::Mean, &[], &settings), None);
}

#[test]
fn intervals_hold_under_a_model_that_is_far_too_sure() {
    // The trend of log ratios believes in an error of 0.025, where it is 5.
    let series = Shape::Stationary.series(5, 2000);
    let settings = BacktestSettings::default();
    let mut model = Calibrated::new(crate::model::ratio_trend(), 4);
    model.fit(&series[..500]);
    let score =
        backtest_from(&mut model, &series, 500, &BacktestSettings { horizon: 4, ..settings }).unwrap();
    assert!((score.coverage_80.value().unwrap() - 0.8).abs() < 0.03, "{score:?}");
    assert!((score.coverage_95.value().unwrap() - 0.95).abs() < 0.03, "{score:?}");
}

#[test]
fn a_guarded_model_gives_way_to_the_naive_forecast_when_a_series_changes_its_ways() {
    let mut series = Shape::Seasonal.series(4, 900);
    // The season stops, and the level is another.
    series.iter_mut().skip(600).enumerate().for_each(|(at, value)| *value = 300.0 + f64::from(at as u32 % 2));
    let settings = BacktestSettings { period: PERIOD, ..BacktestSettings::default() };
    let ratio = |mut model: Calibrated| {
        model.fit(&series[..600]);
        backtest_from(&mut model, &series, 600, &settings).unwrap().mae_to_naive.unwrap()
    };
    let kind = Kind::Lstm;
    let alone = ratio(Calibrated::new(kind.model(PERIOD, 1), 12));
    let guarded = ratio(Calibrated::guarded(kind.model(PERIOD, 1), 12));
    assert!(guarded < 2.0 && guarded < 0.5 * alone, "{guarded} instead of {alone}");
}
