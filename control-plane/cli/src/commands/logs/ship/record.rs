//! From a line to an OTLP log record. Pure.

use serde_json::{Map, Value, json};
use serin_evidence::mask::Masker;
use serin_logs::Severity;

use super::form;
use crate::arguments::Ship;

/// Bytes of what a record says.
const BODY_BYTES: usize = 16 * 1024;

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
    (line.starts_with([' ', '\t']) && object(line).is_none()) || line.starts_with("Caused by:")
}

/// The object of a line that is one.
fn object(line: &str) -> Option<Map<String, Value>> {
    let line = line.trim_start();
    if line.starts_with('{') { serde_json::from_str(line).ok() } else { None }
}

impl Record {
    /// Of a line of text, or of a JSON object with a message.
    pub(super) fn of(line: &str, masker: &Masker, time_ns: u128) -> Self {
        let object = object(line);
        let (severity, body, exception) = match object.as_ref().and_then(of_object) {
            Some(told) => told,
            None => {
                let (severity, exception) = form::read(line);
                (severity, line, exception)
            }
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
    // A name with dots is a member of that name, or one within another.
    let find = |name: &str| {
        object.get(name).or_else(|| {
            let (outer, inner) = name.rsplit_once('.')?;
            object.get(outer)?.get(inner)
        })
    };
    let first = |names: &[&str]| names.iter().find_map(|name| find(name)?.as_str());
    let body = first(&["message", "msg", "body"])?;
    let levels = ["level", "severity", "severity_text", "severityText", "levelname", "log.level"];
    let severity = levels.iter().find_map(|name| find(name)).map_or(Severity::Unspecified, level);
    let exceptions = ["exception.type", "exception_type", "error.type", "err.type", "exc_type"];
    Some((severity, body, first(&exceptions)))
}

/// A level as a word, or as the number that pino and bunyan write: 10 for trace to 60 for fatal.
fn level(level: &Value) -> Severity {
    match (level.as_str(), level.as_u64()) {
        (Some(word), _) => Severity::from_word(word),
        (None, Some(number)) => match number / 10 {
            1 => Severity::Trace,
            2 => Severity::Debug,
            3 => Severity::Info,
            4 => Severity::Warn,
            5 => Severity::Error,
            6 => Severity::Fatal,
            _ => Severity::Unspecified,
        },
        (None, None) => Severity::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(line: &str) -> Record {
        Record::of(line, &Masker::new(true).unwrap(), 5)
    }

    #[test]
    fn severity_and_exception_are_read_off_the_objects_of_common_loggers() {
        for (line, severity, exception) in [
            (r#"{"level":"fatal","message":"gone","exception.type":"X"}"#, Severity::Fatal, Some("X")),
            (r#"{"level":50,"msg":"gone","err":{"type":"TypeError"}}"#, Severity::Error, Some("TypeError")),
            (r#"{"log.level":"WARN","message":"slow","error.type":"E"}"#, Severity::Warn, Some("E")),
            (
                r#"{"log":{"level":"error"},"message":"gone","error":{"type":"E"}}"#,
                Severity::Error,
                Some("E"),
            ),
            (r#" {"severity":"ERROR","message":"gone"}"#, Severity::Error, None),
            (r#"{"level":70,"message":"gone"}"#, Severity::Unspecified, None),
            (r#"{"level":"fatal"}"#, Severity::Unspecified, None),
        ] {
            let record = record(line);
            assert_eq!((record.severity, record.exception.as_deref()), (severity, exception), "{line}");
        }
        assert_eq!(record(r#"{"msg":"gone","level":"debug"}"#).body, "gone");
        assert!(
            !goes_on(r#" {"message":"a record of its own"}"#)
                && goes_on(r#"  "message": "of one that is printed""#)
        );
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
