use proptest::prelude::*;

use super::kayenta::{Classifier, Direction, EffectMeasure, Label, Missing};
use super::*;
use crate::noise::Noise;

const EXPOSED: u32 = 50_000;

fn second(requests: u64, failures: u64, latency_us: u64) -> SecondAggregate {
    let mut latency = LatencyHistogram::new();
    latency.record_n(latency_us, requests);
    SecondAggregate { requests, failures, latency }
}

/// What is decided, and after how many seconds, on traffic that each second gives.
fn run(
    judge: NamedJudge,
    seconds: u64,
    arms: impl Fn(u64) -> ByArm<SecondAggregate>,
) -> Option<(JudgeDecision, u64)> {
    let mut judge = judge.start();
    (0..seconds).find_map(|at| {
        let decision = judge.observe(at, &arms(at), EXPOSED)?;
        (decision != JudgeDecision::Hold).then_some((decision, at + 1))
    })
}

fn healthy(_: u64) -> ByArm<SecondAggregate> {
    ByArm { baseline: second(95, 0, 20_000), canary: second(5, 0, 20_000) }
}

fn failing(_: u64) -> ByArm<SecondAggregate> {
    ByArm { baseline: second(95, 0, 20_000), canary: second(5, 2, 20_000) }
}

fn silent(_: u64) -> ByArm<SecondAggregate> {
    ByArm { baseline: second(95, 0, 20_000), canary: SecondAggregate::default() }
}

#[test]
fn a_fault_from_birth_is_rolled_back_when_the_tools_would() {
    let check = |judge: NamedJudge, expected: u64| {
        assert_eq!(
            run(judge, 20_000, failing),
            Some((JudgeDecision::Rollback, expected)),
            "{}",
            judge.name()
        );
    };
    check(NamedJudge::FlaggerDefault, 120);
    check(NamedJudge::FlaggerDocs, 660);
    check(NamedJudge::FlaggerTuned, 40);
    check(NamedJudge::ArgoDocs, 930);
    check(NamedJudge::ArgoDefault, 30);
    check(NamedJudge::KayentaMinimum, 300);
    check(NamedJudge::KayentaFast, 60);
    check(NamedJudge::PipeCd, 300);
    check(NamedJudge::Fixed, 40);
    check(NamedJudge::Charts, 20);
    check(NamedJudge::WesternElectric, 20);
}

#[test]
fn a_healthy_canary_is_promoted_by_all() {
    for judge in NamedJudge::ALL {
        let decision = run(judge, 20_000, healthy);
        assert!(matches!(decision, Some((JudgeDecision::Promote, _))), "{}: {decision:?}", judge.name());
    }
}

#[test]
fn no_canary_traffic_is_treated_as_each_tool_does() {
    let check = |judge: NamedJudge, expected: Option<(JudgeDecision, u64)>| {
        assert_eq!(run(judge, 12_000, silent), expected, "{}", judge.name());
    };
    check(NamedJudge::FlaggerDefault, Some((JudgeDecision::Rollback, 120)));
    check(NamedJudge::ArgoDefault, Some((JudgeDecision::Rollback, 40)));
    check(NamedJudge::Kayenta, Some((JudgeDecision::Rollback, 3_600)));
    check(NamedJudge::PipeCd, Some((JudgeDecision::Rollback, 300)));
    check(NamedJudge::Fixed, None);
    check(NamedJudge::Charts, None);
}

#[test]
fn a_pause_in_traffic_fails_argo_at_once_because_nan_is_a_value() {
    let pause = |at| if at < 100 { healthy(at) } else { silent(at) };
    assert_eq!(run(NamedJudge::ArgoTuned, 1_000, pause), Some((JudgeDecision::Rollback, 150)));
}

