//! What a line of a trace can be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serin_rollout::outside::Told;

use crate::act::{self, Act};
use crate::line::{Line, LineError, Rule};
use crate::logged::{self, Logged};
use crate::outside;
use crate::raw;
use crate::start::{self, Piece};
use crate::stream::{self, Streamed};
use crate::text;

/// One line of a trace.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// Requests.
    Requests(Box<Line>),
    /// A piece of how the rollout stood when its recording began.
    Start(Piece),
    /// What a person did.
    Act(Act),
    /// What log records said of blocks.
    Logged(Logged),
    /// What a query or a health check answered.
    Outside(Told),
    /// What logs or users told.
    Stream(Streamed),
}

#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TraceStartLine")]
struct StartLine {
    /// How the rollout stood.
    #[serde(deserialize_with = "raw::object")]
    start: start::Raw,
}

#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TraceActLine")]
struct ActLine {
    /// What was done.
    #[serde(deserialize_with = "raw::object")]
    act: act::Raw,
}

#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TraceLoggedLine")]
struct LoggedLine {
    /// What was told.
    #[serde(deserialize_with = "raw::object")]
    logged: logged::Raw,
}

#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TraceOutsideLine")]
struct OutsideLine {
    /// What was answered.
    outside: outside::Raw,
}

#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TraceStreamLine")]
struct StreamLine {
    /// What was told.
    #[serde(deserialize_with = "raw::object")]
    stream: stream::Raw,
}

/// One line of a trace. A recording begins with how the rollout stood, and also tells what people did, what log records
/// said of blocks, what queries and health checks answered, and what logs and users told.
#[derive(JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "TraceRecord")]
#[expect(dead_code, reason = "the variants are for the schema: a line is told apart by its first field")]
enum Schema {
    Requests(Box<raw::Line>),
    Start(StartLine),
    Act(ActLine),
    Logged(LoggedLine),
    Outside(OutsideLine),
    Stream(StreamLine),
}

/// JSON Schema of one line.
pub(crate) fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Schema).to_value()
}

impl Record {
    /// Reads one line, without its end. Total: any bytes give a record or an error.
    ///
    /// # Errors
    /// Names column, field and rule.
    pub fn parse(bytes: &[u8]) -> Result<Self, LineError> {
        if begins_with(bytes, b"start") {
            let line = text::text_of(bytes)?;
            let StartLine { start } = text::read(line)?;
            Piece::check(start).map(Self::Start).map_err(|(field, rule)| broken(line, ("start", field), rule))
        } else if begins_with(bytes, b"act") {
            let line = text::text_of(bytes)?;
            let ActLine { act } = text::read(line)?;
            Act::check(act).map(Self::Act).map_err(|(field, rule)| broken(line, ("act", field), rule))
        } else if begins_with(bytes, b"logged") {
            let line = text::text_of(bytes)?;
            let LoggedLine { logged } = text::read(line)?;
            let logged = Logged::check(logged);
            logged.map(Self::Logged).map_err(|(field, rule)| broken(line, ("logged", field), rule))
        } else if begins_with(bytes, b"outside") {
            let line = text::text_of(bytes)?;
            let OutsideLine { outside } = text::read(line)?;
            let told = outside::check(outside);
            told.map(Self::Outside).map_err(|(field, rule)| broken(line, ("outside", field), rule))
        } else if begins_with(bytes, b"stream") {
            let line = text::text_of(bytes)?;
            let StreamLine { stream } = text::read(line)?;
            let streamed = Streamed::check(stream);
            streamed.map(Self::Stream).map_err(|(field, rule)| broken(line, ("stream", field), rule))
        } else {
            Line::parse(bytes).map(|line| Self::Requests(Box::new(line)))
        }
    }

    /// Writes it as JSON, without the end of the line, so that [`Record::parse`] gives it back.
    ///
    /// # Errors
    /// As [`Line::to_json`].
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Requests(line) => line.to_json(),
            Self::Start(piece) => serde_json::to_string(&StartLine { start: piece.raw() }),
            Self::Act(act) => serde_json::to_string(&ActLine { act: act.raw() }),
            Self::Logged(logged) => serde_json::to_string(&LoggedLine { logged: logged.raw() }),
            Self::Stream(streamed) => serde_json::to_string(&StreamLine { stream: streamed.raw() }),
            Self::Outside(told) => serde_json::to_string(&OutsideLine { outside: outside::Raw::of(told) }),
        }
    }
}

impl From<Line> for Record {
    fn from(line: Line) -> Self {
        Self::Requests(Box::new(line))
    }
}

/// Whether the first field of an object has this name.
fn begins_with(bytes: &[u8], name: &[u8]) -> bool {
    let field = bytes.trim_ascii_start().strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    let rest = field.and_then(|field| field.strip_prefix(b"\"")?.strip_prefix(name));
    rest.is_some_and(|rest| rest.starts_with(b"\""))
}

