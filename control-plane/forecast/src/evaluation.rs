//! What the models are worth on series of others, as they would be used.
//!
//! As in [`crate::figures`], the first two thirds of a series choose the model, and only the last third is scored: every
//! model there, for comparison, and so the chosen one.

use serde::Serialize;

use crate::backtest::{BacktestSettings, Score, Share, backtest_from};
use crate::calibrated::Calibrated;
use crate::choice::contest;
use crate::figures::Logs;
use crate::model::{Kind, usable};
use crate::nab::{Grid, GridError, ParseError, parse};

/// Fewest points that a series is evaluated with.
pub const POINTS_LEAST: usize = 60;

/// What came out for one series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Length of a step in seconds.
    pub step_s: i64,
    /// Steps, missing ones included.
    pub steps: usize,
    /// Steps without a value.
    pub missing: usize,
    /// Steps of a season, a day; `None` without.
    pub period: Option<usize>,
    /// Model that the first two thirds chose.
    pub chosen: Option<Kind>,
    /// How well it did on the last third, the naive forecast in its place while it was worse than that.
    pub choice: Option<Score>,
    /// How well each model did on the last third, the simplest first.
    pub scores: Vec<Score>,
}

/// Why bytes cannot be evaluated.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EvaluationError {
    /// Not in the form.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// No equal steps.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// Too short.
    #[error("a series must have at least {POINTS_LEAST} values, this one has {0}")]
    TooFew(usize),
}

/// Evaluates `kinds` on a file in the form of [`crate::nab`], `horizon` steps ahead.
pub fn evaluate(
    bytes: &[u8],
    kinds: &[Kind],
    settings: &BacktestSettings,
) -> Result<Evaluation, EvaluationError> {
    let grid = parse(bytes)?.grid()?;
    let known = grid.values.iter().filter_map(|value| usable(*value)).count();
    if known < POINTS_LEAST {
        return Err(EvaluationError::TooFew(known));
    }
    Ok(of_grid(&grid, kinds, settings))
}

fn of_grid(grid: &Grid, kinds: &[Kind], settings: &BacktestSettings) -> Evaluation {
    let (period, series) = (grid.day(), grid.values.as_slice());
    let settings = BacktestSettings { period: period.unwrap_or(0), ..*settings };
    let first = 2 * series.len() / 3;
    let known = series.get(..first).unwrap_or(series);
    let contest = contest(kinds, known, &settings);
    let choice = backtest_from(&mut contest.model(known, &settings), series, first, &settings);
    let mut kinds = kinds.to_vec();
    kinds.sort_unstable();
    kinds.dedup();
    let score = |kind: &Kind| {
        let mut model = Calibrated::new(kind.model(settings.period, settings.seed), settings.horizon);
        model.fit(known);
        backtest_from(&mut model, series, first, &settings)
    };
    Evaluation {
        step_s: grid.step_s,
        steps: series.len(),
        missing: series.iter().filter(|value| usable(**value).is_none()).count(),
        period,
        chosen: contest.chosen,
        choice,
        scores: kinds.iter().filter_map(score).collect(),
    }
}

/// One model over several series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The model; `None`: on each series the chosen one.
    pub model: Option<Kind>,
    /// Series that it was scored on.
    pub series: usize,
    /// Series that it was chosen for.
    pub chosen: usize,
    /// Mean absolute error by that of a naive forecast, geometric mean over the series; `None` of none.
    pub mae_to_naive: Option<f64>,
    /// The same by a seasonal naive forecast, over the series with seasons.
    pub mae_to_seasonal_naive: Option<f64>,
    /// Share of all values within the interval of 80 %.
    pub coverage_80: Option<f64>,
    /// Share of all values within the interval of 95 %.
    pub coverage_95: Option<f64>,
}