#[test]
fn flagger_never_forgets_a_failed_check() {
    let blips = |at: u64| if at % 600 < 60 { failing(at) } else { healthy(at) };
    let decision = run(NamedJudge::FlaggerDocs, 60_000, blips);
    assert!(matches!(decision, Some((JudgeDecision::Promote, _))), "{decision:?}");
    let tenths = |at: u64| if at % 60 < 30 { failing(at) } else { healthy(at) };
    let decision = run(NamedJudge::FlaggerTuned, 60_000, tenths);
    assert!(matches!(decision, Some((JudgeDecision::Rollback, _))), "{decision:?}");
}

#[test]
fn both_conditions_unmet_pause_argo_for_good() {
    let settings =
        ArgoSettings { success_at_least: Some(0.99), failure_below: Some(0.5), ..ArgoSettings::defaults() };
    let mut judge = Argo::new(settings);
    let decisions: Vec<_> = (0..10_000).filter_map(|at| judge.observe(at, &failing(at), EXPOSED)).collect();
    assert!(decisions.iter().all(|decision| *decision == JudgeDecision::Hold), "{decisions:?}");
}

#[test]
fn an_inline_analysis_looks_once() {
    let mut judge = Argo::new(ArgoSettings::inline());
    let decisions: Vec<_> = (0..2_400).filter_map(|at| judge.observe(at, &healthy(at), EXPOSED)).collect();
    assert_eq!(decisions, [JudgeDecision::Hold, JudgeDecision::Promote]);
}

#[test]
fn nothing_is_judged_before_exposure() {
    for named in NamedJudge::ALL {
        let mut judge = named.start();
        let looked = (0..5_000).find_map(|at| judge.observe(at, &failing(at), 0));
        assert_eq!(looked, None, "{}", named.name());
    }
}

/// Share of 300 rollouts with Poisson traffic that `judge` rolls back within 40 min.
fn rolled_back(judge: NamedJudge, canary_rps: f64, failure_share: f64) -> f64 {
    const RUNS: u64 = 300;
    let rolled_back = (0..RUNS).filter(|seed| {
        let mut noise = Noise::new(7_000 + seed);
        let mut judge = judge.start();
        let mut next = -noise.uniform().ln() / canary_rps;
        let decision = (0..2_400).find_map(|at: u64| {
            let (mut requests, mut failures) = (0, 0);
            while next < (at + 1) as f64 {
                requests += 1;
                failures += u64::from(noise.uniform() < failure_share);
                next -= noise.uniform().ln() / canary_rps;
            }
            let arms =
                ByArm { baseline: SecondAggregate::default(), canary: second(requests, failures, 20_000) };
            judge.observe(at, &arms, EXPOSED).filter(|decision| *decision != JudgeDecision::Hold)
        });
        decision == Some(JudgeDecision::Rollback)
    });
    rolled_back.count() as f64 / RUNS as f64
}

#[test]
fn rates_of_rollback_are_those_of_an_independent_replay() {
    let check = |judge: NamedJudge, canary_rps, failure_share, expected: std::ops::RangeInclusive<f64>| {
        let share = rolled_back(judge, canary_rps, failure_share);
        assert!(expected.contains(&share), "{} at {canary_rps} rps: {share}", judge.name());
    };
    check(NamedJudge::ArgoDefault, 0.2, 0.001, 0.22..=0.37);
    check(NamedJudge::ArgoDefault, 20.0, 0.001, 0.0..=0.0);
    check(NamedJudge::ArgoDefault, 20.0, 0.02, 0.0..=0.01);
    check(NamedJudge::ArgoDocs, 20.0, 0.02, 0.0..=0.01);
    check(NamedJudge::FlaggerDefault, 5.0, 0.05, 1.0..=1.0);
}

