//! Triggers, queries and health checks as text for people.

use crate::model::OutsideReading;
use crate::output::Sheet;

pub(super) fn readings(sheet: &mut Sheet, readings: &[OutsideReading]) {
    if readings.is_empty() {
        return;
    }
    sheet.blank();
    sheet.line("Triggers, queries and health checks");
    let header = ["KIND", "NAME", "STATE", "OF", "ACTION", "AGE", "WHAT"];
    sheet.table(header, readings.iter().map(row));
}

fn row(reading: &OutsideReading) -> [String; 7] {
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let silent = if reading.silent { ", for long" } else { "" };
    let state = match (reading.kind.as_str(), reading.state.as_str()) {
        ("health_check", "healthy" | "unhealthy") => {
            format!("{} ({:.0} %)", reading.state, reading.confidence * 100.0)
        }
        (_, state) => format!("{state}{silent}"),
    };
    [
        reading.kind.replace('_', " "),
        reading.name.clone(),
        state,
        or_dash(&reading.component),
        or_dash(&reading.action),
        reading.age_s.map_or_else(|| "-".to_owned(), |age| format!("{age} s")),
        reading.text.clone(),
    ]
}
