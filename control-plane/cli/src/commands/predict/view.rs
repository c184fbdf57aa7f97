//! What the predictor says, as JSON and as tables.

mod explained;

use serde::Serialize;
use serin_predictor::document::{Card, Document};
use serin_predictor::drift::Drift;
use serin_predictor::metrics::{
    Bin, CALIBRATION_BINS, Class, Confusion, Figures, Point, Report, calibration_curve,
    precision_recall_curve, roc_curve,
};
use serin_predictor::predictor::Prediction;
use serin_predictor::report::{date, number};
use serin_predictor::summary::{Mixed, Summary};
use serin_predictor::training::Evaluation;

use crate::output::Sheet;

pub(super) use explained::{Explained, explained};

/// Rows of a list that people are shown; JSON has all.
const SHOWN: usize = 15;

/// A model that was written.
#[derive(Serialize)]
pub(super) struct Trained<'a> {
    pub(super) file: String,
    pub(super) version: &'a str,
    pub(super) card: &'a Card,
    pub(super) summary: &'a Summary,
}

pub(super) fn trained(trained: &Trained<'_>, evaluation: &Evaluation) -> Sheet {
    let mut sheet = summarised(trained.summary);
    sheet.blank();
    let card = trained.card;
    sheet.field("model", &format!("{} {}, in {}", card.kind.word(), trained.version, trained.file));
    sheet.field("calibrated", &card.calibration);
    outside(&mut sheet, card);
    folds(&mut sheet, evaluation);
    if let Some(figures) = evaluation.figures {
        figured(&mut sheet, &figures);
    }
    sheet.blank();
    needed(&mut sheet, card);
    sheet
}

pub(super) fn summarised(summary: &Summary) -> Sheet {
    let mut sheet = Sheet::default();
    let share = 100.0 * summary.rolled_back as f64 / summary.rows.max(1) as f64;
    sheet.line(&format!(
        "{} deployments from {} to {}, {} rolled back ({}%); {} rows left out",
        summary.rows,
        date(summary.from),
        date(summary.to),
        summary.rolled_back,
        number(share),
        summary.left_out
    ));
    if !summary.unused.is_empty() {
        sheet.line(&format!("not used, as they hold words: {}", summary.unused.join(", ")));
    }
    for Mixed { name, line } in &summary.mixed {
        sheet.line(&format!("{name} holds numbers, too: the first word is in line {line}"));
    }
    sheet.blank();
    let known = |value: Option<f64>| value.map(number).unwrap_or_default();
    let rows = summary.measures.iter().map(|one| {
        let quartile = |at: usize| known(one.quartiles.get(at).copied());
        [
            one.name.clone(),
            one.missing.to_string(),
            quartile(0),
            quartile(2),
            quartile(4),
            known(one.mean_well),
            known(one.mean_rolled_back),
            known(one.roc_auc),
        ]
    });
    sheet.table(["MEASURE", "MISSING", "LEAST", "MEDIAN", "MOST", "WELL", "ROLLED BACK", "AUC ALONE"], rows);
    for category in &summary.categories {
        sheet.blank();
        let words = category.words.iter();
        let rows = words.map(|one| [one.word.clone(), one.rows.to_string(), one.rolled_back.to_string()]);
        sheet.table([&category.name.to_uppercase(), "DEPLOYMENTS", "ROLLED BACK"], rows);
        if category.words.len() < category.different {
            sheet.line(&format!("{} of {} shown", category.words.len(), category.different));
        }
    }
    sheet
}

/// What trees say of deployments that they did not see.
fn outside(sheet: &mut Sheet, card: &Card) {
    if let Some(area) = card.out_of_bag_roc_auc {
        sheet.field("out of bag", &format!("ROC-AUC {}", number(area)));
    }
}

fn folds(sheet: &mut Sheet, evaluation: &Evaluation) {
    for contender in &evaluation.contenders {
        let said = format!("{} {}", contender.kind.word(), number(contender.average_precision));
        sheet.field("contender", &format!("{said} average precision in folds"));
    }
    if evaluation.folds.is_empty() {
        return;
    }
    sheet.blank();
    let rows = evaluation.folds.iter().map(|fold| {
        let known = |value: Option<f64>| value.map(number).unwrap_or_default();
        [
            fold.learned.to_string(),
            fold.figures.rows.to_string(),
            fold.chosen.word().to_owned(),
            known(fold.figures.roc_auc),
            known(fold.figures.average_precision),
            number(fold.figures.brier),
        ]
    });
    sheet.table(["LEARNED FROM", "PREDICTED", "MODEL", "ROC-AUC", "PR-AUC", "BRIER"], rows);
}

fn figured(sheet: &mut Sheet, figures: &Figures) {
    let known = |value: Option<f64>| value.map_or("needs both outcomes".to_owned(), number);
    sheet.blank();
    sheet.field("judged on", &format!("{} deployments, {} rolled back", figures.rows, figures.rolled_back));
    sheet.field("ROC-AUC", &known(figures.roc_auc));
    sheet.field("PR-AUC", &known(figures.average_precision));
    sheet.field("Brier", &number(figures.brier));
    sheet.field("ECE", &number(figures.calibration_error));
}

fn needed(sheet: &mut Sheet, card: &Card) {
    let rows = card.importances.iter().take(SHOWN).map(|one| {
        [
            one.feature.clone(),
            format!("{:.4}", one.loss),
            format!("{:.4}", one.deviation),
            format!("{:.3}", one.usage),
            one.with.join(", "),
        ]
    });
    sheet.table(["FEATURE", "AUC LOST WITHOUT IT", "DEVIATION", "USED", "SHUFFLED WITH"], rows);
}

