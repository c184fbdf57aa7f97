//! Who sends the requests.
//!
//! The users of a service differ in how much they do, and each stays with one arm: at a weight those below it on the ring
//! are the canary's, as in service. They are drawn beside the traffic, from random numbers of their own.

use serin_analysis::{Arm, UserMasks};

use crate::random::Random;

/// A user sends a request in so many seconds, in the mean over all users.
const REQUEST_EVERY_S: f64 = 30.0;
/// Fewest and most users of a service.
const FEWEST: f64 = 10.0;
const MOST: f64 = 20_000.0;
/// Deviation of the logarithm of how much a user does.
const DEVIATION: f64 = 1.0;
/// Users of so many requests of a second are reported: as the filter does.
const SEEN: u64 = 8;

/// A user is looked for in one of so many parts of the ring.
const STRETCHES: usize = 4_096;

/// All users of a service.
#[derive(Clone, Debug)]
pub(super) struct Users {
    /// By place on the ring, which is even: what they and those before them do, and their bucket.
    ring: Vec<(f64, u64)>,
    /// For each of [`STRETCHES`] equal stretches of that sum the first user that ends in it or beyond.
    first: Vec<usize>,
    /// Bucket of the broken account.
    account: u64,
    random: Random,
}

impl Users {
    /// Those of a service with so many requests a second.
    pub(super) fn new(rps: f64, mut random: Random) -> Self {
        let users = (rps * REQUEST_EVERY_S).clamp(FEWEST, MOST) as usize;
        let mut sum = 0.0;
        let ring = (0..users).map(|_| {
            sum += (DEVIATION * random.normal()).exp();
            (sum, random.below(64))
        });
        let ring: Vec<_> = ring.collect();
        let first = (0..STRETCHES).map(|stretch| {
            let start = sum * stretch as f64 / STRETCHES as f64;
            ring.partition_point(|(sum, _)| *sum < start)
        });
        let first = first.collect();
        Self { ring, first, account: random.below(64), random }
    }

    /// Who sent the requests of an arm, and those that failed.
    pub(super) fn of(&mut self, arm: Arm, canary_ppm: u32, counts: Sent) -> UserMasks {
        let (from, to) = self.reach(arm, canary_ppm);
        let mut any =
            |requests, one_in| (0..requests).fold(0, |mask, _| mask | 1 << self.any(from, to, one_in));
        let seen = any(counts.others.min(SEEN), 1);
        let failed = any(counts.failed, 1) | any(counts.struck, counts.one_in);
        let account = if counts.of_account > 0 { 1 << self.account } else { 0 };
        // The account's are among the first of the second as often as among the others.
        let all = (counts.others + counts.of_account) as f64;
        let share = counts.of_account as f64 / all.max(1.0);
        let is_seen = self.random.chance(1.0 - (1.0 - share).powf(all.min(SEEN as f64)));
        UserMasks { seen: seen | if is_seen { account } else { 0 }, failed: failed | account }
    }

    /// What the users of an arm do: a stretch of the sum over all.
    fn reach(&self, arm: Arm, canary_ppm: u32) -> (f64, f64) {
        let canaries = (self.ring.len() as f64 * f64::from(canary_ppm) / 1e6).round() as usize;
        let end =
            |users: usize| users.checked_sub(1).and_then(|at| self.ring.get(at)).map_or(0.0, |(sum, _)| *sum);
        match arm {
            Arm::Canary => (0.0, end(canaries.max(1))),
            Arm::Baseline => (end(canaries.min(self.ring.len() - 1)), end(self.ring.len())),
        }
    }

    /// Bucket of a user of that stretch, the more likely the more they do: of one in so many of all users.
    fn any(&mut self, from: f64, to: f64, one_in: u32) -> u64 {
        let at = from + (to - from) * self.random.unit();
        let user = self.user_at(at);
        self.ring.get(user - user % one_in as usize).map_or(0, |(_, bucket)| *bucket)
    }

    /// The first user with whom the sum reaches `at`.
    fn user_at(&self, at: f64) -> usize {
        let sum = |user: usize| self.ring.get(user).map_or(f64::INFINITY, |(sum, _)| *sum);
        let stretch = at / sum(self.ring.len() - 1) * STRETCHES as f64;
        let mut user = self.first.get(stretch as usize).or(self.first.last()).copied().unwrap_or(0);
        while user > 0 && sum(user - 1) >= at {
            user -= 1;
        }
        while sum(user) < at {
            user += 1;
        }
        user
    }
}

/// Requests of one arm of one component in one second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent {
    /// Of all but the broken account.
    pub(super) others: u64,
    /// How often one of these failed anyway; a request that is tried again is the same user's.
    pub(super) failed: u64,
    /// Of these, those that a fault made fail: of one in so many users.
    pub(super) struck: u64,
    pub(super) one_in: u32,
    /// Of the broken account: all fail.
    pub(super) of_account: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_stay_with_their_arm_and_the_account_shows_where_it_fails() {
        let mut users = Users::new(10.0, Random::new(1, 2));
        let mut seen = |arm, ppm, of_account| {
            let sent = Sent { others: 8, failed: 2, struck: 0, one_in: 1, of_account };
            (0..2_000).fold(UserMasks::default(), |mut all, _| {
                all.add(users.of(arm, ppm, sent));
                all
            })
        };
        let few = seen(Arm::Canary, 10_000, 0);
        assert!(few.seen.count_ones() <= 3 && few.failed & !few.seen == 0, "{few:?}");
        assert_eq!(seen(Arm::Canary, 10_000, 0), few, "the same users");
        assert!(seen(Arm::Baseline, 10_000, 0).seen.count_ones() > 55);
        let account = users.account;
        let broken = users.of(Arm::Canary, 10_000, Sent { of_account: 3, ..Sent::default() });
        assert_eq!(broken, UserMasks { seen: 1 << account, failed: 1 << account });
    }
}
