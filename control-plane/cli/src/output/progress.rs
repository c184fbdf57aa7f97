//! How far long work is, on standard error, for people alone: nothing is drawn with `--json` or where standard error is no
//! terminal, and nothing is left of it afterwards.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::Output;

/// How often a picture without news moves, to show that the program lives.
const TICK: Duration = Duration::from_millis(200);

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    Bytes,
    Lines,
    /// Only time passes.
    Nothing,
}

/// A picture of how far work is. It is gone when this is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Progress(ProgressBar);

impl Output {
    /// Work begins whose end may take long. Without a `total` its size is not known. `what` is said of it.
    pub(crate) fn progress(self, what: &'static str, total: Option<u64>, unit: Unit) -> Progress {
        let is_seen = !self.is_json() && std::io::stderr().is_terminal();
        Progress::new(is_seen, what, total, unit)
    }

    /// The same beside lines on standard output: only where these go elsewhere.
    pub(crate) fn progress_beside(self, what: &'static str, unit: Unit) -> Progress {
        let is_seen = !self.is_json() && std::io::stderr().is_terminal() && !std::io::stdout().is_terminal();
        Progress::new(is_seen, what, None, unit)
    }
}

impl Progress {
    fn new(is_seen: bool, what: &'static str, total: Option<u64>, unit: Unit) -> Self {
        if !is_seen {
            return Self(ProgressBar::hidden());
        }
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::new_spinner(),
        };
        if let Ok(style) = ProgressStyle::with_template(template(total.is_some(), unit)) {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// So much more is done.
    pub(crate) fn add(&self, done: usize) {
        self.0.inc(done as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

const fn template(is_total_known: bool, unit: Unit) -> &'static str {
    match (is_total_known, unit) {
        (true, Unit::Bytes) => "{msg} {wide_bar} {bytes} of {total_bytes}, {eta} left",
        (true, Unit::Lines | Unit::Nothing) => "{msg} {wide_bar} {human_pos} of {human_len}, {eta} left",
        (false, Unit::Bytes) => "{spinner} {msg}: {bytes}, {elapsed}",
        (false, Unit::Lines) => "{spinner} {msg}: {human_pos} lines, {elapsed}",
        (false, Unit::Nothing) => "{spinner} {msg}: {elapsed}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_is_one_that_can_be_drawn() {
        for is_total_known in [false, true] {
            for unit in [Unit::Bytes, Unit::Lines, Unit::Nothing] {
                assert!(ProgressStyle::with_template(template(is_total_known, unit)).is_ok(), "{unit:?}");
            }
        }
        let hidden = Progress::new(false, "work", Some(3), Unit::Bytes);
        hidden.add(2);
        assert!(hidden.0.is_hidden());
    }
}
