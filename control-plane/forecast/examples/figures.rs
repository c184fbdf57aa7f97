//! Prints as JSON what forecasts are worth on generated series.
#![expect(clippy::print_stdout, reason = "it prints")]

use serin_forecast::{MeasureSettings, measure};

fn main() -> Result<(), serde_json::Error> {
    println!("{}", serde_json::to_string_pretty(&measure(&MeasureSettings::default()))?);
    Ok(())
}
