//! Which categories of failures are worse?
//!
//! Failures of each category are judged as all failures are: by the same bets, with the same margins, against those of the
//! same category on the baseline in the same strata. So a category that was there all the time is told from one that is the
//! canary's fault. No category ever raises an alarm: they say what a regression of their scope is about, and take nothing
//! from its error budget.
//!
//! That there is harm is for the evidence on all failures to show, whenever it may have begun. What is left to say is which
//! categories it is in. So the evidence on a category counts from where it began to grow, without a price for not knowing
//! when that would be, and is higher than that of its scope. A category is at fault at odds of [`LOCATED_ODDS`] to 1 for
//! each category that counts. Were it as good as the baseline's, it would be seen there by chance once in that many strata at
//! most. Nothing is capped, because nothing is undone by it.
//!
//! Where no baseline runs beside the canary, each category is compared with what is expected of all failures, which is more
//! than any category's part.

use serde::{Deserialize, Serialize};

use crate::config::RawEngineConfig;
use crate::evalue::{Counts, Margin, log_e, log_sum};
use crate::increment::ByArm;
use crate::ledger::LateFailures;
use crate::placebo::Phi;
use crate::stratum::{ArmStratum, ERROR_BET_COUNT, ERROR_BETS, Evidence, RATES, with_first_failure};
use crate::verdict::Category;

/// Odds against a category from which it is at fault, times the number of categories that count.
const LOCATED_ODDS: f64 = 20.0;
/// Log evidence beyond this counts as this.
const MOST: f32 = 1e6;

/// A number for each bet on errors: first by all failures, then by each stratum's first failure alone.
type Bets = [f64; ERROR_BETS];

/// Log e-values of a stratum by category.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ByCategory {
    /// Of a category of which nothing failed.
    none: Bets,
    /// Of those of which something failed, by position in [`Category::ALL`].
    some: Vec<(usize, Bets)>,
}

impl ByCategory {
    /// What `arms` and failures that came in late for earlier strata say, were requests independent. `all` is what all
    /// failures say together. `alone`: the baseline is what is expected of all failures together.
    pub(crate) fn of(
        all: &Evidence,
        arms: &ByArm<ArmStratum>,
        late: &[LateFailures],
        alone: bool,
        config: &RawEngineConfig,
    ) -> Self {
        let margin = Margin { ratio: config.margins.error_ratio, absolute: config.margins.error_absolute };
        let exposures = ByArm { baseline: arms.baseline.started as f64, canary: arms.canary.started as f64 };
        let expected = if alone { arms.baseline.failed as f64 } else { 0.0 };
        let counts = |baseline: u64, canary: u64| {
            let baseline = if alone { expected } else { baseline as f64 };
            Counts { events: ByArm { baseline, canary: canary as f64 }, exposures }
        };
        let mask =
            late.iter().map(LateFailures::mask).fold(arms.canary.categories.mask(), |all, of| all | of);
        let mask = if alone { mask } else { mask | arms.baseline.categories.mask() };
        // What fails is mostly of one category, and logarithms are what an update costs.
        let is_all = mask.count_ones() == 1 && late.is_empty();
        let of = |at: usize| {
            if is_all {
                return errors_of(all);
            }
            let (baseline, canary) = (arms.baseline.categories.at(at), arms.canary.categories.at(at));
            let mut bets = bets(counts(baseline, canary), margin);
            late.iter().for_each(|late| add_late(&mut bets, late, at, margin));
            bets
        };
        let some = (0..Category::ALL.len()).filter(|at| mask >> at & 1 == 1);
        Self { none: bets(counts(0, 0), margin), some: some.map(|at| (at, of(at))).collect() }
    }

    /// The same for counts that vary `phi` times as much.
    pub(crate) fn scaled(mut self, phi: Phi) -> Self {
        let rows = self.some.iter_mut().map(|(_, bets)| bets).chain([&mut self.none]);
        for row in rows {
            let (all, firsts) = row.split_at_mut(ERROR_BET_COUNT);
            all.iter_mut().for_each(|log_e| *log_e /= phi.errors.max(1.0));
            firsts.iter_mut().for_each(|log_e| *log_e /= phi.firsts.max(1.0));
        }
        self
    }

