//! When does the harm begin? A prior over its start, and the recursion that averages over it.
//!
//! A test that only multiplies since the beginning is slow to see a harm that starts late: it must first win back
//! what the good time cost. The weighted Shiryaev-Roberts recursion `M <- e * (M + w)` holds a bet for each
//! possible start and costs one multiplication; with prior masses `w` that sum to at most 1 the average stays an
//! e-process, so the error bound holds for the whole rollout. More than half of the mass lies on steps: a harm begins when
//! the weight changes, or soon after, so it falls with the time since. The rest lies on blocks of 5 seconds.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::evalue::{LOG_ZERO, log_add};

const BLOCK_S: u64 = 5;
const STEPS_MASS: f64 = 0.55;
const BLOCKS_MASS: f64 = 0.40;
const TAIL_MASS: f64 = 0.05;
/// Part of a step's mass that lies on its first second; the rest falls as 1 / (time since + 10 s).
const AT_ONCE: f64 = 0.4;
const SOON_S: f64 = 10.0;
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
    /// Second in which the latest step began.
    step_began: Option<u64>,
    pending_steps: BTreeSet<u64>,
}

impl StartPrior {
    pub(crate) fn new(horizon_s: u64) -> Self {
        let horizon_blocks = horizon_s.div_ceil(BLOCK_S).max(1);
        Self {
            horizon_blocks,
            origin: None,
            next_block: 0,
            steps_begun: 0,
            step_began: None,
            pending_steps: BTreeSet::new(),
        }
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
            self.step_began = Some(second);
            mass += AT_ONCE * self.step_mass();
        }
        mass + self.soon_mass(second)
    }

    /// All mass of the latest step.
    fn step_mass(&self) -> f64 {
        let step = f64::from(self.steps_begun);
        STEPS_MASS * RECIPROCAL_SQUARES / (step * step)
    }

    /// The falling part of the latest step's mass; what is left of it when the next step begins is lost, which is safe.
    fn soon_mass(&self, second: u64) -> f64 {
        let horizon_s = (self.horizon_blocks * BLOCK_S) as f64;
        let since = match self.step_began {
            Some(began) => second.saturating_sub(began) as f64,
            None => return 0.0,
        };
        if since >= horizon_s {
            return 0.0;
        }
        // The sum of 1 / (u + 10) over u = 0.. below h is less than the integral from -1/2 to h - 1/2.
        let norm = ((horizon_s + SOON_S - 0.5) / (SOON_S - 0.5)).ln();
        (1.0 - AT_ONCE) * self.step_mass() / (norm * (since + SOON_S))
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

/// Strata that must at least agree before a bet can cross.
pub(crate) const AGREEING_STRATA: f64 = 3.0;

/// Where a bet stood when its evidence began to rise, which bounds what one stratum may add.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Anchor {
    log_m: f64,
    /// Evidence since it was last zero.
    cusum: f64,
}

impl Default for Anchor {
    fn default() -> Self {
        Self { log_m: LOG_ZERO, cusum: 0.0 }
    }
}

impl Anchor {
    /// Most that the next stratum may add, so that `agreeing` such strata carry the bet from where it was when they began
    /// to `log_goal`, and fewer do not. A harm that starts late starts from its small prior mass, so each may add more. Looks
    /// at what was before that stratum only.
    ///
    /// `started` is the bet with the new mass, [`start`].
    pub(crate) fn cap(&mut self, started: f64, log_mass: f64, log_goal: f64, agreeing: f64) -> f64 {
        self.log_m = if self.is_idle() { started } else { self.log_m.max(log_mass) };
        ((log_goal - self.log_m) / agreeing).max(0.0)
    }

    /// Takes in a stratum's evidence.
    pub(crate) fn add(&mut self, log_e: f64) {
        self.cusum = (self.cusum + log_e).max(0.0);
    }

    /// No evidence is rising.
    pub(crate) fn is_idle(&self) -> bool {
        self.cusum <= 0.0
    }
}

/// Logarithm of a prior mass.
pub(crate) fn log_mass(mass: f64) -> f64 {
    if mass > 0.0 { mass.ln() } else { LOG_ZERO }
}

/// A bet with the prior mass of those that start now.
pub(crate) fn start(log_m: f64, log_mass: f64) -> f64 {
    log_add(log_m, log_mass)
}

/// One bet over all starts, after [`start`]: the logarithm of `M`.
///
/// `log_e` is clipped at `cap` before: no single stratum may carry a scope over its threshold, and `min(e, c) <= e`
/// keeps the bound.
pub(crate) fn recur(started: f64, log_e: f64, cap: f64) -> f64 {
    log_e.min(cap) + started
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_masses_of_any_run_sum_to_at_most_one() {
        for (horizon, every) in
            [10, 600, 3600].into_iter().flat_map(|horizon| [(horizon, 37), (horizon, 900_000)])
        {
            let mut prior = StartPrior::new(horizon);
            let mut total = 0.0;
            prior.step_started(1000);
            for second in 1000..200_000 {
                if second % every == 0 {
                    prior.step_started(second);
                }
                total += prior.mass_at(second);
            }
            assert!(total <= 1.0, "{horizon}, {every}: {total}");
            assert!(total > 0.6, "{horizon}, {every}: {total}");
        }
    }

    #[test]
    fn three_strata_that_agree_suffice_whenever_the_harm_begins_and_two_do_not() {
        for onset in [1000, 1003, 1060, 1900, 4000, 9000] {
            let goal = 9.0;
            let mut prior = StartPrior::new(3600);
            prior.step_started(1000);
            let (mut log_m, mut anchor) = (LOG_ZERO, Anchor::default());
            let mut crossed = Vec::new();
            for second in 1000..onset + 4 {
                let mass = prior.mass_at(second);
                let started = start(log_m, log_mass(mass));
                let cap = anchor.cap(started, log_mass(mass), goal, AGREEING_STRATA);
                let log_e = if second < onset { -0.2 } else { 1e3 };
                log_m = recur(started, log_e, cap);
                anchor.add(log_e);
                if log_m >= goal - 1e-9 {
                    crossed.push(second);
                }
            }
            assert_eq!(crossed.first(), Some(&(onset + 2)), "{onset}");
        }
    }

    #[test]
    fn a_step_told_late_counts_on_the_next_second() {
        let mut prior = StartPrior::new(3600);
        prior.mass_at(100);
        prior.step_started(50);
        assert!(prior.mass_at(101) > 0.1);
        assert!(prior.mass_at(102) < 0.01);
    }

    #[test]
    fn the_recursion_equals_the_sum_over_all_starts() {
        let log_e = [0.3, -0.2, 1.5, 0.4, -2.0, 0.9];
        let masses = [0.5, 0.0, 0.1, 0.0, 0.2, 0.1];
        let recursive = log_e
            .iter()
            .zip(masses)
            .fold(crate::evalue::LOG_ZERO, |m, (e, w)| recur(start(m, log_mass(w)), *e, 10.0));
        let direct: f64 =
            masses.iter().enumerate().map(|(start, w)| w * log_e[start..].iter().sum::<f64>().exp()).sum();
        assert!((recursive - direct.ln()).abs() < 1e-12);
    }
}
