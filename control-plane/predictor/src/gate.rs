//! The gate of a pipeline: allow, ask for an approval, or block, with reasons and what would help.

use serde::Serialize;

use crate::document::Document;
use crate::gaps;
use crate::model::Kind;
use crate::predictor::{Prediction, Predictor};
use crate::table::{Column, Table, fact};

/// Deployments below which the gate advises only.
pub const ADVISE_BELOW: usize = 50;
/// Deployments above which the gate may block.
pub const BLOCK_ABOVE: usize = 200;
/// The part of what the model asks for that may be missing: what it says of less is mostly what it says of any release.
const MISSING_MAX: f64 = 0.5;
/// Reasons that are given.
const REASONS: usize = 5;
/// How much the probability must fall for another hour to be advised.
const WORTH: f64 = 0.02;

/// From which probabilities on something is done.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Thresholds {
    /// A probability from here on needs an approval.
    pub approval: f64,
    /// A lower bound of the probability above this blocks.
    pub block: f64,
}

/// What the gate says.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Go on.
    Allow,
    /// A person must agree.
    NeedsApproval,
    /// Do not go on.
    Block,
}

impl Decision {
    /// The exit code for pipelines: 0, 10 or 20.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Allow => 0,
            Self::NeedsApproval => 10,
            Self::Block => 20,
        }
    }
}

/// What raises or lowers the prediction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason {
    /// The feature.
    pub feature: String,
    /// Its value in this release: a number or word; `None`: missing.
    pub value: Option<String>,
    /// What it adds, on the scale of the model.
    pub contribution: f64,
    /// The same in words.
    pub text: String,
}

/// Something that lowers the risk.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Action {
    /// A word for programs: `smaller_first_step`, `longer_bake`, `off_peak_window`, `extra_approval`, `smaller_change`.
    pub action: &'static str,
    /// What to do.
    pub text: String,
}

/// The answer of the gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// What to do.
    pub decision: Decision,
    /// The exit code that says so.
    pub exit_code: u8,
    /// Calibrated probability of a rollback.
    pub probability: f64,
    /// A bound that it is not below, with 95 %.
    pub lower_bound: f64,
    /// How much of what the model asks for the release says nothing of, as a part of 1, by what the model needs.
    pub missing: f64,
    /// Deployments that the model knows.
    pub history: usize,
    /// Version of the model.
    pub model: String,
    /// What was compared with.
    pub thresholds: Thresholds,
    /// Why, the strongest first.
    pub reasons: Vec<Reason>,
    /// What would help.
    pub actions: Vec<Action>,
    /// What is to be known about this answer: little history, facts that lack, words that are new.
    pub notes: Vec<String>,
}

impl Answer {
    /// Whether an approval is needed because the release says too little, whatever the probability is.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.missing > MISSING_MAX && self.probability < self.thresholds.approval
    }
}

/// Asks a model about the first deployment of a table.
#[must_use]
pub fn ask(document: &Document, release: &Table, thresholds: Thresholds) -> Answer {
    let predictor = document.predictor();
    let rows = predictor.rows(release);
    let row = rows.row(0);
    let prediction = predictor.predict_row(row);
    let history = document.card().data.rows;
    let missing = gaps::missing(document, release);
    let (decision, mut notes) = decide(&prediction, history, missing, thresholds);
    notes.extend(gaps::notes(document, release, "release"));
    Answer {
        decision,
        exit_code: decision.exit_code(),
        reasons: reasons(predictor, release, &prediction),
        actions: actions(predictor, row, &prediction, decision, thresholds),
        probability: prediction.probability,
        lower_bound: prediction.lower_bound,
        missing,
        history,
        model: document.version().to_owned(),
        thresholds,
        notes,
    }
}

fn decide(
    prediction: &Prediction,
    history: usize,
    missing: f64,
    thresholds: Thresholds,
) -> (Decision, Vec<String>) {
    let mut notes = Vec::new();
    if history < ADVISE_BELOW {
        notes.push(format!(
            "the model knows {history} deployments; below {ADVISE_BELOW} the gate advises only"
        ));
        return (Decision::Allow, notes);
    }
    if prediction.lower_bound > thresholds.block {
        if history > BLOCK_ABOVE {
            return (Decision::Block, notes);
        }
        notes.push(format!("the model knows {history} deployments; it may block above {BLOCK_ABOVE}"));
    }
    let is_unknown = missing > MISSING_MAX;
    if is_unknown {
        let percent = (100.0 * missing).round();
        notes.push(format!(
            "the release says nothing of most of what the model asks for ({percent} % by what it needs): a person must agree"
        ));
    }
    let needs = is_unknown || prediction.probability >= thresholds.approval;
    (if needs { Decision::NeedsApproval } else { Decision::Allow }, notes)
}

