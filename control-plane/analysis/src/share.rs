//! Does the canary still get its share of the requests?
//!
//! Given that a request came, it is the canary's with the configured weight; so the split of each second is a count with
//! known odds, and a share below [`RATIO`] of what it should be is tested like any other harm. Two things keep a good
//! canary safe. Users are sticky and some are heavy: their arm is drawn once, so the share may be off for good, and varies
//! more than that of single requests. The reference is therefore what the canary got in the blocks before (never more
//! than its weight), less two standard errors, and the evidence is divided by the overdispersion that those blocks
//! show. So a share that was wrong from the first second of a weight is shown but never judged; one that falls is.
//!
//! A share falls too where the baseline alone gets more, as when one heavy user who is bound to it starts a batch. So the
//! canary's requests a second must have fallen as well, beside those of the blocks before: else the share is shown, and
//! nothing is promoted on it, but nothing is undone.
//!
//! The clock of a change of weight is not exact, so the seconds around one count for nothing.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::evalue::{LOG_ZERO, log_sum};
use crate::increment::ByArm;
use crate::onset::{AGREEING_STRATA, Anchor, log_mass, recur, start};

/// Shares that are bet on, relative to the one that is allowed.
const BETS: [f64; 5] = [0.9, 0.75, 0.5, 0.2, 0.02];
/// Allowed share relative to the reference.
const RATIO: f64 = 0.9;
/// Seconds before and after a change of weight that count for nothing.
const SETTLE_S: u64 = 5;
/// Seconds whose requests are one observation of the share.
const BLOCK_S: u64 = 10;
/// Blocks at one weight before it is judged.
const LEAST_BLOCKS: f64 = 2.0;
/// Blocks that wait before they are learned from: a fall must not become usual while it is being judged.
const WAITING_BLOCKS: usize = 2;
/// Overdispersion that is believed in before any is seen, and the number of blocks that it counts for.
const PRIOR_PHI: f64 = 4.0;
const PRIOR_BLOCKS: f64 = 3.0;
/// Standard errors by which the reference lies below what was seen.
const CAUTION: f64 = 2.0;
/// Standard deviations by which the canary's requests must be fewer than usual.
const CHANCE: f64 = 3.5;
/// Weight of the newest block in the canary's usual rate: about two minutes count.
const RATE_WEIGHT: f64 = 0.1;
/// Changes of weight that wait for their second at most; of more, the latest are kept.
const MOST_CHANGES: usize = 64;
const FULL_PPM: f64 = 1e6;

/// What is known of the share while the weight stays the same.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Usual {
    requests: ByArm<u64>,
    blocks: f64,
    /// Sum over blocks of squared distances from the share before, in binomial variances.
    distances: f64,
    waiting: VecDeque<ByArm<u64>>,
    open: ByArm<u64>,
    /// Seconds in the open block.
    open_s: u64,
    /// Canary requests a second in the blocks that were learned from, the latest most.
    #[serde(default)]
    canary_rate: f64,
}

impl Usual {
    fn share(&self) -> f64 {
        let ByArm { baseline, canary } = self.requests;
        canary as f64 / (baseline as f64 + canary as f64).max(1.0)
    }

    fn add(&mut self, started: ByArm<u64>, weight: f64) {
        self.open.baseline = self.open.baseline.saturating_add(started.baseline);
        self.open.canary = self.open.canary.saturating_add(started.canary);
        self.open_s += 1;
        if self.open_s < BLOCK_S {
            return;
        }
        self.waiting.push_back(std::mem::take(&mut self.open));
        self.open_s = 0;
        if self.waiting.len() > WAITING_BLOCKS
            && let Some(block) = self.waiting.pop_front()
        {
            self.learn(block, weight);
        }
    }

    fn learn(&mut self, block: ByArm<u64>, weight: f64) {
        let requests = block.baseline as f64 + block.canary as f64;
        if requests <= 0.0 {
            return;
        }
        let before = self.requests.baseline as f64 + self.requests.canary as f64;
        let canary_rate = block.canary as f64 / BLOCK_S as f64;
        let rate_weight = if before > 0.0 { RATE_WEIGHT } else { 1.0 };
        self.canary_rate += rate_weight * (canary_rate - self.canary_rate);
        if before > 0.0 {
            // The share before is uncertain too, which widens the distance by 1 + requests / before.
            let share = self.share().clamp(weight / 100.0, 1.0 - (1.0 - weight) / 100.0);
            let variance = share * (1.0 - share) * requests * (1.0 + requests / before);
            self.distances += (block.canary as f64 - requests * share).powi(2) / variance;
            self.blocks += 1.0;
        }
        self.requests.baseline = self.requests.baseline.saturating_add(block.baseline);
        self.requests.canary = self.requests.canary.saturating_add(block.canary);
    }

