//! Deployments as rows of numbers, all that a model sees. NaN is a missing value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::table::{Column, History, Stage, Table, fact};

/// Deployments that the overall rate counts as, where a word has few of its own.
const STRENGTH: f64 = 10.0;

/// Rows of numbers, all of one width.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    values: Vec<f64>,
    width: usize,
}

impl Matrix {
    /// From columns of one length.
    pub(crate) fn of_columns(columns: &[Vec<f64>]) -> Self {
        let rows = columns.first().map_or(0, Vec::len);
        let mut values = Vec::with_capacity(rows * columns.len());
        for row in 0..rows {
            values.extend(columns.iter().map(|column| column.get(row).copied().unwrap_or(f64::NAN)));
        }
        Self { values, width: columns.len() }
    }

    /// The rows.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks_exact(self.width.max(1))
    }

    /// One row. Empty beyond the end.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        self.values.get(row * self.width..(row + 1) * self.width).unwrap_or_default()
    }

    /// Columns.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// The values of one column.
    pub fn column(&self, column: usize) -> impl Iterator<Item = f64> {
        self.rows().map(move |row| row.get(column).copied().unwrap_or(f64::NAN))
    }

    /// Puts another value into one column of each row.
    pub(crate) fn set_column(&mut self, column: usize, values: impl Iterator<Item = f64>) {
        for (row, value) in self.values.chunks_exact_mut(self.width.max(1)).zip(values) {
            if let Some(own) = row.get_mut(column) {
                *own = value;
            }
        }
    }
}

/// How the columns of a table become numbers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Encoder {
    columns: Vec<Encoded>,
}

/// One column.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Encoded {
    /// The number itself.
    Measure { name: String },
    /// How often deployments with this word were rolled back, drawn towards the rate of all.
    Rate {
        name: String,
        /// The rate of all.
        overall: f64,
        /// Rolled back, and all.
        seen: BTreeMap<String, (u32, u32)>,
    },
}

impl Encoded {
    fn name(&self) -> &str {
        match self {
            Self::Measure { name } | Self::Rate { name, .. } => name,
        }
    }
}

/// `(k + 10 r) / (n + 10)`: the rate of a word of which `n` were seen, where `r` is the rate of all.
fn smoothed(seen: (u32, u32), overall: f64) -> f64 {
    (f64::from(seen.0) + STRENGTH * overall) / (f64::from(seen.1) + STRENGTH)
}

impl Encoder {
    /// Learns from a history, and gives its rows as numbers.
    ///
    /// The rate of a word is, in each row, that of the rows *before* it in time: no row sees its own outcome, nor that of another one of
    /// its instant (ordered target statistics, Prokhorenkova et al., 2018). A word that is new, or missing, has the rate of all. The rate of all before a row is
    /// `(k + 1) / (n + 2)`.
    #[must_use]
    pub fn learn(history: &History, stage: Stage) -> (Self, Matrix) {
        let mut columns = Vec::new();
        let mut numbers = Vec::new();
        for (name, column) in history.table().columns() {
            if stage == Stage::Before && fact(name).is_some_and(|fact| fact.stage == Stage::Canary) {
                continue;
            }
            match column {
                // A column without a single value says nothing.
                Column::Measure(values) if values.iter().all(|value| value.is_nan()) => {}
                Column::Measure(values) => {
                    columns.push(Encoded::Measure { name: name.to_owned() });
                    numbers.push(values.clone());
                }
                Column::Category(words) => {
                    let (encoded, rates) = rates(name, words, history);
                    columns.push(encoded);
                    numbers.push(rates);
                }
            }
        }
        (Self { columns }, Matrix::of_columns(&numbers))
    }

    /// The rows of a table as numbers. A column that the table has not is missing throughout.
    #[must_use]
    pub fn encode(&self, table: &Table) -> Matrix {
        let columns: Vec<Vec<f64>> = self.columns.iter().map(|encoded| values(encoded, table)).collect();
        Matrix::of_columns(&columns)
    }

    /// The names of the columns.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.columns.iter().map(Encoded::name)
    }

    /// The names of the columns of words.
    pub fn categories(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().filter(|column| matches!(column, Encoded::Rate { .. })).map(Encoded::name)
    }

    /// The names of the columns of numbers.
    pub fn measures(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().filter(|column| matches!(column, Encoded::Measure { .. })).map(Encoded::name)
    }

    /// Words of the table's categories that were never seen while learning, each once.
    #[must_use]
    pub fn unknown(&self, table: &Table) -> Vec<(String, String)> {
        let mut found = std::collections::BTreeSet::new();
        for encoded in &self.columns {
            let Encoded::Rate { name, seen, .. } = encoded else { continue };
            let Some(Column::Category(words)) = table.column(name) else { continue };
            let new = words.iter().flatten().filter(|word| !seen.contains_key(*word));
            found.extend(new.map(|word| (name.clone(), word.clone())));
        }
        found.into_iter().collect()
    }
}

fn rates(name: &str, words: &[Option<String>], history: &History) -> (Encoded, Vec<f64>) {
    let mut seen: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let mut all = (0_u32, 0_u32);
    let overall = |all: (u32, u32)| (f64::from(all.0) + 1.0) / (f64::from(all.1) + 2.0);
    let mut numbers = Vec::with_capacity(words.len());
    let mut rows = words.iter().zip(history.labels());
    for instant in history.times().chunk_by(|one, other| one == other) {
        let rows: Vec<_> = rows.by_ref().take(instant.len()).collect();
        for (word, _) in &rows {
            let own = word.as_ref().and_then(|word| seen.get(word)).copied().unwrap_or_default();
            numbers.push(smoothed(own, overall(all)));
        }
        for (word, label) in rows {
            let bad = u32::from(*label);
            all = (all.0 + bad, all.1 + 1);
            if let Some(word) = word {
                let count = seen.entry(word.clone()).or_default();
                *count = (count.0 + bad, count.1 + 1);
            }
        }
    }
    (Encoded::Rate { name: name.to_owned(), overall: overall(all), seen }, numbers)
}

fn values(encoded: &Encoded, table: &Table) -> Vec<f64> {
    let missing = vec![f64::NAN; table.rows()];
    match (encoded, table.column(encoded.name())) {
        (Encoded::Measure { .. }, Some(Column::Measure(values))) => values.clone(),
        (Encoded::Rate { overall, seen, .. }, Some(Column::Category(words))) => {
            let rate = |word: &Option<String>| {
                let own = word.as_ref().and_then(|word| seen.get(word)).copied().unwrap_or_default();
                smoothed(own, *overall)
            };
            words.iter().map(rate).collect()
        }
        (Encoded::Rate { overall, .. }, _) => vec![*overall; table.rows()],
        (Encoded::Measure { .. }, _) => missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Format, Layout};

    #[test]
    fn a_row_sees_the_outcomes_of_earlier_instants_alone() {
        let text = "at,service,rolled_back\n100001,cart,1\n100002,cart,0\n100002,cart,1\n100003,cart,0\n";
        let table = Table::read(text, Format::Csv, &Layout::default()).unwrap();
        let (_, rows) = Encoder::learn(&History::try_from(&table).unwrap(), Stage::Before);
        let rates: Vec<f64> = rows.column(0).collect();
        let first = smoothed((1, 1), 2.0 / 3.0);
        assert_eq!(rates, [0.5, first, first, smoothed((2, 3), 3.0 / 5.0)]);
    }
}
