//! `serin learn plan`: a plan with what was learned, as text.
//!
//! What a rollout begins with stands in its plan, where people read and review it, and where the journal and replays find it. The
//! rest of the text stays as it is.

use std::path::Path;

use serin_analysis::streams::Kind as StreamKind;
use serin_learning::shelf::Model;
use serin_learning::tuning::Tuning;

use super::folder::Folder;
use crate::commands::plan;
use crate::failure::Failure;
use crate::output::Output;

/// Prints the plan in `file` with what the version in force holds.
pub(super) fn run(file: &Path, folder: &Path, output: Output) -> Result<(), Failure> {
    let text = plan::read(file)?;
    if plan::parse(file, &text)?.learned().is_some() {
        let failure = Failure::usage("the plan has `learned` already".to_owned());
        return Err(failure.advise("take it out: the version in force writes it anew"));
    }
    let folder = Folder::open(folder)?;
    let (tuning, version) = super::current(&folder, &folder.shelf(Model::Tuning)?)?;
    let Some(version) = version else {
        output.note("nothing learned is in force: the plan is as it was");
        return output.verbatim(&text);
    };
    output.verbatim(&plan::with_section(&text, "learned", &section(&tuning, &version))?)
}

/// What the version holds, as the value of `learned`.
fn section(tuning: &Tuning, version: &str) -> serde_json::Value {
    let percent = |share: f64| format!("{}%", (share * 1e6).round() / 1e4);
    let weights = tuning.weights();
    let rooms = StreamKind::ALL.into_iter().map(|kind| {
        let room = (tuning.margins().room(kind) * 1e3).round() / 1e3;
        (kind.name().to_owned(), serde_json::Value::from(room))
    });
    let rounded = |value: f64| (value * 1e4).round() / 1e4;
    let confidences = tuning.confidences().of_streams().map(|(kind, beliefs)| {
        let points: Vec<_> = beliefs.iter().map(|one| (one.from, rounded(one.probability))).collect();
        (kind.name().to_owned(), serde_json::json!(points))
    });
    serde_json::json!({
        "version": version,
        "weights": {
            "metrics": percent(weights.metrics),
            "behaviour": percent(weights.behaviour),
            "logs": percent(weights.logs),
        },
        "rooms": rooms.collect::<serde_json::Map<_, _>>(),
        "confidences": confidences.collect::<serde_json::Map<_, _>>(),
    })
}
