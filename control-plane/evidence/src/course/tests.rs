use serin_analysis::{Reason, Signal};
use serin_rollout::ComponentJudgement;

use super::*;

fn judgement(log_evidence: f64, components: usize) -> Judgement {
    let reason = |log_evidence| Reason {
        signal: Signal::ErrorRate,
        log_evidence,
        log_threshold: 7.0,
        ..Reason::default()
    };
    let mut judgement = Judgement { data_age_s: Some(2), ..Judgement::default() };
    judgement.version.reasons = vec![reason(log_evidence)];
    for number in 0..components {
        let mut component =
            ComponentJudgement { name: format!("c{number}"), ..ComponentJudgement::default() };
        component.assessment.reasons = vec![reason(number as f64 / 100.0)];
        judgement.components.push(component);
    }
    judgement
}

fn served(course: &mut Course, component: &str, second: u64, failed: u64) {
    let outcomes = Outcomes { ok: 10 - failed, server_error: failed, ..Outcomes::default() };
    let users = UserMasks { seen: 0b1111, failed: if failed > 0 { 0b1 } else { 0 } };
    let reported = Reported { component, arm: "canary", second, started: 10, outcomes: &outcomes, users };
    course.count(&reported, &Failures::default());
}

#[test]
fn counts_add_up_in_slots_and_old_ones_go() {
    let mut course = Course::default();
    (0..2_000).for_each(|second| served(&mut course, "cart", second, u64::from(second >= 1_990)));
    let counts = course.counts(0);
    assert_eq!(counts.slots.len(), 181);
    let last = counts.slots.last().unwrap();
    assert_eq!((last.second, last.started, last.finished, last.failed), (1_995, 50, 50, 5));
    assert_eq!((last.buckets_seen, last.buckets_failed), (4, 1));
    assert_eq!(course.buckets("canary", 1_900), (4, 1));
    served(&mut course, "cart", 3, 0);
    assert_eq!(course.counts(0), counts, "what comes too late is left out");
}

#[test]
fn many_components_make_the_time_shorter_and_never_the_memory_larger() {
    let mut course = Course::default();
    for second in 0..300 {
        (0..1_000).for_each(|number| served(&mut course, &format!("c{number}"), second, 0));
    }
    let counts = course.counts(0);
    assert!(counts.slots.len() <= CELLS_MAX, "{}", counts.slots.len());
    assert_eq!(counts.slots.last().unwrap().second, 295);
    (0..10_000).for_each(|number| served(&mut course, &format!("n{number}"), 299, 0));
    assert!(course.names.names.len() <= NAMES_MAX);
}

#[test]
fn the_path_is_fine_where_it_is_new_and_has_the_strongest_series() {
    let mut course = Course::default();
    for second in 0..2_000_u64 {
        for part in 0..3 {
            let now = UnixMillis(second * 1_000 + part * 300);
            course.judged(&judgement(1.0, 100), Weight::from_ppm(10_000).unwrap(), now);
        }
    }
    let path = course.path();
    let seconds: Vec<u64> = path.points.iter().map(|point| point.at.second()).collect();
    assert_eq!(*seconds.last().unwrap(), 1_999);
    assert!(seconds[0] >= 1_999 - KEPT_S, "{}", seconds[0]);
    assert_eq!(seconds.len() as u64, FINE_S + 1 + (KEPT_S - FINE_S) / 5);
    let last = path.points.last().unwrap();
    assert_eq!(last.series.len(), SERIES_MAX);
    assert_eq!((last.series[0].scope.as_str(), last.series[1].scope.as_str()), ("", "c99"));
    assert_eq!((last.second, last.weight_ppm), (1_997, 10_000));
}

#[test]
fn the_onset_is_the_first_second_of_the_evidence_that_led_to_the_decision() {
    let mut course = Course::default();
    for second in 100..160_u64 {
        let log_evidence = if second <= 150 { -0.1 } else { (second - 150) as f64 };
        course.judged(&judgement(log_evidence, 0), Weight::FULL, UnixMillis(second * 1_000));
    }
    // The judgement at 150 saw up to second 148, and nothing bad.
    assert_eq!(course.onset(), Some(149));
    assert_eq!(Course::default().onset(), None);
}

#[test]
fn traffic_is_that_of_the_last_minute_of_which_everything_is_reported() {
    let mut course = Course::default();
    assert_eq!(course.traffic(1_000), Traffic::default());
    (900..=1_002).for_each(|second| served(&mut course, "cart", second, u64::from(second % 10 == 0)));
    let lately = |requests, failed| BTreeMap::from([("canary".to_owned(), (requests, failed))]);
    assert_eq!(course.traffic(1_003), Traffic { seconds: 60, arms: lately(600, 6) });
    // Counting began later, and was silent since.
    assert_eq!(course.traffic(933), Traffic { seconds: 25, arms: lately(250, 3) });
    assert_eq!(course.traffic(1_200), Traffic::default());
    assert_eq!(course.traffic(0), Traffic::default());
}

#[test]
fn recent_counts_are_of_whole_slots_and_of_the_component_that_is_asked_for() {
    let mut course = Course::default();
    for second in 100..123 {
        served(&mut course, "cart", second, u64::from(second == 101));
        served(&mut course, "pay", second, 0);
    }
    let recent = course.recent(103, 122, None);
    assert_eq!(recent.components.keys().collect::<Vec<_>>(), ["cart", "pay"]);
    let seconds: Vec<_> = recent.components["cart"].iter().map(|counted| counted.second).collect();
    assert_eq!(seconds, [105, 110, 115]);
    let counted = recent.components["pay"][0];
    assert_eq!((recent.arms[&counted.arm].as_str(), counted.started, counted.failed), ("canary", 50, 0));
    let cart = course.recent(100, 105, Some("cart"));
    assert_eq!((cart.components.len(), cart.components["cart"][0].failed), (1, 1));
    assert_eq!(course.recent(100, 105, Some("nothing")), Recent::default());
    assert_eq!(course.recent(200, 100, None), Recent::default());
}

#[test]
fn the_point_at_which_something_was_undone_stays_when_its_second_is_judged_again() {
    let mut course = Course::default();
    let at = |ms: u64| UnixMillis(10_000 + ms);
    course.judged(&judgement(1.0, 0), Weight::ZERO, at(0));
    course.judged(&judgement(7.5, 0), Weight::ZERO, at(100));
    course.judged(&judgement(8.0, 0), Weight::ZERO, at(200));
    let undone = Judgement { data_age_s: Some(2), ..Judgement::default() };
    (3..10).for_each(|tenth| course.judged(&undone, Weight::ZERO, at(tenth * 100)));
    let values: Vec<_> = course.path_of("").iter().map(|point| point.log_evidence).collect();
    assert_eq!(values, [8.0]);
    assert_eq!(course.path().points.len(), 2);
}

#[test]
fn the_path_of_a_scope_is_its_part_of_the_whole() {
    let mut course = Course::default();
    for second in 0..10_u32 {
        let now = UnixMillis(u64::from(second) * 1_000 + 2_000);
        course.judged(&judgement(f64::from(second) / 4.0, 2), Weight::ZERO, now);
    }
    let version = course.path_of("");
    assert_eq!((version.len(), version[9].second, version[9].log_evidence), (10, 9, 2.25));
    assert_eq!((version[0].signal, version[0].log_threshold), (Signal::ErrorRate, 7.0));
    assert_eq!(course.path_of("c1").len(), 10);
    assert_eq!(course.path_of("nothing"), []);
}
