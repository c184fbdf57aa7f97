mod recording;

use std::path::Path;

use proptest::prelude::*;
use serin_analysis::{Arm, LatencyHistogram, Outcomes, UserMasks, Verdict};

use super::*;
use crate::{Lines, Merged, Record};

const START: u64 = 1_800_000_000;
const PLAN: &str = "
service: shop
baseline: v1
canary: v2
components:
- {name: checkout, matches: [{path: {prefix: /checkout}}]}
- {name: search, matches: [{path: {prefix: /search}}]}
- {name: cart, matches: [{path: {prefix: /cart}}]}
warm_up: 10s
steps:
- {weight: 10%, bake: 30s}
promotion: 30s
";

fn plan() -> Plan {
    Plan::parse(PLAN).unwrap()
}

fn golden(name: &str) -> Vec<Line> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/replay/{name}.jsonl.gz"));
    let lines = Lines::new(std::fs::File::open(path).unwrap()).unwrap();
    let requests = lines.map(|line| match line.unwrap().1 {
        Record::Requests(line) => *line,
        other @ (Record::Start(_)
        | Record::Act(_)
        | Record::Logged(_)
        | Record::Stream(_)
        | Record::Outside(_)) => {
            panic!("a golden trace has {other:?}")
        }
    });
    requests.collect()
}

fn replayed(
    lines: impl IntoIterator<Item = impl Into<Record>>,
    judge: Option<NamedJudge>,
) -> (Vec<Entry>, Decision) {
    let mut replay = Replay::new(plan(), judge);
    let mut entries = Vec::new();
    for line in lines {
        entries.extend(replay.push(line).unwrap());
    }
    let (rest, decision) = replay.end().unwrap();
    entries.extend(rest);
    (entries, decision)
}

fn line(t: u64, component: &str, arm: Arm, ok: u64, server_error: u64) -> Line {
    let mut latency = LatencyHistogram::new();
    (0..ok).for_each(|request| latency.record(10_000 + 100 * (request % 50)));
    Line {
        t,
        component: component.to_owned(),
        arm,
        started: ok + server_error,
        outcomes: Outcomes { ok, server_error, ..Outcomes::default() },
        latency,
        host: None,
        weight_ppm: None,
        signals: std::collections::BTreeMap::new(),
        node: None,
        users: UserMasks::default(),
        blocks: std::collections::BTreeMap::new(),
        merged: None,
    }
}

/// Both arms of a component, every `every` seconds.
fn both(component: &str, seconds: u64, every: u64, errors: impl Fn(u64) -> u64) -> Vec<Line> {
    let times = (0..seconds).step_by(usize::try_from(every).unwrap());
    times
        .flat_map(|t| {
            let failed = errors(t);
            [
                line(START + t, component, Arm::Baseline, 200 * every, 0),
                line(START + t, component, Arm::Canary, (200 - failed) * every, failed * every),
            ]
        })
        .collect()
}

fn notes(entries: &[Entry]) -> Vec<&str> {
    let notes = entries.iter().filter_map(|entry| match entry {
        Entry::Note { note, .. } => Some(note.as_str()),
        Entry::Verdict { .. } | Entry::Policy { .. } | Entry::Event { .. } => None,
    });
    notes.collect()
}

#[test]
fn golden_traces_are_decided_as_their_faults_ask_for() {
    let check = |name: &str, level: Option<Level>, components: &[&str], within_s: u64| {
        let (_, decision) = replayed(golden(name), None);
        assert_eq!(
            (decision.level, &decision.components[..]),
            (level, &components.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>()[..]),
            "{name}: {decision:?}"
        );
        let expected = if level.is_some() { Decided::Rollback } else { Decided::Hold };
        assert_eq!(decision.decision, expected, "{name}");
        assert!(!decision.reasons.is_empty());
        let t = decision.t.unwrap();
        if level.is_some() {
            assert!((START + 121..=START + 120 + within_s).contains(&t), "{name}: {t}");
        } else {
            assert!(decision.needed.unwrap().canary_requests.is_some_and(|requests| requests > 0), "{name}");
        }
    };
    check("good", None, &[], 0);
    check("low_traffic", None, &[], 0);
    check("bad_route", Some(Level::Medium), &["checkout"], 30);
    check("hang", Some(Level::Medium), &["search"], 30);
    let (_, crash) = replayed(golden("crash"), None);
    assert_eq!((crash.decision, crash.level), (Decided::Rollback, Some(Level::Coarse)));
    assert!((START + 121..START + 130).contains(&crash.t.unwrap()), "{crash:?}");
}

