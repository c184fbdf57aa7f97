//! The last seconds of both arms, read the way a pulling monitor reads counters.

use std::collections::VecDeque;

use super::SecondAggregate;
use super::gathered::Gathered;
use crate::increment::ByArm;

/// Longest window a judge can ask for, in seconds: bounds the memory of a judge.
pub(super) const MAX_WINDOW_S: u64 = 900;

/// The last [`MAX_WINDOW_S`] seconds or fewer.
#[derive(Clone, Debug)]
pub(super) struct Traffic {
    keep_s: u64,
    seconds: VecDeque<(u64, ByArm<SecondAggregate>)>,
}

/// How a monitor samples and queries counters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query {
    /// Seconds between samples.
    pub(super) scrape_s: u64,
    /// Range of the query in seconds.
    pub(super) window_s: u64,
    /// Only between the last two samples (`irate`) instead of all in the range (`rate`).
    pub(super) instant: bool,
}

impl Traffic {
    pub(super) fn new(keep_s: u64) -> Self {
        Self { keep_s: keep_s.clamp(1, MAX_WINDOW_S), seconds: VecDeque::new() }
    }

    /// Adds a second, which must be later than all before.
    pub(super) fn push(&mut self, second: u64, arms: &ByArm<SecondAggregate>) {
        self.seconds.push_back((second, arms.clone()));
        let oldest = second.saturating_sub(self.keep_s - 1);
        while self.seconds.front().is_some_and(|(kept, _)| *kept < oldest) {
            self.seconds.pop_front();
        }
    }

    /// Both arms from second `from` up to, not including, `to`. `None`: nothing was measured there.
    pub(super) fn between(&self, from: u64, to: u64) -> Option<ByArm<Gathered>> {
        let mut sum: Option<ByArm<Gathered>> = None;
        for (second, arms) in &self.seconds {
            if (from..to).contains(second) {
                let sum = sum.get_or_insert_default();
                sum.baseline.add(&arms.baseline);
                sum.canary.add(&arms.canary);
            }
        }
        sum
    }

    /// What the increase of counters over `query` at `time` comes from. Samples are taken at whole multiples of the
    /// sampling interval; those in the range, which excludes its start, are compared first with last. So a range of
    /// 60 s with samples every 15 s speaks of 45 s. `None`: fewer than two samples or nothing measured.
    pub(super) fn increase(&self, time: u64, query: Query) -> Option<ByArm<Gathered>> {
        let scrape = query.scrape_s.max(1);
        let last = time - time % scrape;
        let after = time.saturating_sub(query.window_s);
        let first_in_range = (after / scrape).checked_add(1)?.checked_mul(scrape)?;
        let first =
            if query.instant { first_in_range.max(last.saturating_sub(scrape)) } else { first_in_range };
        if first >= last { None } else { self.between(first, last) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steady(seconds: u64) -> Traffic {
        let mut traffic = Traffic::new(MAX_WINDOW_S);
        for second in 0..seconds {
            let canary = SecondAggregate { requests: 1, ..SecondAggregate::default() };
            traffic.push(second, &ByArm { baseline: SecondAggregate::default(), canary });
        }
        traffic
    }

    fn requests(traffic: &Traffic, time: u64, scrape_s: u64, instant: bool) -> Option<u64> {
        let query = Query { scrape_s, window_s: 60, instant };
        traffic.increase(time, query).map(|arms| arms.canary.requests)
    }

    #[test]
    fn a_minute_sampled_each_15_s_is_45_s_of_data() {
        assert_eq!(requests(&steady(120), 120, 15, false), Some(45));
        assert_eq!(requests(&steady(120), 127, 15, false), Some(45));
        assert_eq!(requests(&steady(120), 120, 15, true), Some(15));
    }

    #[test]
    fn a_minute_sampled_each_minute_is_no_data() {
        assert_eq!(requests(&steady(120), 120, 60, false), None);
    }

    #[test]
    fn memory_is_bounded_by_the_window() {
        let traffic = steady(5_000);
        assert_eq!(traffic.seconds.len() as u64, MAX_WINDOW_S);
    }
}
