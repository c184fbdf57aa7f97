//! Are all failures those of very few users?
//!
//! Users stay with their version. So an account whose requests always fail becomes the canary's when the weight moves it
//! there, and fails on the canary alone: no comparison of counts can tell it from a fault of the canary. Who fails can.
//!
//! Every user has one of 64 buckets, by a hash that is keyed anew for each rollout. A report tells in which buckets
//! requests were seen, and in which one failed: two masks, merged by OR, so order and repetition do not show. No user can
//! be told from a bucket.
//!
//! Failures are [put down to few users](Users::explain) when two things hold. First, they lie in one or two buckets, and
//! were that chance it would be very improbable ([`log_chance`]). Second, all other users fare as well as on the
//! baseline: the same bets that the canary is judged by, at the same threshold, on the failures outside of these buckets,
//! say nothing against it. As soon as others begin to fail, they do.
//!
//! It never speaks when that is not sure: reports without masks, requests without a user, few users, or an account that
//! is a large part of the traffic.

use serde::{Deserialize, Serialize};

use crate::config::RawEngineConfig;
use crate::increment::ByArm;
use crate::placebo::Phi;
use crate::stratum::{ArmStratum, ERROR_BETS, Evidence};

/// Failures are put down to at most so many buckets.
const MOST_SUSPECTS: usize = 2;
/// Buckets in which requests must have been seen.
const LEAST_SEEN: u32 = 8;
/// Failures lie where they do by chance with at most this probability: the first three of one user among 64 buckets are
/// enough. Were it chance all the same, the next failures would show it.
const MOST_CHANCE: f64 = 1e-3;
/// Users with a larger share of the requests are not few.
const MOST_SHARE: f64 = 0.25;
/// Stretches of time that are remembered.
const MOST_STRETCHES: usize = 128;
/// How often a bucket is seen is halved in weight after so many seconds.
const MEMORY_S: u32 = 600;
/// Buckets of users.
const BUCKETS: usize = 64;

/// Which of 64 buckets the users of some requests have; bit `n` stands for bucket `n`. Merging is OR.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct UserMasks {
    /// Users of a sample of the requests. 0: not known.
    pub seen: u64,
    /// Users of the requests that failed by fault of the service. All bits: anyone. 0 beside failures: not known.
    pub failed: u64,
}

impl UserMasks {
    /// Adds what is known of other requests.
    pub fn add(&mut self, other: Self) {
        self.seen |= other.seen;
        self.failed |= other.failed;
    }

    /// The same of requests of which `failed` failed: if nobody is known to have, it may have been anyone.
    #[must_use]
    pub fn with_failures(self, failed: u64) -> Self {
        let failed = if failed > 0 && self.failed == 0 { u64::MAX } else { self.failed };
        Self { failed, ..self }
    }
}

/// Who uses the canary of one scope, and whose requests fail there.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Users {
    /// Seconds in which each bucket was seen on the canary, and seconds in which any was. Empty: none yet.
    seen: Vec<u32>,
    seconds: u32,
    /// The past, each stretch up to a second in which a request of the canary failed. The older, the longer.
    stretches: Vec<Stretch>,
    /// The time since.
    open: Stretch,
}

/// Some seconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Stretch {
    requests: ByArm<u64>,
    failed: ByArm<u64>,
    /// Buckets that failed on the canary.
    buckets: u64,
}

impl Users {
    /// Takes in a closed second. `users` are the canary's.
    pub(crate) fn add(&mut self, requests: ByArm<u64>, failed: ByArm<u64>, users: UserMasks) {
        self.see(users.seen);
        self.open.add(&Stretch { requests, failed, buckets: users.failed });
        if self.open.failed.canary > 0 {
            self.stretches.push(std::mem::take(&mut self.open));
        }
        if self.stretches.len() >= MOST_STRETCHES {
            self.join_older();
        }
    }

    /// Takes in failures on the canary whose second has closed.
    pub(crate) fn fail_late(&mut self, failed: u64, buckets: u64) {
        self.open.add(&Stretch {
            failed: ByArm { baseline: 0, canary: failed },
            buckets,
            ..Stretch::default()
        });
    }

