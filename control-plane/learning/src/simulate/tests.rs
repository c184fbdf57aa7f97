use serin_analysis::streams::{Kind, Margins};

use super::law::Shares;
use super::*;
use crate::outcome::{Decided, Truth};
use crate::outcome::{Label, Teller};
use crate::retrain::cases;
use crate::shadow::Case;
use crate::tuning::{Confidences, Tuning};
use serin_random::Random;

/// What the issue asks for, of one year: in months that a learned version was in force in, fewer false rollbacks, and no more missed
/// faults.
fn fewer_false_rollbacks_and_no_more_missed_faults(seed: u64) {
    let year = year(seed);
    let (harmless, harmful, fixed, learned) = year.totals();
    let told =
        format!("seed {seed}: {harmless} harmless, {harmful} harmful, fixed {fixed:?}, learned {learned:?}");
    assert!(year.held_out().count() >= 6, "{told}");
    assert!(f64::from(learned.false_rollbacks) <= 0.75 * f64::from(fixed.false_rollbacks), "{told}");
    assert!(learned.missed <= fixed.missed, "{told}");
    let document = year.document.unwrap();
    let known = year.outcomes.known_at(document.card().learned_at);
    let (_, later) = known.split(crate::retrain::EARLIER);
    assert!(document.card().candidate.missed <= document.card().replaced.missed, "seed {seed}");
    assert_eq!(document.card().later.outcomes, later.len(), "seed {seed}");
    assert!(!cases(&later).is_empty());
}

#[test]
fn in_the_year_of_seed_1_false_rollbacks_fall_and_missed_faults_do_not_rise() {
    fewer_false_rollbacks_and_no_more_missed_faults(1);
}

#[test]
fn in_the_year_of_seed_2_false_rollbacks_fall_and_missed_faults_do_not_rise() {
    fewer_false_rollbacks_and_no_more_missed_faults(2);
}

#[test]
fn in_the_year_of_seed_3_false_rollbacks_fall_and_missed_faults_do_not_rise() {
    fewer_false_rollbacks_and_no_more_missed_faults(3);
}

#[test]
fn in_a_poisoned_year_hardly_more_faults_are_missed() {
    let (_, harmful, fixed, learned) = poisoned(2).totals();
    // Of two services of twelve every fault is called harmless.
    assert!(harmful > 60 && learned.missed <= fixed.missed + 3, "{fixed:?} {learned:?}");
    assert!(learned.false_rollbacks < fixed.false_rollbacks, "{fixed:?} {learned:?}");
}

fn rollouts(seed: u64, count: usize) -> Vec<Rollout> {
    let mut random = Random::new(seed, 0);
    let draw = |number: usize| {
        let service = ("cart", Shares::of_service(&mut random), 1_000 + 37 * number as u64 % 3_000);
        Rollout::draw(format!("r{number}"), service, BEGIN + 1_000 * number as u64, &mut random)
    };
    (0..count).map(draw).collect()
}

#[test]
fn the_shadow_agrees_with_the_real_streams() {
    let rooms =
        [(Kind::LogTemplate, 4.0), (Kind::SlowLoad, 1.75), (Kind::Conversion, 1.5), (Kind::RageClick, 0.5)];
    let margins =
        rooms.iter().fold(Margins::default(), |margins, (kind, room)| margins.with_room(*kind, *room));
    let other = Tuning::new(Tuning::default().weights(), margins, Confidences::default());
    let (mut agree, mut all) = (0, 0);
    for rollout in rollouts(5, 400).into_iter().filter(|rollout| rollout.difference != Difference::None) {
        for (own, shadow) in [(Tuning::default(), &other), (other.clone(), &Tuning::default())] {
            let mut outcome = play(&rollout, &own).outcome;
            outcome.label = Some(Label { truth: Truth::Harmful, by: Teller::Verification, at: u64::MAX });
            let said = Case::of(&outcome, 1.0).unwrap().is_undone(shadow);
            agree += u32::from(said == (play(&rollout, shadow).decided == Decided::RolledBack));
            all += 1;
        }
    }
    assert!(f64::from(agree) >= 0.95 * f64::from(all), "{agree} of {all}");
}

#[test]
fn what_differs_by_noise_alone_is_hardly_ever_undone_and_gross_faults_always() {
    let (mut undone, mut quiet) = (0, 0);
    for rollout in rollouts(7, 300) {
        let played = play(&rollout, &Tuning::default());
        if rollout.difference == Difference::None {
            quiet += 1;
            undone += u32::from(played.decided == Decided::RolledBack);
        }
        let is_gross = rollout.difference == Difference::Exception && rollout.canary.new_line > 0.02;
        if is_gross {
            assert_eq!(played.decided, Decided::RolledBack, "{rollout:?}");
            assert!(played.seconds <= 60, "{rollout:?}: {}", played.seconds);
        }
    }
    // 1 % at most, and 8 among 200 but once in a thousand.
    assert!(quiet > 150 && undone <= 7, "{undone} of {quiet}");
}

#[test]
fn at_the_widest_bounds_gross_faults_are_still_undone() {
    let wide = Kind::ALL
        .into_iter()
        .fold(Margins::default(), |margins, kind| margins.with_room(kind, f64::INFINITY));
    let mut undone = 0;
    for weights in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]] {
        let [metrics, behaviour, logs] = weights;
        let weights = serin_analysis::risk::BySource { metrics, behaviour, logs };
        let tuning = Tuning::new(weights, wide, Confidences::default());
        for rollout in rollouts(11, 400) {
            let (canary, baseline) = (&rollout.canary, &rollout.baseline);
            let is_gross = canary.new_line > 0.01
                || canary.slow > 0.25
                || canary.converted < 0.65 * baseline.converted
                || canary.script_error > baseline.script_error + 0.05
                || canary.rage_click > baseline.rage_click + 0.02
                || canary.failed > baseline.failed + 0.015;
            if is_gross {
                let decided = play(&rollout, &tuning).decided;
                assert_eq!(decided, Decided::RolledBack, "{:?} {rollout:?}", tuning.weights());
                undone += 1;
            }
        }
    }
    assert!(undone > 30, "only {undone} were gross");
}

#[test]
fn the_same_seed_plays_the_same_rollout_whatever_was_played_before() {
    let rollouts = rollouts(9, 20);
    let first: Vec<Played> = rollouts.iter().map(|rollout| play(rollout, &Tuning::default())).collect();
    let again: Vec<Played> = rollouts.iter().rev().map(|rollout| play(rollout, &Tuning::default())).collect();
    assert!(first.iter().eq(again.iter().rev()));
}
