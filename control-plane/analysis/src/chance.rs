//! Whether what a few requests show goes beyond a limit by more than chance.
//!
//! With 64 requests a minute one failure is 1.6 %, which says nothing about a limit of 1 %. A test of one minute, not of a
//! rollout: what has to be sure is decided by the e-processes.

/// Events that a limit allows on average, from which on any more of them go beyond it.
pub(crate) const ENOUGH: f64 = 10.0;
/// Probability that chance alone goes beyond a limit that is just kept.
const CHANCE: f64 = 0.01;

/// The least number of `requests` that must show an event to go beyond the limit `share` (0 to 1): any that exceed it where
/// it allows ten or more, and else as many as would be seen with probability 0.01 at most were it just kept (the exact
/// binomial tail). More than `requests`: no number does.
#[must_use]
pub fn least_beyond(requests: u64, share: f64) -> u64 {
    let allowed = requests as f64 * share;
    if allowed >= ENOUGH {
        return (allowed as u64).saturating_add(1);
    }
    if share >= 1.0 {
        return requests + 1;
    }
    let (mut fewer, mut tail) = (0, 1.0);
    let mut probability = libm::exp(requests as f64 * libm::log1p(-share));
    while tail > CHANCE && fewer <= requests {
        tail -= probability;
        fewer += 1;
        probability *= (requests + 1).saturating_sub(fewer) as f64 / fewer as f64 * share / (1.0 - share);
    }
    fewer
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers by exact fractions, in Python:
    /// `next(k for k in range(n + 2) if sum(comb(n, i) * p**i * (1 - p)**(n - i) for i in range(k, n + 1)) <= Fraction(1, 100))`
    #[test]
    fn where_a_limit_allows_few_the_exact_binomial_tail_decides() {
        let exact = [
            (2, 0.01, 2),
            (50, 0.01, 4),
            (64, 0.01, 4),
            (600, 0.01, 13),
            (999, 0.01, 19),
            (60, 0.001, 2),
            (5_000, 0.001, 12),
            (19, 0.5, 15),
            (10, 0.99, 11),
            (9, 0.0, 1),
            (9, 1.0, 10),
        ];
        for (requests, share, least) in exact {
            assert_eq!(least_beyond(requests, share), least, "{requests} requests, {share}");
        }
    }

    #[test]
    fn where_a_limit_allows_many_the_first_beyond_it_is_enough() {
        for (requests, share, least) in
            [(1_000, 0.01, 11), (6_000, 0.01, 61), (40, 0.5, 21), (u64::MAX, 0.5, 1 << 63)]
        {
            assert!(least_beyond(requests, share).abs_diff(least) <= 1, "{requests} requests, {share}");
        }
    }

    #[test]
    fn a_share_of_no_use_is_never_exceeded_and_ends() {
        assert!(least_beyond(100, f64::NAN) > 0);
        assert_eq!(least_beyond(0, 0.01), 1);
    }
}