fn value(release: &Table, name: &str) -> Option<String> {
    match release.column(name)? {
        Column::Measure(values) => values.first().filter(|value| !value.is_nan()).map(f64::to_string),
        Column::Category(words) => words.first().cloned().flatten(),
    }
}

fn reasons(predictor: &Predictor, release: &Table, prediction: &Prediction) -> Vec<Reason> {
    let mut parts: Vec<(&str, f64)> =
        predictor.features().zip(prediction.contributions.parts.iter().copied()).collect();
    parts.sort_by(|one, other| other.1.abs().total_cmp(&one.1.abs()).then_with(|| one.0.cmp(other.0)));
    let strongest = parts.into_iter().filter(|(_, part)| part.abs() > 1e-6).take(REASONS);
    strongest
        .map(|(name, contribution)| {
            let value = value(release, name);
            let said = value.as_deref().unwrap_or("missing");
            let meaning = fact(name).map(|fact| format!(" ({})", fact.meaning)).unwrap_or_default();
            let way = if contribution > 0.0 { "raises" } else { "lowers" };
            Reason {
                text: format!("{name} {said} {way} the risk{meaning}"),
                feature: name.to_owned(),
                value,
                contribution,
            }
        })
        .collect()
}

fn actions(
    predictor: &Predictor,
    row: &[f64],
    prediction: &Prediction,
    decision: Decision,
    thresholds: Thresholds,
) -> Vec<Action> {
    let p = prediction.probability;
    let mut found = Vec::new();
    if p < thresholds.approval / 2.0 {
        return found;
    }
    let percent = ((1.0 - p) * 100.0).round().max(5.0);
    found.push(Action {
        action: "smaller_first_step",
        text: format!("begin with {percent}% of the weight of the plan's first step"),
    });
    found.push(Action {
        action: "longer_bake",
        text: format!("bake the first steps {:.1} times as long", 1.0 + 2.0 * p),
    });
    if let Some(text) = off_peak(predictor, row, p, decision) {
        found.push(Action { action: "off_peak_window", text });
    }
    let size = predictor.features().zip(&prediction.contributions.parts);
    let size: f64 = size.filter(|(name, _)| SIZE.contains(name)).map(|(_, part)| part).sum();
    if size > 0.0 && decision != Decision::Allow {
        found.push(Action {
            action: "smaller_change",
            text: "divide the change: its size raises the risk".to_owned(),
        });
    }
    if decision != Decision::Allow {
        found.push(Action {
            action: "extra_approval",
            text: "let a second person who knows the service agree".to_owned(),
        });
    }
    found
}

/// Another hour, if the model knows a better one; else what is true of any release that is at risk.
fn off_peak(predictor: &Predictor, row: &[f64], p: f64, decision: Decision) -> Option<String> {
    match better_hour(predictor, row).filter(|(_, better)| p - better >= WORTH) {
        Some((hour, better)) => Some(format!(
            "deploy at {hour}:00 UTC: the same release would have {:.0}% instead of {:.0}%",
            100.0 * better,
            100.0 * p
        )),
        None if decision != Decision::Allow => {
            Some("deploy while there is little traffic, and somebody is there to look after it".to_owned())
        }
        None => None,
    }
}

/// The facts that say how large a change is.
const SIZE: [&str; 6] = ["lines_added", "lines_deleted", "files", "directories", "entropy", "services"];

/// The hour at which the same release has the least probability. To logistic regression the hour is a straight line, which no day is: it
/// says none.
fn better_hour(predictor: &Predictor, row: &[f64]) -> Option<(u32, f64)> {
    if predictor.model().kind() == Kind::Logistic {
        return None;
    }
    let position = predictor.features().position(|name| name == "hour")?;
    let mut best: Option<(u32, f64)> = None;
    for hour in 0..24 {
        let mut other = row.to_vec();
        *other.get_mut(position)? = f64::from(hour);
        let p = predictor.predict_row(&other).probability;
        if best.is_none_or(|(_, least)| p < least) {
            best = Some((hour, p));
        }
    }
    best
}

#[cfg(test)]
mod tests;
