//! Page views of those on a device or from a country.

use super::*;
use crate::Cohort;
use crate::behaviour::Device;
use crate::risk::ImpactRule;

/// Streams after 1,200 seconds of ten page views on phones and forty from NL a second and arm, all others beside them. Conversions of
/// `cohort` are `canary` on the canary and 30 % everywhere else.
fn of_cohorts(seed: u64, cohort: &str, canary: f64, margin: bool) -> Streams {
    let mut random = Noise::new(seed);
    let mut streams = streams(0.01);
    for second in BEGIN..BEGIN + 1_200 {
        for arm in [Arm::Baseline, Arm::Canary] {
            let mut whole = (0, 0);
            for (name, views) in [("phone", 10), ("NL", 40), ("", 350)] {
                let share = match arm {
                    Arm::Canary if name == cohort => canary,
                    Arm::Canary if margin => 0.3 * 0.95,
                    Arm::Canary | Arm::Baseline => 0.3,
                };
                let converted = binomial(&mut random, views, share);
                whole = (whole.0 + converted, whole.1 + views);
                if !name.is_empty() {
                    let id = StreamId { name: name.to_owned(), ..of_views(Kind::Conversion) };
                    streams.merge(&counts(&id, second, arm, converted, Some(views)));
                }
            }
            streams.merge(&counts(&of_views(Kind::Conversion), second, arm, whole.0, Some(whole.1)));
        }
        streams.advance(second);
    }
    streams
}

#[test]
fn what_only_a_few_people_meet_is_found_among_them_and_nowhere_else() {
    for (cohort, words) in [("phone", ", on a phone: "), ("NL", ", from NL: ")] {
        for seed in 0..5 {
            let streams = of_cohorts(seed, cohort, 0.15, false);
            assert_eq!(streams.crossed().collect::<Vec<_>>(), [Source::Behaviour], "seed {seed}, {cohort}");
            let regressed: Vec<Finding> =
                streams.findings().into_iter().filter(|one| one.verdict == Verdict::Regressed).collect();
            let [finding] = regressed.as_slice() else { panic!("seed {seed}: {regressed:?}") };
            assert_eq!(finding.cohort(), Cohort::parse(cohort).ok(), "seed {seed}");
            assert!(finding.sentence().contains(words), "{}", finding.sentence());
        }
    }
}

#[test]
fn cohorts_that_convert_alike_undo_nothing() {
    for seed in 0..20 {
        assert_eq!(of_cohorts(seed, "phone", 0.3, false).crossed().next(), None, "seed {seed}");
        assert_eq!(
            of_cohorts(seed, "phone", 0.3 * 0.95, true).crossed().next(),
            None,
            "seed {seed}, at the margin"
        );
    }
}

#[test]
fn views_of_a_cohort_are_no_second_harm_and_rank_by_whom_they_strike() {
    let streams = of_cohorts(1, "phone", 0.0, false);
    let phone = Cohort::Device(Device::Phone);
    let risk = |share| {
        let rule = ImpactRule { component: None, cohort: Some(phone), share };
        let impacts = Impacts::new(BTreeMap::new(), vec![rule]);
        streams.risk((0.0, 0.0), &impacts).by_source.behaviour.risk
    };
    let (whole, half, none) = (risk(1.0), risk(0.5), risk(0.0));
    assert!((half / whole - 0.5).abs() < 1e-9 && whole > 10.0, "{half} of {whole}");
    assert!(none < half / 2.0, "{none}");
    assert_eq!(streams.observed().count(), 1, "cohorts are no outcomes of their own");
}

#[test]
fn the_bound_on_countries_is_exact_and_takes_no_place_of_others() {
    let mut streams = streams(0.01);
    let country = |number: u8| StreamId {
        name: format!("A{}", char::from(b'A' + number)),
        ..of_views(Kind::Conversion)
    };
    for number in 0..COUNTRIES_MAX as u8 + 3 {
        streams.merge(&counts(&country(number), BEGIN, Arm::Canary, 1, Some(2)));
    }
    for number in 0..MAX_STREAMS {
        streams.merge(&counts(&template(&format!("template {number:05}")), BEGIN, Arm::Canary, 1, None));
    }
    streams.advance(BEGIN + 60);
    assert_eq!(streams.streams.len(), COUNTRIES_MAX + MAX_STREAMS);
    assert_eq!((streams.dropped(Source::Behaviour), streams.dropped(Source::Logs)), (3, 0));
}
