//! How well a labelled history is templated and classified, line by line in its order, as it would be live.

use serde::Serialize;
use serin_analysis::Arm;
use serin_evidence::mask::Masker;

use crate::classify::{Example, features, measured_on};
use crate::history::Labelled;
use crate::metrics::{Scores, grouping_accuracy};
use crate::templates::{TemplateId, Templates};

/// What was measured on one history.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Lines.
    pub lines: u64,
    /// Templates that were found.
    pub templates: u64,
    /// Events that the labels name; 0 where they name none.
    pub events: u64,
    /// Share of lines whose template holds exactly the lines of one event. `None`: no event is named.
    pub grouping_accuracy: Option<f64>,
    /// Of the classifier on the second half, trained on the first. `None`: one of the halves has not both labels.
    pub classifier: Option<Scores>,
}

/// Templates a history as it would be live, and returns the template of each line and what the classifier sees of it then.
/// Lines without a label have no example.
#[must_use]
pub fn replay(lines: &[Labelled], masker: Masker) -> (Vec<TemplateId>, Vec<Example>) {
    let mut templates = Templates::new(masker);
    let (mut found, mut examples) = (Vec::with_capacity(lines.len()), Vec::new());
    for labelled in lines {
        // Counts by second are not asked for, so all lines are of one.
        let line = labelled.line();
        let seen = templates.observe(&crate::LogLine { second: 0, ..line }, Arm::Baseline);
        found.push(seen.template);
        let Some(is_anomalous) = labelled.anomalous else { continue };
        let tokens = templates.template(seen.template).map(|template| template.tokens).unwrap_or_default();
        let features = features(tokens.into_iter(), line.severity, line.exception);
        examples.push(Example { features, is_anomalous });
    }
    (found, examples)
}

/// Measures.
#[must_use]
pub fn evaluate(lines: &[Labelled], masker: Masker) -> Evaluation {
    let (found, examples) = replay(lines, masker);
    let truth: Vec<&str> = lines.iter().filter_map(|line| line.event.as_deref()).collect();
    let is_named = !truth.is_empty() && truth.len() == lines.len();
    let (train, test) = examples.split_at(examples.len() / 2);
    Evaluation {
        lines: lines.len() as u64,
        templates: distinct(&found),
        events: distinct(&truth),
        grouping_accuracy: is_named.then(|| grouping_accuracy(&found, &truth)),
        classifier: (has_both(train) && has_both(test)).then(|| measured_on(train, test)),
    }
}

fn has_both(examples: &[Example]) -> bool {
    [true, false].into_iter().all(|label| examples.iter().any(|example| example.is_anomalous == label))
}

fn distinct<T: Ord>(all: &[T]) -> u64 {
    all.iter().collect::<std::collections::BTreeSet<_>>().len() as u64
}
