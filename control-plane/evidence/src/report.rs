//! The post-mortem of a rollout, written from its evidence alone: the same archive always gives the same report.
//!
//! It states what is known and leaves to people what is not: why the change was wrong, what is done about it, what was learned.
//! Everything that came from outside is masked already, and is escaped here, so that it stays text in a document.

mod chart;
mod facts;
mod impact;
mod markdown;
mod words;

use crate::archive::Archive;

pub use facts::ReportError;

/// A report with its pictures.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// The document. It refers to the pictures by their names.
    pub markdown: String,
    /// Pictures as SVG, by the name of their file.
    pub charts: Vec<(String, String)>,
}

/// Writes the report. `stem` is what the names of the pictures begin with.
///
/// # Errors
/// When the archive holds no decision that undid something, or what it holds cannot be read.
pub fn write(archive: &Archive, stem: &str) -> Result<Report, ReportError> {
    let facts = facts::Facts::read(archive)?;
    let charts = chart::all(&facts, stem);
    let names: Vec<&str> = charts.iter().map(|(name, _)| name.as_str()).collect();
    Ok(Report { markdown: markdown::document(&facts, &names), charts })
}

#[cfg(test)]
mod tests;