/// Sums several series up: a line for each model that was scored, and one for the choice, which comes last.
pub fn summaries(evaluations: &[Evaluation]) -> Vec<Summary> {
    let of_model = |kind: Kind| {
        let scores = evaluations.iter().flat_map(|evaluation| &evaluation.scores);
        let chosen = evaluations.iter().filter(|evaluation| evaluation.chosen == Some(kind)).count();
        summary(Some(kind), chosen, scores.filter(|score| score.model == kind))
    };
    let choice = evaluations.iter().filter_map(|evaluation| evaluation.choice.as_ref());
    let chosen = evaluations.iter().filter(|evaluation| evaluation.chosen.is_some()).count();
    let mut lines: Vec<Summary> = Kind::ALL.into_iter().map(of_model).collect();
    lines.retain(|line| line.series > 0);
    lines.push(summary(None, chosen, choice));
    lines
}

fn summary<'a>(model: Option<Kind>, chosen: usize, scores: impl Iterator<Item = &'a Score>) -> Summary {
    let (mut series, mut naive, mut seasonal) = (0, Logs::default(), Logs::default());
    let (mut eighty, mut ninety_five) = (Share::default(), Share::default());
    for score in scores {
        series += 1;
        naive.add(score.mae_to_naive);
        seasonal.add(score.mae_to_seasonal_naive);
        eighty.add(score.coverage_80);
        ninety_five.add(score.coverage_95);
    }
    let known = |logs: Logs| Some(logs.geometric()).filter(|mean| *mean > 0.0);
    Summary {
        model,
        series,
        chosen,
        mae_to_naive: known(naive),
        mae_to_seasonal_naive: known(seasonal),
        coverage_80: eighty.value(),
        coverage_95: ninety_five.value(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::{PERIOD, Shape};

    /// A file of a value each half hour, so that a day is a season.
    fn file(series: &[f64]) -> Vec<u8> {
        let line = |(at, value): (usize, &f64)| {
            let (day, minute) = (at / PERIOD, at % PERIOD * 30);
            format!(
                "2026-{:02}-{:02} {:02}:{:02}:00,{value}\n",
                day / 28 + 1,
                day % 28 + 1,
                minute / 60,
                minute % 60
            )
        };
        let lines = series.iter().enumerate().map(line);
        std::iter::once("timestamp,value\n".to_owned()).chain(lines).collect::<String>().into_bytes()
    }

    #[test]
    fn a_daily_season_is_found_and_a_model_of_it_is_chosen() {
        let kinds = [Kind::Seasonal, Kind::Naive, Kind::Mean];
        let settings = BacktestSettings::default();
        let evaluation = evaluate(&file(&Shape::Seasonal.series(1, 576)), &kinds, &settings).unwrap();
        assert_eq!((evaluation.step_s, evaluation.period), (1800, Some(PERIOD)));
        assert_eq!(evaluation.chosen, Some(Kind::Seasonal));
        assert_eq!(evaluation.scores.len(), 3);
        let lines = summaries(&[evaluation.clone(), evaluation]);
        let models: Vec<Option<Kind>> = lines.iter().map(|line| line.model).collect();
        assert_eq!(models, [Some(Kind::Naive), Some(Kind::Mean), Some(Kind::Seasonal), None]);
        assert_eq!((lines[3].series, lines[3].chosen, lines[0].chosen), (2, 2, 0));
        assert!(lines[3].mae_to_naive.unwrap() < 0.6, "{lines:?}");
        assert!((lines[0].mae_to_naive.unwrap() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_file_that_cannot_be_evaluated_says_why() {
        let settings = BacktestSettings::default();
        let error = |bytes: &[u8]| evaluate(bytes, &Kind::ALL, &settings).unwrap_err().to_string();
        assert_eq!(error(&file(&[1.0; 5])), "a series must have at least 60 values, this one has 5");
        assert_eq!(error(b"no"), "line 1, column 1: the header must be timestamp,value");
        assert_eq!(error(b"timestamp,value\n"), "timestamp: at least two different times are needed");
    }
}
