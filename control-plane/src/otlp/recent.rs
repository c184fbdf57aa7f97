//! Which failures log records told of already.
//!
//! One failed request may log several records, and an exporter that got no answer sends its batch again: records of one
//! span about one block are one failure. The last [`KEPT`] to twice as many are remembered, by a hash that is keyed anew in
//! each process. Records without trace and span cannot be told apart, so each of them counts.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, RandomState};

/// Failures of a generation.
const KEPT: usize = 32_768;

/// Failures that were told of.
#[derive(Debug, Default)]
pub(super) struct Recent {
    keys: RandomState,
    present: HashSet<u64>,
    before: HashSet<u64>,
}

impl Recent {
    /// Whether this is the first time that `failure` is told of; it is remembered.
    pub(super) fn is_first(&mut self, failure: impl Hash) -> bool {
        let hash = self.keys.hash_one(failure);
        if self.before.contains(&hash) || !self.present.insert(hash) {
            return false;
        }
        if self.present.len() >= KEPT {
            self.before = std::mem::take(&mut self.present);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_lately_is_known_and_memory_has_a_bound() {
        let mut recent = Recent::default();
        for failure in 0..10 * KEPT {
            assert!(recent.is_first(failure));
            assert!(!recent.is_first(failure));
            assert!(!recent.is_first(failure.saturating_sub(KEPT / 2)));
            assert!(recent.present.len() + recent.before.len() <= 2 * KEPT);
        }
    }
}
