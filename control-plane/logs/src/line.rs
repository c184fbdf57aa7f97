//! A log line, as it is observed.

use serde::{Deserialize, Serialize};

/// A line of one service. It borrows what it says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LogLine<'a> {
    /// What it says. What follows its first line break is shown in samples and looked at nowhere else.
    pub body: &'a str,
    /// How bad it is by its own account.
    pub severity: Severity,
    /// The type of its exception (`exception.type`), if it tells of one.
    pub exception: Option<&'a str>,
    /// Unix second in which it was written.
    pub second: u64,
}

/// How bad a line is by its own account: the six ranges of OpenTelemetry.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It does not say.
    #[default]
    Unspecified,
    /// 1 to 4.
    Trace,
    /// 5 to 8.
    Debug,
    /// 9 to 12.
    Info,
    /// 13 to 16.
    Warn,
    /// 17 to 20.
    Error,
    /// 21 to 24.
    Fatal,
}

impl Severity {
    /// All of them, from the least.
    pub const ALL: [Self; 7] =
        [Self::Unspecified, Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    /// By `severity_number` of OpenTelemetry's logs data model; other numbers say nothing.
    #[must_use]
    pub const fn from_number(number: i32) -> Self {
        match number {
            1..=4 => Self::Trace,
            5..=8 => Self::Debug,
            9..=12 => Self::Info,
            13..=16 => Self::Warn,
            17..=20 => Self::Error,
            21..=24 => Self::Fatal,
            _ => Self::Unspecified,
        }
    }

    /// The least `severity_number` of its range; 0 where it says nothing.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Unspecified => 0,
            Self::Trace => 1,
            Self::Debug => 5,
            Self::Info => 9,
            Self::Warn => 13,
            Self::Error => 17,
            Self::Fatal => 21,
        }
    }

    /// By the word that a program writes for it, in any case; other words say nothing.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        let word = word.trim().to_ascii_lowercase();
        match word.as_str() {
            "trace" | "verbose" | "v" => Self::Trace,
            "debug" | "d" | "fine" => Self::Debug,
            "info" | "i" | "information" | "notice" => Self::Info,
            "warn" | "warning" | "w" => Self::Warn,
            "error" | "err" | "e" | "severe" | "failure" => Self::Error,
            "fatal" | "f" | "critical" | "crit" | "alert" | "emerg" | "emergency" | "panic" => Self::Fatal,
            _ => Self::Unspecified,
        }
    }

    /// Its name in interfaces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_severity_is_known_by_its_name_and_by_its_number() {
        for severity in Severity::ALL {
            assert_eq!(Severity::from_word(severity.name()), severity);
            assert_eq!(Severity::from_number(severity.number()), severity);
        }
        for (number, severity) in [
            (-1, Severity::Unspecified),
            (25, Severity::Unspecified),
            (12, Severity::Info),
            (18, Severity::Error),
        ] {
            assert_eq!(Severity::from_number(number), severity, "{number}");
        }
        assert_eq!(Severity::from_word(" WARNING "), Severity::Warn);
        assert_eq!(Severity::from_word("combo"), Severity::Unspecified);
    }
}
