//! What is due when.
//!
//! Pure: time and draws come in. Each thing that is asked has at most one question under way; its next one is due an interval after
//! the last was, and at once when the last took longer. So a target that hangs is asked once per deadline, and questions never
//! pile up. First questions are spread over their interval, so that many rollouts do not ask together.

use std::collections::BTreeMap;
use std::time::Duration;

/// What is asked in turn.
#[derive(Clone, Debug)]
pub struct Schedule<K> {
    entries: BTreeMap<K, Entry>,
}

/// How often something is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Due {
    /// Time between two questions.
    pub interval: Duration,
    /// Part by which that varies, 0 to 1.
    pub jitter: f64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    due: Due,
    next_ms: u64,
    is_under_way: bool,
}

impl<K> Default for Schedule<K> {
    fn default() -> Self {
        Self { entries: BTreeMap::new() }
    }
}

impl<K: Clone + Ord> Schedule<K> {
    /// Asks for these from now on, and for nothing else. What is new is first due within a tenth of its interval, at most a second;
    /// `draw` gives numbers from 0 to 1.
    pub fn follow(&mut self, wanted: BTreeMap<K, Due>, now_ms: u64, mut draw: impl FnMut() -> f64) {
        self.entries.retain(|key, _| wanted.contains_key(key));
        for (key, due) in wanted {
            let spread = (millis(due.interval) / 10).min(1_000);
            let next_ms = now_ms.saturating_add((spread as f64 * draw().clamp(0.0, 1.0)) as u64);
            let entry = self.entries.entry(key).or_insert(Entry { due, next_ms, is_under_way: false });
            entry.due = due;
        }
    }

    /// What is due, the longest overdue first, at most `room`. It is under way until [`finished`](Self::finished).
    pub fn due(&mut self, now_ms: u64, room: usize) -> Vec<K> {
        let ready = self.entries.iter().filter(|(_, entry)| !entry.is_under_way && entry.next_ms <= now_ms);
        let mut ready: Vec<(u64, K)> = ready.map(|(key, entry)| (entry.next_ms, key.clone())).collect();
        ready.sort();
        ready.truncate(room);
        for (_, key) in &ready {
            if let Some(entry) = self.entries.get_mut(key) {
                entry.is_under_way = true;
            }
        }
        ready.into_iter().map(|(_, key)| key).collect()
    }

    /// An answer came, or none will.
    pub fn finished(&mut self, key: &K, now_ms: u64, draw: f64) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let jitter = entry.due.jitter.clamp(0.0, 1.0) * (2.0 * draw.clamp(0.0, 1.0) - 1.0);
        let interval = (millis(entry.due.interval) as f64 * (1.0 + jitter)) as u64;
        entry.next_ms = entry.next_ms.saturating_add(interval).max(now_ms);
        entry.is_under_way = false;
    }

    /// When something is due next. `None`: everything is under way, or there is nothing.
    #[must_use]
    pub fn next_ms(&self) -> Option<u64> {
        self.entries.values().filter(|entry| !entry.is_under_way).map(|entry| entry.next_ms).min()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(names: &[&'static str]) -> BTreeMap<&'static str, Due> {
        let due = Due { interval: Duration::from_secs(10), jitter: 0.2 };
        names.iter().map(|name| (*name, due)).collect()
    }

    #[test]
    fn one_question_is_under_way_and_the_next_comes_an_interval_later() {
        let mut schedule = Schedule::default();
        schedule.follow(wanted(&["a"]), 0, || 0.5);
        assert_eq!((schedule.due(499, 9), schedule.next_ms()), (vec![], Some(500)));
        assert_eq!((schedule.due(500, 9), schedule.next_ms()), (vec!["a"], None));
        assert!(schedule.due(60_000, 9).is_empty(), "it hangs, and is not asked again");
        schedule.finished(&"a", 700, 0.5);
        assert_eq!(schedule.next_ms(), Some(10_500), "an interval after the last was due");
        assert_eq!(schedule.due(10_500, 9), ["a"]);
        schedule.finished(&"a", 40_000, 0.5);
        assert_eq!(schedule.next_ms(), Some(40_000), "what took longer is made up for once");
        assert_eq!(schedule.due(40_000, 9), ["a"]);
        schedule.finished(&"a", 40_001, 1.0);
        assert_eq!(schedule.next_ms(), Some(52_000), "a fifth later");
    }

    #[test]
    fn the_longest_overdue_come_first_and_only_as_many_as_there_is_room_for() {
        let mut schedule = Schedule::default();
        let mut draws = [0.9, 0.1, 0.5].into_iter();
        schedule.follow(wanted(&["a", "b", "c"]), 0, || draws.next().unwrap());
        assert_eq!(schedule.due(1_000, 2), ["b", "c"]);
        assert_eq!(schedule.due(1_000, 2), ["a"]);
    }

    #[test]
    fn what_is_wanted_no_more_is_forgotten_even_while_it_is_under_way() {
        let mut schedule = Schedule::default();
        schedule.follow(wanted(&["a", "b"]), 0, || 0.0);
        assert_eq!(schedule.due(0, 9), ["a", "b"]);
        schedule.follow(wanted(&["b"]), 1, || 0.0);
        schedule.finished(&"a", 2, 0.0);
        schedule.finished(&"b", 2, 0.0);
        assert_eq!(schedule.next_ms(), Some(8_000));
    }
}
