//! What led to one prediction, as JSON and as a table.

use serde::Serialize;
use serin_predictor::document::Document;
use serin_predictor::model::Scale;
use serin_predictor::predictor::Prediction;
use serin_predictor::report::number;
use serin_predictor::table::{Column, Table};

use super::SHOWN;
use crate::output::Sheet;

/// What led to one prediction.
#[derive(Serialize)]
pub(crate) struct Explained {
    model: String,
    row: usize,
    probability: f64,
    lower_bound: f64,
    raw: f64,
    scale: Scale,
    base: f64,
    contributions: Vec<Part>,
}

#[derive(Serialize)]
struct Part {
    feature: String,
    value: Option<String>,
    contribution: f64,
}

impl Explained {
    pub(crate) fn new(document: &Document, table: &Table, position: usize, prediction: &Prediction) -> Self {
        let value = |name: &str| match table.column(name)? {
            Column::Measure(values) => {
                values.get(position).filter(|value| !value.is_nan()).map(f64::to_string)
            }
            Column::Category(words) => words.get(position).cloned().flatten(),
        };
        let said = &prediction.contributions;
        let parts = document.predictor().features().zip(&said.parts);
        let mut contributions: Vec<Part> = parts
            .map(|(name, part)| Part { feature: name.to_owned(), value: value(name), contribution: *part })
            .collect();
        contributions.sort_by(|one, other| other.contribution.abs().total_cmp(&one.contribution.abs()));
        Self {
            model: document.version().to_owned(),
            row: position + 1,
            probability: prediction.probability,
            lower_bound: prediction.lower_bound,
            raw: prediction.raw,
            scale: said.scale,
            base: said.base,
            contributions,
        }
    }
}

pub(crate) fn explained(explained: &Explained) -> Sheet {
    let mut sheet = Sheet::default();
    let scale = match explained.scale {
        Scale::Probability => "probability",
        Scale::LogOdds => "log odds",
    };
    sheet.field("rollback", &format!("probability {}", number(explained.probability)));
    sheet.field("at least", &format!("{} (with 95 %)", number(explained.lower_bound)));
    sheet.field("model says", &format!("{}, before calibration", number(explained.raw)));
    sheet.field("base", &format!("{} {scale}; the lines below add up from it", number(explained.base)));
    sheet.blank();
    let (shown, others) = explained.contributions.split_at(SHOWN.min(explained.contributions.len()));
    let rows = shown.iter().map(|part| {
        let value = part.value.clone().unwrap_or_default();
        [part.feature.clone(), value, format!("{:+.4}", part.contribution)]
    });
    let together: f64 = others.iter().map(|part| part.contribution).sum();
    let rest = [format!("{} others together", others.len()), String::new(), format!("{together:+.4}")];
    sheet.table(["FEATURE", "VALUE", "ADDS"], rows.chain((!others.is_empty()).then_some(rest)));
    sheet
}
