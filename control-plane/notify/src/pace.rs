//! How fast one target may be sent to: so many within any minute.

use std::collections::VecDeque;

use serin_rollout::UnixMillis;

const MINUTE_MS: u64 = 60_000;

/// The times of what was sent within the last minute.
#[derive(Clone, Debug)]
pub struct Pace {
    per_minute: usize,
    sent: VecDeque<UnixMillis>,
}

impl Pace {
    /// At most `per_minute`, at least one.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute: usize::try_from(per_minute).unwrap_or(usize::MAX).max(1), sent: VecDeque::new() }
    }

    /// When the next one may be sent: `now` or later.
    pub fn ready_at(&mut self, now: UnixMillis) -> UnixMillis {
        // What lies ahead was noted before the clock was set back.
        self.sent.retain(|sent| sent.0 <= now.0 && now.0 - sent.0 < MINUTE_MS);
        match self.sent.front() {
            Some(first) if self.sent.len() >= self.per_minute => UnixMillis(first.0 + MINUTE_MS),
            Some(_) | None => now,
        }
    }

    /// Notes that one is sent.
    pub fn sent(&mut self, now: UnixMillis) {
        self.sent.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_minute_sees_more_than_may_be_sent(per_minute in 1_u32..6, waits in prop::collection::vec(0_u64..40_000, 1..80)) {
            let (mut pace, mut now, mut sent) = (Pace::new(per_minute), UnixMillis(1_000_000), Vec::new());
            for wait in waits {
                now = UnixMillis(now.0 + wait);
                now = pace.ready_at(now);
                prop_assert_eq!(pace.ready_at(now), now);
                pace.sent(now);
                sent.push(now.0);
                let within = sent.iter().filter(|at| now.0 - **at < MINUTE_MS).count();
                prop_assert!(within <= per_minute as usize);
            }
        }
    }

    #[test]
    fn a_clock_that_is_set_back_stops_nothing() {
        let mut pace = Pace::new(1);
        pace.sent(UnixMillis(10_000_000));
        assert_eq!(pace.ready_at(UnixMillis(10_000_001)), UnixMillis(10_060_000));
        assert_eq!(pace.ready_at(UnixMillis(5)), UnixMillis(5));
    }
}