#[test]
fn a_canary_that_stays_healthy_for_all_the_plan_asks_is_promoted() {
    let (entries, decision) = replayed(both("checkout", 300, 1, |_| 0), None);
    assert_eq!(decision.decision, Decided::Promote, "{decision:?}");
    assert!(decision.t.unwrap() >= START + 70, "warm-up, step and promotion take 70 s");
    let healthy = |entry: &Entry| matches!(entry, Entry::Verdict { verdict: Verdict::Healthy, .. });
    assert!(entries.iter().any(healthy), "{entries:?}");
}

#[test]
fn a_trace_without_latencies_says_that_they_are_missing() {
    let said = |lines: Vec<Line>| {
        let (_, decision) = replayed(lines, None);
        (decision.decision, decision.reasons.iter().any(|reason| reason.text.contains("tells no latencies")))
    };
    let with = both("checkout", 60, 1, |_| 0);
    let without =
        with.iter().cloned().map(|line| Line { latency: LatencyHistogram::new(), ..line }).collect();
    assert_eq!(said(with), (Decided::Hold, false));
    assert_eq!(said(without), (Decided::Hold, true));
}

#[test]
fn after_a_component_is_returned_the_rest_goes_on() {
    let both_bad = both("checkout", 200, 1, |t| if t < 50 { 0 } else { 40 })
        .into_iter()
        .chain(both("search", 200, 1, |_| 0))
        .chain(both("cart", 200, 1, |_| 0));
    let mut lines: Vec<Line> = both_bad.collect();
    lines.sort_by_key(|line| line.t);
    let (_, decision) = replayed(lines, None);
    assert_eq!((decision.decision, decision.level), (Decided::Rollback, Some(Level::Medium)));
    assert_eq!(decision.later.len(), 1, "{decision:?}");
    assert_eq!(decision.later[0].decision, Decided::Promote);
}

#[test]
fn a_canary_that_falls_silent_goes_no_step_further_and_is_not_promoted() {
    for silent_from in [20, 38, 45, 60] {
        let mut lines = both("checkout", 300, 1, |_| 0);
        lines.retain(|line| line.arm == Arm::Baseline || line.t < START + silent_from);
        let (entries, decision) = replayed(lines, None);
        assert_eq!(decision.decision, Decided::Hold, "{silent_from} s: {decision:?}");
        let advanced = entries.iter().filter_map(|entry| match entry {
            Entry::Event { t, event: "completing", .. } => Some(*t),
            Entry::Event { .. } | Entry::Policy { .. } | Entry::Verdict { .. } | Entry::Note { .. } => None,
        });
        let late = advanced.filter(|t| *t > START + silent_from + 5);
        assert_eq!(late.count(), 0, "{silent_from} s: {entries:?}");
    }
}

#[test]
fn data_coarser_than_a_minute_is_judged_at_the_end_of_an_interval_too() {
    for every in [90, 300, 3_600] {
        let (entries, decision) = replayed(both("checkout", 24 * every, every, |_| 40), None);
        assert!(notes(&entries)[0].starts_with(&format!("the data is {every} s coarse")), "{entries:?}");
        assert_eq!(decision.decision, Decided::Rollback, "{decision:?}");
        assert_eq!((decision.t.unwrap() - START) % every, 1, "{every} s: {decision:?}");
        let (entries, good) = replayed(both("checkout", 24 * every, every, |_| 0), None);
        assert_eq!(good.decision, Decided::Promote, "{every} s: {good:?} {entries:?}");
    }
}

#[test]
fn nothing_is_missing_after_the_end_of_a_trace() {
    for every in [1, 10, 60] {
        let (_, decision) = replayed(both("checkout", 40 * every, every, |_| 0), None);
        let stale = |reason: &Reason| reason.text.contains("no fresh evidence");
        assert!(!decision.reasons.iter().any(stale), "every {every} s: {decision:?}");
    }
}

#[test]
fn coarse_data_is_judged_by_interval_and_never_before_its_end() {
    let (entries, decision) = replayed(both("checkout", 600, 15, |t| if t < 60 { 0 } else { 60 }), None);
    assert!(notes(&entries)[0].starts_with("the data is 15 s coarse"), "{entries:?}");
    assert_eq!(decision.decision, Decided::Rollback);
    assert!((START + 76..=START + 122).contains(&decision.t.unwrap()), "{decision:?}");
    let (_, good) = replayed(both("checkout", 900, 60, |_| 0), None);
    assert_eq!(good.decision, Decided::Promote, "{good:?}");
}

