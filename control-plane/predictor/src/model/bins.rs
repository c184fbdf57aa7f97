//! Values by their place among thresholds, so that a tree finds its splits by counting instead of sorting.

use crate::matrix::Matrix;

/// Bins of one feature, without the one for missing values.
pub(super) const BINS_MAX: usize = 255;
/// The bin of missing values.
pub(super) const MISSING: u8 = 255;

/// One feature of all rows.
#[derive(Clone, Debug)]
pub(super) struct Binned {
    /// The bin of each row.
    pub(super) codes: Vec<u8>,
    /// Bin `b` holds the values above threshold `b - 1`, up to threshold `b`.
    pub(super) thresholds: Vec<f64>,
}

/// All features of a matrix.
///
/// A feature with at most 255 different values has a threshold halfway between each two of them, so that no split is lost. One with more
/// has them at equal shares of its values; a value that is frequent, such as zero, has a bin of its own.
pub(super) fn binned(rows: &Matrix) -> Vec<Binned> {
    (0..rows.width())
        .map(|column| {
            let values: Vec<f64> = rows.column(column).collect();
            let thresholds = thresholds(&values);
            let codes = values.iter().map(|value| code(*value, &thresholds)).collect();
            Binned { codes, thresholds }
        })
        .collect()
}

fn code(value: f64, thresholds: &[f64]) -> u8 {
    if value.is_nan() {
        return MISSING;
    }
    u8::try_from(thresholds.partition_point(|threshold| *threshold < value)).unwrap_or(MISSING - 1)
}

fn thresholds(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let mut different = sorted.clone();
    different.dedup();
    let mut found: Vec<f64> = if different.len() <= BINS_MAX {
        different.windows(2).filter_map(between).collect()
    } else {
        let at = |share: usize| sorted.get(share * sorted.len() / BINS_MAX).copied();
        let mut before = None;
        let cuts = (1..BINS_MAX).filter_map(|share| {
            let value = at(share)?;
            // Where two shares meet the same value, the second cut is above it.
            let is_frequent = before == Some(value);
            before = Some(value);
            let upper =
                different.partition_point(|other| if is_frequent { *other <= value } else { *other < value });
            between(different.get(upper.checked_sub(1)?..=upper)?)
        });
        cuts.collect()
    };
    found.dedup();
    found
}

fn between(pair: &[f64]) -> Option<f64> {
    match pair {
        [lower, upper] => {
            let middle = f64::midpoint(*lower, *upper);
            Some(if middle < *upper { middle } else { *lower })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_all_told_apart_and_a_missing_one_has_its_own_bin() {
        let rows = Matrix::of_columns(&[vec![3.0, 1.0, f64::NAN, 1.0, 2.0]]);
        let binned = binned(&rows);
        assert_eq!(binned[0].codes, [2, 0, MISSING, 0, 1]);
        assert_eq!(binned[0].thresholds, [1.5, 2.5]);
    }

    #[test]
    fn many_values_with_a_heap_of_zeros_keep_zero_apart() {
        let mut values = vec![0.0; 5_000];
        values.extend((1..=5_000).map(f64::from));
        let rows = Matrix::of_columns(&[values]);
        let binned = binned(&rows);
        assert!(binned[0].thresholds.len() < BINS_MAX);
        assert_eq!(binned[0].codes.iter().filter(|code| **code == 0).count(), 5_000);
        let largest = *binned[0].codes.iter().max().unwrap();
        assert_eq!(usize::from(largest), binned[0].thresholds.len());
    }

    #[test]
    fn neighbouring_numbers_are_told_apart() {
        let (lower, upper) = (1.0_f64, 1.0_f64.next_up());
        let rows = Matrix::of_columns(&[vec![lower, upper]]);
        assert_eq!(binned(&rows)[0].codes, [0, 1]);
    }
}
