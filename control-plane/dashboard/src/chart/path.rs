//! Points as the data of SVG paths, in whole units and as relative moves: what a hundred rows send again has to be short.

use std::fmt::Write as _;

/// A line through points.
pub(crate) fn line(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let (mut text, mut before) = (String::new(), None);
    for (x, y) in points {
        let (x, y) = (rounded(x), rounded(y));
        let _writing_to_a_string_cannot_fail = match before {
            None => write!(text, "M{x} {y}"),
            Some((last_x, last_y)) if (last_x, last_y) == (x, y) => Ok(()),
            Some((last_x, last_y)) => write!(text, "l{} {}", x - last_x, y - last_y),
        };
        before = Some((x, y));
    }
    text
}

/// What lies between a line and a height.
pub(crate) fn area(points: &[(f64, f64)], base: f64) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return String::new() };
    format!("{}V{}H{}Z", line(points.iter().copied()), rounded(base), rounded(first.0.min(last.0)))
}

fn rounded(value: f64) -> i64 {
    // Casts from floats saturate; what is no number is drawn at 0.
    value.round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_whole_relative_and_without_repeated_points() {
        assert_eq!(line([(0.4, 10.0), (5.2, 7.7), (5.1, 8.0), (9.0, 8.0)]), "M0 10l5 -2l4 0");
        assert_eq!(area(&[(0.0, 5.0), (4.0, 1.0)], 9.0), "M0 5l4 -4V9H0Z");
        assert_eq!(area(&[], 9.0), "");
        assert_eq!(line([(f64::NAN, f64::INFINITY)]), format!("M0 {}", i64::MAX));
    }
}
