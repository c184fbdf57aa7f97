//! Folds in the order of time: what is predicted always came after what was learned from.

/// One fold: learn from all rows before `from`, predict those from `from` up to `to`, which is excluded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fold {
    /// Where prediction begins, and learning ends.
    pub from: usize,
    /// Where prediction ends.
    pub to: usize,
}

/// `folds` folds of `rows` rows, as `TimeSeriesSplit` of scikit-learn has them: each predicts `⌊rows / (folds + 1)⌋` rows, the last of them
/// the last row. None where there are too few rows.
#[must_use]
pub fn in_time_order(rows: usize, folds: usize) -> Vec<Fold> {
    let size = rows / (folds + 1);
    if size == 0 {
        return Vec::new();
    }
    let first = rows - folds * size;
    (0..folds).map(|number| Fold { from: first + number * size, to: first + (number + 1) * size }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_follow_each_other_and_end_with_the_last_row() {
        let folds = in_time_order(103, 5);
        assert_eq!(folds.first(), Some(&Fold { from: 18, to: 35 }));
        assert_eq!(folds.last(), Some(&Fold { from: 86, to: 103 }));
        assert!(folds.windows(2).all(|pair| pair[0].to == pair[1].from));
        assert_eq!(in_time_order(5, 5), []);
    }
}
