//! What is believed of a template before anything was learned.

use crate::line::Severity;

/// Odds of an anomaly by severity, and how many times higher they are with an exception. Chosen, not measured: an error in three of
/// a service that runs well is noise, and a model from labelled history takes its place.
const EXCEPTION_ODDS: f64 = 3.0;

/// The probability that a line is anomalous, by its severity and whether it tells of an exception.
#[must_use]
pub fn prior(severity: Severity, has_exception: bool) -> f64 {
    let odds: f64 = match severity {
        Severity::Trace | Severity::Debug => 0.005,
        Severity::Unspecified | Severity::Info => 0.01,
        Severity::Warn => 0.05,
        Severity::Error => 0.5,
        Severity::Fatal => 2.0,
    };
    let odds = if has_exception { odds * EXCEPTION_ODDS } else { odds };
    odds / (1.0 + odds)
}