/// How right predictions were.
#[derive(Serialize)]
pub(super) struct Evaluated {
    model: String,
    figures: Option<Figures>,
    threshold: f64,
    confusion: Confusion,
    report: Report,
    calibration: Vec<Bin>,
    roc: Vec<Point>,
    precision_recall: Vec<Point>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drift: Option<Drift>,
    /// What is to be known about it.
    pub(super) notes: Vec<String>,
}

impl Evaluated {
    pub(super) fn new(
        document: &Document,
        figures: Option<Figures>,
        predictions: &[(f64, bool)],
        drift: Option<Drift>,
    ) -> Self {
        let (said, labels): (Vec<f64>, Vec<bool>) = predictions.iter().copied().unzip();
        let threshold = document.card().costs.threshold();
        let confusion = Confusion::at(threshold, &labels, &said);
        Self {
            model: document.version().to_owned(),
            figures,
            threshold,
            confusion,
            report: confusion.report(),
            calibration: calibration_curve(&labels, &said, CALIBRATION_BINS),
            roc: roc_curve(&labels, &said),
            precision_recall: precision_recall_curve(&labels, &said),
            drift,
            notes: Vec::new(),
        }
    }
}

pub(super) fn evaluated(sheet: &mut Sheet, evaluated: &Evaluated, evaluation: Option<&Evaluation>) {
    sheet.field("model", &evaluated.model);
    if let Some(evaluation) = evaluation {
        sheet.field("chosen", evaluation.chosen.word());
        folds(sheet, evaluation);
    }
    if let Some(figures) = evaluated.figures {
        figured(sheet, &figures);
    }
    let Confusion { true_positive, false_positive, false_negative, true_negative } = evaluated.confusion;
    sheet.blank();
    sheet.line(&format!("a rollback is predicted from {} on", number(evaluated.threshold)));
    let row =
        |name: &str, rollback: u32, well: u32| [name.to_owned(), rollback.to_string(), well.to_string()];
    let rows = [
        row("was rolled back", true_positive, false_negative),
        row("went well", false_positive, true_negative),
    ];
    sheet.table(["", "PREDICTED ROLLBACK", "PREDICTED WELL"], rows);
    sheet.blank();
    let row = |name: &str, class: Class| {
        [
            name.to_owned(),
            number(class.precision),
            number(class.recall),
            number(class.f1),
            class.support.to_string(),
        ]
    };
    let rows = [row("rolled back", evaluated.report.rolled_back), row("went well", evaluated.report.well)];
    sheet.table(["OUTCOME", "PRECISION", "RECALL", "F1", "DEPLOYMENTS"], rows);
    sheet.blank();
    let rows = evaluated
        .calibration
        .iter()
        .map(|bin| [number(bin.predicted), number(bin.observed), bin.count.to_string()]);
    sheet.table(["PREDICTED", "HAPPENED", "DEPLOYMENTS"], rows);
    if let Some(drift) = &evaluated.drift {
        drifted(sheet, drift);
    }
    noted(sheet, &evaluated.notes);
}

fn noted(sheet: &mut Sheet, notes: &[String]) {
    if !notes.is_empty() {
        sheet.blank();
    }
    notes.iter().for_each(|note| sheet.field("note", note));
}

fn drifted(sheet: &mut Sheet, drift: &Drift) {
    sheet.blank();
    let rows = drift.features.iter().take(5).map(|one| {
        let says = if one.shifted { "shifted" } else { "as before" };
        [one.feature.clone(), number(one.index), number(one.by_chance), says.to_owned()]
    });
    sheet.table(["FEATURE", "STABILITY INDEX", "BY CHANCE UP TO", "IS"], rows);
    sheet.line(&drift.statement);
}

pub(super) fn card(document: &Document) -> Sheet {
    let card = document.card();
    let mut sheet = Sheet::default();
    sheet.field("model", &format!("{} {}", card.kind.word(), document.version()));
    sheet.field("learned", &format!("{} deployments, {} rolled back", card.data.rows, card.data.rolled_back));
    sheet.field("from", &format!("{} to {}", date(card.data.from), date(card.data.to)));
    sheet.field("data", &card.data.sha256);
    sheet.field("calibrated", &card.calibration);
    outside(&mut sheet, card);
    if let Some(figures) = &card.evaluation.figures {
        figured(&mut sheet, figures);
    }
    sheet.blank();
    needed(&mut sheet, card);
    sheet
}

/// Predictions for a table.
#[derive(Serialize)]
pub(super) struct Scored<'a> {
    pub(super) model: &'a str,
    pub(super) threshold: f64,
    pub(super) predictions: Vec<Prediction>,
    pub(super) drift: Drift,
    /// What the model and the table do not know of each other.
    pub(super) notes: Vec<String>,
}

pub(super) fn scored(scored: &Scored<'_>) -> Sheet {
    let mut sheet = Sheet::default();
    let rows = scored.predictions.iter().enumerate().map(|(position, one)| {
        let says = if one.probability >= scored.threshold { "rollback" } else { "well" };
        [(position + 1).to_string(), number(one.probability), number(one.lower_bound), says.to_owned()]
    });
    sheet.table(["ROW", "PROBABILITY", "AT LEAST", "PREDICTED"], rows);
    drifted(&mut sheet, &scored.drift);
    noted(&mut sheet, &scored.notes);
    sheet
}
