//! Prints the figures of our models beside those of scikit-learn, on the same folds of the same table:
//! `cargo run --release -p serin-predictor --example beside_scikit_learn`
#![expect(clippy::print_stdout, reason = "it prints what it compares")]

use serin_predictor::comparison::{Means, Reference, beside};
use serin_predictor::model::Settings;
use serin_predictor::table::{Format, History, Layout, Table};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = include_str!("../tests/fixtures/deployments.csv");
    let table = Table::read(text, Format::Csv, &Layout::default())?;
    let reference: Reference = serde_json::from_str(include_str!("../tests/fixtures/contenders.json"))?;
    let history = History::try_from(&table)?;
    let line = |name: &str, means: Means| {
        let Means { roc_auc, average_precision, brier, calibration_error } = means;
        println!("{name:<32} {roc_auc:.4}  {average_precision:.4}  {brier:.4}  {calibration_error:.4}");
    };
    let Reference { library, .. } = &reference;
    println!("{:<32} AUC     AP      Brier   ECE", "");
    for compared in beside(&history, &reference, &Settings::default()) {
        line(compared.kind.word(), compared.ours);
        line(&format!("  {library} {}", compared.theirs_name), compared.theirs);
    }
    Ok(())
}
