//! What will happen, by time; at one time, in the order in which it was arranged.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A queue of things that happen at their time, in nanoseconds.
#[derive(Debug)]
pub(super) struct Queue<T> {
    heap: BinaryHeap<Entry<T>>,
    arranged: u64,
}

#[derive(Debug)]
struct Entry<T> {
    at_ns: u64,
    number: u64,
    what: T,
}

impl<T> Queue<T> {
    pub(super) const fn new() -> Self {
        Self { heap: BinaryHeap::new(), arranged: 0 }
    }

    /// Arranges for something to happen.
    pub(super) fn at(&mut self, at_ns: u64, what: T) {
        self.arranged += 1;
        self.heap.push(Entry { at_ns, number: self.arranged, what });
    }

    /// When the next thing happens.
    pub(super) fn next_ns(&self) -> Option<u64> {
        self.heap.peek().map(|entry| entry.at_ns)
    }

    pub(super) fn pop(&mut self) -> Option<(u64, T)> {
        self.heap.pop().map(|entry| (entry.at_ns, entry.what))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    /// The earliest is the greatest, because the heap hands out that one.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at_ns, other.number).cmp(&(self.at_ns, self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_first_comes_first_and_what_happens_at_once_comes_as_arranged() {
        let mut queue = Queue::new();
        for (at_ns, what) in [(30, "d"), (10, "b"), (5, "a"), (10, "c")] {
            queue.at(at_ns, what);
        }
        assert_eq!(queue.next_ns(), Some(5));
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [(5, "a"), (10, "b"), (10, "c"), (30, "d")]);
    }
}
