//! Series from CSV files as the Numenta Anomaly Benchmark has them: a header `timestamp,value`, then one point a line.
//!
//! Timestamps are read as one time zone, seconds count; `2014-02-14 14:30:00`, also with `T`, fractions of a second
//! and `Z`. An empty value is a missing point. Points may come in any order.

/// Most points of one file.
pub const POINTS_MAX: usize = 1_000_000;
/// Most steps of a grid for each point: sparser points have no regular step.
const STEPS_PER_POINT: i64 = 8;

/// Why bytes are no series.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct ParseError {
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Problem {
    /// Not UTF-8.
    #[error("is not UTF-8")]
    Encoding,
    /// The first line.
    #[error("the header must be timestamp,value")]
    Header,
    /// Too few fields.
    #[error("a value must follow the timestamp, after a comma")]
    ValueMissing,
    /// Too many fields.
    #[error("nothing may follow the value")]
    FieldsBeyond,
    /// No point in time.
    #[error("timestamp must be a time like 2014-02-14 14:30:00")]
    Timestamp,
    /// No number.
    #[error("value must be a finite number, or nothing for a missing point")]
    Value,
    /// More than [`POINTS_MAX`].
    #[error("a file must have at most 1000000 points")]
    TooMany,
}

/// Points of one file, in the order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    /// Seconds since 1970 and values, NaN for a missing one.
    points: Vec<(i64, f64)>,
}

/// A series in equal steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Second of the first value since 1970.
    pub start_s: i64,
    /// Length of a step in seconds.
    pub step_s: i64,
    /// Values, NaN for a missing one.
    pub values: Vec<f64>,
}

/// Why points cannot be laid on a grid.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GridError {
    /// Nothing to tell a step from.
    #[error("timestamp: at least two different times are needed")]
    TooFew,
    /// Too far apart for the usual step.
    #[error(
        "timestamp: points are too irregular, the usual step of {step_s} s leaves more than 7 of 8 empty"
    )]
    Irregular {
        /// The usual step in seconds.
        step_s: i64,
    },
}

/// Reads a file.
pub fn parse(bytes: &[u8]) -> Result<Points, ParseError> {
    let mut points = Vec::new();
    for (line, bytes) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let at = |column, problem| ParseError { line, column, problem };
        let text =
            std::str::from_utf8(bytes).map_err(|error| at(error.valid_up_to() + 1, Problem::Encoding))?;
        let text = text.strip_suffix('\r').unwrap_or(text);
        if line == 1 {
            let header = text.strip_prefix('\u{feff}').unwrap_or(text);
            if header != "timestamp,value" {
                return Err(at(1, Problem::Header));
            }
        } else if !text.is_empty() {
            if points.len() == POINTS_MAX {
                return Err(at(1, Problem::TooMany));
            }
            points.push(point(text).map_err(|(column, problem)| at(column, problem))?);
        }
    }
    points.sort_by_key(|(second, _)| *second);
    Ok(Points { points })
}

/// One line; the column of an error is from 1.
fn point(line: &str) -> Result<(i64, f64), (usize, Problem)> {
    let (time, value) = line.split_once(',').ok_or((line.len() + 1, Problem::ValueMissing))?;
    let second = second(time).ok_or((1, Problem::Timestamp))?;
    let column = time.len() + 2;
    if let Some((value, _)) = value.split_once(',') {
        return Err((column + value.len(), Problem::FieldsBeyond));
    }
    let value = match value.trim() {
        "" => f64::NAN,
        number => {
            number.parse().ok().filter(|value: &f64| value.is_finite()).ok_or((column, Problem::Value))?
        }
    };
    Ok((second, value))
}

