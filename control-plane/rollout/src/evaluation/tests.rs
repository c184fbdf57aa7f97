use serin_analysis::{Outcomes, UserMasks, Verdict};

use super::*;
use crate::{Creation, RolloutId, Salt, create};

const START: u64 = 1_800_000_000;

fn rollout() -> (Plan, State) {
    rollout_with("")
}

fn rollout_with(lines: &str) -> (Plan, State) {
    let yaml = "service: shop\nbaseline: v1\ncanary: v2\ncomponents:\n- {name: cart, matches: [{path: {prefix: /cart}}]}\n";
    let plan = Plan::parse(&format!("{yaml}{lines}")).unwrap();
    let creation =
        Creation { id: RolloutId("r".to_owned()), salt: Salt(1), actor: "anna".to_owned(), paused: false };
    let state = create(&plan, creation, UnixMillis(START * 1_000)).state;
    (plan, state)
}

fn merge(evaluation: &mut Evaluation, second: u64, canary_errors: u64, client_errors: u64) {
    let component = evaluation.index("cart").unwrap();
    for (arm, server_error) in [(Arm::Baseline, 0), (Arm::Canary, canary_errors)] {
        let ok = 50 - server_error - client_errors;
        evaluation.merge(&Increment {
            component,
            start_second: second,
            arm,
            source: 1,
            started: 50,
            outcomes: Outcomes { ok, server_error, client_error: client_errors, ..Outcomes::default() },
            latency: None,
            users: UserMasks::default(),
        });
    }
    evaluation.progress(1, second + 1, UnixMillis((second + 1) * 1_000));
}

/// Seconds of a bad canary, from `begin`, until it is found or `end` comes.
fn found(evaluation: &mut Evaluation, begin: u64, end: u64) -> Option<u64> {
    (begin..end).find(|second| {
        merge(evaluation, *second, 10, 1);
        evaluation.judge(UnixMillis((second + 1) * 1_000)).alarm.is_some()
    })
}

#[test]
fn evidence_that_was_stored_counts_after_a_restart() {
    let (plan, state) = rollout();
    let mut whole = Evaluation::new(&plan, &state).unwrap();
    let needed = found(&mut whole, START, START + 60).unwrap();
    assert!(needed > START + 1, "the test needs evidence that takes more than two seconds");

    let mut first = Evaluation::new(&plan, &state).unwrap();
    assert_eq!(found(&mut first, START, needed), None);
    let stored = first.stored().unwrap();
    let mut second = Evaluation::restore(&plan, &state, Some(Stored::read(&stored).unwrap())).unwrap();
    assert_eq!(found(&mut second, needed, needed + 60), Some(needed));
}

#[test]
fn while_the_canary_warms_up_only_what_no_cold_start_explains_is_found() {
    let (plan, state) = rollout_with("warm_up: 90s\n");
    let run = |errors: u64| {
        let mut evaluation = Evaluation::new(&plan, &state).unwrap();
        (START..START + 180).find(|second| {
            merge(&mut evaluation, *second, errors, 0);
            evaluation.judge(UnixMillis((second + 1) * 1_000)).alarm.is_some()
        })
    };
    let cold = run(2).unwrap() - START;
    assert!((90..130).contains(&cold), "4 % failures: {cold} s");
    let crash = run(50).unwrap() - START;
    assert!(crash <= 3, "{crash} s");
}

#[test]
fn evidence_of_another_evaluation_or_unreadable_evidence_is_not_taken() {
    let (plan, mut state) = rollout();
    let mut first = Evaluation::new(&plan, &state).unwrap();
    let needed = found(&mut first, START, START + 60).unwrap();
    let stored = first.stored().unwrap();
    state.evaluating_since = UnixMillis(needed * 1_000);
    for stored in [stored.as_slice(), b"{", b""] {
        let mut fresh = Evaluation::restore(&plan, &state, Stored::read(stored).ok()).unwrap();
        assert_eq!(fresh.judge(UnixMillis((needed + 1) * 1_000)).alarm, None);
    }
}

#[test]
fn a_judgement_shows_both_arms_and_their_client_errors_of_a_minute() {
    let (plan, state) = rollout();
    let mut evaluation = Evaluation::new(&plan, &state).unwrap();
    let mut judgement = Judgement::default();
    for second in START..START + 90 {
        merge(&mut evaluation, second, 0, 2);
        judgement = evaluation.judge(UnixMillis((second + 1) * 1_000));
    }
    assert_eq!((judgement.canary.client_errors, judgement.baseline.client_errors), (118, 118));
    assert!((55 * 50..=60 * 50).contains(&judgement.canary.requests), "{}", judgement.canary.requests);
    assert_eq!(
        judgement.components.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
        ["cart", "unmatched"]
    );
    assert_eq!(judgement.components[0].requests, 2 * judgement.canary.requests);
    assert_ne!(judgement.version.verdict, Verdict::Regressed);
}

