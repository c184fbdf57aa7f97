//! Where the demo writes for people.
//!
//! On a terminal the live line is overwritten in place; elsewhere it is printed only as often as it is worth reading.
//! With `--json` all of this goes to stderr, so that stdout holds the JSON object alone.

use std::io::{IsTerminal as _, Write, stderr, stdout};
use std::sync::{Mutex, PoisonError};

/// The terminal or file that people read.
pub struct Screen {
    out: Mutex<Out>,
    is_terminal: bool,
}

struct Out {
    sink: Box<dyn Write + Send>,
    /// A live line stands on the terminal, without a line end.
    live: bool,
}

impl Screen {
    /// Stdout, or stderr when stdout is kept for JSON.
    #[must_use]
    pub fn new(json: bool) -> Self {
        if json {
            Self::on(Box::new(stderr()), stderr().is_terminal())
        } else {
            Self::on(Box::new(stdout()), stdout().is_terminal())
        }
    }

    /// Nowhere.
    #[must_use]
    pub fn silent() -> Self {
        Self::on(Box::new(std::io::sink()), false)
    }

    fn on(sink: Box<dyn Write + Send>, is_terminal: bool) -> Self {
        Self { out: Mutex::new(Out { sink, live: false }), is_terminal }
    }

    /// Writes a line that stays.
    pub fn line(&self, text: &str) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let clear = if out.live { "\r\x1b[2K" } else { "" };
        out.live = false;
        // A reader that went away (a closed pipe) must not end the run.
        let _ = writeln!(out.sink, "{clear}{text}");
    }

    /// Shows what is happening now: in place on a terminal; elsewhere as a line, if `worth_a_line`.
    pub fn live(&self, text: &str, worth_a_line: bool) {
        if !self.is_terminal {
            if worth_a_line {
                self.line(text);
            }
            return;
        }
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.live = true;
        // Without wrapping (?7l), so that a narrow terminal cuts the line off instead of scrolling.
        let _ = write!(out.sink, "\r\x1b[2K\x1b[?7l{text}\x1b[?7h").and_then(|()| out.sink.flush());
    }
}

impl Drop for Screen {
    /// Leaves the live line as it is, and the cursor below it.
    fn drop(&mut self) {
        let out = self.out.get_mut().unwrap_or_else(PoisonError::into_inner);
        if out.live {
            let _ = writeln!(out.sink);
        }
    }
}
