use proptest::prelude::*;

use super::*;
use crate::forecast::BreachTime;
use crate::forecast::alarm::Outlook;

/// ln 100: proof at α = 0.01.
const PROOF: f64 = 4.605_170_185_988_092;

fn anomaly(class: HarmClass, effect_to_margin: f64) -> Anomaly {
    Anomaly {
        harms: vec![Harm { class, effect_to_margin }],
        excess_per_minute: 100.0,
        requests_per_minute: 1_000.0,
        impact: 1.0,
        log_evidence: PROOF,
        learned_confidence: None,
    }
}

fn near(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-9, "{value} instead of {expected}");
}

#[test]
fn factors_are_what_their_definitions_say() {
    let mut anomaly = anomaly(HarmClass::ServerError, 0.5);
    anomaly.harms.push(Harm { class: HarmClass::Warning, effect_to_margin: 30.0 });
    anomaly.impact = 0.6;
    anomaly.log_evidence = PROOF / 2.0;
    let factors = anomaly.factors(PROOF);
    near(factors.severity, 0.4);
    near(factors.frequency, 0.75);
    near(factors.impact, 0.6);
    near(factors.confidence, 0.5);
    near(scope_risk(&[anomaly], PROOF), 9.0);
}

#[test]
fn a_proved_crash_of_every_request_is_the_full_risk() {
    let crash = Anomaly { excess_per_minute: 1_000.0, ..anomaly(HarmClass::Crash, 3.0) };
    near(scope_risk(&[crash], PROOF), 100.0);
}

#[test]
fn what_was_learned_is_the_confidence_of_full_evidence_and_less_of_less() {
    let of = |log_evidence, learned_confidence| {
        let slow = anomaly(HarmClass::Slow, 1.0);
        Anomaly { log_evidence, learned_confidence, ..slow }.factors(PROOF).confidence
    };
    near(of(PROOF, Some(0.25)), 0.25);
    near(of(3.0 * PROOF, Some(0.25)), 0.25);
    near(of(PROOF / 2.0, Some(0.25)), 0.125);
    near(of(PROOF / 2.0, Some(1.0)), of(PROOF / 2.0, None));
    near(of(PROOF, Some(7.0)), 1.0);
    near(of(PROOF, Some(-1.0)), 0.0);
    near(of(PROOF, Some(f64::NAN)), 0.0);
}

#[test]
fn several_harms_add_up_but_not_beyond_all() {
    let slow = anomaly(HarmClass::Slow, 1.0);
    near(scope_risk(std::slice::from_ref(&slow), PROOF), 37.5);
    near(scope_risk(&[slow.clone(), slow], PROOF), 60.9375);
    near(scope_risk(&[], PROOF), 0.0);
}

#[test]
fn absent_sources_leave_their_weight_to_those_present() {
    let start = |metrics, behaviour, logs| {
        Fusion::start(SourceWeights::default(), BySource { metrics, behaviour, logs }).weights()
    };
    let weights = start(true, false, true);
    near(weights.metrics, 0.4 / 0.7);
    near(weights.behaviour, 0.0);
    near(weights.logs, 0.3 / 0.7);
    near(start(true, true, true).metrics, 0.4);
    assert_eq!(start(false, false, false), BySource::default());
}

#[test]
fn fused_evidence_is_the_weighted_average() {
    let fusion =
        Fusion::start(SourceWeights::default(), BySource { metrics: true, behaviour: true, logs: true });
    let fused = fusion.log_evidence(BySource { metrics: 100.0_f64.ln(), behaviour: 0.0, logs: 2.0_f64.ln() });
    near(fused, (40.0 + 0.3 + 0.6_f64).ln());
    near(fusion.log_evidence(BySource { metrics: f64::NAN, behaviour: 0.0, logs: 0.0 }), 0.0);
    near(fusion.log_evidence(BySource { metrics: 1e6, behaviour: 0.0, logs: 0.0 }), 1e6 + 0.4_f64.ln());
    near(fusion.risk(BySource { metrics: 50.0, behaviour: 100.0, logs: 0.0 }), 50.0);
}

#[test]
fn fused_evidence_expects_at_most_one_under_the_null() {
    // Three fair games, one per source, that share their coin: the worst case of dependence, counted out.
    let fusion =
        Fusion::start(SourceWeights::default(), BySource { metrics: true, behaviour: false, logs: true });
    let outcomes: [(f64, [f64; 2]); 3] = [(0.5, [0.4, 1.9]), (0.3, [1.0, 0.0]), (0.2, [2.5, 0.25])];
    let expected: f64 = outcomes
        .iter()
        .map(|(chance, [metrics, logs])| {
            let log = BySource { metrics: metrics.ln(), behaviour: 50.0, logs: logs.ln() };
            chance * fusion.log_evidence(log).exp()
        })
        .sum();
    near(expected, 1.0);
}

