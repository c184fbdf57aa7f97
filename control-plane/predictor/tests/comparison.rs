//! Our models are as right as those of scikit-learn, on the same folds of the same table.

#[cfg(test)]
mod tests {
    use serin_predictor::comparison::{Reference, beside};
    use serin_predictor::model::Settings;
    use serin_predictor::table::{Format, History, Layout, Table};

    fn history() -> History {
        let text = include_str!("fixtures/deployments.csv");
        History::try_from(&Table::read(text, Format::Csv, &Layout::default()).unwrap()).unwrap()
    }

    fn reference() -> Reference {
        serde_json::from_str(include_str!("fixtures/contenders.json")).unwrap()
    }

    #[test]
    fn no_model_is_worse_than_that_of_scikit_learn_by_more_than_a_hundredth() {
        let (history, reference) = (history(), reference());
        assert_eq!(
            history.table().sha256(),
            reference.table_sha256,
            "the figures are those of another table"
        );
        let lines = beside(&history, &reference, &Settings::default());
        assert_eq!(lines.len(), 4);
        for line in lines {
            assert!(line.worst() <= 0.01, "{line:?}");
        }
    }

    #[test]
    fn logistic_regression_is_that_of_scikit_learn() {
        let mut reference = reference();
        reference.models.retain(|model| model.name == "LogisticRegression");
        let lines = beside(&history(), &reference, &Settings::default());
        let line = &lines[0];
        assert!((line.ours.brier - line.theirs.brier).abs() < 1e-6, "{line:?}");
        assert!((line.ours.roc_auc - line.theirs.roc_auc).abs() < 1e-5, "{line:?}");
        assert!((line.ours.average_precision - line.theirs.average_precision).abs() < 1e-4, "{line:?}");
    }
}
