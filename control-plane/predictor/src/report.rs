//! The report of a model as one HTML page: figures and plots as SVG, without a script and without anything from elsewhere.

mod plot;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::calibration::Calibration;
use crate::document::Document;
use crate::metrics::{
    CALIBRATION_BINS, Confusion, Figures, calibration_curve, precision_recall_curve, roc_curve,
};
use crate::summary::Summary;

/// Importances that are drawn.
const BARS: usize = 15;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1d2733;background:#fff}\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;margin:.5rem 0}\
th,td{padding:.15rem .9rem .15rem 0;text-align:left;font-variant-numeric:tabular-nums;border-bottom:1px solid #e3e8ee}\
figure{display:inline-block;margin:0 1rem 1rem 0}figcaption{font-size:.85rem;color:#52606d}\
svg text{font:11px system-ui,sans-serif;fill:#1d2733}.scroll{overflow-x:auto}\
@media(prefers-color-scheme:dark){body{color:#e4e9ef;background:#12181f}svg text{fill:#e4e9ef}th,td{border-color:#2b3641}figcaption{color:#9aa7b4}}";

/// Predictions that are shown, with what they are.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// Where they come from, in words.
    pub source: &'a str,
    /// Calibrated probabilities, and what became of the deployments.
    pub predictions: &'a [(f64, bool)],
}

/// The page.
#[must_use]
pub fn page(document: &Document, judged: Judged<'_>, summary: Option<&Summary>) -> String {
    let card = document.card();
    let (said, labels): (Vec<f64>, Vec<bool>) = judged.predictions.iter().copied().unzip();
    let threshold = card.costs.threshold();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Rollback predictor " (document.version()) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Rollback predictor " (document.version()) }
                (facts(document))
                h2 { "How right it is" }
                p { (judged.source) }
                @if labels.is_empty() { p { "There is no prediction to judge." } } @else {
                    (figures(&Figures::of(&labels, &said)))
                    (curves(&labels, &said))
                    (outcomes(&labels, &said, threshold))
                }
                (importances(document))
                @if let Some(summary) = summary { (summarised(summary)) }
            }
        }
    };
    page.into_string()
}

fn facts(document: &Document) -> Markup {
    let card = document.card();
    let (a, b) = match document.predictor().calibration() {
        Calibration::Platt { a, b } => (Some(*a), Some(*b)),
        Calibration::Raw | Calibration::Isotonic { .. } => (None, None),
    };
    html! {
        table {
            tr { th { "model" } td { (card.kind.word()) } }
            tr { th { "learned from" } td { (card.data.rows) " deployments, " (card.data.rolled_back) " rolled back" } }
            tr { th { "from, to" } td { (date(card.data.from)) ", " (date(card.data.to)) } }
            tr { th { "calibration" } td { (card.calibration)
                @if let (Some(a), Some(b)) = (a, b) { " (a " (number(a)) ", b " (number(b)) ")" } } }
            tr { th { "features" } td { (card.features.len()) } }
            tr { th { "data SHA-256" } td { code { (card.data.sha256) } } }
        }
    }
}

fn figures(figures: &Figures) -> Markup {
    let known = |value: Option<f64>| value.map_or("-".to_owned(), number);
    html! {
        table {
            tr { th { "deployments" } td { (figures.rows) ", " (figures.rolled_back) " rolled back" } }
            tr { th { "ROC-AUC" } td { (known(figures.roc_auc)) } }
            tr { th { "PR-AUC (average precision)" } td { (known(figures.average_precision)) } }
            tr { th { "Brier score" } td { (number(figures.brier)) } }
            tr { th { "calibration error" } td { (number(figures.calibration_error)) } }
        }
    }
}

