//! When a judge looks, and that it decides once.

use super::JudgeDecision;

/// Looks at a fixed interval. A look at time `t` sees the seconds before `t`.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    interval_s: u64,
    next: Option<u64>,
    last_second: Option<u64>,
    caught_up: u32,
    /// The judge has decided.
    ended: bool,
}

impl Schedule {
    /// Looks that are made up for after a gap; the rest of a longer gap is passed over.
    const MOST_MISSED: u32 = 64;

    /// The first look is `delay_s` after the first exposed second.
    pub(super) fn new(interval_s: u64) -> Self {
        Self { interval_s: interval_s.max(1), next: None, last_second: None, caught_up: 0, ended: false }
    }

    /// Sets the first look; later calls do nothing.
    pub(super) fn begin(&mut self, time: u64) {
        self.next.get_or_insert(time);
    }

    /// Whether looking has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.next.is_some()
    }

    /// Whether all is decided.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether `second` follows the seconds seen, and nothing is decided; if so, it is the last one seen.
    pub(super) fn accepts(&mut self, second: u64) -> bool {
        let later = !self.ended && self.last_second.is_none_or(|last| second > last);
        if later {
            self.last_second = Some(second);
            self.caught_up = 0;
        }
        later
    }

    /// What a look came to. No other is due after the last word.
    pub(super) fn decided(&mut self, decision: JudgeDecision) -> Option<JudgeDecision> {
        self.ended |= decision != JudgeDecision::Hold;
        Some(decision)
    }

    /// The next look at or before `time`, if one is due. The one after it is an interval later.
    pub(super) fn due(&mut self, time: u64) -> Option<u64> {
        let mut look = self.next.filter(|next| *next <= time && !self.ended)?;
        self.caught_up = self.caught_up.saturating_add(1);
        if self.caught_up > Self::MOST_MISSED {
            look = time - (time - look) % self.interval_s;
        }
        self.next = Some(look.saturating_add(self.interval_s));
        (look < u64::MAX).then_some(look)
    }

    /// The next look is `wait_s` after `look` instead of an interval.
    pub(super) fn next_after(&mut self, look: u64, wait_s: u64) {
        self.next = Some(look.saturating_add(wait_s.max(1)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_gap_is_caught_up_with_in_bounded_work() {
        let mut schedule = Schedule::new(10);
        schedule.begin(0);
        let mut looks = 0;
        let mut last = 0;
        while let Some(look) = schedule.due(1_000_000_003) {
            (looks, last) = (looks + 1, look);
        }
        assert_eq!(looks, 65);
        assert_eq!(last, 1_000_000_000);
    }

    #[test]
    fn the_end_of_time_ends_the_looks() {
        let mut schedule = Schedule::new(10);
        schedule.begin(u64::MAX - 5);
        assert_eq!(schedule.due(u64::MAX), Some(u64::MAX - 5));
        assert_eq!(schedule.due(u64::MAX), None);
    }
}
