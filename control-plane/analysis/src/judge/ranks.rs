//! Mid-ranks of two samples, and the Mann-Whitney statistic they give.

use std::iter::Peekable;

/// The ranks of two samples ranked together; equal values share the mean of their ranks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ranks {
    /// Sum of the ranks of the first sample.
    pub(super) first_sum: f64,
    /// Sizes of the groups of equal values.
    pub(super) ties: Vec<usize>,
}

impl Ranks {
    /// Ranks `first` and `second`, which hold no NaN.
    pub(super) fn of(first: &[f64], second: &[f64]) -> Self {
        Self::of_rising(sorted(first).into_iter(), sorted(second).into_iter())
    }

    /// The same for samples that rise.
    pub(super) fn of_rising(first: impl Iterator<Item = f64>, second: impl Iterator<Item = f64>) -> Self {
        let (mut first, mut second) = (first.peekable(), second.peekable());
        let most = first.size_hint().0 + second.size_hint().0;
        let mut ranks = Self { first_sum: 0.0, ties: Vec::with_capacity(most) };
        let mut below = 0;
        while let Some(least) = [first.peek(), second.peek()].into_iter().flatten().copied().reduce(f64::min)
        {
            let of_first = run_of(least, &mut first);
            let tie = of_first + run_of(least, &mut second);
            let rank = below as f64 + (tie as f64 + 1.0) / 2.0;
            ranks.first_sum += rank * of_first as f64;
            ranks.ties.push(tie);
            below += tie;
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

/// How many of the next `values` are `value`; they are taken.
fn run_of(value: f64, values: &mut Peekable<impl Iterator<Item = f64>>) -> usize {
    std::iter::from_fn(|| values.next_if(|next| *next == value)).count()
}

/// The same values, rising.
pub(super) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}
