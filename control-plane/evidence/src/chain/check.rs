//! Checks a chain, entry by entry, in bounded memory.

use super::{Entry, Fault, Head, Link, Removed};
use crate::Hash;

/// Faults that are named; more are counted.
pub const FAULTS_MAX: usize = 100;

/// A check under way.
#[derive(Clone, Debug, Default)]
pub struct Check {
    first: Option<Link>,
    last: Option<Link>,
    /// The newest statement that older entries went.
    removed: Option<Removed>,
    anchor: Option<Hash>,
    anchored: bool,
    entries: u64,
    faults: Vec<Fault>,
    more: u64,
}

/// What a check found.
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct Checked {
    /// Entries that were looked at.
    pub entries: u64,
    /// Number of the first that is there. 0: none is.
    pub first: u64,
    /// The newest entry.
    pub head: Head,
    /// What is wrong, in order.
    pub faults: Vec<Fault>,
    /// Faults beyond these.
    pub more_faults: u64,
}

impl Checked {
    /// True when nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty() && self.more_faults == 0
    }
}

impl Check {
    /// Expects one of the entries to have a hash that was kept elsewhere.
    #[must_use]
    pub fn anchored(anchor: Option<Hash>) -> Self {
        Self { anchor, ..Self::default() }
    }

    /// Looks at the next entry. `written` is the hash that was stored beside it.
    pub fn entry(&mut self, entry: &Entry, written: Option<Hash>) {
        if let Some(removed) = entry.removed() {
            self.removed = Some(removed);
        }
        self.link(entry.link(), written);
    }

    /// Looks at the next entry, whose content is not at hand.
    pub fn link(&mut self, link: Link, written: Option<Hash>) {
        self.entries += 1;
        let hash = link.hash();
        self.anchored |= self.anchor == Some(hash);
        let is_altered = written.is_some_and(|written| written != hash);
        if is_altered {
            self.fault(Fault::Altered { number: link.number });
        }
        match self.last {
            None => self.first = Some(link),
            Some(last) if link.number <= last.number => {
                self.fault(Fault::Order { number: link.number, after: last.number });
                return;
            }
            Some(last) if link.number > last.number + 1 => {
                self.fault(Fault::Missing { from: last.number + 1, through: link.number - 1 });
            }
            Some(last) => {
                if link.previous != last.hash() && !is_altered {
                    self.fault(Fault::Broken { number: link.number });
                }
            }
        }
        self.last = Some(link);
    }

    /// Notes what is wrong beside the chain itself.
    pub fn fault(&mut self, fault: Fault) {
        if self.faults.len() < FAULTS_MAX { self.faults.push(fault) } else { self.more += 1 }
    }

    /// Ends the check. `head` is what was kept apart from the entries; `None`: nothing was.
    #[must_use]
    pub fn finish(mut self, head: Option<Head>) -> Checked {
        self.beginning();
        let last = self.last.map(|last| Head { number: last.number, hash: last.hash() }).unwrap_or_default();
        if let Some(head) = head {
            if head.number > last.number {
                self.fault(Fault::End { last: last.number, head: head.number });
            } else if head != last {
                self.fault(Fault::Head { number: last.number });
            }
        }
        if let Some(anchor) = self.anchor.filter(|_| !self.anchored) {
            self.fault(Fault::Anchor { hash: anchor.to_string() });
        }
        Checked {
            entries: self.entries,
            first: self.first.map_or(0, |first| first.number),
            head: last,
            faults: self.faults,
            more_faults: self.more,
        }
    }

    fn beginning(&mut self) {
        let Some(first) = self.first else { return };
        let is_first = first.number == 1 && first.previous == Hash::NONE;
        let follows = |removed: &Removed| {
            removed.through.saturating_add(1) == first.number && removed.hash == first.previous
        };
        if !is_first && !self.removed.as_ref().is_some_and(follows) {
            self.fault(Fault::Beginning { number: first.number });
        }
    }
}