    /// Forgets the failures.
    pub(crate) fn forget(&mut self) {
        self.stretches.clear();
        self.open = Stretch::default();
    }

    /// Whether the canary's failures are those of very few users, beside whom it is no worse than the baseline by bets
    /// that count at `log_threshold`.
    pub(crate) fn explain(&self, config: &RawEngineConfig, phi: Phi, log_threshold: f64) -> bool {
        let mut counts = Buckets::default();
        let (mut taken, mut due) = (0, 4);
        for stretch in self.stretches.iter().rev() {
            counts.add(stretch.buckets);
            taken += 1;
            // The harm may have begun long ago or just now, so the newest 4, 8, 16, ... stretches are looked at.
            if taken == due || taken == self.stretches.len() {
                due *= 2;
                let suspects = (1..=MOST_SUSPECTS).map(|most| counts.most(most));
                let mut improbable = suspects.filter(|suspects| self.is_improbable(&counts, *suspects));
                if improbable.any(|suspects| !self.others_suffer(suspects, config, phi, log_threshold)) {
                    return true;
                }
            }
        }
        false
    }

    fn see(&mut self, seen: u64) {
        if seen == 0 {
            return;
        }
        if self.seconds >= MEMORY_S {
            self.seconds /= 2;
            self.seen.iter_mut().for_each(|seconds| *seconds /= 2);
        }
        self.seen.resize(BUCKETS, 0);
        self.seconds += 1;
        for (bucket, seconds) in self.seen.iter_mut().enumerate() {
            *seconds += u32::from(seen >> bucket & 1 == 1);
        }
    }

    /// Of the older half, each two stretches become one.
    fn join_older(&mut self) {
        let newer = self.stretches.split_off(self.stretches.len() / 2);
        let joined = self.stretches.chunks(2).map(|pair| {
            pair.iter().fold(Stretch::default(), |mut sum, stretch| {
                sum.add(stretch);
                sum
            })
        });
        self.stretches = joined.chain(newer).collect();
    }

    /// Buckets seen at all.
    fn seen_mask(&self) -> u64 {
        let seen = self.seen.iter().enumerate().filter(|(_, seconds)| **seconds > 0);
        seen.fold(0, |mask, (bucket, _)| mask | 1 << bucket)
    }

    /// Whether that so many failures lie in `suspects` is no chance.
    fn is_improbable(&self, counts: &Buckets, suspects: u64) -> bool {
        let seen = self.seen_mask().count_ones();
        let share = self.share_of(suspects).max(f64::from(suspects.count_ones()) / f64::from(seen.max(1)));
        let (all, inside) = (counts.total(u64::MAX), counts.total(suspects));
        seen >= LEAST_SEEN
            && share <= MOST_SHARE
            && log_chance(inside, all, share, suspects.count_ones(), seen) <= MOST_CHANCE.ln()
    }

    /// The share of the requests that users in `suspects` send. A bucket that is missed in a share `1 - p` of the seconds
    /// was sampled `-ln(1 - p)` times in each, were requests independent.
    fn share_of(&self, suspects: u64) -> f64 {
        let seconds = f64::from(self.seconds.max(1));
        let often = |mask: u64| -> f64 {
            let within = self.seen.iter().enumerate().filter(|(bucket, _)| mask >> bucket & 1 == 1);
            within.map(|(_, seen)| -(1.0 - f64::from(*seen).min(seconds - 0.5) / seconds).ln()).sum()
        };
        let all = often(u64::MAX);
        if all > 0.0 { often(suspects) / all } else { 1.0 }
    }

    /// Whether the canary is worse than the baseline even without the failures of `suspects`: a CUSUM of each bet on
    /// errors reaches the threshold.
    fn others_suffer(&self, suspects: u64, config: &RawEngineConfig, phi: Phi, log_threshold: f64) -> bool {
        let seen = self.seen_mask();
        let mut sums = [0.0_f64; ERROR_BETS];
        let mut crossed = false;
        for stretch in &self.stretches {
            let arms = stretch.without(suspects, seen);
            let evidence = Evidence::of(&arms, &[], None, config).scaled(phi);
            for ((bet, sum), log_e) in sums.iter_mut().enumerate().zip(evidence.harm) {
                *sum = (*sum + log_e).max(0.0);
                crossed |= *sum + Evidence::bet_weight(bet).ln() >= log_threshold;
            }
        }
        crossed
    }
}

