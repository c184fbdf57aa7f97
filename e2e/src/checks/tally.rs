//! Counting tests, whatever ran them.

use std::fmt;
use std::ops::{Add, AddAssign};

/// Tests by how they ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Passed.
    pub passed: u64,
    /// Failed or timed out.
    pub failed: u64,
    /// Not run.
    pub skipped: u64,
}

impl Tally {
    /// One that passed.
    pub(super) const PASSED: Self = Self { passed: 1, failed: 0, skipped: 0 };
    /// One that failed.
    pub(super) const FAILED: Self = Self { passed: 0, failed: 1, skipped: 0 };
    /// One that was not run.
    pub(super) const SKIPPED: Self = Self { passed: 0, failed: 0, skipped: 1 };

    /// Adds up the summaries that `cargo test` and nextest leave in their output.
    pub(super) fn of_runners(output: &str) -> Self {
        output.lines().filter_map(summary).fold(Self::default(), |total, (_, counts)| {
            counts.split([',', ';', ':', '(', ')']).filter_map(Self::count).fold(total, Self::add)
        })
    }

    /// Reads `14 passed`.
    fn count(text: &str) -> Option<Self> {
        let (number, word) = text.trim().split_once(' ')?;
        let number = number.parse().ok()?;
        let none = Self::default();
        match word {
            "passed" => Some(Self { passed: number, ..none }),
            "failed" | "timed out" | "exec failed" => Some(Self { failed: number, ..none }),
            "skipped" | "ignored" => Some(Self { skipped: number, ..none }),
            _ => None,
        }
    }
}

/// The counts of a summary line: `test result: ok. 3 passed; …` or `Summary [ 0.1s] 3 tests run: 3 passed, …`. What nextest repeats of
/// a test that failed is indented, and counted in its summary.
fn summary(line: &str) -> Option<(&str, &str)> {
    if line.starts_with("test result:") {
        line.split_once(". ")
    } else if line.trim_start().starts_with("Summary [") {
        line.split_once(" run: ")
    } else {
        None
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_of_all_runners_are_added_up_and_other_lines_are_not() {
        let output = "\
            test result: ok. 18 passed; 0 failed; 2 ignored; 0 measured; 5 filtered out; finished in 0.84s\n\
            test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
            \x20    Summary [   3.044s] 44 tests run: 40 passed (2 slow, 1 leaky), 3 failed, 1 timed out, 6 skipped\n\
            \x20    Summary [   0.010s] 1 test run: 1 passed (1 flaky), 0 skipped\n\
            \x20   test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
            test the_word_passed_in_a_name ... ok, 7 passed\n";
        assert_eq!(Tally::of_runners(output), Tally { passed: 60, failed: 5, skipped: 8 });
    }

    #[test]
    fn the_closing_line_reads_as_documented() {
        assert_eq!((Tally::PASSED + Tally::SKIPPED).to_string(), "1 passed, 0 failed, 1 skipped");
    }
}
