use proptest::prelude::*;

use super::*;
use crate::outcome::{Decided, Outcome, Teller, Truth};
use crate::sample::{day, outcome, person, told, year};

const NOW: u64 = 1_900_000_000;

fn adopted(outcomes: &Outcomes, current: &Tuning) -> Document {
    match retrain(outcomes, current, None, NOW) {
        Verdict::Adopt(document) => *document,
        Verdict::Refuse { reasons, .. } => panic!("{reasons:?}"),
    }
}

fn refused(outcomes: &Outcomes, current: &Tuning) -> Vec<Refusal> {
    match retrain(outcomes, current, None, NOW) {
        Verdict::Adopt(document) => panic!("{:?}", document.card()),
        Verdict::Refuse { reasons, .. } => reasons,
    }
}

/// Rooms and weights alone.
fn with_rooms(rooms: &[(Kind, f64)]) -> Tuning {
    let margins =
        rooms.iter().fold(Margins::default(), |margins, (kind, room)| margins.with_room(*kind, *room));
    Tuning::new(SourceWeights::default().0, margins, Confidences::default())
}

#[test]
fn false_alarms_widen_the_margin_that_raised_them_and_no_other() {
    let document = adopted(&Outcomes::of(year()), &Tuning::default());
    let (card, tuning) = (document.card(), document.tuning());
    assert!(card.replaced.false_rollbacks > 3.0 && card.candidate.false_rollbacks < 0.01, "{card:?}");
    assert!(card.candidate.missed <= card.replaced.missed, "{card:?}");
    assert!(card.candidate.brier < card.replaced.brier / 2.0, "{card:?}");
    assert!(card.candidate.calibration_error < 0.1, "{card:?}");
    let room = |kind| tuning.margins().room(kind);
    assert!((1.5..=2.0).contains(&room(Kind::SlowLoad)), "{:?}", tuning.margins());
    for kind in [Kind::LogTemplate, Kind::ScriptError, Kind::RageClick, Kind::Abandonment, Kind::Conversion] {
        assert_eq!(room(kind), 1.0, "{kind:?}");
    }
    assert_eq!((card.data.outcomes, card.later.outcomes, card.learned_at), (210, 90, NOW));
    assert!(card.data.to < card.later.from);
    assert_eq!(Document::read(&document.to_json()).unwrap(), document);
}

#[test]
fn a_worse_candidate_is_refused_with_its_reasons() {
    let (_, later) = Outcomes::of(year()).split(EARLIER);
    let cases = cases(&later);
    let figures = |tuning: &Tuning| Figures::of(&cases, tuning);
    let right = figures(&with_rooms(&[(Kind::SlowLoad, 1.75)]));
    let by_default = figures(&Tuning::default());
    assert_eq!(judge(&by_default, &right), []);
    // What is in force is right already: a candidate that opens nothing undoes more of what is harmless.
    let worse = judge(&right, &by_default);
    assert!(matches!(worse.as_slice(), [Refusal::MoreFalseRollbacks { .. }]), "{worse:?}");
    // A wide margin of conversions misses faults, whatever else it saves.
    let blind = Figures { missed: right.missed + 2.0, ..right };
    let worse = judge(&by_default, &blind);
    assert!(matches!(worse.as_slice(), [Refusal::MoreMissed { .. }]), "{worse:?}");
    assert_eq!(judge(&right, &right), [Refusal::NoGain]);
    let better_believed = Figures { brier: right.brier - 0.02, ..right };
    assert_eq!(judge(&Figures { brier: 0.1, ..right }, &Figures { brier: 0.08, ..better_believed }), []);
}

#[test]
fn a_candidate_that_the_later_outcomes_contradict_is_refused_and_the_tuning_in_force_stays() {
    // Slow pages are called harmless early in the year, and do harm later.
    let turned = year().into_iter().map(|outcome| {
        let is_late = outcome.ended_at > day(210);
        let is_slow = outcome.label.as_ref().is_some_and(|label| label.truth == Truth::Harmless)
            && outcome.decided == Decided::RolledBack;
        if is_late && is_slow { told(outcome, Truth::Harmful, Teller::Verification) } else { outcome }
    });
    let reasons = refused(&Outcomes::of(turned), &Tuning::default());
    assert!(matches!(reasons.as_slice(), [Refusal::MoreMissed { from, to }] if to > from), "{reasons:?}");
    assert!(reasons[0].to_string().starts_with("it would miss more faults on later outcomes: "));
}

#[test]
fn what_is_learned_already_gains_nothing_more() {
    let outcomes = Outcomes::of(year());
    let document = adopted(&outcomes, &Tuning::default());
    assert_eq!(refused(&outcomes, document.tuning()), [Refusal::NoGain]);
}

#[test]
fn too_little_data_teaches_nothing() {
    let few = Outcomes::of(year().into_iter().take(30));
    let reasons = refused(&few, &Tuning::default());
    assert!(reasons.iter().all(|reason| matches!(reason, Refusal::TooFew { .. })), "{reasons:?}");
    assert_eq!(reasons[0].to_string(), "too few earlier outcomes: 21 of 40");
    assert!(!refused(&Outcomes::default(), &Tuning::default()).is_empty());
    // What is said after now is not known yet.
    assert!(matches!(
        retrain(&Outcomes::of(year()), &Tuning::default(), None, day(20)),
        Verdict::Refuse { .. }
    ));
}

