//! How noisy a gauge is around its own course, and how long its noise lasts.

/// Steps within which the course is taken as a line.
const BLOCK: usize = 60;
/// Fewest known values that a line is laid through.
const LEAST: usize = 6;
/// Largest persistence.
const LONGEST: f64 = 40.0;

/// Noise around lines through blocks of steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Noise {
    /// Standard deviation, above 0.
    pub(super) sd: f64,
    /// How many times a mean of many values varies more than one of independent ones: (1 + ρ) / (1 - ρ) with the
    /// correlation ρ of neighbours, 1 to 40.
    pub(super) persistence: f64,
}

impl Noise {
    /// The noise of values in equal steps, `None` for a missing one. Where it cannot be told, or there is none, it is a
    /// millionth of the largest value.
    pub(super) fn of(values: &[Option<f64>]) -> Self {
        let largest = values.iter().flatten().fold(0.0_f64, |most, value| most.max(value.abs()));
        let least = (1e-6 * largest).max(1e-9);
        let (mut squares, mut freedom, mut blocks) = (0.0, 0.0, 0.0);
        let (mut products, mut pairs, mut count) = (0.0, 0.0, 0.0);
        // Blocks end with the latest value, so that a bend in the past stays in one of them.
        for block in values.rchunks(BLOCK) {
            let Some(residuals) = residuals(block) else { continue };
            for residual in residuals.iter().flatten() {
                squares += residual * residual;
                count += 1.0;
            }
            blocks += 1.0;
            freedom += residuals.iter().flatten().count() as f64 - 2.0;
            for (before, after) in residuals.iter().zip(residuals.iter().skip(1)) {
                if let (Some(before), Some(after)) = (before, after) {
                    products += before * after;
                    pairs += 1.0;
                }
            }
        }
        let block_length = (count / f64::max(blocks, 1.0)).max(LEAST as f64);
        let sd = (squares / f64::max(freedom, 1.0)).sqrt().max(least);
        let correlation = if squares > 0.0 && pairs > 0.0 {
            let found = products / pairs / (squares / count);
            // A line takes away (2 + 4ρ) / n of it (Kendall 1954, for a mean; Tjøstheim and Paulsen 1983, for a line).
            (found + (2.0 + 4.0 * found) / block_length).clamp(0.0, 0.999)
        } else {
            0.0
        };
        Self { sd, persistence: ((1.0 + correlation) / (1.0 - correlation)).min(LONGEST) }
    }
}

/// Distances from the line of least squares.
fn residuals(block: &[Option<f64>]) -> Option<Vec<Option<f64>>> {
    let known: Vec<(f64, f64)> =
        block.iter().enumerate().filter_map(|(at, value)| Some((at as f64, (*value)?))).collect();
    if known.len() < LEAST {
        return None;
    }
    let count = known.len() as f64;
    let (at_mean, mean) = (
        known.iter().map(|(at, _)| at).sum::<f64>() / count,
        known.iter().map(|(_, value)| value).sum::<f64>() / count,
    );
    let spread: f64 = known.iter().map(|(at, _)| (at - at_mean).powi(2)).sum();
    let slope = known.iter().map(|(at, value)| (at - at_mean) * (value - mean)).sum::<f64>() / spread;
    let line = |at: usize| mean + slope * (at as f64 - at_mean);
    Some(block.iter().enumerate().map(|(at, value)| value.map(|value| value - line(at))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::Remembering;
    use serin_random::Random;

    #[test]
    fn noise_is_measured_around_a_line_with_a_bend_and_its_memory_is_seen() {
        for (memory, persistence) in [(0.0, 1.0), (0.6, 4.0)] {
            let (mut random, mut noise) = (Random::seeded(9), Remembering::new(memory, 2.0));
            let values: Vec<Option<f64>> = (0..180_u32)
                .map(|at| Some(7.0 * f64::from(at.saturating_sub(120)) + noise.next(&mut random)))
                .collect();
            let found = Noise::of(&values);
            assert!((1.6..2.4).contains(&found.sd), "{found:?}");
            assert!((0.5 * persistence..2.0 * persistence).contains(&found.persistence), "{found:?}");
        }
    }

    #[test]
    fn values_without_noise_have_a_little() {
        assert!(Noise::of(&[Some(5.0); 40]).sd > 0.0);
        assert!(Noise::of(&[]).sd > 0.0);
    }
}