    /// Whether the canary's requests of the last half minute, or of its end, are fewer than before by more than chance.
    fn canary_fell(&self) -> bool {
        let (mut canary, mut seconds) = (self.open.canary as f64, self.open_s as f64);
        let fell = |canary: f64, seconds: f64| {
            let usual = self.canary_rate * seconds;
            canary < RATIO * usual - CHANCE * (self.phi() * usual).sqrt()
        };
        let mut any = fell(canary, seconds);
        for block in self.waiting.iter().rev() {
            canary += block.canary as f64;
            seconds += BLOCK_S as f64;
            any |= fell(canary, seconds);
        }
        any
    }

    fn phi(&self) -> f64 {
        let sum = PRIOR_PHI * PRIOR_BLOCKS + self.distances;
        (sum / (PRIOR_BLOCKS + self.blocks)).max(1.0)
    }

    /// The share that the canary should at least have; `None` while that is not known.
    fn reference(&self, weight: f64) -> Option<f64> {
        if self.blocks < LEAST_BLOCKS {
            return None;
        }
        let requests = self.requests.baseline as f64 + self.requests.canary as f64;
        let share = self.share();
        let error = (self.phi() * share * (1.0 - share) / requests.max(1.0)).sqrt();
        let low = (share - CAUTION * error).min(weight);
        (low > 0.0).then_some(low)
    }
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
struct Bet {
    log_m: f64,
    anchor: Anchor,
}

/// The evidence on the share of the version's requests.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Share {
    log_threshold: f64,
    /// What evidence must reach beyond that, while it has to be stronger.
    #[serde(default)]
    log_extra: f64,
    bets: [Bet; BETS.len()],
    mass_seen: f64,
    /// Weight in parts per million from each second on; the first entry is the present one.
    weights: BTreeMap<u64, Option<u32>>,
    usual: Usual,
    log_evidence: f64,
    /// Split of the requests since the evidence was last below zero, and the share that was expected.
    suspect: ByArm<u64>,
    reference: Option<f64>,
}

impl Share {
    /// A share that is too low at odds of `1 / alpha`.
    pub(crate) fn new(alpha: f64) -> Self {
        Self {
            log_threshold: -alpha.ln(),
            log_extra: 0.0,
            bets: [Bet { log_m: LOG_ZERO, anchor: Anchor::default() }; BETS.len()],
            mass_seen: 0.0,
            weights: BTreeMap::new(),
            usual: Usual::default(),
            log_evidence: LOG_ZERO,
            suspect: ByArm::default(),
            reference: None,
        }
    }

    /// The weight of requests that start from `second` on.
    pub(crate) fn set_weight(&mut self, second: u64, canary_ppm: Option<u32>) {
        let before = self.weights.range(..=second).next_back();
        if before.is_some_and(|(_, weight)| *weight == canary_ppm) {
            return;
        }
        self.weights.insert(second, canary_ppm);
        if self.weights.len() > MOST_CHANGES {
            self.weights.pop_first();
        }
    }

    /// Takes in how the requests that started in `second` were split. `mass` is the prior mass of all seconds so far.
    pub(crate) fn update(&mut self, second: u64, started: ByArm<u64>, mass: f64) {
        let new_mass = mass - self.mass_seen;
        self.mass_seen = mass;
        let Some(weight) = self.settled_weight(second) else { return };
        self.reference = self.usual.reference(weight);
        if let Some(reference) = self.reference {
            self.judge(started, reference, log_mass(new_mass));
        }
        self.usual.add(started, weight);
    }

    /// Forgets everything but the weights: the requests that are split changed.
    pub(crate) fn forget(&mut self) {
        let weights = std::mem::take(&mut self.weights);
        *self = Self { weights, mass_seen: self.mass_seen, ..Self::new((-self.log_threshold).exp()) };
    }

    pub(crate) fn log_threshold(&self) -> f64 {
        self.log_threshold + self.log_extra
    }

    /// The evidence must reach so much more, 0 or above.
    pub(crate) fn set_log_extra(&mut self, log_extra: f64) {
        self.log_extra = log_extra;
    }

    pub(crate) fn log_evidence(&self) -> f64 {
        self.log_evidence
    }

    pub(crate) fn is_crossed(&self) -> bool {
        self.log_evidence >= self.log_threshold() && self.usual.canary_fell()
    }

    pub(crate) fn phi(&self) -> f64 {
        self.usual.phi()
    }

    /// Requests by arm since the suspected harm began, and the share of them that the canary should have had. `None`: not
    /// judged.
    pub(crate) fn seen(&self) -> Option<(ByArm<u64>, f64)> {
        self.reference.map(|reference| (self.suspect, reference))
    }

    /// The weight at `second`, if there is one and no change is near.
    fn settled_weight(&mut self, second: u64) -> Option<f64> {
        while self.weights.keys().nth(1).is_some_and(|next| *next <= second) {
            self.weights.pop_first();
            self.usual = Usual::default();
        }
        let (from, weight) = self.weights.first_key_value()?;
        let changes = self.weights.keys().nth(1).is_some_and(|next| *next <= second.saturating_add(SETTLE_S));
        if changes || *from > second || second - *from < SETTLE_S {
            return None;
        }
        let share = f64::from((*weight)?) / FULL_PPM;
        (share > 0.0 && share < 1.0).then_some(share)
    }

