//! Folds in the order of time: what is predicted always came after what was learned from. Rows of one instant stay together, since nothing
//! says which of them came first.

/// One fold: learn from all rows before `from`, predict those from `from` up to `to`, which is excluded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fold {
    /// Where prediction begins, and learning ends.
    pub from: usize,
    /// Where prediction ends.
    pub to: usize,
}

/// `folds` folds of rows with these times, which never fall, as `TimeSeriesSplit` of scikit-learn has them: each predicts
/// `⌊rows / (folds + 1)⌋` rows, the last of them the last row; but an end within one instant moves as [`cut`] says. Fewer where there are too
/// few rows or instants.
#[must_use]
pub fn in_time_order(times: &[f64], folds: usize) -> Vec<Fold> {
    let rows = times.len();
    let size = rows / (folds + 1);
    if size == 0 {
        return Vec::new();
    }
    let first = rows - folds * size;
    let mut ends: Vec<usize> = (0..=folds).map(|number| cut(times, first + number * size)).collect();
    ends.retain(|end| *end > 0);
    ends.dedup();
    ends.windows(2)
        .filter_map(|pair| match pair {
            [from, to] if from < to => Some(Fold { from: *from, to: *to }),
            _ => None,
        })
        .collect()
}

/// Where to divide near the row `at`: at the next row that is later than the one before it, or, where none is, before the last instant. 0
/// where all rows are of one instant.
#[must_use]
pub fn cut(times: &[f64], at: usize) -> usize {
    let Some(before) = at.checked_sub(1).and_then(|last| times.get(last)) else { return at };
    let next = times.partition_point(|time| time <= before);
    if at >= times.len() || next < times.len() { next } else { times.partition_point(|time| time < before) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn distinct(rows: u32) -> Vec<f64> {
        (0..rows).map(f64::from).collect()
    }

    #[test]
    fn folds_follow_each_other_and_end_with_the_last_row() {
        let folds = in_time_order(&distinct(103), 5);
        assert_eq!(folds.first(), Some(&Fold { from: 18, to: 35 }));
        assert_eq!(folds.last(), Some(&Fold { from: 86, to: 103 }));
        assert!(folds.windows(2).all(|pair| pair[0].to == pair[1].from));
        assert_eq!(in_time_order(&distinct(5), 5), []);
    }

    #[test]
    fn rows_of_one_instant_are_on_one_side() {
        assert_eq!(cut(&[1.0, 1.0, 1.0, 2.0, 3.0], 2), 3);
        assert_eq!(cut(&[1.0, 2.0, 3.0, 3.0, 3.0], 4), 2, "nothing is later than the last instant");
        assert_eq!(cut(&[1.0; 5], 4), 0);
        assert_eq!(in_time_order(&[1.0; 60], 5), []);
    }

    proptest! {
        #[test]
        fn what_is_predicted_is_later_than_all_that_was_learned_from(
            steps in prop::collection::vec(0_u32..3, 1..120),
            folds in 1_usize..6,
        ) {
            let times: Vec<f64> =
                steps.iter().scan(0, |at, step| { *at += step / 2; Some(f64::from(*at)) }).collect();
            for Fold { from, to } in in_time_order(&times, folds) {
                prop_assert!(from > 0 && from < to && to <= times.len());
                prop_assert!(times[from - 1] < times[from]);
            }
        }
    }
}
