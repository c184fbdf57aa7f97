//! `serin logs train`: a model of anomalous lines from labelled history.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serin_evidence::Hash;
use serin_logs::classify::{Card, Model};
use serin_logs::evaluate::replay;

use super::{masker, read};
use crate::failure::{Failure, Kind};
use crate::file;
use crate::input;
use crate::output::{Output, Sheet, count, utc};

/// The answer.
#[derive(Serialize)]
struct Answer<'a> {
    model: String,
    card: &'a Card,
}

pub(super) fn run(labelled: &Path, out: &Path, output: Output) -> Result<(), Failure> {
    file::apart(&[labelled], &[out])?;
    let (text, lines) = read(labelled)?;
    let (_, examples) = replay(&lines, masker()?);
    let second = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let model = Model::train(&examples, Hash::of(text.as_bytes()), &utc(second)).map_err(|error| {
        Failure::usage(format!("{}: {error}", input::name(labelled)))
            .advise("add labelled lines of both kinds, in the order of their time")
    })?;
    let document = model.to_json().map_err(|error| {
        Failure::new(Kind::Output, format!("{}: cannot be written: {error}", out.display()))
    })?;
    file::write(out, (document + "\n").as_bytes())?;
    let answer = Answer { model: out.display().to_string(), card: model.card() };
    output.show(&answer, || sheet(&answer))
}

fn sheet(answer: &Answer<'_>) -> Sheet {
    let Card { version, data, date, lines, anomalous, scores } = answer.card;
    let mut sheet = Sheet::default();
    for (name, value) in [
        ("model", answer.model.clone()),
        ("version", version.clone()),
        ("data", data.to_string()),
        ("date", date.clone()),
        ("lines", format!("{}, {} of them anomalous", count(*lines), count(*anomalous))),
        ("measured", format!("on the last {} lines", count(scores.anomalous + scores.normal))),
        ("precision", format!("{:.3}", scores.precision)),
        ("recall", format!("{:.3}", scores.recall)),
        ("F1", format!("{:.3}, {:.3} at its best threshold", scores.f1, scores.best_f1)),
        ("AP", format!("{:.3}", scores.average_precision)),
        ("ECE", format!("{:.3}", scores.calibration_error)),
    ] {
        sheet.field(name, &value);
    }
    sheet
}
