//! How a rollout got where it is: what both arms did in slots of five seconds, and how the evidence grew, second by second.
//!
//! A judgement says what is true now; a person who asks why a minute later needs the way there. A course has a bound in time and
//! in entries: the last [`KEPT_S`] seconds, the path second by second for [`FINE_S`] and every fifth second before that, at most
//! [`CELLS_MAX`] cells and [`SERIES_MAX`] series. Where there is more, the oldest slots go, and the series with least evidence.

mod path;
mod traffic;

use std::collections::BTreeMap;

use serin_analysis::config::Failures;
use serin_analysis::{Category, Outcomes, Signal, UserMasks};
use serin_rollout::{Judgement, UnixMillis, Weight};

use crate::documents::{Counts, Path, Slot};
use path::Paths;
pub use traffic::Traffic;

/// Seconds that are remembered.
pub const KEPT_S: u64 = 900;
/// Of these, the newest are remembered second by second.
pub const FINE_S: u64 = 120;
/// Seconds of one slot of counts.
pub const SLOT_S: u64 = 5;
/// Counts of one component, arm and slot that are remembered.
pub const CELLS_MAX: usize = 20_000;
/// Series of evidence that are remembered of one second.
pub const SERIES_MAX: usize = 32;
/// Names of components and arms, and of series, that are remembered.
const NAMES_MAX: usize = 4_096;

/// The way of one rollout.
#[derive(Clone, Debug, Default)]
pub struct Course {
    names: Names,
    /// By slot, component and arm.
    cells: BTreeMap<(u64, u16, u16), Cell>,
    paths: Paths,
}

/// What one arm of one component did in one slot.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    started: u64,
    finished: u64,
    failed: u64,
    users: UserMasks,
}

/// Names, each kept once.
#[derive(Clone, Debug, Default)]
struct Names {
    numbers: BTreeMap<String, u16>,
    names: Vec<String>,
}

impl Names {
    /// The number of a name. `None`: there are too many.
    fn number(&mut self, name: &str) -> Option<u16> {
        if let Some(number) = self.numbers.get(name) {
            return Some(*number);
        }
        let number =
            u16::try_from(self.names.len()).ok().filter(|number| usize::from(*number) < NAMES_MAX)?;
        self.numbers.insert(name.to_owned(), number);
        self.names.push(name.to_owned());
        Some(number)
    }

    fn name(&self, number: u16) -> &str {
        self.names.get(usize::from(number)).map_or("", String::as_str)
    }
}

/// What one arm of a component is reported to have done.
#[derive(Clone, Copy, Debug)]
pub struct Reported<'a> {
    /// The component.
    pub component: &'a str,
    /// The arm.
    pub arm: &'a str,
    /// Second in which the requests started.
    pub second: u64,
    /// Requests that started.
    pub started: u64,
    /// Requests that finished.
    pub outcomes: &'a Outcomes,
    /// Whose they were.
    pub users: UserMasks,
}

/// What was counted lately.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Recent {
    /// Names of the arms, by the numbers that counts have.
    pub arms: BTreeMap<u16, String>,
    /// By name of the component, oldest first.
    pub components: BTreeMap<String, Vec<Counted>>,
}

/// What one arm did in one slot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Counted {
    /// First second of the slot.
    pub second: u64,
    /// Number of the arm.
    pub arm: u16,
    /// Requests that started.
    pub started: u64,
    /// Requests that finished.
    pub finished: u64,
    /// Requests that failed, by what the plan counts as a failure.
    pub failed: u64,
}

/// The evidence of one scope by one signal at one second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScopePoint {
    /// Newest second that was judged.
    pub second: u64,
    /// What was measured.
    pub signal: Signal,
    /// Natural logarithm of the evidence.
    pub log_evidence: f64,
    /// The value at which the scope is undone.
    pub log_threshold: f64,
}

impl Course {
    /// Adds what was reported. `failures` says what counts as failed.
    pub fn count(&mut self, reported: &Reported<'_>, failures: &Failures) {
        let Reported { component, arm, second, started, outcomes, users } = *reported;
        let newest = self.cells.last_key_value().map_or(0, |((slot, _, _), _)| slot * SLOT_S);
        if second.saturating_add(KEPT_S) < newest {
            return;
        }
        let (Some(component), Some(arm)) = (self.names.number(component), self.names.number(arm)) else {
            return;
        };
        let failed = Category::ALL.into_iter().filter(|category| failures.counts(*category));
        let cell = self.cells.entry((second / SLOT_S, component, arm)).or_default();
        cell.started = cell.started.saturating_add(started);
        cell.finished = cell.finished.saturating_add(outcomes.finished());
        cell.failed = failed.fold(cell.failed, |sum, category| sum.saturating_add(outcomes.of(category)));
        cell.users.add(users);
        self.bound(second);
    }