/// Four hosts of the baseline of which one fails more than chance explains, for half an hour.
fn teach(evaluation: &mut Evaluation) {
    let component = evaluation.index("cart").unwrap();
    for second in START..START + 1_800 {
        merge(evaluation, second, 0, 0);
        for (host, failed) in [(1, 0), (2, 0), (3, 0), (4, second % 2 * 8)] {
            let (start_second, arm, latency) = (second, Arm::Baseline, None);
            let (one_in, requests) = (1, 25);
            evaluation.merge_host(&HostSample {
                component,
                start_second,
                arm,
                host,
                one_in,
                requests,
                failed,
                latency,
            });
        }
        evaluation.judge(UnixMillis((second + 1) * 1_000));
    }
}

#[test]
fn what_the_hosts_teach_is_kept_for_the_next_rollout_and_after_a_pause() {
    let (plan, mut state) = rollout();
    let mut first = Evaluation::new(&plan, &state).unwrap();
    assert_eq!(first.learned(), Evaluation::new(&plan, &state).unwrap().learned());
    teach(&mut first);
    let learned = first.learned();
    let mut next = Evaluation::new(&plan, &state).unwrap();
    assert_ne!(next.learned(), learned);
    next.recall(&learned);
    assert_eq!(next.learned(), learned);
    let stored = first.stored().unwrap();
    state.evaluating_since = UnixMillis(START * 1_000 + 1);
    assert_eq!(
        Evaluation::restore(&plan, &state, Some(Stored::read(&stored).unwrap())).unwrap().learned(),
        learned
    );

    let fact = Fact::Resumed { reason: String::new(), step: 0, weight_ppm: state.weight };
    let at = UnixMillis((START + 2_000) * 1_000);
    state.evaluating_since = at;
    let (rollout, actor) = (state.id.clone(), "anna".to_owned());
    let resumed = Event { format: crate::EVENT_FORMAT, rollout, revision: 2, at, actor, fact };
    first.decided(&plan, &state, &[resumed]).unwrap();
    assert_eq!(first.learned(), learned);
}

#[test]
fn what_the_baseline_did_before_the_canary_served_anyone_is_kept_when_the_rollout_goes_on() {
    for (canary_served, kept) in [(false, true), (true, false)] {
        let (plan, mut state) = rollout();
        let mut evaluation = Evaluation::new(&plan, &state).unwrap();
        let component = evaluation.index("cart").unwrap();
        for second in START..START + 20 {
            let outcomes = Outcomes { ok: 50, ..Outcomes::default() };
            let arms = [Arm::Baseline, Arm::Canary].into_iter().take(if canary_served { 2 } else { 1 });
            for arm in arms {
                let (start_second, source, started, latency) = (second, 1, 50, None);
                evaluation.merge(&Increment {
                    component,
                    start_second,
                    arm,
                    source,
                    started,
                    outcomes,
                    latency,
                    users: UserMasks::default(),
                });
            }
        }
        evaluation.judge(UnixMillis((START + 30) * 1_000));
        let at = UnixMillis((START + 30) * 1_000);
        state.evaluating_since = at;
        let fact = Fact::Resumed { reason: String::new(), step: 0, weight_ppm: state.weight };
        let (rollout, actor) = (state.id.clone(), "anna".to_owned());
        let resumed = Event { format: crate::EVENT_FORMAT, rollout, revision: 2, at, actor, fact };
        evaluation.decided(&plan, &state, &[resumed]).unwrap();
        assert_eq!(evaluation.version().baseline.requests > 0, kept);
    }
}

#[test]
fn client_errors_count_in_evidence_and_limits_where_the_plan_names_them() {
    let run = |lines: &str| {
        let (plan, state) = rollout_with(lines);
        let mut evaluation = Evaluation::new(&plan, &state).unwrap();
        let component = evaluation.index("cart").unwrap();
        let judgements = (START..START + 60).map(|second| {
            for (arm, client_error) in [(Arm::Baseline, 1), (Arm::Canary, 10)] {
                let outcomes = Outcomes { ok: 50 - client_error, client_error, ..Outcomes::default() };
                let (start_second, source, started, latency) = (second, 1, 50, None);
                let users = UserMasks::default();
                evaluation.merge(&Increment {
                    component,
                    start_second,
                    arm,
                    source,
                    started,
                    outcomes,
                    latency,
                    users,
                });
            }
            evaluation.progress(1, second + 1, UnixMillis((second + 1) * 1_000));
            evaluation.judge(UnixMillis((second + 1) * 1_000))
        });
        judgements.last().unwrap()
    };
    let usual = run("warm_up: 0s\n");
    assert_eq!((usual.alarm.is_some(), usual.canary.errors), (false, 0));
    let named = run("warm_up: 0s\nfailures: [server_error, client_error]\n");
    assert!(named.alarm.is_some() && named.canary.errors > 500, "{named:?}");
}

