//! Deployments whose outcome is known, in the order of time: what a model learns from.

use thiserror::Error;

use super::Table;

/// Why a table is no history.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum HistoryError {
    /// Nothing to learn from.
    #[error("no row has both a time and a label")]
    Empty,
    /// One outcome alone.
    #[error("all {rows} deployments {outcome}: nothing can be learned from one outcome alone")]
    OneOutcome {
        /// Deployments.
        rows: usize,
        /// What became of them.
        outcome: &'static str,
    },
    /// No column to learn from.
    #[error("no column holds numbers or a category")]
    NoColumn,
}

/// Deployments in the order of time, each with its outcome.
#[derive(Clone, Debug)]
pub struct History {
    table: Table,
    labels: Vec<bool>,
    times: Vec<f64>,
    left_out: usize,
}

impl TryFrom<&Table> for History {
    type Error = HistoryError;

    /// Rows without a time or label are left out. Rows of one time keep the order of the file.
    fn try_from(table: &Table) -> Result<Self, HistoryError> {
        let known = table.times.iter().zip(&table.labels).enumerate();
        let mut rows: Vec<(usize, f64, bool)> =
            known.filter_map(|(row, (time, label))| Some((row, (*time)?, (*label)?))).collect();
        rows.sort_by(|one, other| one.1.total_cmp(&other.1));
        let labels: Vec<bool> = rows.iter().map(|row| row.2).collect();
        if labels.is_empty() {
            return Err(HistoryError::Empty);
        }
        if table.columns.is_empty() {
            return Err(HistoryError::NoColumn);
        }
        let bad = labels.iter().filter(|label| **label).count();
        if bad == 0 || bad == labels.len() {
            let outcome = if bad == 0 { "went well" } else { "were rolled back" };
            return Err(HistoryError::OneOutcome { rows: labels.len(), outcome });
        }
        let positions: Vec<usize> = rows.iter().map(|row| row.0).collect();
        Ok(Self {
            left_out: table.rows() - rows.len(),
            table: table.picked(&positions),
            times: rows.iter().map(|row| row.1).collect(),
            labels,
        })
    }
}

impl History {
    /// The deployments, in the order of time.
    #[must_use]
    pub const fn table(&self) -> &Table {
        &self.table
    }

    /// Whether each was rolled back.
    #[must_use]
    pub fn labels(&self) -> &[bool] {
        &self.labels
    }

    /// When each began, seconds since the Unix epoch.
    #[must_use]
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// Number of deployments.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// Number of those that were rolled back.
    #[must_use]
    pub fn rolled_back(&self) -> usize {
        self.labels.iter().filter(|label| **label).count()
    }

    /// Rows that had no time or no label.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// The deployments from `from` up to `to`, which is excluded.
    #[must_use]
    pub fn part(&self, from: usize, to: usize) -> Self {
        let to = to.min(self.rows());
        let positions: Vec<usize> = (from.min(to)..to).collect();
        Self {
            table: self.table.picked(&positions),
            labels: self.labels.get(from.min(to)..to).unwrap_or_default().to_vec(),
            times: self.times.get(from.min(to)..to).unwrap_or_default().to_vec(),
            left_out: 0,
        }
    }
}
