//! Severity and exception of a line of text, by the forms in which common loggers and runtimes write them. Pure.

use serin_logs::Severity;

/// Words of a line among which its severity is looked for.
const WORDS: usize = 8;
/// Names before the severity.
const KEYS: [&str; 6] = ["level=", "lvl=", "severity=", "loglevel=", "log.level=", "levelname="];
/// What a line begins with that tells of the end of a process or thread.
const ENDS: [&str; 7] = [
    "panic: ",
    "fatal error: ",
    "Unhandled exception",
    "Uncaught ",
    "PHP Fatal error:",
    "Segmentation fault",
    "runtime error: ",
];

/// Severity and exception of a line.
pub(super) fn read(line: &str) -> (Severity, Option<&str>) {
    let line = line.trim_start();
    let is_end = ENDS.iter().any(|begin| line.starts_with(begin))
        || (line.starts_with("thread '") && line.contains(" panicked at "));
    if is_end {
        return (Severity::Fatal, exception_within(line));
    }
    if line.starts_with("Exception in thread ") {
        return (Severity::Error, exception_within(line));
    }
    let severity = [of_priority(line), of_klog(line), of_words(line)].into_iter().flatten().next();
    (severity.unwrap_or_default(), exception(line))
}

/// `<3>`: facility and severity of syslog (RFC 5424).
fn of_priority(line: &str) -> Option<Severity> {
    let (number, _) = line.strip_prefix('<')?.split_once('>')?;
    let priority: u16 = number.parse().ok().filter(|priority| *priority < 192)?;
    Some(match priority % 8 {
        0..=2 => Severity::Fatal,
        3 => Severity::Error,
        4 => Severity::Warn,
        5 | 6 => Severity::Info,
        _ => Severity::Debug,
    })
}

/// `E1130 10:00:00.000000 …`: a letter, month and day, then a time.
fn of_klog(line: &str) -> Option<Severity> {
    let (first, rest) = line.split_once(' ')?;
    let (letter, day) = first.split_at_checked(1)?;
    let is_day = day.len() == 4 && day.bytes().all(|byte| byte.is_ascii_digit());
    let is_time = rest.trim_start().as_bytes().get(2) == Some(&b':');
    let severity = if "IWEF".contains(letter) { Severity::from_word(letter) } else { Severity::Unspecified };
    (is_day && is_time && severity != Severity::Unspecified).then_some(severity)
}

/// The first word for a severity among the first words.
fn of_words(line: &str) -> Option<Severity> {
    let mut before = "";
    for (index, word) in line.split_ascii_whitespace().take(WORDS).enumerate() {
        let is_denied = before.eq_ignore_ascii_case("no") || before == "0";
        let severity = of_word(word, index == 0);
        if severity != Severity::Unspecified && !is_denied {
            return Some(severity);
        }
        before = word;
    }
    None
}

/// A word for a severity: after a name such as `level=`; in brackets, as `[error]` or `[core:error]`; at the begin of the line before a
/// colon, as `error:` or `ERROR:root:`; else in capitals.
fn of_word(word: &str, is_first: bool) -> Severity {
    if let Some(level) = KEYS.iter().find_map(|key| word.strip_prefix(key)) {
        return Severity::from_word(level.trim_matches(['"', '\'', ',', ']']));
    }
    if let Some(inner) = word.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(inner, _)| inner)
    {
        let level = inner.rsplit(':').next().unwrap_or(inner);
        return if level.len() > 1 { Severity::from_word(level) } else { Severity::Unspecified };
    }
    if is_first && let Some((level, _)) = word.split_once(':') {
        return if level.len() > 1 { of_console(level) } else { Severity::Unspecified };
    }
    let plain = word.trim_matches(|character: char| "[](){}<>\"':;,.|-*!".contains(character));
    let is_capital = plain.len() > 1 && plain.bytes().all(|byte| byte.is_ascii_uppercase());
    if is_capital { Severity::from_word(plain) } else { Severity::Unspecified }
}

