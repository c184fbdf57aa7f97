//! Rows as those of `bench detect`.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::{Run, SCENARIO};

/// The rows that were measured, and the one that was simulated.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    rows: Vec<Row>,
    /// Serin's row of the same scenario by `bench detect`.
    simulated: Value,
}

/// One service.
#[derive(Clone, Debug, Serialize)]
struct Row {
    scenario: String,
    method: &'static str,
    runs: usize,
    rollback_rate: f64,
    delay_s: Quantiles,
    bad_requests: Quantiles,
    localised_rate: Option<f64>,
}

/// Median and 95th percentile; one that was not rolled back took longer than any other. `None`: not reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
struct Quantiles {
    median: Option<f64>,
    p95: Option<f64>,
}

impl Report {
    pub(super) fn new(runs: &[Run], simulated: Value) -> Self {
        let part = |count: usize, of: usize| count as f64 / of as f64;
        let found: Vec<_> = runs.iter().filter(|run| run.delay_s.is_some()).collect();
        let localised = found.iter().filter(|run| run.localised).count();
        let bad = Row {
            scenario: SCENARIO.to_owned(),
            method: "serin_live",
            runs: runs.len(),
            rollback_rate: part(found.len(), runs.len()),
            delay_s: Quantiles::of(found.iter().filter_map(|run| run.delay_s).collect(), runs.len()),
            bad_requests: Quantiles::of(runs.iter().map(|run| run.bad_requests as f64).collect(), runs.len()),
            localised_rate: (!found.is_empty()).then(|| part(localised, found.len())),
        };
        let good = Row {
            scenario: "aa_beside_it".to_owned(),
            method: "serin_live",
            runs: runs.len(),
            rollback_rate: part(runs.iter().filter(|run| run.false_rollback).count(), runs.len()),
            delay_s: Quantiles::default(),
            bad_requests: Quantiles::default(),
            localised_rate: None,
        };
        Self { rows: vec![bad, good], simulated }
    }
}

impl Quantiles {
    fn of(mut values: Vec<f64>, runs: usize) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let at = |part: f64| values.get(((part * runs as f64).ceil() as usize).saturating_sub(1)).copied();
        Self { median: at(0.5), p95: at(0.95) }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "| scenario | method | rollouts | rolled back % | delay median s | p95 s | bad requests median | p95 | right component % |"
        )?;
        writeln!(formatter, "|---|---|---|---|---|---|---|---|---|")?;
        let rows = self.rows.iter().map(|row| serde_json::to_value(row).unwrap_or_default());
        for row in rows.chain([self.simulated.clone()]) {
            let number = |pointer: &str, factor: f64| {
                let value = row.pointer(pointer).and_then(Value::as_f64);
                value.map_or_else(
                    || "-".to_owned(),
                    |value| format!("{}", (value * factor * 10.0).round() / 10.0),
                )
            };
            let text = |pointer: &str| row.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
            let cells = [
                text("/scenario"),
                text("/method"),
                number("/runs", 1.0),
                number("/rollback_rate", 100.0),
                number("/delay_s/median", 1.0),
                number("/delay_s/p95", 1.0),
                number("/bad_requests/median", 1.0),
                number("/bad_requests/p95", 1.0),
                number("/localised_rate", 100.0),
            ];
            writeln!(formatter, "| {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_say_what_became_of_the_rollouts() {
        let run = |delay_s: Option<f64>, localised| Run {
            delay_s,
            bad_requests: 7,
            localised,
            false_rollback: false,
        };
        let mut runs = vec![run(Some(9.0), true), run(Some(11.0), false), run(None, false)];
        runs[2].false_rollback = true;
        let report =
            Report::new(&runs, serde_json::json!({"scenario": SCENARIO, "method": "serin", "runs": 200}));
        let [bad, good] = &report.rows[..] else { panic!("two services") };
        assert_eq!(bad.delay_s, Quantiles { median: Some(11.0), p95: None });
        assert_eq!((bad.localised_rate, bad.bad_requests.p95), (Some(0.5), Some(7.0)));
        assert!((good.rollback_rate - 1.0 / 3.0).abs() < 1e-12);
        let text = report.to_string();
        assert!(
            text.contains("| errors_5pct_100rps_w5 | serin_live | 3 | 66.7 | 11 | - | 7 | 7 | 50 |"),
            "{text}"
        );
    }
}
