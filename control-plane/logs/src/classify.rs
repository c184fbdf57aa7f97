//! How probable it is that a template is anomalous.
//!
//! A logistic regression on hashed pairs and single tokens, severity and exception, trained on lines that people or tools labelled
//! ([`Model::train`]), and calibrated on later lines than it was trained on. Without a model, severity alone tells
//! ([`prior()`]). What comes out weighs a finding, for its severity and the confidence of its detector; it is never a test.

mod calibrate;
mod features;
mod fit;
mod model;
mod prior;
mod train;

pub use calibrate::Calibration;
pub use features::{FEATURES, features};
pub use fit::{Example, Fit, fit};
pub use model::{Card, Model, ModelError};
pub use prior::prior;
pub use train::{EXAMPLES_MIN, TrainError, measured_on};

use crate::line::Severity;

/// The probability that a template is anomalous: by the model, or by severity without one.
#[must_use]
pub fn probability<'a>(
    model: Option<&Model>,
    tokens: impl Iterator<Item = &'a str>,
    severity: Severity,
    exception: Option<&str>,
) -> f64 {
    match model {
        Some(model) => model.probability(&features(tokens, severity, exception)),
        None => prior(severity, exception.is_some()),
    }
}

/// 1 / (1 + e^−x).
pub(crate) fn logistic(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + libm::exp(-x)) } else { libm::exp(x) / (1.0 + libm::exp(x)) }
}

/// ln(1 + e^x), without overflow.
fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + libm::log1p(libm::exp(-x)) } else { libm::log1p(libm::exp(x)) }
}

#[cfg(test)]
mod tests;