impl Stretch {
    fn add(&mut self, other: &Self) {
        for (into, from) in [(&mut self.requests, other.requests), (&mut self.failed, other.failed)] {
            into.baseline = into.baseline.saturating_add(from.baseline);
            into.canary = into.canary.saturating_add(from.canary);
        }
        self.buckets |= other.buckets;
    }

    /// As if the requests of `suspects` had not failed.
    fn without(&self, suspects: u64, seen: u64) -> ByArm<ArmStratum> {
        let arm = |started, failed| ArmStratum { started, failed, ..ArmStratum::default() };
        ByArm {
            baseline: arm(self.requests.baseline, self.failed.baseline),
            canary: arm(self.requests.canary, self.outside(suspects, seen)),
        }
    }

    /// How many of the canary's failures lie outside of `suspects`. With `k` of `n` buckets failing, `-n ln(1 - k/n)`
    /// failures are most likely (linear counting: Whang, Vander-Zanden and Taylor 1990, ACM TODS 15(2)); but no more than
    /// there are beside one for each suspect. With more buckets than failures nobody knows whose they are.
    fn outside(&self, suspects: u64, seen: u64) -> u64 {
        let failed = self.failed.canary;
        if u64::from(self.buckets.count_ones()) > failed {
            return failed;
        }
        let most = failed - u64::from((self.buckets & suspects).count_ones());
        let (others, failing) = ((seen | self.buckets) & !suspects, self.buckets & !suspects);
        let (of, hit) = (f64::from(others.count_ones()), f64::from(failing.count_ones()));
        if hit >= of {
            return if hit > 0.0 { most } else { 0 };
        }
        (-of * (1.0 - hit / of).ln()).round().min(most as f64) as u64
    }
}

/// Stretches in which each bucket failed.
#[derive(Clone, Debug)]
struct Buckets([u32; BUCKETS]);

impl Default for Buckets {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

impl Buckets {
    fn add(&mut self, failed: u64) {
        for (bucket, count) in self.0.iter_mut().enumerate() {
            *count += u32::from(failed >> bucket & 1 == 1);
        }
    }

    /// The `most` buckets that failed most often; the lower ones of equals.
    fn most(&self, most: usize) -> u64 {
        let mut order: Vec<(usize, u32)> = self.0.iter().copied().enumerate().collect();
        order.sort_by_key(|(bucket, count)| (std::cmp::Reverse(*count), *bucket));
        order.iter().take(most).fold(0, |mask, (bucket, _)| mask | 1 << bucket)
    }

    fn total(&self, within: u64) -> u32 {
        let counts = self.0.iter().enumerate().filter(|(bucket, _)| within >> bucket & 1 == 1);
        counts.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

/// Logarithm of a bound on the probability that of `all` failures `inside` or more lie in some `suspects` of `seen`
/// buckets, if each failure lies in these with probability `share` at most, independent of the others:
/// `C(seen, suspects) exp(-all KL(inside / all, share))`.
///
/// That is the bound of Chernoff and Hoeffding (Hoeffding 1963, JASA 58, theorem 1, which by his section 6 also holds
/// without replacement) for all choices of buckets together. With every failure inside and equal shares it is
/// `C(S, B) (B / S)^F`. A failure counts once for each bucket and stretch of time, so that a user who tries again at once
/// counts once; a user who sends more is in fewer of them than of the requests, so the bound holds with the share of the
/// requests.
fn log_chance(inside: u32, all: u32, share: f64, suspects: u32, seen: u32) -> f64 {
    let (failures, part) = (f64::from(all), f64::from(inside) / f64::from(all.max(1)));
    if part <= share {
        return 0.0;
    }
    let of = |part: f64, share: f64| if part > 0.0 { part * (part / share).ln() } else { 0.0 };
    let divergence = of(part, share) + of(1.0 - part, 1.0 - share);
    let choices: f64 =
        (0..suspects).map(|chosen| (f64::from(seen - chosen) / f64::from(chosen + 1)).ln()).sum();
    choices - failures * divergence
}

#[cfg(test)]
mod tests;
