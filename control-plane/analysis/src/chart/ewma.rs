//! The EWMA chart: z' = λ x + (1 - λ) z, with limits ±L √(λ/(2-λ) (1 - (1-λ)^2t)) for distances of unit spread
//! (Roberts 1959; Lucas and Saccucci 1990). It finds small lasting shifts that single values hide.

use serde::{Deserialize, Serialize};

use super::{FARTHEST, Side};

/// Weight and limit.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct EwmaSettings {
    /// Weight λ of the new value, 0.01 to 1.
    pub weight: f64,
    /// Limit L in standard deviations of z. At λ = 0.2, 2.962 means a false signal every 500 values: at one value a
    /// second that is every 8 min, so the default is 5, one every 1.9 million.
    pub limit: f64,
}

impl Default for EwmaSettings {
    fn default() -> Self {
        Self { weight: 0.2, limit: 5.0 }
    }
}

/// State of the chart.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Ewma {
    settings: EwmaSettings,
    value: f64,
    /// (1 - λ)^2t, which tends to 0.
    start: f64,
}

impl Ewma {
    /// A chart that has seen nothing yet.
    pub fn new(settings: EwmaSettings) -> Self {
        let weight = if settings.weight.is_nan() { 0.2 } else { settings.weight.clamp(0.01, 1.0) };
        Self { settings: EwmaSettings { weight, ..settings }, value: 0.0, start: 1.0 }
    }

    /// Takes in a distance; says on which side the EWMA is beyond its limit.
    pub fn observe(&mut self, distance: f64) -> Option<Side> {
        if distance.is_nan() {
            return None;
        }
        let weight = self.settings.weight;
        self.value = weight * distance.clamp(-FARTHEST, FARTHEST) + (1.0 - weight) * self.value;
        self.start *= (1.0 - weight) * (1.0 - weight);
        match self.value {
            value if value > self.limit() => Some(Side::High),
            value if value < -self.limit() => Some(Side::Low),
            _ => None,
        }
    }

    /// The EWMA.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Its limit after as many values as it has seen.
    pub fn limit(&self) -> f64 {
        let weight = self.settings.weight;
        self.settings.limit * (weight / (2.0 - weight) * (1.0 - self.start)).sqrt()
    }
}
