//! What a history looks like before anything is learned from it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::metrics::roc_auc;
use crate::table::{Column, History};

/// Words of a category that are shown.
const WORDS_SHOWN: usize = 10;

/// A history in figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Deployments with time and outcome.
    pub rows: usize,
    /// Rows without a time or an outcome, which are left out.
    pub left_out: usize,
    /// Deployments that were rolled back.
    pub rolled_back: usize,
    /// First and last time, seconds since the Unix epoch.
    pub from: f64,
    /// Last time.
    pub to: f64,
    /// Columns of numbers.
    pub measures: Vec<Measure>,
    /// Columns of words.
    pub categories: Vec<Category>,
    /// Columns that are not used.
    pub unused: Vec<String>,
    /// Those of them that hold numbers, too.
    pub mixed: Vec<Mixed>,
}

/// A column of numbers and words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mixed {
    /// The column.
    pub name: String,
    /// The line of the first word.
    pub line: usize,
}

/// A column of numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measure {
    /// The column.
    pub name: String,
    /// Missing values.
    pub missing: usize,
    /// Minimum, quartiles and maximum; empty where all are missing.
    pub quartiles: Vec<f64>,
    /// Mean of the deployments that went well.
    pub mean_well: Option<f64>,
    /// Mean of those that were rolled back.
    pub mean_rolled_back: Option<f64>,
    /// ROC-AUC of this column alone: 0.5 says nothing; below it, smaller values are worse.
    pub roc_auc: Option<f64>,
}

/// A column of words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Category {
    /// The column.
    pub name: String,
    /// Missing values.
    pub missing: usize,
    /// Different words.
    pub different: usize,
    /// The most frequent ones.
    pub words: Vec<Word>,
}

/// A word of a category.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Word {
    /// The word.
    pub word: String,
    /// Deployments.
    pub rows: u32,
    /// Those that were rolled back.
    pub rolled_back: u32,
}

impl Summary {
    /// The figures of a history.
    #[must_use]
    pub fn of(history: &History) -> Self {
        let (mut measures, mut categories) = (Vec::new(), Vec::new());
        for (name, column) in history.table().columns() {
            match column {
                Column::Measure(values) => measures.push(measure(name, values, history.labels())),
                Column::Category(words) => categories.push(category(name, words, history.labels())),
            }
        }
        Self {
            rows: history.rows(),
            left_out: history.left_out(),
            rolled_back: history.rolled_back(),
            from: history.times().first().copied().unwrap_or(0.0),
            to: history.times().last().copied().unwrap_or(0.0),
            measures,
            categories,
            unused: history.table().unused().to_vec(),
            mixed: history
                .table()
                .mixed()
                .iter()
                .map(|(name, place)| Mixed { name: name.clone(), line: place.line })
                .collect(),
        }
    }
}

fn measure(name: &str, values: &[f64], labels: &[bool]) -> Measure {
    let known: Vec<(f64, bool)> =
        values.iter().copied().zip(labels.iter().copied()).filter(|(value, _)| !value.is_nan()).collect();
    let mut sorted: Vec<f64> = known.iter().map(|one| one.0).collect();
    let own_labels: Vec<bool> = known.iter().map(|one| one.1).collect();
    let roc_auc = roc_auc(&own_labels, &sorted);
    sorted.sort_by(f64::total_cmp);
    let mean = |outcome: bool| {
        let of = || known.iter().filter(|(_, label)| *label == outcome).map(|one| one.0);
        let count = of().count();
        (count > 0).then(|| of().sum::<f64>() / count as f64)
    };
    Measure {
        name: name.to_owned(),
        missing: values.len() - known.len(),
        quartiles: [0.0, 0.25, 0.5, 0.75, 1.0].iter().filter_map(|share| quantile(&sorted, *share)).collect(),
        mean_well: mean(false),
        mean_rolled_back: mean(true),
        roc_auc,
    }
}

/// Linear between neighbours, as numpy's default.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let low = *sorted.get(place.floor() as usize)?;
    let high = *sorted.get(place.ceil() as usize)?;
    Some(low + (high - low) * place.fract())
}

fn category(name: &str, words: &[Option<String>], labels: &[bool]) -> Category {
    let mut counts: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for (word, label) in words.iter().zip(labels) {
        let Some(word) = word else { continue };
        let count = counts.entry(word).or_default();
        *count = (count.0 + 1, count.1 + u32::from(*label));
    }
    let mut sorted: Vec<Word> = counts
        .iter()
        .map(|(word, (rows, bad))| Word { word: (*word).to_owned(), rows: *rows, rolled_back: *bad })
        .collect();
    sorted.sort_by(|one, other| other.rows.cmp(&one.rows).then_with(|| one.word.cmp(&other.word)));
    let different = sorted.len();
    sorted.truncate(WORDS_SHOWN);
    Category {
        name: name.to_owned(),
        missing: words.iter().filter(|word| word.is_none()).count(),
        different,
        words: sorted,
    }
}