    /// With what another component's stratum of the same time says.
    pub(crate) fn add(&mut self, other: &Self) {
        let new = other.some.iter().filter(|(at, _)| self.some.iter().all(|(mine, _)| mine != at));
        let new: Vec<(usize, Bets)> = new.map(|(at, _)| (*at, self.none)).collect();
        self.some.extend(new);
        self.some.iter_mut().for_each(|(at, bets)| sum(bets, other.bets_of(*at)));
        sum(&mut self.none, &other.none);
    }

    fn bets_of(&self, at: usize) -> &Bets {
        self.some.iter().find(|(of, _)| *of == at).map_or(&self.none, |(_, bets)| bets)
    }
}

fn errors_of(evidence: &Evidence) -> Bets {
    let mut bets = Bets::default();
    bets.iter_mut().zip(evidence.harm).for_each(|(into, log_e)| *into = log_e);
    bets
}

fn sum(into: &mut Bets, other: &Bets) {
    into.iter_mut().zip(other).for_each(|(into, log_e)| *into += log_e);
}

fn bets(counts: Counts, margin: Margin) -> Bets {
    let mut bets = Bets::default();
    let (all, firsts) = bets.split_at_mut(ERROR_BET_COUNT);
    let to_first = with_first_failure(counts);
    for ((all, first), psi) in all.iter_mut().zip(firsts).zip(RATES) {
        *all = log_e(&counts, psi, margin);
        *first = if to_first == counts { *all } else { log_e(&to_first, psi, margin) };
    }
    bets
}

/// Failures whose exposure was paid for when their own stratum was judged.
fn add_late(bets: &mut Bets, late: &LateFailures, at: usize, margin: Margin) {
    let paid = Margin { absolute: 0.0, ..margin };
    let (counts, to_first) = (late.counts_in(at), late.counts_in_to_first(at));
    let (all, firsts) = bets.split_at_mut(ERROR_BET_COUNT);
    for ((all, first), psi) in all.iter_mut().zip(firsts).zip(RATES) {
        *all += log_e(&counts, psi, paid);
        *first += log_e(&to_first, psi, paid);
    }
}

/// Evidence on each category of one scope: a CUSUM of each bet, which is the e-detector of Shin, Ramdas and Rinaldo (2022,
/// arXiv 2203.03532).
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Categories {
    /// Of those of which something failed, by position in [`Category::ALL`]. In 32 bits, as a component keeps them for good.
    some: Vec<(u8, [f32; ERROR_BETS])>,
}

impl Categories {
    /// Takes in a stratum.
    pub(crate) fn update(&mut self, evidence: &ByCategory) {
        for (at, _) in &evidence.some {
            if self.some.iter().all(|(of, _)| usize::from(*of) != *at) {
                self.some.reserve_exact(1);
                self.some.push((*at as u8, [0.0; ERROR_BETS]));
            }
        }
        for (at, row) in &mut self.some {
            for (cusum, log_e) in row.iter_mut().zip(evidence.bets_of(usize::from(*at))) {
                *cusum = (*cusum + *log_e as f32).clamp(0.0, MOST);
            }
        }
    }

    /// Forgets all evidence.
    pub(crate) fn forget(&mut self) {
        self.some.clear();
    }

    /// Logarithm of the evidence against a category since it began to grow, of all bets together. 0: none.
    pub(crate) fn log_evidence(&self, category: Category) -> f64 {
        let is_of =
            |(at, _): &&(u8, [f32; ERROR_BETS])| Category::ALL.get(usize::from(*at)) == Some(&category);
        let Some((_, bets)) = self.some.iter().find(is_of) else { return 0.0 };
        let weights = || (0..ERROR_BETS).map(Evidence::bet_weight);
        let all: f64 = weights().sum();
        let parts = weights().zip(bets).map(|(weight, cusum)| (weight / all).ln() + f64::from(*cusum));
        log_sum(parts.collect::<Vec<_>>().into_iter()).max(0.0)
    }

    /// Log evidence from which one of `categories` is at fault.
    pub(crate) fn log_threshold(categories: usize) -> f64 {
        (LOCATED_ODDS * categories.max(1) as f64).ln()
    }
}

#[cfg(test)]
mod tests;
