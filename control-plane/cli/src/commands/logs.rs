//! `serin logs`: how well lines are grouped and classified, and how they are sent.

mod evaluate;
mod ship;
mod train;

use std::path::Path;

use serin_evidence::mask::Masker;
use serin_logs::history::{self, HistoryError, Labelled};

use crate::arguments::{Connection, Logs};
use crate::failure::{Failure, Kind};
use crate::input;
use crate::output::Output;

/// Bytes of a labelled history.
const HISTORY_BYTES: usize = 512 * 1024 * 1024;

pub(super) async fn run(connection: &Connection, command: Logs, output: Output) -> Result<(), Failure> {
    match command {
        Logs::Evaluate { folder } => evaluate::run(&folder, output),
        Logs::Train { labelled, output: file } => train::run(&labelled, &file, output),
        Logs::Ship(request) => ship::run(connection, request, output).await,
    }
}

/// Secrets are masked, e-mail addresses, too.
pub(super) fn masker() -> Result<Masker, Failure> {
    Masker::new(true)
        .map_err(|error| Failure::new(Kind::Output, format!("secrets cannot be masked: {error}")))
}

/// A labelled history, with its bytes as they were read.
pub(super) fn read(path: &Path) -> Result<(String, Vec<Labelled>), Failure> {
    let text = input::text(path, HISTORY_BYTES)?;
    // A table begins with the names of its columns, JSON with an object.
    let is_json = text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[']);
    let lines = if is_json { history::json_lines(text.as_bytes()) } else { history::loghub(text.as_bytes()) };
    let lines = lines.map_err(|error| unreadable(path, &error))?;
    Ok((text, lines))
}

fn unreadable(path: &Path, error: &HistoryError) -> Failure {
    Failure::usage(format!("{}: {error}", input::name(path))).advise("docs/logs.md describes both forms")
}
