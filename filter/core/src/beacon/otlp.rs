//! Page views as log records of OpenTelemetry, as apps and other scripts than `serin.js` send them.
//!
//! An `ExportLogsServiceRequest` in the JSON of OTLP/HTTP. Each record that is named [`EVENT`] becomes the same [`Beacon`] that
//! the text form gives, by the same rules. Nothing else of the payload is kept: no resource, no body, no time of a foreign
//! clock. It never fails a whole payload for one record.

mod json;

use std::fmt;

use self::json::Json;
use super::{Beacon, NUMBER_MAX, NUMBERS, PATH_BYTES, checked_path, number};

/// Bytes of a payload.
pub const MAX_BYTES: usize = 16 * 1_024;
/// Page views of one payload that are taken.
pub const MAX_VIEWS: usize = 16;
/// Name of the records that are page views.
pub const EVENT: &str = "serin.page_view";

/// Fields in which records lie within each other's lists.
const LISTS: [&str; 3] = ["resourceLogs", "scopeLogs", "logRecords"];
/// Attribute that names a record without `eventName`.
const EVENT_NAME: &str = "event.name";
/// Attribute of the page's path.
const PATH: &str = "url.path";
/// Attributes of numbers, in the order of [`NUMBERS`].
const ATTRIBUTES: [(&str, Unit); NUMBERS.len()] = [
    ("serin.age_ms", Unit::Milliseconds),
    ("serin.load_ms", Unit::Milliseconds),
    ("serin.largest_contentful_paint_ms", Unit::Milliseconds),
    ("serin.layout_shift", Unit::Thousandths),
    ("serin.interaction_ms", Unit::Milliseconds),
    ("serin.clicks", Unit::Count),
    ("serin.rage_clicks", Unit::Count),
    ("serin.errors", Unit::Count),
    ("serin.feature_uses", Unit::Count),
    ("serin.conversions", Unit::Count),
    ("serin.abandoned", Unit::Flag),
];

/// What a number of an attribute counts.
#[derive(Clone, Copy, Debug)]
enum Unit {
    /// Whole numbers.
    Count,
    /// True, or a number that is not 0.
    Flag,
    /// Rounded to whole ones.
    Milliseconds,
    /// Given in ones, kept in thousandths.
    Thousandths,
}

/// A payload.
#[derive(Debug)]
pub struct Payload(Json);

/// A log record.
#[derive(Clone, Copy, Debug)]
pub struct Record<'p> {
    json: &'p Json,
    attributes: &'p [Json],
}

/// Where a record stands: its resource, its scope in that, and itself in that.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Place([usize; LISTS.len()]);

/// Why a payload is not read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PayloadError {
    /// Too many bytes.
    #[error("exceeds {MAX_BYTES} bytes")]
    TooLong,
    /// Not of the form.
    #[error("line {line}, column {column}: must be an ExportLogsServiceRequest in JSON")]
    Form {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// A field that is no list of messages.
    #[error("{name}: must be a list of messages")]
    List {
        /// Its name.
        name: &'static str,
    },
}

/// Why a record is no page view that is counted. Its text quotes nothing of the record.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RecordError {
    /// It has another name.
    #[error("eventName: must be {EVENT}")]
    Name,
    /// No path.
    #[error("{PATH}: is missing")]
    NoPath,
    /// The path is none.
    #[error(
        "{PATH}: must begin with a slash and be at most {PATH_BYTES} bytes of printable ASCII without query and fragment"
    )]
    Path,
    /// An attribute that was given before.
    #[error("{name}: is given twice")]
    Twice {
        /// Its name.
        name: &'static str,
    },
    /// A number that the attribute cannot have.
    #[error("{name}: must be a number from 0 to {NUMBER_MAX}, and a whole one where it counts")]
    Number {
        /// Its name.
        name: &'static str,
    },
    /// Beyond [`MAX_VIEWS`].
    #[error("exceeds {MAX_VIEWS} page views")]
    TooMany,
}

impl Payload {
    /// Reads a payload.
    ///
    /// # Errors
    /// Says where it breaks which rule. Any bytes give a payload or an error.
    pub fn parse(body: &[u8]) -> Result<Self, PayloadError> {
        if body.len() > MAX_BYTES {
            return Err(PayloadError::TooLong);
        }
        let payload = Json::parse(body)
            .map_err(|error| PayloadError::Form { line: error.line(), column: error.column() })?;
        if !matches!(payload, Json::Message(_)) {
            return Err(PayloadError::Form { line: 1, column: 1 });
        }
        Ok(Self(payload))
    }