fn broken(line: &str, (of, field): (&str, &str), rule: Rule) -> LineError {
    LineError { column: text::column_of(line, field), field: format!("{of}.{field}"), rule }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACT: &str = r#"{"act":{"at_ms":1800000002250,"actor":"anna","order":"set_weight","weight_ppm":250000,"reason":"half of it"}}"#;
    const LOGGED: &str = r#"{"logged":{"at_ms":1800000002250,"t":1800000001,"component":"cart","arm":"canary","blocks":{"tax":3}}}"#;
    const OUTSIDE: &str =
        r#"{"outside":{"at":1800000002250,"of":"query","name":"memory","answer":"value","value":0.5}}"#;
    const STREAM: &str = r#"{"stream":{"at_ms":1800000002250,"t":1800000001,"kind":"script_error","component":"cart","name":"","arm":"canary","events":3,"exposures":9,"harmful":true,"samples":["a"]}}"#;
    const START: &str =
        r#"{"start":{"at_ms":1800000002250,"rollout":"shop-1","part":1,"parts":1,"packed":"H4sI"}}"#;

    #[test]
    fn every_kind_of_record_is_written_as_it_was_read() {
        let orders = [
            r#""order":"pause""#,
            r#""order":"resume""#,
            r#""order":"promote""#,
            r#""order":"hand_over""#,
            r#""order":"rollback""#,
            r#""order":"rollback","component":"cart""#,
            r#""order":"rollback","block":"tax""#,
        ];
        let others = orders.map(|order| ACT.replace(r#""order":"set_weight","weight_ppm":250000"#, order));
        for text in others.iter().map(String::as_str).chain([ACT, START, LOGGED, OUTSIDE, STREAM]) {
            assert_eq!(Record::parse(text.as_bytes()).unwrap().to_json().unwrap(), text);
        }
        let spaced = ACT.replacen("{\"act\"", " {  \"act\"", 1);
        assert!(matches!(Record::parse(spaced.as_bytes()), Ok(Record::Act(_))));
    }

    proptest::proptest! {
        #[test]
        fn a_damaged_line_gives_a_record_or_an_error(at in 0..LOGGED.len(), byte: u8, cut in 0..LOGGED.len()) {
            for line in [ACT, START, LOGGED, OUTSIDE, STREAM] {
                let mut bytes = line.as_bytes().to_vec();
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
                let _ = Record::parse(&bytes);
                let _ = Record::parse(bytes.get(..cut).unwrap_or_default());
            }
        }
    }

    #[test]
    fn every_rule_of_a_start_or_an_act_names_the_field() {
        for (line, from, to, field, rule) in [
            (ACT, "1800000002250", "9800000002250000", "act.at_ms", "is beyond the year 9999"),
            (ACT, "anna", "", "act.actor", "must be 1 to 128 bytes long"),
            (ACT, "set_weight", "pause", "act.weight_ppm", "must be given for set_weight, and only there"),
            (
                ACT,
                "\"weight_ppm\":250000,",
                "",
                "act.weight_ppm",
                "must be given for set_weight, and only there",
            ),
            (ACT, "250000", "1000001", "act.weight_ppm", "must be 0 to 1000000"),
            (
                ACT,
                "\"reason\"",
                "\"component\":\"a\",\"reason\"",
                "act.component",
                "must be given for rollback, and only there",
            ),
            (
                ACT,
                "\"reason\"",
                "\"why\"",
                "act.why",
                "unknown field `why`, expected one of `at_ms`, `actor`, `order`, `weight_ppm`, `component`, `block`, `reason`",
            ),
            (LOGGED, "1800000002250", "9800000002250000", "logged.at_ms", "is beyond the year 9999"),
            (LOGGED, "cart", "", "logged.component", "must be 1 to 128 bytes long"),
            (OUTSIDE, "1800000002250", "9800000002250000", "outside.at", "is beyond the year 9999"),
            (STREAM, "script_error", "scripts", "stream.kind", "is no kind of stream"),
            (STREAM, "1800000002250", "9800000002250000", "stream.at_ms", "is beyond the year 9999"),
            (START, "\"part\":1", "\"part\":2", "start.part", "must be 1 to `parts`, at most 128"),
            (START, "H4sI", "%", "start.packed", "is not base64"),
            (START, "shop-1", "", "start.rollout", "must be 1 to 64 bytes long"),
        ] {
            let text = line.replacen(from, to, 1);
            assert_ne!(text, line, "{from}");
            let error = Record::parse(text.as_bytes()).unwrap_err();
            assert_eq!((error.field.as_str(), error.rule.to_string().as_str()), (field, rule), "{text}");
            let is_there = text.contains(&format!("\"{}\"", field.rsplit('.').next().unwrap()));
            assert_eq!(error.column > 1, is_there, "{error:?}");
        }
        let long = ACT.replace("half of it", &"x".repeat(1_001));
        assert_eq!(Record::parse(long.as_bytes()).unwrap_err().to_string(), "act.reason: exceeds 1000 bytes");
    }
}
