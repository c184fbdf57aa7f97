//! How numbers, times and lists are shown, and weights are written to JSON.

use std::fmt;
use std::time::Duration;

use serin_proto::assignment::Weight;

/// A weight as a percentage with as many digits as it needs: `5 %`, `0.01 %`.
pub(crate) struct Percent(pub(crate) Weight);

impl fmt::Display for Percent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0.ppm() / 10_000, self.0.ppm() % 10_000);
        if rest == 0 {
            write!(formatter, "{whole} %")
        } else {
            write!(formatter, "{whole}.{} %", format!("{rest:04}").trim_end_matches('0'))
        }
    }
}

/// A duration in its two largest units: `2 h 5 min`, `40 s`, `250 ms`.
pub(crate) struct Time(pub(crate) Duration);

impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if self.0.is_zero() {
            return formatter.write_str("0 s");
        }
        if seconds == 0 {
            return write!(formatter, "{} ms", self.0.as_millis());
        }
        let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
        let mut rest = seconds;
        let mut parts = Vec::new();
        for (size, unit) in units {
            if rest >= size {
                parts.push(format!("{} {unit}", rest / size));
                rest %= size;
            }
        }
        parts.truncate(2);
        formatter.write_str(&parts.join(" "))
    }
}

/// A count with its thousands set apart: `12,500`.
pub(crate) struct Count(pub(crate) u64);

impl fmt::Display for Count {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let first = digits.len() % 3;
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && index % 3 == first {
                formatter.write_str(",")?;
            }
            write!(formatter, "{digit}")?;
        }
        Ok(())
    }
}

/// Names after one another; beyond five, the number of the others.
pub(crate) fn list(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => shown.join(", "),
        Some(more) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A weight in JSON: its parts per million.
pub(crate) mod ppm {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use serin_proto::assignment::Weight;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(crate) fn serialize<S: Serializer>(weight: &Weight, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(weight.ppm())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Weight, D::Error> {
        let ppm = u32::deserialize(deserializer)?;
        Weight::from_ppm(ppm).ok_or_else(|| D::Error::custom("a weight exceeds 1000000 ppm"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_people_read_them() {
        let percent = |ppm| Percent(Weight::from_ppm(ppm).unwrap()).to_string();
        assert_eq!([percent(0), percent(50_000), percent(1_000_000)], ["0 %", "5 %", "100 %"]);
        assert_eq!([percent(1), percent(100), percent(125_000)], ["0.0001 %", "0.01 %", "12.5 %"]);
        let time = |millis| Time(Duration::from_millis(millis)).to_string();
        assert_eq!([time(0), time(999), time(40_000), time(60_000)], ["0 s", "999 ms", "40 s", "1 min"]);
        assert_eq!([time(7_512_000), time(90_061_000)], ["2 h 5 min", "1 d 1 h"]);
        let count = |number| Count(number).to_string();
        assert_eq!([count(0), count(999), count(1_000), count(12_500)], ["0", "999", "1,000", "12,500"]);
        assert_eq!(count(1_234_567), "1,234,567");
        let names: Vec<String> = (1..=7).map(|number| format!("c{number}")).collect();
        assert_eq!(list(&names), "c1, c2, c3, c4, c5 and 2 more");
        assert_eq!(list(&names[..2]), "c1, c2");
    }
}
