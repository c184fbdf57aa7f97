//! From a line to an OTLP log record. Pure.

use serde_json::{Map, Value, json};
use serin_evidence::mask::Masker;
use serin_logs::Severity;

use crate::arguments::Ship;

/// Bytes of what a record says.
const BODY_BYTES: usize = 16 * 1024;
/// Words of a line among which its severity is looked for.
const SEVERITY_WORDS: usize = 8;

/// A log record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Record {
    time_ns: u128,
    severity: Severity,
    body: String,
    exception: Option<String>,
}

/// What all records have in common.
#[derive(Clone, Debug)]
pub(super) struct Resource(Value);

/// Whether a line goes on with the record before it: a frame of a stack, or what caused it.
pub(super) fn goes_on(line: &str) -> bool {
    line.starts_with([' ', '\t']) || line.starts_with("Caused by:")
}

impl Record {
    /// Of a line of text, or of a JSON object with a message.
    pub(super) fn of(line: &str, masker: &Masker, time_ns: u128) -> Self {
        let object = if line.starts_with('{') { serde_json::from_str(line).ok() } else { None };
        let (severity, body, exception) = match object.as_ref().and_then(of_object) {
            Some(told) => told,
            None => (severity_of(line), line, exception_of(line)),
        };
        let exception = exception.map(|name| masker.mask(name).into_owned());
        Self { time_ns, severity, body: cut(&masker.mask(body)).to_owned(), exception }
    }

    /// Adds a line that goes on with it.
    pub(super) fn append(&mut self, line: &str, masker: &Masker) {
        if self.body.len() < BODY_BYTES {
            self.body.push('\n');
            self.body.push_str(&masker.mask(line));
            self.body.truncate(self.body.floor_char_boundary(BODY_BYTES));
        }
    }

    fn json(&self) -> Value {
        let attributes: Vec<Value> =
            self.exception.iter().map(|exception| text("exception.type", exception)).collect();
        json!({
            "timeUnixNano": self.time_ns.to_string(),
            "severityNumber": self.severity.number(),
            "body": {"stringValue": self.body},
            "attributes": attributes,
        })
    }
}

impl Resource {
    pub(super) fn of(ship: &Ship) -> Self {
        let mut attributes = vec![text("service.name", &ship.service)];
        if let Some(version) = &ship.writer.version {
            attributes.push(text("service.version", version));
        }
        if let Some(arm) = ship.writer.arm {
            attributes.push(text("serin.arm", arm.name()));
        }
        Self(json!({"attributes": attributes}))
    }

    /// `ExportLogsServiceRequest` in OTLP's JSON encoding.
    pub(super) fn request(&self, records: &[Record]) -> String {
        let records: Vec<Value> = records.iter().map(Record::json).collect();
        let scope = json!({"scope": {"name": "serin"}, "logRecords": records});
        json!({"resourceLogs": [{"resource": self.0, "scopeLogs": [scope]}]}).to_string()
    }
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(BODY_BYTES)).unwrap_or_default()
}

/// Of the objects that common loggers write. `None`: it has no message.
fn of_object(object: &Map<String, Value>) -> Option<(Severity, &str, Option<&str>)> {
    let first = |names: &[&str]| names.iter().find_map(|name| object.get(*name)?.as_str());
    let body = first(&["message", "msg", "body"])?;
    let severity =
        first(&["level", "severity", "severity_text"]).map_or(Severity::Unspecified, Severity::from_word);
    Some((severity, body, first(&["exception.type", "exception_type"])))
}

/// The first word for a severity among the first words: in capitals, or after `level=`.
fn severity_of(line: &str) -> Severity {
    let word = |word: &str| {
        let word = word.trim_matches(|character: char| !character.is_ascii_alphabetic());
        if let Some(level) = word.strip_prefix("level=") {
            return Severity::from_word(level.trim_matches('"'));
        }
        let is_capital = word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase());
        if is_capital { Severity::from_word(word) } else { Severity::Unspecified }
    };
    let mut words = line.split_ascii_whitespace().take(SEVERITY_WORDS).map(word);
    words.find(|severity| *severity != Severity::Unspecified).unwrap_or_default()
}

/// The exception that a line begins with: `java.lang.IllegalStateException: …`.
fn exception_of(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(':')?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$'));
    (is_name && (name.ends_with("Exception") || name.ends_with("Error"))).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(line: &str) -> Record {
        Record::of(line, &Masker::new(true).unwrap(), 5)
    }

    #[test]
    fn severity_and_exception_are_read_off_a_line() {
        for (line, severity, exception) in [
            ("2027-01-15 10:00:00 [ERROR] cart failed", Severity::Error, None),
            ("WARN: slow", Severity::Warn, None),
            ("ts=1 level=info msg=x", Severity::Info, None),
            ("an error occurred", Severity::Unspecified, None),
            ("I was here", Severity::Unspecified, None),
            (
                "java.lang.IllegalStateException: no",
                Severity::Unspecified,
                Some("java.lang.IllegalStateException"),
            ),
            ("ValueError: no", Severity::Unspecified, Some("ValueError")),
            ("no Error: here", Severity::Unspecified, None),
            (r#"{"level":"fatal","message":"gone","exception.type":"X"}"#, Severity::Fatal, Some("X")),
            (r#"{"level":"fatal"}"#, Severity::Unspecified, None),
        ] {
            let record = record(line);
            assert_eq!((record.severity, record.exception.as_deref()), (severity, exception), "{line}");
        }
        assert_eq!(record(r#"{"msg":"gone","level":"debug"}"#).body, "gone");
    }

    #[test]
    fn secrets_are_masked_and_what_goes_on_is_added_within_a_bound() {
        let masker = Masker::new(true).unwrap();
        let mut record = record("ValueError: password=hunter2 of anna@example.com");
        assert!(goes_on("\tat shop.Cart") && goes_on("Caused by: x") && !goes_on("at x"));
        record.append("  token=abcdef", &masker);
        assert_eq!(
            record.body,
            "ValueError: password=[masked:secret] of [masked:email]\n  token=[masked:secret]"
        );
        (0..2 * BODY_BYTES).for_each(|_| record.append(" é", &masker));
        assert!((BODY_BYTES - 1..=BODY_BYTES).contains(&record.body.len()));
    }
}
