//! Runs the binary with a deadline and a known environment.

use std::io::{ErrorKind, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longest time any command of these tests may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// What a run of the program left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Standard output as one JSON document on one line.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The error as JSON.
    pub(crate) fn error(&self) -> Value {
        let report: Value =
            serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        report.pointer("/error").cloned().unwrap()
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

/// The binary, without the settings of who runs the tests.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_serin"));
    for name in ["SERIN_SERVER", "SERIN_TOKEN", "SERIN_ACTOR"] {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the binary to its end.
pub(crate) fn serin(arguments: &[&str]) -> Ran {
    finish(command(arguments).spawn().unwrap())
}

/// The same with text on standard input, which a program that refuses its arguments may leave unread.
pub(crate) fn serin_reading(arguments: &[&str], input: &str) -> Ran {
    let mut child = command(arguments).stdin(Stdio::piped()).spawn().unwrap();
    // Closed before the end is waited for.
    let written = child.stdin.take().unwrap().write_all(input.as_bytes());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => panic!("{error}"),
        _ => finish(child),
    }
}

/// Waits for the end of a child; kills it after the deadline.
pub(crate) fn finish(mut child: Child) -> Ran {
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let output = std::thread::spawn(move || text(stdout.as_mut()));
    let errors = std::thread::spawn(move || text(stderr.as_mut()));
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > DEADLINE {
            child.kill().unwrap();
            panic!("the program did not end within {DEADLINE:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let code = status.code().unwrap_or_else(|| panic!("killed: {status}"));
    Ran { code, stdout: output.join().unwrap(), stderr: errors.join().unwrap() }
}

fn text(pipe: Option<&mut impl Read>) -> String {
    let mut text = String::new();
    pipe.map(|pipe| pipe.read_to_string(&mut text).unwrap());
    text
}