fn situation(risk: f64, odds: f64, prediction: Prediction) -> Situation {
    Situation { risk, log_evidence: odds.ln(), log_threshold: PROOF, prediction }
}

#[test]
fn the_first_row_that_fits_decides() {
    let check = |risk, odds, prediction, expected| {
        let situation = situation(risk, odds, prediction);
        assert_eq!(decide(&situation), expected, "{situation:?}");
    };
    check(0.0, 100.1, Prediction::Quiet, Action::Rollback);
    check(75.0, 25.0, Prediction::Quiet, Action::HoldAndPage);
    check(75.0, 25.0, Prediction::Ahead, Action::Rollback);
    check(75.0, 19.0, Prediction::Quiet, Action::Hold);
    check(0.0, 1.0, Prediction::Ahead, Action::Hold);
    check(0.0, 1.0, Prediction::Imminent, Action::Rollback);
    check(45.0, 1.0, Prediction::Quiet, Action::Hold);
    check(39.0, 90.0, Prediction::Quiet, Action::Continue);
    check(f64::NAN, f64::NAN, Prediction::Quiet, Action::Continue);
}

#[test]
fn a_crossing_within_two_minutes_is_imminent_only_if_the_trigger_fires() {
    let outlook = |fires, latest| Outlook {
        probability: 0.99,
        time: BreachTime { earliest: Some(1), median: Some(2), latest },
        fires,
    };
    assert_eq!(Prediction::of(&outlook(true, Some(12)), 12), Prediction::Imminent);
    assert_eq!(Prediction::of(&outlook(true, Some(13)), 12), Prediction::Ahead);
    assert_eq!(Prediction::of(&outlook(true, None), 12), Prediction::Ahead);
    assert_eq!(Prediction::of(&outlook(false, Some(3)), 12), Prediction::Quiet);
}

fn any_anomaly() -> impl Strategy<Value = Anomaly> {
    let class = prop_oneof![
        Just(HarmClass::Crash),
        Just(HarmClass::ServerError),
        Just(HarmClass::Slow),
        Just(HarmClass::ScriptError),
        Just(HarmClass::Warning),
    ];
    let number =
        || prop_oneof![0.0..2.0_f64, 0.0..1e5_f64, any::<f64>(), Just(f64::NAN), Just(f64::INFINITY)];
    let harms = prop::collection::vec((class, number()), 0..4);
    (harms, number(), number(), number(), number(), prop::option::of(number())).prop_map(
        |(harms, excess, requests, impact, log_evidence, learned_confidence)| Anomaly {
            harms: harms
                .into_iter()
                .map(|(class, effect)| Harm { class, effect_to_margin: effect })
                .collect(),
            excess_per_minute: excess,
            requests_per_minute: requests,
            impact,
            log_evidence,
            learned_confidence,
        },
    )
}

proptest! {
    #[test]
    fn risk_is_a_number_that_more_anomalies_never_lower(
        anomalies in prop::collection::vec(any_anomaly(), 0..8),
        log_threshold in prop_oneof![0.1..20.0_f64, any::<f64>()],
    ) {
        let mut before = 0.0;
        for count in 0..=anomalies.len() {
            let risk = scope_risk(&anomalies[..count], log_threshold);
            prop_assert!((0.0..=100.0).contains(&risk));
            prop_assert!(risk >= before - 1e-9);
            before = risk;
        }
        let mut turned = anomalies;
        turned.reverse();
        prop_assert!((scope_risk(&turned, log_threshold) - before).abs() < 1e-9);
    }

    #[test]
    fn any_evidence_fuses_and_decides(
        weights in prop::array::uniform3(any::<f64>()),
        present in prop::array::uniform3(any::<bool>()),
        values in prop::array::uniform3(any::<f64>()),
    ) {
        let by = |values: [f64; 3]| BySource { metrics: values[0], behaviour: values[1], logs: values[2] };
        let present = BySource { metrics: present[0], behaviour: present[1], logs: present[2] };
        let fusion = Fusion::start(SourceWeights(by(weights)), present);
        let log_evidence = fusion.log_evidence(by(values));
        let risk = fusion.risk(by(values));
        prop_assert!(!log_evidence.is_nan());
        prop_assert!((0.0..=100.0 + 1e-9).contains(&risk));
        let situation =
            Situation { risk, log_evidence, log_threshold: values[1], prediction: Prediction::Quiet };
        let decided = decide(&situation);
        prop_assert!(decided != Action::Rollback || situation.is_proved(), "{decided:?}");
    }
}
