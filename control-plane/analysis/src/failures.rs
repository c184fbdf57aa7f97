//! Failures by category.

use serde::{Deserialize, Serialize};

use crate::verdict::Category;

/// Failures that count, by [`Category::ALL`]. Of what was stored with fewer categories, the others are 0.
///
/// Each category saturates at 4,294,967,295: a component keeps many of these, and they are told to people rather than
/// judged, but for those of one stratum.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(from = "Vec<u64>")]
pub(crate) struct FailureCounts([u32; Category::ALL.len()]);

impl From<Vec<u64>> for FailureCounts {
    fn from(stored: Vec<u64>) -> Self {
        let mut counts = Self::default();
        counts.0.iter_mut().zip(stored).for_each(|(into, count)| *into = narrow(count));
        counts
    }
}

impl FailureCounts {
    /// So many of each.
    pub(crate) fn of(counts: [u64; Category::ALL.len()]) -> Self {
        Self(counts.map(narrow))
    }

    /// Failures of which no category is known.
    pub(crate) fn unnamed(failed: u64) -> Self {
        Self::from(vec![failed])
    }

    /// All of them.
    pub(crate) fn total(&self) -> u64 {
        self.0.iter().map(|count| u64::from(*count)).sum()
    }

    /// Those that are not the clients' own.
    pub(crate) fn of_service(&self) -> u64 {
        let is_own = |category| matches!(category, Category::ClientError | Category::Cancelled);
        self.by_category().filter(|(category, _)| !is_own(*category)).map(|(_, count)| count).sum()
    }

    /// Those of one category, by its position.
    pub(crate) fn at(&self, category: usize) -> u64 {
        self.0.get(category).copied().unwrap_or_default().into()
    }

    /// Each category with its failures.
    pub(crate) fn by_category(&self) -> impl Iterator<Item = (Category, u64)> {
        Category::ALL.into_iter().zip(self.0.map(u64::from))
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (into, count) in self.0.iter_mut().zip(other.0) {
            *into = into.saturating_add(count);
        }
    }

    /// What is left without `other`.
    pub(crate) fn without(&self, other: &Self) -> Self {
        let mut left = *self;
        left.0.iter_mut().zip(other.0).for_each(|(left, count)| *left = left.saturating_sub(count));
        left
    }

    /// At most `most` of them, those of the first categories first.
    pub(crate) fn first(&self, most: u64) -> Self {
        let mut left = narrow(most);
        Self(self.0.map(|count| {
            let taken = count.min(left);
            left -= taken;
            taken
        }))
    }

    /// Which of them there are, as bits.
    pub(crate) fn mask(&self) -> u8 {
        let present = self.0.iter().enumerate().filter(|(_, count)| **count > 0);
        present.fold(0, |mask, (category, _)| mask | 1 << category)
    }
}

fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_stored_as_numbers_and_those_of_fewer_categories_can_be_read() {
        let counts = FailureCounts::of([1, 2, 3, 4, 5, 6, u64::MAX]);
        let stored = serde_json::to_string(&counts).unwrap();
        assert_eq!(stored, "[1,2,3,4,5,6,4294967295]");
        assert_eq!(serde_json::from_str::<FailureCounts>(&stored).unwrap(), counts);
        let fewer = serde_json::from_str::<FailureCounts>("[1,2,3,4,5]").unwrap();
        assert_eq!(fewer, FailureCounts::of([1, 2, 3, 4, 5, 0, 0]));
    }

    #[test]
    fn the_first_so_many_are_those_of_the_first_categories() {
        let counts = FailureCounts::of([2, 3, 0, 4, 0, 0, 0]);
        assert_eq!(counts.first(4), FailureCounts::of([2, 2, 0, 0, 0, 0, 0]));
        assert_eq!((counts.first(100), counts.total(), counts.mask()), (counts, 9, 0b1011));
    }
}