/// 1,000 requests a second of both arms, with latencies that vary and, from second 600 on, the canary's `factor` times longer.
fn slower(factor: f64) -> impl Fn(u64) -> ByArm<SecondAggregate> {
    move |at| {
        let mut noise = Noise::new(at);
        let mut arm = |requests: u64, factor: f64| {
            let mut latency = LatencyHistogram::new();
            (0..requests).for_each(|_| latency.record((factor * 20_000.0 / noise.uniform().sqrt()) as u64));
            SecondAggregate { requests, failures: 0, latency }
        };
        ByArm { baseline: arm(950, 1.0), canary: arm(50, if at < 600 { 1.0 } else { factor }) }
    }
}

#[test]
fn charts_find_what_gets_slower_and_run_rules_find_it_no_later() {
    let after = |judge: NamedJudge, factor| {
        let mut judge = judge.start();
        let traffic = slower(factor);
        let decided = (300..1_500).find_map(|at| {
            let weight_ppm = if at < 600 { 0 } else { EXPOSED };
            let decision = judge.observe(at, &traffic(at), weight_ppm)?;
            (decision != JudgeDecision::Hold).then_some((decision, at + 1 - 600))
        });
        decided.unwrap()
    };
    assert_eq!(after(NamedJudge::Charts, 1.0), (JudgeDecision::Promote, 600));
    let (decision, charts_s) = after(NamedJudge::Charts, 1.2);
    assert_eq!(decision, JudgeDecision::Rollback);
    assert!(charts_s <= 120, "{charts_s} s");
    for judge in [NamedJudge::WesternElectric, NamedJudge::Nelson] {
        let (decision, s) = after(judge, 1.2);
        assert!(decision == JudgeDecision::Rollback && s <= charts_s, "{}: {s} s", judge.name());
    }
}

#[test]
fn names_lead_back_to_their_judges() {
    for judge in NamedJudge::ALL {
        assert_eq!(NamedJudge::from_name(judge.name()), Some(judge));
    }
    assert_eq!(NamedJudge::from_name("nobody"), None);
}

#[derive(serde::Deserialize)]
struct Published {
    series: std::collections::BTreeMap<String, Vec<f64>>,
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    canary: String,
    baseline: String,
    tolerance: f64,
    confidence: f64,
    direction: Direction,
    missing: Missing,
    measure: EffectMeasure,
    allowed: Option<(f64, f64)>,
    critical_beyond: Option<(f64, f64)>,
    critical_metric: bool,
    label: Label,
    critical: Option<bool>,
    effect: Option<f64>,
    #[serde(default)]
    effect_undefined: bool,
}

#[test]
fn the_published_cases_of_kayentas_classifier_are_reproduced() {
    let published: Published =
        serde_json::from_str(include_str!("../../tests/fixtures/kayenta_classifier.json")).unwrap();
    assert_eq!(published.cases.len(), 34);
    for case in &published.cases {
        let Case { tolerance, confidence, direction, missing, measure, allowed, critical_beyond, .. } = *case;
        let classifier = Classifier {
            tolerance,
            confidence,
            direction,
            missing,
            measure,
            allowed,
            critical_beyond,
            critical_metric: case.critical_metric,
            must_have_data: false,
        };
        let result = classifier.classify(&published.series[&case.baseline], &published.series[&case.canary]);
        assert_eq!(result.label, case.label, "{}", case.name);
        assert!(case.critical.is_none_or(|critical| critical == result.critical), "{}", case.name);
        assert!(case.effect.is_none_or(|effect| effect == result.effect), "{}", case.name);
        assert!(!case.effect_undefined || result.effect.is_nan(), "{}", case.name);
    }
}

#[test]
fn kayentas_known_misses_are_missed_here_too() {
    let judge = Classifier { direction: Direction::Increase, ..Classifier::default() };
    let check = |canary: &[f64], baseline: &[f64]| {
        assert_eq!(judge.classify(baseline, canary).label, Label::Pass, "{canary:?}");
    };
    check(&[0.0, 1.0, 2.0, 1.0, 0.0, 0.0], &[0.0; 6]);
    check(&[1.0, 1.0, 1.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0], &[1.0; 10]);
}

