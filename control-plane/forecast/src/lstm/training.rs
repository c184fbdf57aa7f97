//! Training by Adam (Kingma and Ba 2015) for a number of steps that is fixed, so it takes as long on every run.

use super::network::{INPUTS, Network, WEIGHTS};
use serin_random::Random;

/// Steps of the training.
const STEPS: u32 = 240;
/// Length of the stretch that a step learns from.
const STRETCH: usize = 32;
/// Rate at the first step; it falls to a tenth in equal parts.
const RATE: f64 = 0.01;
/// Memory of the mean and of the square of the gradient.
const MEAN_MEMORY: f64 = 0.9;
const SQUARE_MEMORY: f64 = 0.999;
/// Longest gradient that is followed in full.
const LONGEST: f64 = 1.0;

/// Trains on `examples`, what goes in and what should come out in the order of time. Fewer than a stretch and a half
/// teach nothing.
pub(super) fn train(network: &mut Network, examples: &[([f64; INPUTS], f64)], random: &mut Random) {
    if examples.len() < STRETCH + STRETCH / 2 {
        return;
    }
    let (mut means, mut squares) = (vec![0.0; WEIGHTS], vec![0.0; WEIGHTS]);
    let (mut mean_left, mut square_left) = (1.0, 1.0);
    for step in 0..STEPS {
        let start = random.index(examples.len() - STRETCH + 1);
        let stretch = examples.get(start..start + STRETCH).unwrap_or(examples);
        let (_, gradient) = network.loss(stretch);
        let length = gradient.iter().map(|part| part * part).sum::<f64>().sqrt();
        if !length.is_finite() {
            continue;
        }
        let shrink = if length > LONGEST { LONGEST / length } else { 1.0 };
        let rate = RATE * (1.0 - 0.9 * f64::from(step) / f64::from(STEPS));
        mean_left *= MEAN_MEMORY;
        square_left *= SQUARE_MEMORY;
        let moments = means.iter_mut().zip(squares.iter_mut());
        for ((weight, part), (mean, square)) in network.weights.iter_mut().zip(&gradient).zip(moments) {
            let part = part * shrink;
            *mean += (1.0 - MEAN_MEMORY) * (part - *mean);
            *square += (1.0 - SQUARE_MEMORY) * (part * part - *square);
            let size = (*square / (1.0 - square_left)).sqrt() + 1e-8;
            *weight -= rate * (*mean / (1.0 - mean_left)) / size;
        }
    }
}