fn curves(labels: &[bool], said: &[f64]) -> Markup {
    let share = labels.iter().filter(|label| **label).count() as f64 / labels.len().max(1) as f64;
    let roc: Vec<(f64, f64)> = roc_curve(labels, said).iter().map(|point| (point.x, point.y)).collect();
    let precision: Vec<(f64, f64)> =
        precision_recall_curve(labels, said).iter().map(|point| (point.x, point.y)).collect();
    let bins: Vec<(f64, f64)> = calibration_curve(labels, said, CALIBRATION_BINS)
        .iter()
        .map(|bin| (bin.predicted, bin.observed))
        .collect();
    let figure = |name: &str, drawn: String| {
        html! { figure { (PreEscaped(drawn)) figcaption { (name) } } }
    };
    html! {
        (figure("ROC: found over false alarms", plot::curve("ROC curve", &roc, plot::Beside::Diagonal, false)))
        (figure("Precision over recall", plot::curve("Precision and recall", &precision, plot::Beside::Level(share), false)))
        (figure("Calibration: what happened over what was predicted", plot::curve("Calibration curve", &bins, plot::Beside::Diagonal, true)))
    }
}

fn outcomes(labels: &[bool], said: &[f64], threshold: f64) -> Markup {
    let counts = Confusion::at(threshold, labels, said);
    let report = counts.report();
    html! {
        h2 { "Right and wrong predictions" }
        p { "A rollback is predicted from " (number(threshold)) " on." }
        figure {
            (PreEscaped(plot::outcomes(labels, said, threshold)))
            figcaption { "Deployments by their predicted probability: rolled back above the line, went well below it" }
        }
        table {
            tr { th {} th { "predicted rollback" } th { "predicted well" } }
            tr { th { "rolled back" } td { (counts.true_positive) } td { (counts.false_negative) } }
            tr { th { "went well" } td { (counts.false_positive) } td { (counts.true_negative) } }
        }
        table {
            tr { th {} th { "precision" } th { "recall" } th { "F1" } th { "deployments" } }
            @for (name, class) in [("rolled back", report.rolled_back), ("went well", report.well)] {
                tr { th { (name) } td { (number(class.precision)) } td { (number(class.recall)) } td { (number(class.f1)) } td { (class.support) } }
            }
        }
    }
}

fn importances(document: &Document) -> Markup {
    let bars: Vec<(&str, f64)> =
        document.card().importances.iter().take(BARS).map(|one| (one.feature.as_str(), one.loss)).collect();
    html! {
        h2 { "What it needs" }
        @if bars.is_empty() { p { "The deployments kept for calibration have one outcome alone." } } @else {
            figure {
                (PreEscaped(plot::bars("Importance of features", &bars)))
                figcaption { "Loss of ROC-AUC when a feature is shuffled, on deployments that the model did not learn from" }
            }
        }
    }
}

fn summarised(summary: &Summary) -> Markup {
    let known = |value: Option<f64>| value.map_or("-".to_owned(), number);
    html! {
        h2 { "The history" }
        p { (summary.rows) " deployments, " (summary.rolled_back) " rolled back, " (summary.left_out) " rows left out" }
        div class="scroll" {
            table {
                tr { th { "measure" } th { "missing" } th { "least" } th { "quarter" } th { "median" } th { "three quarters" } th { "most" }
                    th { "mean, well" } th { "mean, rolled back" } th { "AUC alone" } }
                @for one in &summary.measures {
                    tr {
                        th { (one.name) } td { (one.missing) }
                        @for at in 0..5 { td { (known(one.quartiles.get(at).copied())) } }
                        td { (known(one.mean_well)) } td { (known(one.mean_rolled_back)) } td { (known(one.roc_auc)) }
                    }
                }
            }
            @for category in &summary.categories {
                table {
                    tr { th { (category.name) } th { "deployments" } th { "rolled back" } }
                    @for word in &category.words {
                        tr { th { (word.word) } td { (word.rows) } td { (word.rolled_back) } }
                    }
                }
            }
        }
    }
}

/// Four significant digits, as people read them.
#[must_use]
pub fn number(value: f64) -> String {
    let size = value.abs();
    let text = match size {
        _ if size >= 1_000.0 => return format!("{value:.0}"),
        _ if size >= 100.0 => format!("{value:.1}"),
        _ if size >= 10.0 => format!("{value:.2}"),
        _ if size >= 0.01 || size == 0.0 => format!("{value:.3}"),
        _ => return format!("{value:.2e}"),
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A Unix second as a date in UTC.
#[must_use]
pub fn date(second: f64) -> String {
    jiff::Timestamp::from_second(second as i64)
        .map_or_else(|_| "-".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
}

#[cfg(test)]
mod tests;