    fn judge(&mut self, started: ByArm<u64>, reference: f64, new_mass: f64) {
        let (baseline, canary) = (started.baseline as f64, started.canary as f64);
        let allowed = RATIO * reference / (1.0 - reference + RATIO * reference);
        let (phi, log_weight) = (self.usual.phi(), -(BETS.len() as f64).ln());
        for (bet, psi) in self.bets.iter_mut().zip(BETS) {
            let spread: f64 = 1.0 - allowed + allowed * psi;
            let log_e = (canary * psi.ln() - (baseline + canary) * spread.ln()) / phi;
            let started = start(bet.log_m, new_mass);
            let cap = bet.anchor.cap(started, new_mass, self.log_threshold - log_weight, AGREEING_STRATA);
            bet.log_m = recur(started, log_e, cap);
            bet.anchor.add(log_e);
        }
        self.log_evidence = log_weight + log_sum(self.bets.iter().map(|bet| bet.log_m));
        if self.bets.iter().all(|bet| bet.anchor.is_idle()) {
            self.suspect = ByArm::default();
        } else {
            self.suspect.baseline = self.suspect.baseline.saturating_add(started.baseline);
            self.suspect.canary = self.suspect.canary.saturating_add(started.canary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;
    use crate::onset::StartPrior;

    fn heavy(rank: f64) -> f64 {
        1.0 / rank
    }

    fn even(_: f64) -> f64 {
        1.0
    }

    /// Seconds until the alarm when requests come from 300 users, each as busy as `size` of its rank says and bound to an arm, and from
    /// `onset` on the canary gets `left` of its requests.
    fn alarm(seed: u64, size: fn(f64) -> f64, left: f64, onset: u64, seconds: u64) -> Option<u64> {
        alarm_beside(seed, size, left, 0, onset, seconds)
    }

    /// The same, where from `onset` on the baseline gets `more` requests a second.
    fn alarm_beside(
        seed: u64,
        size: fn(f64) -> f64,
        left: f64,
        more: u64,
        onset: u64,
        seconds: u64,
    ) -> Option<u64> {
        const WEIGHT: f64 = 0.1;
        let mut noise = Noise::new(seed);
        let (mut share, mut prior, mut mass) = (Share::new(0.001), StartPrior::new(3_600), 0.0);
        share.set_weight(0, Some(100_000));
        prior.step_started(0);
        let users: Vec<(f64, bool)> =
            (1..=300).map(|rank| (size(f64::from(rank)), noise.uniform() < WEIGHT)).collect();
        let all: f64 = users.iter().map(|user| user.0).sum();
        let canary: f64 = users.iter().filter(|user| user.1).map(|user| user.0).sum::<f64>() / all;
        (0..seconds).find(|second| {
            let lost = if *second >= onset { left } else { 1.0 };
            let mut started = ByArm { baseline: if *second >= onset { more } else { 0 }, canary: 0 };
            for _ in 0..500 {
                if noise.uniform() < canary {
                    started.canary += u64::from(noise.uniform() < lost);
                } else {
                    started.baseline += 1;
                }
            }
            mass += prior.mass_at(*second);
            share.update(*second, started, mass);
            share.is_crossed()
        })
    }

    #[test]
    fn heavy_users_that_are_bound_to_an_arm_raise_no_alarm() {
        let alarms = (0..60).filter(|seed| alarm(*seed, heavy, 1.0, 0, 600).is_some()).count();
        assert_eq!(alarms, 0);
    }

    #[test]
    fn a_share_that_was_low_from_the_start_is_not_judged() {
        assert_eq!(alarm(1, even, 0.5, 0, 300), None);
    }

    #[test]
    fn a_share_that_halves_is_found_within_half_a_minute() {
        let mut delays: Vec<u64> =
            (0..20).map(|seed| alarm(seed, even, 0.5, 120, 300).unwrap() - 120).collect();
        delays.sort_unstable();
        assert!(delays[0] >= 2 && delays[10] <= 25, "{delays:?}");
    }

    #[test]
    fn a_batch_of_one_user_of_the_baseline_raises_no_alarm() {
        for more in [100, 250, 500, 2_000] {
            let alarms = (0..30).filter(|seed| alarm_beside(*seed, even, 1.0, more, 300, 900).is_some());
            assert_eq!(alarms.count(), 0, "{more} requests a second more");
        }
    }

    #[test]
    fn a_share_that_halves_is_found_while_the_baseline_gets_more() {
        for seed in 0..10 {
            let alarm = alarm_beside(seed, even, 0.5, 100, 300, 600);
            assert!(alarm.is_some_and(|second| second < 340), "{alarm:?}");
        }
    }

    #[test]
    fn without_a_weight_nothing_is_judged() {
        for weight in [None, Some(0), Some(1_000_000)] {
            let mut share = Share::new(0.001);
            share.set_weight(0, weight);
            for second in 0..300 {
                let started = ByArm { baseline: 100, canary: if second < 100 { 100 } else { 0 } };
                share.update(second, started, 1.0);
            }
            assert!(!share.is_crossed() && share.seen().is_none());
        }
    }
}
