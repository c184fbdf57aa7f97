//! Properties of calibrations and bounds.

use proptest::prelude::*;

use super::*;
use serin_random::Random;

/// Outcomes of 300 predictions, each of which happens as often as it says, times `part`.
fn drawn(random: &mut Random, part: f64) -> (Vec<bool>, Vec<f64>) {
    (0..300)
        .map(|_| {
            let p = random.unit();
            (random.chance(part * p), p)
        })
        .unzip()
}

#[test]
fn the_bound_is_that_of_clopper_and_pearson() {
    // Expected values: scipy.stats.beta.ppf(0.05, k, 50 - k + 1).
    for (bad, bound) in [(0, 0.0), (1, 0.0010253), (10, 0.1127216), (25, 0.3762459), (50, 0.9418449)] {
        assert!((clopper_pearson(bad, 50) - bound).abs() < 1e-7, "{bad}: {}", clopper_pearson(bad, 50));
    }
}

#[test]
fn a_lower_bound_holds_in_about_95_of_100_histories() {
    let mut held = 0;
    for seed in 0..400 {
        let mut random = Random::new(seed, 9);
        let (labels, said): (Vec<bool>, Vec<f64>) = drawn(&mut random, 1.0);
        held += u32::from(Seen::of(&labels, &said).lower_bound(0.7) <= 0.7);
        let bound = Seen::of(&labels, &said).lower_bound(0.7);
        assert!(bound > 0.3, "{bound}");
    }
    assert_eq!(held, 400, "a bound is never above the prediction");
    // Of a prediction that says far too much, the bound is the truth's.
    let mut above = 0;
    for seed in 0..400 {
        let mut random = Random::new(seed, 10);
        let (labels, said): (Vec<bool>, Vec<f64>) = drawn(&mut random, 0.5);
        above += u32::from(Seen::of(&labels, &said).lower_bound(0.8) > 0.4);
    }
    assert!((4..=36).contains(&above), "{above} of 400 bounds are above the truth");
}

#[test]
fn few_deployments_give_no_bound() {
    let labels = vec![true; NEAREST - 1];
    assert_eq!(Seen::of(&labels, &vec![0.9; NEAREST - 1]).lower_bound(0.9), 0.0);
    let labels = vec![true; NEAREST];
    assert!((Seen::of(&labels, &vec![0.9; NEAREST]).lower_bound(0.9) - 0.9).abs() < 1e-12);
}

#[test]
fn a_model_that_is_wrong_way_round_says_no_more_than_the_rate() {
    let labels: Vec<bool> = (0..100).map(|row| row < 20).collect();
    let said: Vec<f64> = (0..100).map(|row| f64::from(row) / 100.0).collect();
    let sigmoid = Calibration::fit(Method::Platt, &labels, &said);
    assert!((sigmoid.apply(0.1) - sigmoid.apply(0.9)).abs() < 1e-12);
    assert!((sigmoid.apply(0.5) - 0.2).abs() < 0.02);
}

proptest! {
    #[test]
    fn calibrations_never_fall_and_stay_within_0_and_1(
        pairs in prop::collection::vec((any::<bool>(), 0.0_f64..=1.0), 5..120)
    ) {
        let (labels, said): (Vec<bool>, Vec<f64>) = pairs.into_iter().unzip();
        for method in [Method::Platt, Method::Isotonic] {
            let fitted = Calibration::fit(method, &labels, &said);
            prop_assert_eq!(fitted.check(), Ok(()));
            let at: Vec<f64> = (0..=50).map(|step| fitted.apply(f64::from(step) / 50.0)).collect();
            prop_assert!(at.iter().all(|p| (0.0..=1.0).contains(p)), "{:?}", at);
            prop_assert!(at.windows(2).all(|pair| pair[0] <= pair[1] + 1e-12), "{:?}", at);
        }
    }
}
