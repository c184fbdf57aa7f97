//! Weights that sum to 1, each near its default.

use serin_analysis::risk::{BySource, SourceWeights};

/// By what factor a weight may differ from its default.
pub const WEIGHT_FACTOR: f64 = 1.5;
/// What rounding may take.
const ROUNDING: f64 = 1e-9;

fn defaults() -> [f64; 3] {
    array(SourceWeights::default().0)
}

fn array(BySource { metrics, behaviour, logs }: BySource<f64>) -> [f64; 3] {
    [metrics, behaviour, logs]
}

/// The weights with the ratios of `wanted`, as far as the bounds allow, and a sum of 1.
///
/// With a common factor each is brought within its bounds; their sum rises with the factor, from 2/3 to 3/2, so one factor gives 1.
pub(super) fn within(wanted: BySource<f64>) -> BySource<f64> {
    let defaults = defaults();
    let mut usable = array(wanted);
    for (weight, default) in usable.iter_mut().zip(defaults) {
        let is_usable = weight.is_finite() && *weight > 0.0;
        *weight = if is_usable { weight.clamp(default / 1e6, default * 1e6) } else { default / 1e6 };
    }
    let clamped = |factor: f64| {
        let mut weights = usable;
        for (weight, default) in weights.iter_mut().zip(defaults) {
            *weight = (*weight * factor).clamp(default / WEIGHT_FACTOR, default * WEIGHT_FACTOR);
        }
        weights
    };
    let (mut low, mut high) = (-40.0_f64, 40.0_f64);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if clamped(libm::exp(middle)).iter().sum::<f64>() < 1.0 { low = middle } else { high = middle }
    }
    let [metrics, behaviour, logs] = clamped(libm::exp(low));
    let sum = metrics + behaviour + logs;
    BySource { metrics: metrics / sum, behaviour: behaviour / sum, logs: logs / sum }
}

pub(super) fn is_within(weights: BySource<f64>) -> bool {
    let each = array(weights).into_iter().zip(defaults()).all(|(weight, default)| {
        let bounds = default / WEIGHT_FACTOR - ROUNDING..=default * WEIGHT_FACTOR + ROUNDING;
        bounds.contains(&weight)
    });
    each && (array(weights).iter().sum::<f64>() - 1.0).abs() <= ROUNDING
}
