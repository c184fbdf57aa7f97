//! What is due when.
//!
//! Pure: time and draws come in. Each thing that is asked has at most one question under way; its next one is due an interval after
//! the last was, and at once when the last took longer. So a target that hangs is asked once per deadline, and questions never
//! pile up. First questions are spread over their interval, so that many rollouts do not ask together. One target has a bounded
//! number of questions under way, whoever asks, so one that hangs neither is flooded nor takes the room of the others.

use std::collections::BTreeMap;
use std::time::Duration;

/// What is asked in turn.
#[derive(Clone, Debug)]
pub struct Schedule<K> {
    /// Questions that one target may have under way.
    per_target: usize,
    entries: BTreeMap<K, Entry>,
    /// What is under way, with its target; what is not wanted any more as well.
    under_way: BTreeMap<K, String>,
    /// How many those are, by target.
    busy: BTreeMap<String, usize>,
}

/// How often something is asked, and whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    /// Time between two questions.
    pub interval: Duration,
    /// Part by which that varies, 0 to 1.
    pub jitter: f64,
    /// Who is asked.
    pub target: String,
}

#[derive(Clone, Debug)]
struct Entry {
    due: Due,
    next_ms: u64,
}

impl<K: Clone + Ord> Schedule<K> {
    /// Asks for nothing yet, and never `per_target` questions of one target at a time and more.
    #[must_use]
    pub const fn new(per_target: usize) -> Self {
        Self { per_target, entries: BTreeMap::new(), under_way: BTreeMap::new(), busy: BTreeMap::new() }
    }

    /// Asks for these from now on, and for nothing else. What is new is first due within a tenth of its interval, at most a second;
    /// `draw` gives numbers from 0 to 1.
    pub fn follow(&mut self, wanted: BTreeMap<K, Due>, now_ms: u64, mut draw: impl FnMut() -> f64) {
        self.entries.retain(|key, _| wanted.contains_key(key));
        for (key, due) in wanted {
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.due = due;
                continue;
            }
            let spread = (millis(due.interval) / 10).min(1_000);
            let next_ms = now_ms.saturating_add((spread as f64 * draw().clamp(0.0, 1.0)) as u64);
            self.entries.insert(key, Entry { due, next_ms });
        }
    }

    /// What is due, the longest overdue first, at most `room`. It is under way until [`finished`](Self::finished). What finds its
    /// target busy waits until that has answered another question, and holds up nothing else.
    pub fn due(&mut self, now_ms: u64, room: usize) -> Vec<K> {
        let ready = self.waiting().filter(|(_, entry)| entry.next_ms <= now_ms);
        let mut ready: Vec<_> =
            ready.map(|(key, entry)| (entry.next_ms, key.clone(), entry.due.target.clone())).collect();
        ready.sort();
        let mut due = Vec::new();
        for (_, key, target) in ready {
            let busy = self.busy.entry(target.clone()).or_default();
            if due.len() < room && *busy < self.per_target {
                *busy += 1;
                self.under_way.insert(key.clone(), target);
                due.push(key);
            }
        }
        self.busy.retain(|_, questions| *questions > 0);
        due
    }

    /// An answer came, or none will.
    pub fn finished(&mut self, key: &K, now_ms: u64, draw: f64) {
        if let Some(target) = self.under_way.remove(key)
            && let Some(questions) = self.busy.get_mut(&target)
        {
            *questions -= 1;
            if *questions == 0 {
                self.busy.remove(&target);
            }
        }
        let Some(entry) = self.entries.get_mut(key) else { return };
        let jitter = entry.due.jitter.clamp(0.0, 1.0) * (2.0 * draw.clamp(0.0, 1.0) - 1.0);
        let interval = (millis(entry.due.interval) as f64 * (1.0 + jitter)) as u64;
        entry.next_ms = entry.next_ms.saturating_add(interval).max(now_ms);
    }

    /// When something is due next. `None`: nothing can be asked before an answer comes, or there is nothing.
    #[must_use]
    pub fn next_ms(&self) -> Option<u64> {
        let has_room = |entry: &Entry| {
            self.busy.get(&entry.due.target).is_none_or(|questions| *questions < self.per_target)
        };
        self.waiting().filter(|(_, entry)| has_room(entry)).map(|(_, entry)| entry.next_ms).min()
    }

    fn waiting(&self) -> impl Iterator<Item = (&K, &Entry)> {
        self.entries.iter().filter(|(key, _)| !self.under_way.contains_key(*key))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked of a target by the first letter.
    fn due(name: &str) -> Due {
        Due { interval: Duration::from_secs(10), jitter: 0.2, target: name[..1].to_owned() }
    }

    fn wanted(names: &[&'static str]) -> BTreeMap<&'static str, Due> {
        names.iter().map(|name| (*name, due(name))).collect()
    }

    #[test]
    fn one_question_is_under_way_and_the_next_comes_an_interval_later() {
        let mut schedule = Schedule::new(9);
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
        let mut schedule = Schedule::new(9);
        let mut draws = [0.9, 0.1, 0.5].into_iter();
        schedule.follow(wanted(&["a", "b", "c"]), 0, || draws.next().unwrap());
        assert_eq!(schedule.due(1_000, 2), ["b", "c"]);
        assert_eq!(schedule.due(1_000, 2), ["a"]);
    }

    #[test]
    fn what_is_wanted_no_more_is_forgotten_even_while_it_is_under_way() {
        let mut schedule = Schedule::new(9);
        schedule.follow(wanted(&["a", "b"]), 0, || 0.0);
        assert_eq!(schedule.due(0, 9), ["a", "b"]);
        schedule.follow(wanted(&["b"]), 1, || 0.0);
        schedule.finished(&"a", 2, 0.0);
        schedule.finished(&"b", 2, 0.0);
        assert_eq!(schedule.next_ms(), Some(8_000));
    }

    #[test]
    fn a_target_that_hangs_is_asked_so_many_questions_at_a_time_and_holds_up_no_other() {
        let mut schedule = Schedule::new(2);
        let mut draws = [0.0, 0.1, 0.2, 0.3].into_iter();
        schedule.follow(wanted(&["h1", "h2", "h3", "ok"]), 0, || draws.next().unwrap());
        assert_eq!(schedule.due(1_000, 9), ["h1", "h2", "ok"]);
        schedule.finished(&"ok", 1_001, 0.5);
        assert_eq!(schedule.next_ms(), Some(10_300), "nothing is looked at before there is room");
        assert!(schedule.due(5_000, 9).is_empty());
        // Who asked is gone, but the question is not.
        schedule.follow(wanted(&["h2", "h3", "h4", "ok"]), 6_000, || 0.0);
        assert!(schedule.due(7_000, 9).is_empty());
        schedule.finished(&"h1", 8_000, 0.5);
        assert_eq!(schedule.due(8_000, 9), ["h3"], "the longest overdue comes first");
        schedule.finished(&"h2", 8_500, 0.5);
        assert_eq!(schedule.due(8_500, 9), ["h4"]);
        schedule.finished(&"h3", 9_000, 0.5);
        schedule.finished(&"h4", 9_000, 0.5);
        assert_eq!(schedule.due(60_000, 1), ["h2"], "and all together have the room that there is");
    }
}
