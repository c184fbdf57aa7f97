//! When answers of one kind came.

use std::time::SystemTime;

/// The first and the last answer of one kind, by the clock of the machine: the same that journals are written by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seen {
    /// When the first one was complete.
    pub first: SystemTime,
    /// When the last one was complete.
    pub last: SystemTime,
}

impl Seen {
    /// Seen for the first time now.
    pub(super) fn now() -> Self {
        let now = SystemTime::now();
        Self { first: now, last: now }
    }

    /// Seen again now. The clock may have been set back.
    pub(super) fn again(&mut self) {
        self.last = self.last.max(SystemTime::now());
    }
}