/// The year, where one person marks whatever is undone as a false alarm before anybody else looks, and makes up more.
fn poisoned(extra: u64) -> Outcomes {
    let mallory = || person("mallory");
    let marked = year().into_iter().map(|outcome| match (outcome.decided, outcome.ended_at / 86_400 % 2) {
        (Decided::RolledBack, 0) => told(outcome, Truth::Harmless, mallory()),
        (Decided::RolledBack | Decided::Promoted, _) => outcome,
    });
    let made_up = (0..extra).map(|number| {
        let kind =
            [Kind::SlowLoad, Kind::LogTemplate, Kind::Conversion, Kind::Abandonment][number as usize % 4];
        let share = [0.4, 0.05, 0.05, 0.2][number as usize % 4];
        let made_up = outcome(number % 300, Decided::RolledBack, kind, share);
        told(Outcome { rollout: format!("m{number}"), ..made_up }, Truth::Harmless, mallory())
    });
    Outcomes::of(marked.chain(made_up))
}

/// Bounds that no feedback moves.
fn assert_bounded(tuning: &Tuning) {
    for kind in Kind::ALL {
        assert!(kind.rooms().contains(&tuning.margins().room(kind)), "{:?}", tuning.margins());
    }
    let BySource { metrics, behaviour, logs } = tuning.weights();
    assert!((metrics + behaviour + logs - 1.0).abs() < 1e-9);
    assert!(metrics > 0.26 && behaviour > 0.19 && logs > 0.19, "{:?}", tuning.weights());
}

#[test]
fn one_persons_poison_makes_no_gross_fault_pass() {
    for extra in [0, 40, 2_000] {
        let learned = learn(&cases(&poisoned(extra)), &Tuning::default());
        assert_bounded(&learned);
        let gross = [
            (Kind::SlowLoad, 0.2),
            (Kind::LogTemplate, 0.01),
            (Kind::Conversion, 0.14),
            (Kind::Abandonment, 0.12),
            (Kind::ScriptError, 0.05),
        ];
        for (kind, share) in gross {
            let fault =
                told(outcome(1, Decided::Promoted, kind, share), Truth::Harmful, Teller::Verification);
            let case = Case::of(&fault, 1.0).unwrap();
            assert!(case.is_undone(&learned), "{extra}: {kind:?} passes {learned:?}");
        }
    }
}

#[test]
fn a_poisoner_has_no_more_than_a_third_of_what_is_learned_from_in_any_class() {
    let outcomes = poisoned(2_000);
    let weights = crate::trust::weights(outcomes.as_slice());
    let of = |is: &dyn Fn(&Outcome) -> bool| -> f64 {
        outcomes
            .as_slice()
            .iter()
            .zip(&weights)
            .filter(|(outcome, _)| is(outcome))
            .map(|(_, weight)| weight)
            .sum()
    };
    let is_alarm = |outcome: &Outcome| {
        let truth = outcome.label.as_ref().map(|label| label.truth);
        outcome.decided == Decided::RolledBack && truth == Some(Truth::Harmless)
    };
    let is_mallorys = |outcome: &Outcome| outcome.label.as_ref().unwrap().by == person("mallory");
    let (all, own) = (of(&is_alarm), of(&|outcome| is_alarm(outcome) && is_mallorys(outcome)));
    assert!(own <= all / 3.0 * 1.001, "{own} of {all}");
}

#[test]
fn feedback_that_only_ever_says_false_alarm_moves_nothing_beyond_the_bounds() {
    let one_sided = year().into_iter().map(|outcome| match outcome.decided {
        Decided::RolledBack => {
            let by = person(["ann", "bob", "cyd", "dan"][outcome.ended_at as usize / 86_400 % 4]);
            told(outcome, Truth::Harmless, by)
        }
        Decided::Promoted => outcome,
    });
    let outcomes = Outcomes::of(one_sided);
    // Nobody tells of a fault, so what would be missed cannot be told, and nothing is adopted.
    let reasons = refused(&outcomes, &Tuning::default());
    assert!(reasons.iter().any(|reason| reason.to_string().contains("harmful ones")), "{reasons:?}");
    let learned = learn(&cases(&outcomes), &Tuning::default());
    assert_bounded(&learned);
    let crash =
        told(outcome(1, Decided::Promoted, Kind::LogTemplate, 0.3), Truth::Harmful, Teller::Verification);
    assert!(Case::of(&crash, 1.0).unwrap().is_undone(&learned));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn outcomes_in_any_order_of_arrival_teach_the_same_bits(seed in any::<u64>()) {
        let expected = retrain(&Outcomes::of(year()), &Tuning::default(), Some("p"), NOW);
        let mut random = serin_random::Random::new(seed, 0);
        let mut lines = year();
        for at in (1..lines.len()).rev() {
            lines.swap(at, random.index(at + 1));
        }
        let text: String = lines.iter().map(Outcome::to_line).collect();
        let got = retrain(&Outcomes::read(&text).unwrap(), &Tuning::default(), Some("p"), NOW);
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn whatever_is_said_by_whomever_a_tuning_stays_within_its_bounds(
        said in prop::collection::vec((any::<bool>(), 0..4_u8, 0..6_usize, 0.0..1.0_f64), 60..120),
    ) {
        let outcomes = said.into_iter().enumerate().map(|(number, (is_harmful, by, kind, share))| {
            let by = if by == 3 { Teller::Verification } else { person(&format!("p{by}")) };
            let truth = if is_harmful { Truth::Harmful } else { Truth::Harmless };
            told(outcome(number as u64, Decided::RolledBack, Kind::ALL[kind], share), truth, by)
        });
        let learned = learn(&cases(&Outcomes::of(outcomes)), &Tuning::default());
        assert_bounded(&learned);
    }
}