/// Seconds since 1970 of a time like `2014-02-14 14:30:00`.
fn second(time: &str) -> Option<i64> {
    let time = time.strip_suffix('Z').unwrap_or(time);
    let (date, clock) = time.split_once([' ', 'T'])?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = |text: &str, length: usize, range: std::ops::RangeInclusive<i64>| {
        (text.len() == length && digits(text))
            .then(|| text.parse().ok())
            .flatten()
            .filter(|number| range.contains(number))
    };
    let mut date = date.splitn(3, '-');
    let year = number(date.next()?, 4, 1..=9999)?;
    let month = number(date.next()?, 2, 1..=12)?;
    let day = number(date.next()?, 2, 1..=days_of(year, month))?;
    let mut clock = clock.splitn(3, ':');
    let hour = number(clock.next()?, 2, 0..=23)?;
    let minute = number(clock.next()?, 2, 0..=59)?;
    let second = number(clock.next()?, 2, 0..=59)?;
    digits(fraction).then(|| days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    const BEFORE_1970: i64 = 719_162;
    let years = year - 1;
    let days_before = years * 365 + years / 4 - years / 100 + years / 400;
    let months: i64 = (1..month).map(|month| days_of(year, month)).sum();
    days_before + months + day - 1 - BEFORE_1970
}

impl Points {
    /// How many.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Lays the points on steps of their most usual distance. Of several in one step the last counts.
    pub fn grid(&self) -> Result<Grid, GridError> {
        let seconds = || self.points.iter().map(|(second, _)| *second);
        let mut distances: Vec<i64> =
            seconds().zip(seconds().skip(1)).map(|(before, after)| after - before).collect();
        distances.retain(|distance| *distance > 0);
        distances.sort_unstable();
        let step_s = distances.get(distances.len() / 2).copied().ok_or(GridError::TooFew)?;
        let (Some(start_s), Some(end_s)) = (seconds().next(), seconds().next_back()) else {
            return Err(GridError::TooFew);
        };
        let steps = (end_s - start_s + step_s / 2) / step_s + 1;
        let most = STEPS_PER_POINT.saturating_mul(i64::try_from(self.points.len()).unwrap_or(i64::MAX));
        let steps = usize::try_from(steps.min(most + 1)).unwrap_or(0);
        if steps as i64 > most {
            return Err(GridError::Irregular { step_s });
        }
        let mut values = vec![f64::NAN; steps];
        for (second, value) in &self.points {
            let at = usize::try_from((second - start_s + step_s / 2) / step_s).ok();
            if let Some(place) = at.and_then(|at| values.get_mut(at)) {
                *place = *value;
            }
        }
        Ok(Grid { start_s, step_s, values })
    }
}

impl Grid {
    /// Steps of a day; `None` where a day is no season: less than 4 steps, or less than 3 days.
    pub fn day(&self) -> Option<usize> {
        const DAY_S: i64 = 86_400;
        let steps = usize::try_from(DAY_S / self.step_s.max(1)).ok()?;
        let is_season = DAY_S % self.step_s.max(1) == 0 && steps >= 4 && self.values.len() >= 3 * steps;
        is_season.then_some(steps)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grid(text: &str) -> Grid {
        parse(text.as_bytes()).unwrap().grid().unwrap()
    }

    #[test]
    fn points_are_laid_on_a_grid_in_the_order_of_time_with_gaps() {
        let grid = grid(
            "timestamp,value\r\n2014-02-14 14:30:00,1.5\r\n2014-02-14 14:40:00,3\n2014-02-14T14:35:00.250Z,2e0\n\
             2014-02-14 14:45:00,\n2014-02-14 14:55:00,-5\n",
        );
        // `date -u -d '2014-02-14 14:30:00' +%s`
        assert_eq!((grid.start_s, grid.step_s), (1_392_388_200, 300));
        assert_eq!(format!("{:?}", grid.values), "[1.5, 2.0, 3.0, NaN, NaN, -5.0]");
        assert_eq!(grid.day(), None);
    }

    #[test]
    fn a_day_is_a_season_after_three_of_them() {
        let values = |count| Grid { start_s: 0, step_s: 300, values: vec![0.0; count] };
        assert_eq!(values(3 * 288).day(), Some(288));
        assert_eq!(values(3 * 288 - 1).day(), None);
        assert_eq!(Grid { step_s: 86_400, ..values(900) }.day(), None);
    }

    #[test]
    fn times_are_those_that_others_compute() {
        // `date -u -d TIME +%s`
        for (time, expected) in [
            ("1970-01-01 00:00:00", Some(0)),
            ("2000-02-29 12:00:00", Some(951_825_600)),
            ("2026-08-01 23:59:59", Some(1_785_628_799)),
            ("1969-12-31 23:59:59", Some(-1)),
            ("1900-02-29 00:00:00", None),
            ("2014-13-01 00:00:00", None),
            ("2014-01-01 24:00:00", None),
            ("2014-1-1 00:00:00", None),
            ("2014-01-01", None),
        ] {
            assert_eq!(second(time), expected, "{time}");
        }
    }

    #[test]
    fn every_error_names_its_line_column_and_rule() {
        for (text, expected) in [
            ("time,value\n", "line 1, column 1: the header must be timestamp,value"),
            (
                "timestamp,value\n2014-02-14 14:30:00\n",
                "line 2, column 20: a value must follow the timestamp, after a comma",
            ),
            ("timestamp,value\n2014-02-14 14:30:00,1,2\n", "line 2, column 22: nothing may follow the value"),
            (
                "timestamp,value\n\nnow,1\n",
                "line 3, column 1: timestamp must be a time like 2014-02-14 14:30:00",
            ),
            (
                "timestamp,value\n2014-02-14 14:30:00,one\n",
                "line 2, column 21: value must be a finite number, or nothing for a missing point",
            ),
            (
                "timestamp,value\n2014-02-14 14:30:00,inf\n",
                "line 2, column 21: value must be a finite number, or nothing for a missing point",
            ),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap_err().to_string(), expected);
        }
        let error = parse(b"timestamp,value\n2014\xff").unwrap_err();
        assert_eq!((error.line, error.column, error.problem), (2, 5, Problem::Encoding));
    }

    #[test]
    fn points_without_a_usual_step_make_no_grid() {
        let header = "timestamp,value\n2014-01-01 00:00:00,1\n";
        assert_eq!(parse(header.as_bytes()).unwrap().grid(), Err(GridError::TooFew));
        let far = format!("{header}2014-01-01 00:00:01,1\n2014-01-01 00:00:02,1\n2024-01-01 00:00:00,1\n");
        assert_eq!(parse(far.as_bytes()).unwrap().grid(), Err(GridError::Irregular { step_s: 1 }));
    }

    proptest! {
        #[test]
        fn any_bytes_give_points_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut file = b"timestamp,value\n".to_vec();
            file.extend(&bytes);
            for bytes in [&bytes, &file] {
                if let Ok(points) = parse(bytes) {
                    let _ = points.grid();
                }
            }
        }

        #[test]
        fn what_is_written_is_read(points in prop::collection::btree_map(0..5_000_u32, -1e6..1e6_f64, 2..50)) {
            let line = |(minute, value): (&u32, &f64)| {
                let (day, of_day) = (minute / 1440, minute % 1440);
                format!("2014-02-{:02} {:02}:{:02}:00,{value}\n", day + 1, of_day / 60, of_day % 60)
            };
            let file: String = std::iter::once("timestamp,value\n".to_owned()).chain(points.iter().map(line)).collect();
            let read = parse(file.as_bytes()).unwrap();
            let expected: Vec<f64> = points.values().copied().collect();
            let found: Vec<f64> = read.points.iter().map(|(_, value)| *value).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