/// Seconds until a canary of which four of a hundred requests fail is found.
fn found_with(lines: &str) -> Option<u64> {
    let (plan, state) = rollout_with(lines);
    let mut evaluation = Evaluation::new(&plan, &state).unwrap();
    (START..START + 300).find(|second| {
        merge(&mut evaluation, *second, 2, 1);
        evaluation.judge(UnixMillis((second + 1) * 1_000)).alarm.is_some()
    })
}

#[test]
fn a_window_that_is_open_tightens_the_margins_of_the_comparison() {
    let planned = "warm_up: 1s\nmargins: {error_ratio: 1.1, error_absolute: 5%}\n";
    let window = |hours: &str| {
        format!(
            "{planned}calendar: {{windows: [{{name: sale, hours: '{hours}', effect: {{stricter: {{margins: {{error_absolute: 0.05%}}}}}}}}]}}\n"
        )
    };
    // It begins at 08:00 UTC.
    assert_eq!(found_with(planned), None);
    assert_eq!(found_with(&window("10:00-12:00")), None);
    assert!(found_with(&window("07:00-09:00")).is_some());
    let later = found_with(&window("08:02-09:00")).unwrap();
    assert!(later >= START + 119, "found {} s after the start", later - START);
}

#[test]
fn what_harms_mean_while_a_window_is_open_changes_the_risk_and_no_evidence_and_no_verdict() {
    let judged = |hours: &str| {
        let lines = format!(
            "warm_up: 1s\ncalendar: {{windows: [{{name: early, hours: '{hours}', effect: none}}]}}\n\
             impact: [{{window: early, share: 25%}}]\n"
        );
        let (plan, state) = rollout_with(&lines);
        let mut evaluation = Evaluation::new(&plan, &state).unwrap();
        let judged = (START..START + 60).map(|second| {
            merge(&mut evaluation, second, 2, 1);
            let Judgement { version, alarm, .. } = evaluation.judge(UnixMillis((second + 1) * 1_000));
            (version.risk, (version.verdict, alarm, version.reasons[0].log_evidence))
        });
        judged.collect::<Vec<_>>()
    };
    // It begins at 08:00 UTC.
    let (usual, less) = (judged("10:00-12:00"), judged("07:00-09:00"));
    assert!(usual.iter().zip(&less).all(|(usual, less)| usual.1 == less.1));
    let (usual, less) = (usual[59].0, less[59].0);
    assert!(usual > 10.0 && (less / usual - 0.25).abs() < 0.05, "{usual} becomes {less}");
}

/// Seconds in which every request succeeds and the canary logs an exception in one of ten, until something is found.
fn logged(evaluation: &mut Evaluation, begin: u64, end: u64) -> Option<(u64, Judgement)> {
    use serin_analysis::streams::{Kind, StreamCounts, StreamId};
    (begin..end).find_map(|second| {
        merge(evaluation, second, 0, 0);
        let name = "NullPointerException: no receipt written".to_owned();
        evaluation.merge_stream(&StreamCounts {
            id: StreamId { kind: Kind::LogTemplate, component: String::new(), name },
            second,
            arm: Arm::Canary,
            events: 5,
            exposures: None,
            is_harmful: true,
            samples: vec!["no receipt written for <*>".to_owned()],
        });
        let judgement = evaluation.judge(UnixMillis((second + 1) * 1_000));
        judgement.alarm.is_some().then_some((second, judgement))
    })
}

#[test]
fn logs_undo_a_version_whose_requests_all_succeed_and_the_cause_says_so() {
    let (plan, state) = rollout_with("warm_up: 0s\nlogs: {weight: 30%}\n");
    let mut evaluation = Evaluation::new(&plan, &state).unwrap();
    let (second, judgement) = logged(&mut evaluation, START, START + 60).unwrap();
    assert!((START + 8..START + 25).contains(&second), "{} s", second - START);
    assert_eq!(judgement.alarm, Some(serin_analysis::verdict::Alarm::Version));
    let shares = judgement.sources.unwrap().shares();
    assert!(shares.logs > 0.9, "{shares:?}");
    let now = UnixMillis((second + 1) * 1_000);
    let transition = crate::step(&plan, &state, &crate::Input::Assessed(Box::new(judgement)), now).unwrap();
    let told = |event: &Event| matches!(&event.fact, Fact::RolledBack { cause: Cause::Told { findings, .. }, .. } if findings[0].starts_with("only the canary logs"));
    assert!(transition.events().iter().any(told), "{:?}", transition.events());
}

