//! Which model forecasts a series: the simplest one that is not clearly beaten.

use serde::Serialize;

use crate::backtest::{BacktestSettings, Score, backtest};
use crate::calibrated::Calibrated;
use crate::model::Kind;

/// How much smaller a pinball loss has to be for a less simple model to be taken.
pub const CLEARLY: f64 = 0.02;
/// Share of the values that most models forecast, below which a model is not compared with them.
const COMPARABLE: f64 = 0.9;

/// All models on one series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contest {
    /// How well each did that could forecast, the simplest first.
    pub scores: Vec<Score>,
    /// The model that forecasts from here on.
    pub chosen: Option<Kind>,
}

/// Backtests `kinds` on `series` and chooses.
pub fn contest(kinds: &[Kind], series: &[f64], settings: &BacktestSettings) -> Contest {
    let mut kinds = kinds.to_vec();
    kinds.sort_unstable();
    kinds.dedup();
    let scores: Vec<Score> = kinds.into_iter().filter_map(|kind| backtest(kind, series, settings)).collect();
    Contest { chosen: choose(&scores), scores }
}

/// The simplest model whose pinball loss the best one does not undercut by 2 % or more.
pub fn choose(scores: &[Score]) -> Option<Kind> {
    let most = scores.iter().map(|score| score.scored).max()?;
    let comparable = |score: &&Score| score.scored as f64 >= COMPARABLE * most as f64;
    let least = scores.iter().filter(comparable).map(|score| score.pinball).min_by(f64::total_cmp)?;
    scores
        .iter()
        .filter(comparable)
        .filter(|score| least > (1.0 - CLEARLY) * score.pinball || score.pinball <= 0.0)
        .map(|score| score.model)
        .min()
}

impl Contest {
    /// The score of the chosen model.
    pub fn chosen_score(&self) -> Option<&Score> {
        self.scores.iter().find(|score| Some(score.model) == self.chosen)
    }

    /// The chosen model, fitted to `series` and guarded by the naive one, which stands in where none could be compared.
    pub fn model(&self, series: &[f64], settings: &BacktestSettings) -> Calibrated {
        let kind = self.chosen.unwrap_or(Kind::Naive);
        let mut model = Calibrated::guarded(kind.model(settings.period, settings.seed), settings.horizon);
        model.fit(series);
        model
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::Share;

    fn score(model: Kind, pinball: f64, scored: u64) -> Score {
        Score {
            model,
            scored,
            mae: pinball,
            pinball,
            mae_to_naive: None,
            mae_to_seasonal_naive: None,
            coverage_80: Share::default(),
            coverage_95: Share::default(),
        }
    }

    #[test]
    fn a_simple_model_stays_until_another_is_two_percent_better() {
        let chosen = |challenger| choose(&[score(Kind::Mean, 1.0, 100), score(Kind::Lstm, challenger, 100)]);
        assert_eq!(chosen(1.1), Some(Kind::Mean));
        assert_eq!(chosen(0.981), Some(Kind::Mean));
        assert_eq!(chosen(0.979), Some(Kind::Lstm));
    }

    #[test]
    fn a_model_that_forecast_few_values_is_not_compared() {
        assert_eq!(choose(&[score(Kind::Mean, 1.0, 100), score(Kind::Holt, 0.1, 60)]), Some(Kind::Mean));
        assert_eq!(choose(&[]), None);
    }

    #[test]
    fn of_models_without_errors_the_simplest_is_chosen() {
        let scores = [Kind::Naive, Kind::Mean, Kind::Lstm].map(|kind| score(kind, 0.0, 50));
        assert_eq!(choose(&scores), Some(Kind::Naive));
    }
}