    /// All records, with their places.
    ///
    /// # Errors
    /// Names the field that is no list of messages.
    pub fn records(&self) -> Result<Vec<(Place, Record<'_>)>, PayloadError> {
        let mut records = Vec::new();
        collect(&self.0, &LISTS, Place::default(), &mut records)?;
        Ok(records)
    }
}

/// Collects the records below a message, in which lists of these names lie within each other.
fn collect<'j>(
    json: &'j Json,
    lists: &[&'static str],
    place: Place,
    records: &mut Vec<(Place, Record<'j>)>,
) -> Result<(), PayloadError> {
    let listed = |name| json.messages(name).ok_or(PayloadError::List { name });
    let Some((name, within)) = lists.split_first() else {
        records.push((place, Record { attributes: listed("attributes")?, json }));
        return Ok(());
    };
    let Place([_, resource, scope]) = place;
    for (index, one) in listed(name)?.iter().enumerate() {
        collect(one, within, Place([resource, scope, index]), records)?;
    }
    Ok(())
}

impl<'p> Record<'p> {
    /// Whether it is to be a page view.
    #[must_use]
    #[inline(never)]
    pub fn is_page_view(self) -> bool {
        let named = self.json.text("eventName").filter(|name| !name.is_empty());
        let by_attribute = || {
            let (_, value) = self.attributes().find(|(key, _)| *key == EVENT_NAME)?;
            value?.text("stringValue")
        };
        named.or_else(by_attribute) == Some(EVENT)
    }

    /// The page view that it tells of.
    ///
    /// # Errors
    /// Names the attribute and its rule.
    #[inline(never)]
    pub fn beacon(self) -> Result<Beacon<'p>, RecordError> {
        let (mut path, mut numbers) = (None, [None; NUMBERS.len()]);
        for (key, value) in self.attributes() {
            if key == PATH {
                let text = value.and_then(|value| value.text("stringValue")).unwrap_or_default();
                if path.replace(checked_path(text.as_bytes()).ok_or(RecordError::Path)?).is_some() {
                    return Err(RecordError::Twice { name: PATH });
                }
                continue;
            }
            let at = ATTRIBUTES.iter().position(|(known, _)| *known == key);
            let Some((at, (name, unit))) = at.and_then(|at| Some((at, ATTRIBUTES.get(at)?))) else {
                continue;
            };
            let Some(said) = value.and_then(|value| unit.read(value)) else { continue };
            let said = said.ok_or(RecordError::Number { name })?;
            if numbers.get_mut(at).is_some_and(|slot: &mut Option<u32>| slot.replace(said).is_some()) {
                return Err(RecordError::Twice { name });
            }
        }
        Ok(Beacon::of(path.ok_or(RecordError::NoPath)?, numbers))
    }

    /// Keys and values.
    fn attributes(self) -> impl Iterator<Item = (&'p str, Option<&'p Json>)> {
        self.attributes.iter().map(|one| (one.text("key").unwrap_or_default(), one.field("value")))
    }
}

impl Unit {
    /// The number that a value says. `None`: it says nothing; `Some(None)`: no number of this unit.
    #[inline(never)]
    fn read(self, value: &Json) -> Option<Option<u32>> {
        match value.field("intValue").or_else(|| value.field("doubleValue")) {
            Some(Json::Number(number)) => return Some(self.whole(*number)),
            // 64-bit integers are written as text.
            Some(Json::Text(text)) => {
                return Some(number(text.as_bytes()).and_then(|number| self.whole(f64::from(number))));
            }
            Some(Json::Flag(_) | Json::List(_) | Json::Message(_)) => return Some(None),
            Some(Json::Nothing) | None => {}
        }
        match value.field("boolValue").or_else(|| value.field("stringValue"))? {
            Json::Flag(holds) => Some(matches!(self, Self::Flag).then_some(u32::from(*holds))),
            Json::Nothing => None,
            Json::Number(_) | Json::Text(_) | Json::List(_) | Json::Message(_) => Some(None),
        }
    }

    /// A number as it is kept.
    fn whole(self, number: f64) -> Option<u32> {
        let scaled = if matches!(self, Self::Thousandths) { number * 1_000.0 } else { number };
        if !(0.0..=f64::from(NUMBER_MAX)).contains(&scaled) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was checked")]
        let rounded = (scaled + 0.5) as u32;
        let rounds = matches!(self, Self::Milliseconds | Self::Thousandths);
        (rounds || f64::from(rounded) == scaled).then_some(rounded)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([resource, scope, record]) = self;
        write!(text, "resourceLogs[{resource}].scopeLogs[{scope}].logRecords[{record}]")
    }
}

#[cfg(test)]
mod tests;
