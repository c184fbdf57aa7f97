//! Whether a route still gets its part of the canary's traffic.

/// Standard deviations below the expected count from which traffic counts as lost: by chance once in three million.
const DEVIATIONS: f64 = 5.0;

/// Answers of one route within a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    /// Of both arms.
    pub(super) requests: u64,
    /// Of the canary.
    pub(super) canary: u64,
    /// Lowest weight of the canary within the window, 0 to 1.
    pub(super) weight: f64,
    /// Users that the requests come from, drawn evenly.
    pub(super) users: u64,
}

impl Window {
    /// Whether the canary got fewer requests than its weight explains.
    ///
    /// The count varies for two reasons: which of the users the ring gives to the canary, and which users happened to
    /// send requests. Its variance is n w (1 - w) (1 + (n - 1) / users).
    pub(super) fn lost_its_canary(self) -> bool {
        let (requests, weight) = (self.requests as f64, self.weight);
        let clusters = 1.0 + (requests - 1.0).max(0.0) / self.users.max(1) as f64;
        let deviation = (requests * weight * (1.0 - weight) * clusters).sqrt();
        (self.canary as f64) < requests * weight - DEVIATIONS * deviation
    }

    /// Whether a canary without any traffic would be noticed.
    pub(super) fn can_tell(self) -> bool {
        Self { canary: 0, ..self }.lost_its_canary()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window { requests: 1_000, canary: 200, weight: 0.2, users: 10_000 };

    #[test]
    fn a_share_near_the_weight_is_kept_and_a_halved_one_is_lost() {
        for (canary, lost) in [(200, false), (260, false), (150, false), (100, true), (0, true)] {
            assert_eq!(Window { canary, ..WINDOW }.lost_its_canary(), lost, "{canary} of 1000 at 20 %");
        }
    }

    #[test]
    fn a_window_with_too_few_requests_cannot_tell() {
        assert!(WINDOW.can_tell());
        assert!(!Window { requests: 50, canary: 10, ..WINDOW }.can_tell());
        assert!(!Window { requests: 0, canary: 0, ..WINDOW }.can_tell());
        assert!(!Window { weight: 0.0, ..WINDOW }.can_tell());
    }

    #[test]
    fn few_users_make_the_share_less_certain() {
        let few = Window { canary: 130, users: 100, ..WINDOW };
        assert!(!few.lost_its_canary() && Window { users: 1_000_000, ..few }.lost_its_canary());
    }
}
