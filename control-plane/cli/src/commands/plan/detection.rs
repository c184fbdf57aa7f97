//! How soon harm is expected to be found, at the traffic of the service.

use serde::Serialize;
use serin_analysis::ConfigError;
use serin_rollout::{Expected, Harm, Plan, Traffic, expected};

use super::measured::Measured;
use crate::output::{Sheet, duration, percent};

/// Any number: with it the same question has the same answer.
const SEED: u64 = 1;

/// What is expected.
#[derive(Debug, Serialize)]
pub(super) struct Detection {
    requests_per_second: f64,
    error_rate: f64,
    /// What the server saw. Absent: the traffic was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<Measured>,
    expected: Vec<Shown>,
}

#[derive(Debug, Serialize)]
struct Shown {
    weight_ppm: u32,
    bake_ms: u64,
    harm: String,
    runs: usize,
    found: usize,
    within_step: usize,
    /// Absent: later than ten minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    median_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p95_s: Option<u64>,
}

impl Detection {
    pub(super) fn of(
        plan: &Plan,
        traffic: &Traffic,
        measured: Option<Measured>,
    ) -> Result<Self, ConfigError> {
        let shown = |one: Expected| Shown {
            weight_ppm: one.step.weight.ppm(),
            bake_ms: u64::try_from(one.step.bake.as_millis()).unwrap_or(u64::MAX),
            harm: words(one.harm),
            runs: one.runs,
            found: one.found,
            within_step: one.within_step,
            median_s: one.median.map(|time| time.as_secs()),
            p95_s: one.late.map(|time| time.as_secs()),
        };
        Ok(Self {
            requests_per_second: traffic.requests_per_second,
            error_rate: traffic.error_rate,
            measured,
            expected: expected(plan, traffic, SEED)?.into_iter().map(shown).collect(),
        })
    }

    pub(super) fn sheet(&self, sheet: &mut Sheet) {
        let (rps, errors) = (self.requests_per_second, (self.error_rate * 1e6).round() / 1e4);
        sheet.blank();
        if let Some(measured) = &self.measured {
            sheet.line(&measured.words());
        }
        if self.expected.is_empty() {
            sheet.line(
                "Expected detection: no baseline runs beside the canary, so nothing can be said beforehand.",
            );
            return;
        }
        sheet.line(&format!(
            "Expected detection at {rps} requests a second, of which {errors}% fail (simulated)"
        ));
        let rows = self.expected.iter().map(|one| {
            let time = |seconds: Option<u64>| match seconds {
                Some(seconds) => duration(std::time::Duration::from_secs(seconds)),
                None => "over 10m".to_owned(),
            };
            let within = format!("{} of {}", one.within_step, one.runs);
            [percent(one.weight_ppm), one.harm.clone(), time(one.median_s), time(one.p95_s), within]
        });
        sheet.table(["WEIGHT", "HARM", "MEDIAN", "95%", "WITHIN THE STEP"], rows);
        for warning in self.warnings() {
            sheet.line(&warning);
        }
    }

    /// Steps that end before half of the runs found a harm.
    fn warnings(&self) -> Vec<String> {
        let late = |one: &&Shown| one.within_step * 2 < one.runs;
        let mut warnings: Vec<String> = Vec::new();
        for weight in self.weights() {
            let of_step = self.expected.iter().filter(|one| one.weight_ppm == weight).filter(late);
            let harms: Vec<&str> = of_step.map(|one| one.harm.as_str()).collect();
            if !harms.is_empty() {
                warnings.push(format!(
                    "Warning: the step at {} is too short to find {}; it then holds rather than promotes, until enough is seen.",
                    percent(weight),
                    harms.join(", ")
                ));
            }
        }
        warnings
    }

    fn weights(&self) -> Vec<u32> {
        let mut weights: Vec<u32> = self.expected.iter().map(|one| one.weight_ppm).collect();
        weights.dedup();
        weights
    }
}

fn words(harm: Harm) -> String {
    match harm {
        Harm::Errors(ppm) => format!("+{} points of errors", percent(ppm).trim_end_matches('%')),
        Harm::Latency(percent) => format!("+{percent}% latency"),
    }
}
