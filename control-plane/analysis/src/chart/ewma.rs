//! The EWMA chart: z' = λ x + (1 - λ) z, with limits ±L √(λ/(2-λ) (1 - (1-λ)^2t)) for distances of unit spread
//! (Roberts 1959; Lucas and Saccucci 1990). It finds small lasting shifts that single values hide.

use serde::{Deserialize, Serialize};

use super::{FARTHEST, Side};

/// Weight and limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EwmaSettings {
    /// Weight λ of the new value, 0.01 to 1.
    pub weight: f64,
    /// Limit L in standard deviations of z. At λ = 0.2, 2.962 means a false signal every 500 values: at one value a
    /// second that is every 8 min, so the default is 5, one every 1.9 million.
    pub limit: f64,
}

impl EwmaSettings {
    /// Those of [`super::Chart`].
    pub const CHART: Self = Self { weight: 0.2, limit: 5.0 };

    fn weight(self) -> f64 {
        if self.weight.is_nan() { Self::CHART.weight } else { self.weight.clamp(0.01, 1.0) }
    }
}

/// State of the chart.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Ewma {
    value: f64,
    /// (1 - λ)^2t, which tends to 0.
    start: f64,
}

impl Default for Ewma {
    fn default() -> Self {
        Self { value: 0.0, start: 1.0 }
    }
}

impl Ewma {
    /// Takes in a distance; says on which side the EWMA is beyond its limit.
    pub fn observe(&mut self, distance: f64, settings: EwmaSettings) -> Option<Side> {
        if distance.is_nan() {
            return None;
        }
        let weight = settings.weight();
        self.value = weight * distance.clamp(-FARTHEST, FARTHEST) + (1.0 - weight) * self.value;
        self.start *= (1.0 - weight) * (1.0 - weight);
        let limit = self.limit(settings);
        match self.value {
            value if value > limit => Some(Side::High),
            value if value < -limit => Some(Side::Low),
            _ => None,
        }
    }

    /// The EWMA.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Its limit after as many values as it has seen.
    pub fn limit(&self, settings: EwmaSettings) -> f64 {
        let weight = settings.weight();
        settings.limit * (weight / (2.0 - weight) * (1.0 - self.start)).sqrt()
    }
}
