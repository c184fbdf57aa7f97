//! Mid-ranks of two samples, and the Mann-Whitney statistic they give.

/// The ranks of two samples ranked together; equal values share the mean of their ranks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ranks {
    /// Sum of the ranks of the first sample.
    pub(super) first_sum: f64,
    /// Sizes of the groups of equal values.
    pub(super) ties: Vec<usize>,
    /// How many of each such group are of the first sample.
    pub(super) first_in_tie: Vec<usize>,
}

impl Ranks {
    /// Ranks `first` and `second`, which hold no NaN.
    pub(super) fn of(first: impl Iterator<Item = f64>, second: impl Iterator<Item = f64>) -> Self {
        let mut pooled: Vec<(f64, bool)> =
            first.map(|value| (value, true)).chain(second.map(|value| (value, false))).collect();
        pooled.sort_unstable_by(|left, right| left.0.total_cmp(&right.0));
        let mut ranks = Self { first_sum: 0.0, ties: Vec::new(), first_in_tie: Vec::new() };
        let mut below = 0;
        for group in pooled.chunk_by(|left, right| left.0 == right.0) {
            let first = group.iter().filter(|(_, of_first)| *of_first).count();
            let rank = below as f64 + (group.len() as f64 + 1.0) / 2.0;
            ranks.first_sum += rank * first as f64;
            ranks.ties.push(group.len());
            ranks.first_in_tie.push(first);
            below += group.len();
        }
        ranks
    }

    /// Sum over the groups of equal values of t³ - t.
    pub(super) fn tie_correction(&self) -> f64 {
        self.ties.iter().map(|&tie| (tie as f64).powi(3) - tie as f64).sum()
    }

    /// Variance of the statistic under the null hypothesis, for samples of these sizes.
    pub(super) fn variance(&self, first: usize, second: usize) -> f64 {
        let (n, m) = (first as f64, second as f64);
        let all = n + m;
        n * m / 12.0 * ((all + 1.0) - self.tie_correction() / (all * (all - 1.0)))
    }
}
