//! When something that failed is tried again: pure, the caller draws and waits.

use std::time::Duration;

/// Waits that double from `first` up to `longest`, for so many attempts in all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Schedule {
    /// Wait after the first failure.
    pub first: Duration,
    /// No wait is longer.
    pub longest: Duration,
    /// Attempts in all, the first one included.
    pub attempts: u32,
}

impl Schedule {
    /// How long to wait after so many attempts `failed`; `None`: it is given up. Waits lie between half of and the whole doubled
    /// wait, by `draw`, which is uniform over all its values: what failed together is not tried again together.
    #[must_use]
    pub fn wait(&self, failed: u32, draw: u32) -> Option<Duration> {
        if failed >= self.attempts {
            return None;
        }
        let doubled = 2_u32.checked_pow(failed.saturating_sub(1)).unwrap_or(u32::MAX);
        let half = self.first.saturating_mul(doubled).min(self.longest) / 2;
        let part =
            u64::from(draw) * u64::try_from(half.as_micros()).unwrap_or(u64::MAX >> 32).min(u64::MAX >> 32);
        Some(half + Duration::from_micros(part >> 32))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_end_with_the_attempts() {
        let schedule =
            Schedule { first: Duration::from_secs(1), longest: Duration::from_secs(10), attempts: 7 };
        let waits: Vec<_> =
            (1..=8).map(|failed| schedule.wait(failed, 0).map(|wait| wait.as_millis())).collect();
        let expected =
            [Some(500), Some(1_000), Some(2_000), Some(4_000), Some(5_000), Some(5_000), None, None];
        assert_eq!(waits, expected);
        assert_eq!(schedule.wait(1, u32::MAX).unwrap().as_micros(), 999_999);
    }

    proptest! {
        #[test]
        fn no_schedule_waits_longer_than_it_says_or_overflows(
            first in 0_u64..u64::MAX,
            longest in 0_u64..u64::MAX,
            failed: u32,
            draw: u32,
        ) {
            let [first, longest] = [first, longest].map(Duration::from_millis);
            let schedule = Schedule { first, longest, attempts: u32::MAX };
            if let Some(wait) = schedule.wait(failed, draw) {
                prop_assert!(wait <= longest);
                prop_assert!(failed == 0 || wait >= first.min(longest) / 2);
            }
        }
    }
}