/// Words before a colon, those of .NET's console among them.
fn of_console(word: &str) -> Severity {
    match word {
        "trce" => Severity::Trace,
        "dbug" => Severity::Debug,
        "fail" => Severity::Error,
        other => Severity::from_word(other),
    }
}

/// The exception that a line begins with: `java.lang.IllegalStateException: …`.
fn exception(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(':')?;
    is_exception(name).then_some(name)
}

/// The first word that is the name of an exception.
fn exception_within(line: &str) -> Option<&str> {
    let words = line.split_ascii_whitespace().take(WORDS).map(|word| word.trim_end_matches([':', ',']));
    words.into_iter().find(|word| is_exception(word))
}

fn is_exception(name: &str) -> bool {
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$'));
    // Not the words themselves, which say nothing.
    is_name && ["Exception", "Error"].iter().any(|end| name.len() > end.len() && name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_and_exception_are_read_off_lines_of_common_loggers_and_runtimes() {
        use Severity::{Debug, Error, Fatal, Info, Unspecified, Warn};
        const JAVA: &str = "java.lang.IllegalStateException";
        for (line, severity, exception) in [
            ("2027-01-15 10:00:00 [ERROR] cart failed", Error, None),
            ("2027-01-15T10:00:00Z ERROR cart failed", Error, None),
            ("2027/01/15 10:00:00 [error] 7#7: *1 connect() failed", Error, None),
            ("[Fri Jan 15 10:00:00 2027] [core:error] [pid 7] AH00037", Error, None),
            ("WARN: slow", Warn, None),
            ("ERROR:root:boom", Error, None),
            ("CRITICAL:root:disk gone", Fatal, None),
            ("error: cannot find cart", Error, None),
            ("warning: unused", Warn, None),
            ("fail: Shop.Cart[0]", Error, None),
            ("crit: Shop.Cart[0]", Fatal, None),
            ("dbug: Shop.Cart[0]", Debug, None),
            ("ts=1 level=info msg=x", Info, None),
            ("lvl=error msg=x", Error, None),
            (r#"time="10:00" level="error" msg=x"#, Error, None),
            ("E1130 10:00:00.000000       1 cart.go:7] gone", Error, None),
            ("W1130 10:00:00.000000       1 cart.go:7] slow", Warn, None),
            ("E1130 is the code of the door", Unspecified, None),
            ("<3>kernel: I/O error", Error, None),
            ("<165>1 2027-01-15T10:00:00Z host shop - - - x", Info, None),
            ("<999>x", Unspecified, None),
            ("panic: runtime error: index out of range", Fatal, None),
            ("fatal error: concurrent map writes", Fatal, None),
            ("thread 'main' panicked at src/main.rs:7:5:", Fatal, None),
            ("thread 'main' (17) panicked at src/main.rs:7:5:", Fatal, None),
            ("Exception in thread \"main\" java.lang.IllegalStateException: no", Error, Some(JAVA)),
            ("java.lang.IllegalStateException: no", Unspecified, Some(JAVA)),
            (
                "Unhandled exception. System.InvalidOperationException: no",
                Fatal,
                Some("System.InvalidOperationException"),
            ),
            ("Uncaught TypeError: x is not a function", Fatal, Some("TypeError")),
            ("PHP Fatal error:  Uncaught RuntimeException: no", Fatal, Some("RuntimeException")),
            ("ValueError: no", Unspecified, Some("ValueError")),
            ("an error occurred", Unspecified, None),
            ("I was here", Unspecified, None),
            ("no Error: here", Unspecified, None),
            ("Error: no name", Error, None),
            ("GET /ERROR 200", Unspecified, None),
            ("NO ERROR found", Unspecified, None),
            ("0 ERROR, 3 checked", Unspecified, None),
            ("e: x", Unspecified, None),
            ("", Unspecified, None),
        ] {
            assert_eq!(read(line), (severity, exception), "{line}");
        }
    }
}