#[test]
fn gaps_jumps_and_missing_arms_hold() {
    let mut lines = both("checkout", 40, 1, |_| 0);
    lines.extend(
        both("checkout", 5, 1, |_| 0).into_iter().map(|line| Line { t: line.t + 40_000_000, ..line }),
    );
    let (entries, decision) = replayed(lines, None);
    assert_eq!(decision.decision, Decided::Hold);
    assert!(notes(&entries).iter().any(|note| note.starts_with("no data for 399999")), "{entries:?}");

    let canary_only = both("checkout", 120, 1, |_| 100).into_iter().filter(|line| line.arm == Arm::Canary);
    let (_, decision) = replayed(canary_only, None);
    assert_eq!(decision.decision, Decided::Hold, "{decision:?}");

    let (_, decision) = replayed((0..120).map(|t| line(START + t, "checkout", Arm::Canary, 0, 0)), None);
    assert_eq!(decision.decision, Decided::Hold);

    let (_, decision) = replayed(Vec::<Line>::new(), None);
    assert_eq!((decision.decision, decision.t), (Decided::Hold, None));
}

#[test]
fn time_may_go_back_five_seconds_and_no_more() {
    let mut replay = Replay::new(plan(), None);
    replay.push(line(START + 5, "cart", Arm::Canary, 1, 0)).unwrap();
    replay.push(line(START, "cart", Arm::Canary, 1, 0)).unwrap();
    replay.push(line(START + 6, "cart", Arm::Canary, 1, 0)).unwrap();
    let late = replay.push(line(START, "cart", Arm::Canary, 1, 0)).unwrap_err();
    assert_eq!(late.to_string(), "t: goes back 6 s; lines may be at most 5 s late: sort the trace by t");
}

#[test]
fn components_beside_the_plan_are_judged_alone_and_undo_the_version() {
    let (entries, decision) = replayed(both("refunds", 100, 1, |t| if t < 50 { 0 } else { 60 }), None);
    assert!(notes(&entries)[0].contains("refunds"), "{entries:?}");
    assert_eq!((decision.level, decision.components), (Some(Level::Coarse), vec!["refunds".to_owned()]));

    let mut lines = both("cart", 100, 1, |_| 0);
    lines.extend(both("late", 100, 1, |_| 0).into_iter().filter(|line| line.t > START + 60));
    lines.sort_by_key(|line| line.t);
    let (entries, _) = replayed(lines, None);
    assert!(notes(&entries).iter().any(|note| note.contains("late is not in the plan")), "{entries:?}");
}

#[test]
fn every_judge_gives_a_decision_on_the_same_trace() {
    let crash = golden("crash");
    for judge in NamedJudge::ALL {
        let (_, decision) = replayed(crash.clone(), Some(judge));
        assert!(decision.reasons[0].text.starts_with(judge.name()), "{decision:?}");
        assert!(decision.t.is_some());
    }
    let (_, flagger) = replayed(crash, Some(NamedJudge::FlaggerTuned));
    assert_eq!((flagger.decision, flagger.level), (Decided::Rollback, Some(Level::Coarse)));
    assert!(flagger.t.unwrap() > START + 130, "{flagger:?}");
}

#[test]
fn a_spike_of_a_million_times_the_traffic_is_a_stated_verdict() {
    let mut lines = both("checkout", 60, 1, |_| 0);
    for spiked in lines.iter_mut().filter(|line| line.t == START + 30) {
        spiked.started *= 1_000_000;
        spiked.outcomes.ok *= 1_000_000;
    }
    let (_, decision) = replayed(lines, None);
    assert_ne!(decision.decision, Decided::Rollback);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_order_within_the_lateness_gives_the_same_output(keys in prop::collection::vec(0_u64..6, 1..50)) {
        let mut lines: Vec<Line> = golden("bad_route").into_iter().filter(|line| line.t < START + 150).collect();
        let expected = replayed(lines.clone(), None);
        // Each line is delayed by up to five seconds.
        let mut delays = keys.iter().cycle();
        lines.sort_by_cached_key(|line| line.t + delays.next().copied().unwrap_or(0));
        prop_assert_eq!(replayed(lines, None), expected);
    }
}

#[test]
fn hosts_of_a_trace_teach_how_much_they_differ() {
    let learned = |name_hosts: bool| {
        let mut replay = Replay::new(plan(), None);
        for t in 0..1_200 {
            for (host, failed) in [("10.0.0.1", 0), ("10.0.0.2", 0), ("10.0.0.3", 0), ("10.0.0.4", t % 2 * 8)]
            {
                let host = name_hosts.then(|| host.to_owned());
                replay
                    .push(Line { host, ..line(START + t, "cart", Arm::Baseline, 40 - failed, failed) })
                    .unwrap();
            }
            replay.push(line(START + t, "cart", Arm::Canary, 20, 0)).unwrap();
        }
        let Stage::Judging(run) = replay.stage else { panic!("judges after a minute") };
        let Who::Serin(mut serin) = run.who else { panic!("serin judges") };
        serin.learned()
    };
    assert_ne!(learned(true), learned(false));
}