    /// Notes a judgement; of those of one second the newest counts.
    pub fn judged(&mut self, judgement: &Judgement, weight: Weight, now: UnixMillis) {
        self.paths.note(judgement, weight, now);
    }

    /// What was counted in the slots from `from_second` on.
    #[must_use]
    pub fn counts(&self, from_second: u64) -> Counts {
        let cells = self.cells.range((from_second / SLOT_S, 0, 0)..);
        let slots = cells.map(|((slot, component, arm), cell)| Slot {
            second: slot * SLOT_S,
            component: self.names.name(*component).to_owned(),
            arm: self.names.name(*arm).to_owned(),
            started: cell.started,
            finished: cell.finished,
            failed: cell.failed,
            buckets_seen: cell.users.seen.count_ones(),
            buckets_failed: if cell.failed == 0 || cell.users.failed == u64::MAX {
                0
            } else {
                cell.users.failed.count_ones()
            },
        });
        Counts { slot_s: SLOT_S, slots: slots.collect() }
    }

    /// What was counted in whole slots from `from_second` until before `until_second`, by component: of all of them, or of `only`
    /// one.
    #[must_use]
    pub fn recent(&self, from_second: u64, until_second: u64, only: Option<&str>) -> Recent {
        let (from, until) = (from_second.div_ceil(SLOT_S), until_second / SLOT_S);
        let number = only.map(|name| self.names.numbers.get(name).copied());
        let cells = self.cells.range((from, 0, 0)..(until.max(from), 0, 0));
        let cells = cells.filter(|((_, component, _), _)| number.is_none_or(|only| only == Some(*component)));
        let mut arms = BTreeMap::<u16, String>::new();
        let mut by_component = BTreeMap::<u16, Vec<Counted>>::new();
        for ((slot, component, arm), cell) in cells {
            let counted = Counted {
                second: slot * SLOT_S,
                arm: *arm,
                started: cell.started,
                finished: cell.finished,
                failed: cell.failed,
            };
            arms.entry(*arm).or_insert_with(|| self.names.name(*arm).to_owned());
            by_component.entry(*component).or_default().push(counted);
        }
        let named = by_component.into_iter();
        let components = named.map(|(number, counts)| (self.names.name(number).to_owned(), counts)).collect();
        Recent { arms, components }
    }

    /// How the evidence of one scope grew: of the version, whose name is empty, or of a component. A second in which many others
    /// had stronger evidence is left out.
    #[must_use]
    pub fn path_of(&self, scope: &str) -> Vec<ScopePoint> {
        self.paths.of(scope)
    }

    /// How the evidence grew.
    #[must_use]
    pub fn path(&self) -> Path {
        self.paths.path()
    }

    /// The second in which what led to a decision began: the last in which the strongest evidence against the canary was no
    /// evidence at all. `None`: there is no evidence.
    #[must_use]
    pub fn onset(&self) -> Option<u64> {
        self.paths.onset()
    }

    /// Buckets of users, of 64, whose requests an arm served since a second, and of these those with failures.
    #[must_use]
    pub fn buckets(&self, arm: &str, from_second: u64) -> (u32, u32) {
        let Some(arm) = self.names.numbers.get(arm) else { return (0, 0) };
        let cells = self.cells.range((from_second / SLOT_S, 0, 0)..).filter(|((_, _, of), _)| of == arm);
        let mut users = UserMasks::default();
        for (_, cell) in cells {
            // All bits: it may have been anyone, which tells nothing.
            let failed = if cell.users.failed == u64::MAX { 0 } else { cell.users.failed };
            users.add(UserMasks { seen: cell.users.seen, failed });
        }
        (users.seen.count_ones(), (users.seen & users.failed).count_ones().max(users.failed.count_ones()))
    }

    fn bound(&mut self, second: u64) {
        let oldest = second.saturating_sub(KEPT_S) / SLOT_S;
        while let Some((&(slot, _, _), _)) = self.cells.first_key_value() {
            if slot >= oldest && self.cells.len() <= CELLS_MAX {
                return;
            }
            let rest = self.cells.split_off(&(slot + 1, 0, 0));
            self.cells = rest;
        }
    }
}

#[cfg(test)]
mod tests;
