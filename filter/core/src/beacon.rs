//! The beacon: what one page view came to, as the script in the browser sends it.
//!
//! Lines of `key=value`, the first of which is `v=1`. All values but the path are whole numbers, so nothing that a page or
//! its visitor wrote gets further than the path, and the path no further than the component that it belongs to. What is
//! unknown is passed over, so that a newer script can say more; what is known must be right. [`otlp`] reads the same from
//! log records of OpenTelemetry.

pub mod otlp;

mod page;
mod visitor;

pub(crate) use self::page::Page;
pub(crate) use self::visitor::{Country, Device, is_unwanted};

/// Bytes of a beacon.
pub const MAX_BYTES: usize = 2_048;
/// Bytes of the page's path.
const PATH_BYTES: usize = 1_024;
/// Digits of a number.
const DIGITS: usize = 7;
/// The largest number of so many digits.
const NUMBER_MAX: u32 = 9_999_999;
/// Bytes of a key.
const KEY_BYTES: usize = 8;
/// Clicks of one page view that are counted.
const CLICKS_MAX: u32 = 1_000;

/// What a page view came to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Beacon<'b> {
    /// Path of the page, as the browser writes it in requests, without query.
    pub path: &'b [u8],
    /// Milliseconds since the page was shown. `None`: not told.
    pub age_ms: Option<u32>,
    /// Milliseconds from the start of the navigation to the end of the load event. `None`: it did not load.
    pub load_ms: Option<u32>,
    /// Milliseconds from the start of the navigation to the largest contentful paint. `None`: not told.
    pub largest_paint_ms: Option<u32>,
    /// Cumulative layout shift, in thousandths.
    pub layout_shift_milli: u32,
    /// Interaction to next paint, in milliseconds.
    pub interaction_ms: u32,
    /// Clicks, at most 1,000.
    pub clicks: u32,
    /// Rage clicks.
    pub rage_clicks: u32,
    /// Uncaught JavaScript errors.
    pub errors: u32,
    /// Uses of marked features.
    pub features: u32,
    /// Conversions.
    pub conversions: u32,
    /// It was left before it had loaded, or with nothing done.
    pub abandoned: bool,
}

/// Why a beacon is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BeaconError {
    /// Too many bytes.
    #[error("beacon: exceeds {MAX_BYTES} bytes")]
    TooLong,
    /// The first line is something else.
    #[error("line 1: must be v=1")]
    Version,
    /// Not of the form.
    #[error("line {line}: must be a key of 1 to {KEY_BYTES} lower-case letters, '=' and a value")]
    Line {
        /// Its number, from 1.
        line: usize,
    },
    /// A key that was given before.
    #[error("line {line}: the key is given twice")]
    Twice {
        /// Its number, from 1.
        line: usize,
    },
    /// A known key with a value that it cannot have.
    #[error("line {line}: the value breaks the rule of its key")]
    Value {
        /// Its number, from 1.
        line: usize,
    },
    /// No path.
    #[error("p: is missing")]
    NoPath,
}

/// The key of the path.
const PATH: &[u8] = b"p";
/// The keys of numbers.
const NUMBERS: [&[u8]; 11] = [b"t", b"l", b"lcp", b"cls", b"inp", b"c", b"r", b"e", b"f", b"k", b"a"];

impl<'b> Beacon<'b> {
    /// Reads a beacon.
    ///
    /// # Errors
    /// Names the line and its rule. Any bytes give a beacon or an error.
    pub fn parse(body: &'b [u8]) -> Result<Self, BeaconError> {
        if body.len() > MAX_BYTES {
            return Err(BeaconError::TooLong);
        }
        let mut lines = body.split(|byte| *byte == b'\n');
        if lines.next() != Some(b"v=1") {
            return Err(BeaconError::Version);
        }
        let (mut path, mut numbers) = (None, [None; NUMBERS.len()]);
        for (line, text) in (2..).zip(lines) {
            let (key, value) = split(text).ok_or(BeaconError::Line { line })?;
            let refused = BeaconError::Value { line };
            let twice = if key == PATH {
                path.replace(checked_path(value).ok_or(refused)?).is_some()
            } else if let Some(at) = NUMBERS.iter().position(|known| *known == key) {
                let number = number(value).ok_or(refused)?;
                numbers.get_mut(at).is_some_and(|slot: &mut Option<u32>| slot.replace(number).is_some())
            } else {
                false
            };
            if twice {
                return Err(BeaconError::Twice { line });
            }
        }
        Ok(Self::of(path.ok_or(BeaconError::NoPath)?, numbers))
    }

    /// What the numbers say, in the order of [`NUMBERS`].
    fn of(path: &'b [u8], numbers: [Option<u32>; NUMBERS.len()]) -> Self {
        let [
            age_ms,
            load_ms,
            largest_paint_ms,
            shift,
            interaction,
            clicks,
            rage_clicks,
            errors,
            features,
            rest @ ..,
        ] = numbers;
        let [conversions, abandoned] = rest;
        Self {
            path,
            age_ms,
            load_ms,
            largest_paint_ms,
            layout_shift_milli: shift.unwrap_or_default(),
            interaction_ms: interaction.unwrap_or_default(),
            clicks: clicks.unwrap_or_default().min(CLICKS_MAX),
            rage_clicks: rage_clicks.unwrap_or_default(),
            errors: errors.unwrap_or_default(),
            features: features.unwrap_or_default(),
            conversions: conversions.unwrap_or_default(),
            abandoned: abandoned.is_some_and(|abandoned| abandoned > 0),
        }
    }
}

/// Key and value of a line.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (line.get(..at)?, line.get(at + 1..)?);
    let is_key = (1..=KEY_BYTES).contains(&key.len()) && key.iter().all(u8::is_ascii_lowercase);
    is_key.then_some((key, value))
}

/// A path as it stands in a request, without query and fragment.
fn checked_path(value: &[u8]) -> Option<&[u8]> {
    let is_path = value.first() == Some(&b'/')
        && value.len() <= PATH_BYTES
        && value.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#'));
    is_path.then_some(value)
}

/// A whole number of few digits.
fn number(value: &[u8]) -> Option<u32> {
    let is_number = (1..=DIGITS).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
    is_number.then(|| value.iter().fold(0, |number, digit| number * 10 + u32::from(*digit - b'0')))
}

#[cfg(test)]
mod tests;