#[test]
fn infinite_points_do_not_count() {
    let judge = Classifier::default();
    let result = judge.classify(&[1.0, f64::INFINITY], &[f64::NEG_INFINITY, f64::NAN]);
    assert_eq!(result.label, Label::NoData);
}

#[test]
fn scores_are_those_of_kayentas_scorer() {
    use super::kayenta::{Classified, score};
    let metric =
        |group: &str, label, critical| Classified { groups: vec![group.to_owned()], label, critical };
    let check = |metrics: &[(&str, Label, bool)], weights: &[(&str, f64)], expected: f64| {
        let metrics: Vec<_> =
            metrics.iter().map(|&(group, label, critical)| metric(group, label, critical)).collect();
        let weights: Vec<_> = weights.iter().map(|&(group, weight)| (group.to_owned(), weight)).collect();
        assert_eq!(score(&metrics, &weights), expected, "{metrics:?}");
    };
    use Label::{High, Low, NoData, NoDataFails, Pass};
    check(&[("a", Pass, false)], &[], 100.0);
    check(&[("a", High, false)], &[], 0.0);
    check(&[("a", NoData, false)], &[], 0.0);
    check(&[("a", Pass, false), ("a", Pass, false), ("b", NoData, false)], &[], 100.0);
    check(&[("a", Pass, false), ("a", High, false), ("a", Low, false)], &[], 33.33);
    check(&[("a", Pass, false), ("a", NoDataFails, false)], &[], 50.0);
    check(&[("a", Pass, false), ("a", Pass, false), ("b", High, false)], &[("a", 75.0), ("b", 25.0)], 75.0);
    check(&[("a", Pass, false), ("a", High, false), ("b", High, false)], &[("a", 50.0), ("b", 50.0)], 25.0);
    check(&[("a", Pass, false), ("a", NoData, false), ("b", High, false)], &[("a", 50.0), ("b", 50.0)], 50.0);
    check(&[("a", Pass, false), ("a", High, true)], &[], 0.0);
    check(&[("a", Low, false), ("a", Pass, true)], &[], 50.0);
    check(&[("a", Pass, false), ("a", NoData, true)], &[], 0.0);
    check(
        &[("a", High, false), ("a", Low, false), ("a", Pass, false), ("b", High, false)],
        &[("a", 15.0), ("b", 85.0)],
        5.0,
    );
    check(&[], &[], 0.0);
}

fn any_second() -> impl Strategy<Value = SecondAggregate> {
    let count = prop_oneof![Just(0), 0..100_u64, Just(u64::MAX)];
    (count.clone(), count.clone(), any::<u64>(), count).prop_map(|(requests, failures, us, timed)| {
        let mut latency = LatencyHistogram::new();
        latency.record_n(us, timed);
        SecondAggregate { requests, failures, latency }
    })
}

fn any_time() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..100_u64, 2 => 0..100_000_u64, 1 => any::<u64>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_judge_panics_or_decides_twice(
        steps in prop::collection::vec((any_time(), any_second(), any_second(), any::<u32>()), 1..40)
    ) {
        for named in NamedJudge::ALL {
            let mut judge = named.start();
            let mut now = 0_u64;
            let mut done = false;
            for (step, baseline, canary, weight_ppm) in &steps {
                now = now.wrapping_add(*step);
                let arms = ByArm { baseline: baseline.clone(), canary: canary.clone() };
                let decision = judge.observe(now, &arms, *weight_ppm);
                prop_assert!(!done || decision.is_none());
                done |= decision.is_some_and(|decision| decision != JudgeDecision::Hold);
            }
        }
    }

    #[test]
    fn any_points_are_classified(
        baseline in prop::collection::vec(any::<f64>(), 0..20),
        canary in prop::collection::vec(any::<f64>(), 0..20),
    ) {
        let result = Classifier::default().classify(&baseline, &canary);
        prop_assert!(!result.critical);
    }
}
