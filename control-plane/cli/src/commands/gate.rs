//! `serin gate`: whether a release may go out, for pipelines. Needs no server.

use std::path::{Path, PathBuf};

use serin_predictor::document::Document;
use serin_predictor::gate::{Answer, Decision, Thresholds, ask};
use serin_predictor::report::number;
use serin_predictor::table::{Column, Table};

use super::predict;
use crate::arguments::Gate;
use crate::failure::{Failure, Kind};
use crate::file;
use crate::input;
use crate::output::{Output, Sheet};

pub(super) fn run(request: &Gate, output: Output) -> Result<(), Failure> {
    let files = [Some(&request.release), Some(&request.model), request.plan.as_ref()];
    if files.into_iter().flatten().filter(|file| file.as_os_str() == "-").count() > 1 {
        return Err(Failure::usage("of release, model and plan only one can be read from standard input"));
    }
    let inputs: Vec<&Path> = files.into_iter().flatten().map(PathBuf::as_path).collect();
    file::apart(&inputs, request.plan_out.as_deref().as_slice())?;
    let document = predict::model(&request.model)?;
    let release = read(&request.release, &document)?;
    let approval = request.approval.unwrap_or_else(|| document.card().costs.threshold());
    let answer = ask(&document, &release, Thresholds { approval, block: request.block });
    if let (Some(plan), Some(out)) = (&request.plan, &request.plan_out) {
        shape(plan, out, &answer, &release)?;
    }
    output.show(&answer, || table(&answer))?;
    let says = match answer.is_unknown() {
        true => "the release says nothing of most of what the model asks for".to_owned(),
        false => format!("the probability of a rollback is {}", number(answer.probability)),
    };
    match answer.decision {
        Decision::Allow => Ok(()),
        Decision::NeedsApproval => Err(Failure::new(Kind::NeedsApproval, says)),
        Decision::Block => Err(Failure::new(Kind::Blocked, says)),
    }
}

/// Reads one release.
fn read(file: &Path, document: &Document) -> Result<Table, Failure> {
    let name = input::name(file);
    let release = predict::parsed(file, &document.layout(false))?.map_err(|error| {
        Failure::usage(format!("{name} is not a release"))
            .because(vec![predict::problem(file, &error)])
            .advise("docs/predict.md describes what a release holds")
    })?;
    if release.rows() != 1 {
        let said = format!("{name}: must be one release, not {}", release.rows());
        return Err(Failure::usage(said).advise("ask for each release by itself"));
    }
    Ok(release)
}

/// Writes the plan with what is predicted, and the measures of the release, which the journal keeps.
fn shape(plan: &Path, out: &Path, answer: &Answer, release: &Table) -> Result<(), Failure> {
    let text = super::plan::read(plan)?;
    if super::plan::parse(plan, &text)?.prediction().is_some() {
        let failure = Failure::usage("the plan has a `prediction` already");
        return Err(failure.advise("take it out: it was written for another release"));
    }
    let rollback = format!("{}%", (answer.probability * 1e4).round() / 1e2);
    let measures = release.columns().filter_map(|(name, column)| {
        let Column::Measure(values) = column else { return None };
        let value = values.last().and_then(|value| serde_json::Number::from_f64(*value))?;
        Some((name.to_owned(), serde_json::Value::Number(value)))
    });
    let measures: serde_json::Map<_, _> = measures.collect();
    let section = serde_json::json!({"rollback": rollback, "model": answer.model, "measures": measures});
    let text = super::plan::with_section(&text, "prediction", &section)?;
    file::write(out, text.as_bytes())
}

fn table(answer: &Answer) -> Sheet {
    let mut sheet = Sheet::default();
    let word = match answer.decision {
        Decision::Allow => "allow",
        Decision::NeedsApproval => "needs approval",
        Decision::Block => "block",
    };
    sheet.field("decision", word);
    let probability = number(answer.probability);
    sheet.field("rollback", &format!("probability {probability}, at least {}", number(answer.lower_bound)));
    let Thresholds { approval, block } = answer.thresholds;
    sheet.field("thresholds", &format!("approval {}, block {}", number(approval), number(block)));
    sheet.field("model", &format!("{}, {} deployments", answer.model, answer.history));
    for reason in &answer.reasons {
        sheet.field("because", &reason.text);
    }
    for action in &answer.actions {
        sheet.field("do", &action.text);
    }
    for note in &answer.notes {
        sheet.field("note", note);
    }
    sheet
}