#[test]
fn what_was_learned_of_findings_is_their_confidence_in_the_risk_and_decides_nothing() {
    let judged = |learned: &str| {
        let (plan, state) = rollout_with(&format!("warm_up: 0s\nlogs: {{}}\n{learned}"));
        let mut evaluation = Evaluation::new(&plan, &state).unwrap();
        let (second, judgement) = logged(&mut evaluation, START, START + 60).unwrap();
        (second, judgement.alarm, judgement.sources.unwrap().by_source.logs, judgement.findings[0].clone())
    };
    let usual = judged("");
    let learned = judged("learned: {confidences: {log_template: [[0, 0.2]]}}\n");
    assert_eq!((usual.0, usual.1, usual.2.log_evidence), (learned.0, learned.1, learned.2.log_evidence));
    assert!((learned.2.risk - usual.2.risk / 5.0).abs() < 1e-9, "{:?} becomes {:?}", usual.2, learned.2);
    assert_eq!((usual.3.learned_confidence, learned.3.learned_confidence), (None, Some(0.2)));
    assert_eq!(
        learned.3.sentence(),
        format!("{}, and of such findings 20 % proved right", usual.3.sentence())
    );
    // Of another kind nothing was learned.
    assert_eq!(judged("learned: {confidences: {slow_load: [[0, 0.2]]}}\n").2, usual.2);
}

/// Tells of 100 page views of each arm in each of 400 seconds, of which the canary's have slow interactions more often.
fn viewed(evaluation: &mut Evaluation) -> Judgement {
    use serin_analysis::streams::{Kind, StreamCounts, StreamId};
    let mut judgement = None;
    for second in START..START + 400 {
        merge(evaluation, second, 0, 0);
        for (at, kind) in (0_u64..).zip(Kind::OF_PAGE_VIEWS) {
            for arm in [serin_analysis::Arm::Baseline, Arm::Canary] {
                let is_more = kind == Kind::SlowInteraction && arm == Arm::Canary;
                let mut bits = (second * 64 + at * 2 + arm as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                bits = (bits ^ (bits >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
                let chance = bits >> 61;
                evaluation.merge_stream(&StreamCounts {
                    id: StreamId { kind, component: String::new(), name: String::new() },
                    second,
                    arm,
                    events: chance + if is_more { 5 } else { 2 },
                    exposures: Some(100),
                    is_harmful: kind.is_judged(),
                    samples: Vec::new(),
                });
            }
        }
        judgement = Some(evaluation.judge(UnixMillis((second + 1) * 1_000)));
    }
    judgement.unwrap()
}

#[test]
fn page_views_that_are_unlike_as_a_whole_are_told_and_decide_nothing() {
    let told = |fields: &str, returned: Option<&String>| {
        let (plan, state) = rollout_with(&format!("warm_up: 0s\nbehaviour: {{novelty: 0s}}\n{fields}"));
        let mut evaluation = Evaluation::new(&plan, &state).unwrap();
        evaluation.set_inactive(returned);
        let judgement = viewed(&mut evaluation);
        assert_eq!(judgement.alarm, None);
        let finding = judgement.findings.into_iter().find(|finding| finding.peculiarity.is_some());
        finding.map(|finding| finding.sentence())
    };
    let said = told("", None).unwrap();
    assert!(said.contains("(most of it are page views with slow interactions: "), "{said}");
    // Other people, or other pages, are on the canary then.
    assert_eq!(told("rules: [{when: {header: {name: x-test, exact: a}}}]\n", None), None);
    assert_eq!(told("", Some(&"cart".to_owned())), None);
}

#[test]
fn what_logs_told_counts_after_a_restart_and_without_logs_in_the_plan_it_changes_nothing() {
    let (plan, state) = rollout_with("warm_up: 0s\nlogs: {}\n");
    let mut whole = Evaluation::new(&plan, &state).unwrap();
    let (needed, _) = logged(&mut whole, START, START + 60).unwrap();
    let mut first = Evaluation::new(&plan, &state).unwrap();
    assert!(logged(&mut first, START, needed - 2).is_none());
    let stored = first.stored().unwrap();
    let mut second = Evaluation::restore(&plan, &state, Some(Stored::read(&stored).unwrap())).unwrap();
    assert_eq!(logged(&mut second, needed - 2, needed + 60).unwrap().0, needed);
    let (plan, state) = rollout_with("warm_up: 0s\n");
    let mut without = Evaluation::new(&plan, &state).unwrap();
    assert!(logged(&mut without, START, START + 60).is_none());
    assert_eq!(without.judge(UnixMillis((START + 60) * 1_000)).sources, None);
}
