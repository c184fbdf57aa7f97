//! When does the harm begin? A prior over its start, and the recursion that averages over it.
//!
//! A test that only multiplies since the beginning is slow to see a harm that starts late: it must first win back
//! what the good time cost. The weighted Shiryaev-Roberts recursion `M <- e * (M + w)` holds a bet for each
//! possible start and costs one multiplication; with prior masses `w` that sum to at most 1 the average stays an
//! e-process, so the error bound holds for the whole rollout. Half of the mass lies on the starts of steps (a harm
//! begins when the weight changes), half on blocks of 5 seconds.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::evalue::log_add;

const BLOCK_S: u64 = 5;
const STEPS_MASS: f64 = 0.5;
const BLOCKS_MASS: f64 = 0.45;
const TAIL_MASS: f64 = 0.05;
/// `6 / π²`: the reciprocal squares times this sum to 1.
const RECIPROCAL_SQUARES: f64 = 0.607_927_101_854_026_6;
/// Step starts that wait for their second; further ones share the last one's mass.
const MAX_PENDING_STEPS: usize = 64;

/// How likely a harm is to start in each second.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct StartPrior {
    horizon_blocks: u64,
    origin: Option<u64>,
    next_block: u64,
    steps_begun: u32,
    pending_steps: BTreeSet<u64>,
}

impl StartPrior {
    pub(crate) fn new(horizon_s: u64) -> Self {
        let horizon_blocks = horizon_s.div_ceil(BLOCK_S).max(1);
        Self { horizon_blocks, origin: None, next_block: 0, steps_begun: 0, pending_steps: BTreeSet::new() }
    }

    /// A step starts in `second`; if that second has passed, its mass falls on the next one asked for.
    pub(crate) fn step_started(&mut self, second: u64) {
        if self.pending_steps.len() < MAX_PENDING_STEPS {
            self.pending_steps.insert(second);
        }
    }

    /// Mass that falls on `second`. Seconds must be asked for in rising order; those left out are lost mass, which
    /// is safe.
    pub(crate) fn mass_at(&mut self, second: u64) -> f64 {
        let origin = *self.origin.get_or_insert(second);
        let mut mass = 0.0;
        let block = second.saturating_sub(origin) / BLOCK_S;
        if block >= self.next_block {
            mass += self.block_mass(block);
            self.next_block = block.saturating_add(1);
        }
        while self.pending_steps.first().is_some_and(|step| *step <= second) {
            self.pending_steps.pop_first();
            self.steps_begun = self.steps_begun.saturating_add(1);
            let step = f64::from(self.steps_begun);
            mass += STEPS_MASS * RECIPROCAL_SQUARES / (step * step);
        }
        mass
    }

    /// Uniform over the horizon, then falling so that the endless tail sums to `TAIL_MASS`:
    /// the sum of `h / (b (b + 1))` over all `b >= h` is 1.
    fn block_mass(&self, block: u64) -> f64 {
        let horizon = self.horizon_blocks as f64;
        if block < self.horizon_blocks {
            BLOCKS_MASS / horizon
        } else {
            let block = block as f64;
            TAIL_MASS * horizon / (block * (block + 1.0))
        }
    }
}

/// One bet over all starts: the logarithm of `M`.
///
/// `log_e` is clipped at `cap` before: no single stratum may carry a scope over its threshold, and `min(e, c) <= e`
/// keeps the bound.
pub(crate) fn recur(log_m: f64, log_e: f64, cap: f64, mass: f64) -> f64 {
    let started = if mass > 0.0 { log_add(log_m, mass.ln()) } else { log_m };
    log_e.min(cap) + started
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_masses_of_any_long_run_sum_to_at_most_one() {
        for horizon in [10, 600, 3600] {
            let mut prior = StartPrior::new(horizon);
            let mut total = 0.0;
            for second in 1000..200_000 {
                if second % 37 == 0 {
                    prior.step_started(second);
                }
                total += prior.mass_at(second);
            }
            assert!(total <= 1.0, "{horizon}: {total}");
            assert!(total > 0.98, "{horizon}: {total}");
        }
    }

    #[test]
    fn a_step_told_late_counts_on_the_next_second() {
        let mut prior = StartPrior::new(3600);
        prior.mass_at(100);
        prior.step_started(50);
        assert!(prior.mass_at(101) > 0.3);
        assert_eq!(prior.mass_at(102), 0.0);
    }

    #[test]
    fn the_recursion_equals_the_sum_over_all_starts() {
        let log_e = [0.3, -0.2, 1.5, 0.4, -2.0, 0.9];
        let masses = [0.5, 0.0, 0.1, 0.0, 0.2, 0.1];
        let recursive =
            log_e.iter().zip(masses).fold(crate::evalue::LOG_ZERO, |m, (e, w)| recur(m, *e, 10.0, w));
        let direct: f64 =
            masses.iter().enumerate().map(|(start, w)| w * log_e[start..].iter().sum::<f64>().exp()).sum();
        assert!((recursive - direct.ln()).abs() < 1e-12);
    }
}
