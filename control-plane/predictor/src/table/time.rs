//! When a deployment began, in the forms that tables have.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

use super::cell::Cell;

/// The end of the year 9999.
const LAST: f64 = 253_402_300_799.0;
/// The least plain number that is a time: the second day of 1970. What is below is a year, an hour or a number of the row.
const LEAST: f64 = 100_000.0;
/// Forms beside RFC 3339: those of git, and dates with slashes. One without an offset is in UTC.
const FORMS: [&str; 6] = [
    "%Y-%m-%d %H:%M:%S %z",
    "%a %b %d %H:%M:%S %Y %z",
    "%a, %d %b %Y %H:%M:%S %z",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
];

/// Seconds since the Unix epoch; NaN: not known.
pub(super) fn time(cell: Cell<'_>) -> Result<f64, &'static str> {
    match cell {
        Cell::Missing => Ok(f64::NAN),
        Cell::Number(seconds) if (0.0..LEAST).contains(&seconds) => {
            Err("is no time: seconds since the Unix epoch are 100000 or more")
        }
        Cell::Number(seconds) | Cell::Instant(seconds) if (0.0..=LAST).contains(&seconds) => Ok(seconds),
        Cell::Number(_) | Cell::Instant(_) => {
            Err("is no time from 1970 to 9999 in seconds since the Unix epoch")
        }
        Cell::Yes(_) => Err("is not a time"),
        Cell::Words(words) => instant(words)
            .map(|at| at.as_second() as f64)
            .ok_or("is no date, as 2026-01-31T12:00:00Z; docs/predict.md lists the forms"),
    }
}

fn instant(words: &str) -> Option<Timestamp> {
    let in_utc = |at: DateTime| TimeZone::UTC.to_timestamp(at).ok();
    let rfc_3339 = || words.parse::<Timestamp>().ok();
    rfc_3339().or_else(|| in_utc(words.parse().ok()?)).or_else(|| {
        FORMS.iter().find_map(|form| {
            let parts = BrokenDownTime::parse(form, words).ok()?;
            if parts.offset().is_some() {
                parts.to_timestamp().ok()
            } else {
                in_utc(parts.to_datetime().ok()?)
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_forms_that_are_told_and_nothing_else_is_guessed() {
        for (words, seconds) in [
            ("2026-01-31T12:00:00Z", 1_769_860_800.0),
            ("2026-01-31T13:00:00.5+01:00", 1_769_860_800.0),
            ("2026-01-31 12:00", 1_769_860_800.0),
            ("2026-01-31", 1_769_817_600.0),
            ("2000/01/01 15:01", 946_738_860.0),
            ("2000/01/01 15:01:07", 946_738_867.0),
            ("2000/01/01", 946_684_800.0),
            ("2011-03-13 07:06:40 +0000", 1_300_000_000.0),
            ("2011-03-13 09:06:40 +0200", 1_300_000_000.0),
            ("Tue Mar 3 13:33:28 2015 +0000", 1_425_389_608.0),
            ("Tue, 3 Mar 2015 13:33:28 +0000", 1_425_389_608.0),
            ("1425389608", 1_425_389_608.0),
            ("100000", 100_000.0),
        ] {
            assert_eq!(time(Cell::of(words)), Ok(seconds), "{words}");
        }
        for (words, rule) in [
            ("2015", "is no time: seconds"),
            ("0", "is no time: seconds"),
            ("99999.5", "is no time: seconds"),
            ("-5", "is no time from 1970"),
            ("1700000000000", "is no time from 1970"),
            ("Wed Mar 3 13:33:28 2015 +0000", "is no date"),
            ("2026/13/01", "is no date"),
            ("31.01.2026", "is no date"),
            ("01/31/2026", "is no date"),
            ("true", "is not a time"),
        ] {
            assert!(time(Cell::of(words)).is_err_and(|said| said.starts_with(rule)), "{words}");
        }
        assert_eq!(time(Cell::Instant(86_400.0)), Ok(86_400.0), "a column of times needs no guess");
        assert!(time(Cell::Missing).is_ok_and(f64::is_nan));
    }
}
