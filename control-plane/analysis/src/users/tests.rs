use proptest::prelude::*;

use super::*;

fn log_threshold() -> f64 {
    5_000_f64.ln()
}

fn explains(users: &Users) -> bool {
    let phi = Phi { errors: 1.0, firsts: 1.0, latency: 1.0 };
    users.explain(&RawEngineConfig::default(), phi, log_threshold())
}

/// Seconds of 200 requests, of which the canary has 100 and the same users in each: those in `failing` of them fail, one
/// request each.
fn after(seconds: impl IntoIterator<Item = u64>, seen: impl Fn(u64) -> u64) -> Users {
    let mut users = Users::default();
    for (second, failing) in (0..).zip(seconds) {
        add(&mut users, seen(second), failing, u64::from(failing.count_ones()));
    }
    users
}

fn add(users: &mut Users, seen: u64, failing: u64, failed: u64) {
    let requests = ByArm { baseline: 100, canary: 100 };
    let masks = UserMasks { seen, failed: failing }.with_failures(failed);
    users.add(requests, ByArm { baseline: 0, canary: failed }, masks);
}

/// Eight buckets that move on with the seconds, so that all are seen alike.
fn eight(second: u64) -> u64 {
    0xFF_u64.rotate_left((second * 8 % 64) as u32)
}

/// Probability, by going through all ways, that `failures` failures over `buckets` equal buckets lie in `most` of them.
fn enumerated(buckets: u32, failures: u32, most: u32) -> f64 {
    let ways = u64::from(buckets).pow(failures);
    let few = (0..ways).filter(|way| {
        let mut left = *way;
        let mask = (0..failures).fold(0_u64, |mask, _| {
            let bucket = left % u64::from(buckets);
            left /= u64::from(buckets);
            mask | 1 << bucket
        });
        mask.count_ones() <= most
    });
    few.count() as f64 / ways as f64
}

#[test]
fn the_bound_is_no_less_than_the_probability_and_near_it() {
    for (buckets, failures) in [(8, 4), (8, 6), (10, 5), (16, 5), (20, 4)] {
        for most in 1..=2 {
            let share = f64::from(most) / f64::from(buckets);
            let bound = log_chance(failures, failures, share, most, buckets).exp();
            let exact = enumerated(buckets, failures, most);
            assert!(bound * (1.0 + 1e-9) >= exact, "{buckets} {failures} {most}: {bound} {exact}");
            assert!(bound <= 2.0 * exact, "{buckets} {failures} {most}: {bound} {exact}");
        }
    }
}

#[test]
fn the_bound_holds_where_some_failures_lie_outside() {
    // Binomial tails, by sums of exact fractions in Python.
    for (inside, all, share, tail) in [
        (8, 10, 0.05, 1.605_078_125e-9),
        (12, 40, 1.0 / 64.0, 7.880_519_982_473_739e-13),
        (30, 300, 1.0 / 32.0, 3.178_790_478_934_218_4e-8),
        (5, 5, 0.25, 9.765_625e-4),
    ] {
        let bound = log_chance(inside, all, share, 1, 64).exp() / 64.0;
        assert!((tail..tail * 12.0).contains(&(bound * (1.0 + 1e-12))), "{inside} {all}: {bound} {tail}");
    }
    assert_eq!(log_chance(1, 64, 1.0 / 64.0, 1, 64), 0.0, "as many as by chance");
}

#[test]
fn one_or_two_users_explain_failures_and_three_do_not() {
    assert!(explains(&after(vec![1 << 9; 20], eight)));
    assert!(explains(&after((0..40).map(|second| if second % 2 == 0 { 1 << 9 } else { 1 << 50 }), eight)));
    assert!(!explains(&after((0..200).map(|second| 1 << (second % 3)), eight)));
    assert!(!explains(&after(vec![u64::MAX; 40], eight)), "all fail");
}

#[test]
fn nothing_is_explained_where_users_are_not_known_or_few() {
    for (why, seen, failing) in [
        ("no masks", 0, 0),
        ("failures of requests without a user", u64::MAX, u64::MAX),
        ("one account", 1, 1),
        ("seven users", 0x7F, 1),
    ] {
        let mut users = Users::default();
        (0..60).for_each(|_| add(&mut users, seen, failing, 1));
        assert!(!explains(&users), "{why}");
    }
}

#[test]
fn an_account_with_a_large_part_of_the_requests_explains_nothing() {
    let busy = |share: u64| after(vec![1; 60], move |second| eight(second) | u64::from(second % share == 0));
    assert!(!explains(&busy(1)));
    assert!(explains(&busy(4)));
}

#[test]
fn the_failures_of_others_end_it_however_old_the_account_is() {
    for quiet in [20, 200, 2_000] {
        let mut users = after(vec![1 << 9; quiet], eight);
        assert!(explains(&users));
        let others: Vec<u64> = (0..64).filter(|bucket| *bucket != 9).collect();
        let ended = (0..60).find(|second| {
            let bucket = others[*second as usize % others.len()];
            add(&mut users, eight(*second), 1 << 9 | 1 << bucket, 2);
            !explains(&users)
        });
        assert!(ended.is_some_and(|second| second < 30), "{quiet}: {ended:?}");
    }
}

#[test]
fn an_account_that_breaks_late_is_found_among_usual_failures() {
    let mut users = Users::default();
    let usual = |second: u64| 1_u64 << (second * 37 % 64);
    for second in 0..3_000 {
        let requests = ByArm { baseline: 1_000, canary: 1_000 };
        let failing = usual(second) | if second >= 2_970 { 1 << 9 } else { 0 };
        let failed = ByArm { baseline: 1, canary: u64::from(failing.count_ones()) };
        users.add(requests, failed, UserMasks { seen: eight(second), failed: failing });
    }
    assert!(explains(&users));
    assert!(users.stretches.len() < MOST_STRETCHES);
}

#[test]
fn failures_that_come_late_count_as_those_in_time() {
    let mut late = Users::default();
    for second in 0..20 {
        late.fail_late(1, 1 << 9);
        add(&mut late, eight(second), 0, 0);
    }
    assert!(explains(&late));
    late.forget();
    assert!(!explains(&late));
}

proptest! {
    #[test]
    fn masks_are_joined_in_any_order_and_any_number_of_times(masks: Vec<(u64, u64)>, order: Vec<prop::sample::Index>) {
        let masks: Vec<_> = masks.into_iter().map(|(seen, failed)| UserMasks { seen, failed }).collect();
        let join = |masks: &mut dyn Iterator<Item = UserMasks>| masks.fold(UserMasks::default(), |mut all, one| {
            all.add(one);
            all
        });
        let all = join(&mut masks.iter().copied());
        let again = order.iter().filter(|_| !masks.is_empty()).map(|at| *at.get(&masks));
        prop_assert_eq!(join(&mut masks.iter().rev().copied().chain(again)), all);
    }

    #[test]
    fn anything_is_taken_in_and_remembered_within_bounds(
        seconds in prop::collection::vec((any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>()), 0..400),
    ) {
        let mut users = Users::default();
        for (requests, failed, seen, failing) in seconds {
            let requests = ByArm { baseline: requests, canary: failed };
            users.add(requests, ByArm { baseline: 0, canary: failed }, UserMasks { seen, failed: failing });
            prop_assert!(users.stretches.len() < MOST_STRETCHES && users.seconds <= MEMORY_S);
        }
        explains(&users);
    }
}
