//! Recordings: where they begin, when their reports were merged, and what people did.

use serin_rollout::{Command, Order, Weight};

use super::*;
use serin_analysis::streams::{Kind, StreamCounts, StreamId};

use crate::{Act, Logged, Start, Streamed};

/// A recording: two VMs, of which each tells half of every second, `late_ms` after it ended.
fn recorded(lines: Vec<Line>, late_ms: u64) -> Vec<Line> {
    let mut all = Vec::new();
    for epoch in [1, 2] {
        for mut line in lines.iter().cloned() {
            let at_ms = (line.t + 1) * 1_000 + late_ms + 100 * epoch;
            let (complete_until, open) = (line.t + 1, 0);
            line.merged =
                Some(Merged { at_ms, epoch, complete_until, open, host_sample: 16, hosts: Vec::new() });
            all.push(line);
        }
    }
    all.sort_by_key(|line| line.merged.as_ref().map(|merged| merged.at_ms));
    all
}

#[test]
fn a_recording_is_judged_when_its_reports_were_merged() {
    let lines = || both("checkout", 120, 1, |t| if t < 60 { 0 } else { 10 });
    let decided = |late_ms| {
        let (_, decision) = replayed(recorded(lines(), late_ms), None);
        assert_eq!(
            (decision.decision, &decision.components[..]),
            (Decided::Rollback, &["checkout".to_owned()][..])
        );
        decision.t.unwrap()
    };
    let soon = decided(0);
    assert!((START + 61..START + 70).contains(&soon), "{soon}");
    let late = decided(2_000);
    assert!((soon + 1..=soon + 3).contains(&late), "{soon} {late}");
}

/// Two failures a second on the canary, all of them in one bucket or in as many as there are seconds.
#[test]
fn failures_of_one_user_hold_on_paper_as_they_do_live() {
    let lines = |bucket: fn(u64) -> u64| {
        let mut lines = both("checkout", 120, 1, |_| 2);
        for line in &mut lines {
            let failed = if line.arm == Arm::Canary { 1 << bucket(line.t) } else { 0 };
            line.users = UserMasks { seen: 0xFF_u64.rotate_left((line.t * 8 % 64) as u32), failed };
        }
        lines
    };
    for (bucket, expected) in [((|_| 9) as fn(u64) -> u64, Decided::Hold), (|t| t % 64, Decided::Rollback)] {
        let (entries, plain) = replayed(lines(bucket), None);
        assert_eq!(plain.decision, expected);
        let is_told = format!("{entries:?}").contains("one or two users fail");
        assert_eq!(is_told, expected == Decided::Hold, "{entries:?}");
        assert_eq!(replayed(recorded(lines(bucket), 0), None).1.decision, expected);
    }
}

#[test]
fn other_judges_see_a_recording_without_its_stragglers() {
    let mut lines = recorded(both("checkout", 600, 1, |_| 20), 0);
    let mut straggler = lines.last().unwrap().clone();
    straggler.t -= 100;
    lines.push(straggler);
    let (entries, decision) = replayed(lines, NamedJudge::from_name("flagger"));
    assert_eq!(decision.decision, Decided::Rollback);
    assert_eq!(notes(&entries), ["1 lines told of seconds more than 5 s before: left out"]);
}

#[test]
fn a_recording_mixed_with_other_lines_is_refused() {
    let (plain, recording) = (both("cart", 1, 1, |_| 0), recorded(both("cart", 1, 1, |_| 0), 0));
    for (first, second) in [(&plain, &recording), (&recording, &plain)] {
        let mut replay = Replay::new(plan(), None);
        replay.push(first[0].clone()).unwrap();
        let error = replay.push(second[0].clone()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "merged: must be in all lines of a recording, and in no line of another trace"
        );
    }
}

#[test]
fn clocks_that_jump_and_gaps_of_any_length_cost_little_and_give_a_verdict() {
    let mut lines = recorded(both("checkout", 40, 1, |_| 0), 0);
    let far = 200_000_000_000_000;
    for (index, at_ms) in [0, far, 5, far, u64::MAX / 2].into_iter().enumerate() {
        lines[80 + index].merged.as_mut().unwrap().at_ms = at_ms;
    }
    let (entries, decision) = replayed(lines, None);
    assert_eq!(decision.decision, Decided::Hold, "{decision:?}");
    assert!(notes(&entries).iter().any(|note| note.starts_with("no data for ")), "{entries:?}");
    assert!(entries.len() < 100);
}

/// A recording whose requests all succeed, and whose canary logs an exception from the second 60 on.
fn with_an_exception() -> Vec<Record> {
    let lines = recorded(both("checkout", 120, 1, |_| 0), 0);
    let mut all: Vec<(u64, Record)> = lines.into_iter().map(|line| (merged_at(&line), line.into())).collect();
    for second in START + 60..START + 120 {
        let name = "NullPointerException".to_owned();
        let counts = StreamCounts {
            id: StreamId { kind: Kind::LogTemplate, component: String::new(), name },
            second,
            arm: Arm::Canary,
            events: 9,
            exposures: None,
            is_harmful: true,
            samples: Vec::new(),
        };
        let at_ms = (second + 2) * 1_000;
        all.push((at_ms, Record::Stream(Streamed { at_ms, counts })));
    }
    all.sort_by_key(|(at_ms, _)| *at_ms);
    all.into_iter().map(|(_, record)| record).collect()
}

#[test]
fn a_recording_is_judged_alike_each_time_and_whatever_was_learned_of_findings() {
    let judged = |learned: &str| {
        let plan = Plan::parse(&format!("{PLAN}logs: {{}}\n{learned}")).unwrap();
        let mut replay = Replay::new(plan, None);
        let mut entries = Vec::new();
        for record in with_an_exception() {
            entries.extend(replay.push(record).unwrap());
        }
        let (rest, decision) = replay.end().unwrap();
        entries.extend(rest);
        (entries, decision)
    };
    let learned = "learned: {confidences: {log_template: [[0, 0.1], [3, 0.4]]}}\n";
    let (once, again, usual) = (judged(learned), judged(learned), judged(""));
    assert_eq!(format!("{once:?}"), format!("{again:?}"));
    assert_eq!(once.1.decision, Decided::Rollback, "{:?}", once.1);
    assert_eq!((once.1.decision, once.1.t), (usual.1.decision, usual.1.t));
    assert_eq!(events(&once.0), events(&usual.0));
    assert!(format!("{once:?}").contains("of such findings 40 % proved right"), "{once:?}");
}

proptest! {
    /// A recording of one report a second of everything is judged as the same seconds of a plain trace.
    #[test]
    fn a_recording_that_tells_no_more_decides_as_a_plain_trace(onset in 20_u64..60, errors in 5_u64..100) {
        let lines = both("checkout", 120, 1, |t| if t < onset { 0 } else { errors });
        let merged = |line: &Line| Merged {
            at_ms: (line.t + 2) * 1_000,
            epoch: 1,
            complete_until: line.t + 1,
            open: 0,
            host_sample: 1,
            hosts: Vec::new(),
        };
        let recording: Vec<_> = lines.iter().map(|line| Line { merged: Some(merged(line)), ..line.clone() }).collect();
        let ((_, plain), (_, recording)) = (replayed(lines, None), replayed(recording, None));
        prop_assert_eq!((plain.decision, plain.level, plain.components), (recording.decision, recording.level, recording.components));
        let (plain, recording) = (plain.t.unwrap(), recording.t.unwrap());
        prop_assert!(plain.abs_diff(recording) <= 1, "{} {}", plain, recording);
    }
}

/// How a rollout on paper stands after the lines until `at_ms`.
fn start_after(lines: &[Line], at_ms: u64) -> Start {
    let mut replay = Replay::new(plan(), None);
    for line in lines {
        replay.push(line.clone()).unwrap();
    }
    let Stage::Recorded(recorded) = replay.stage else { panic!("it is a recording") };
    recorded.stands(at_ms, PLAN)
}

fn events(entries: &[Entry]) -> Vec<(u64, &'static str)> {
    let events = entries.iter().filter_map(|entry| match entry {
        Entry::Event { t, event, .. } => Some((*t, *event)),
        Entry::Verdict { .. } | Entry::Policy { .. } | Entry::Note { .. } => None,
    });
    events.collect()
}

fn merged_at(line: &Line) -> u64 {
    line.merged.as_ref().map_or(0, |merged| merged.at_ms)
}

#[test]
fn a_recording_begun_in_the_middle_goes_on_as_the_whole_one() {
    for errors in [0, 10] {
        let lines = recorded(both("checkout", 120, 1, |t| if t < 60 { 0 } else { errors }), 0);
        let (entries, whole) = replayed(lines.clone(), None);
        for after_ms in [35_000, 58_400, 62_900] {
            let begin_ms = START * 1_000 + after_ms;
            let half = lines.iter().position(|line| merged_at(line) > begin_ms).unwrap();
            let start = start_after(&lines[..half], begin_ms);
            let pieces = start.pieces().unwrap().into_iter().map(Record::Start);
            let later = lines[half..].iter().cloned().map(Record::from);
            let (later_entries, decision) = replayed(pieces.chain(later), None);
            assert_eq!(decision, whole, "begun after {after_ms} ms");
            let mut of_whole = events(&entries);
            of_whole.retain(|(t, _)| *t * 1_000 > begin_ms);
            assert_eq!(events(&later_entries), of_whole, "begun after {after_ms} ms");
        }
    }
}

#[test]
fn what_people_did_is_done_again() {
    let lines = recorded(both("checkout", 120, 1, |_| 0), 0);
    let start = start_after(&lines[..80], (START + 40) * 1_000);
    let act = |second: u64, order| {
        let command = Command { order, actor: "anna".to_owned(), reason: "because".to_owned() };
        Record::Act(Act { at_ms: (START + second) * 1_000 + 500, command })
    };
    let weight = Weight::from_ppm(250_000).unwrap();
    let mut records: Vec<_> = start.pieces().unwrap().into_iter().map(Record::Start).collect();
    for line in &lines[80..] {
        if records.len() == 5 {
            records.push(act(44, Order::SetWeight(weight)));
        }
        records.push(Record::from(line.clone()));
    }
    let last = (lines.last().unwrap().t - START) + 2;
    records.push(act(last, Order::Rollback { scope: serin_rollout::RollbackScope::Version }));
    let (entries, decision) = replayed(records, None);
    let done = events(&entries);
    assert!(done.contains(&(START + 44, "weight_set")), "{done:?}");
    assert_eq!(done.last(), Some(&(START + last, "rolled_back")), "{done:?}");
    assert_eq!((decision.decision, decision.t), (Decided::Rollback, Some(START + last)));
    assert!(decision.reasons[0].text.contains("because"), "{decision:?}");
}

#[test]
fn under_another_plan_a_rollout_begins_anew_and_nobody_acts() {
    let lines = recorded(both("checkout", 120, 1, |_| 0), 0);
    let other = plan().source().replace("bake: 30s", "bake: 31s");
    let start = Start { plan: other, ..start_after(&lines[..40], (START + 20) * 1_000) };
    let command = Command { order: Order::Pause, actor: "anna".to_owned(), reason: "because".to_owned() };
    let act = Record::Act(Act { at_ms: (START + 30) * 1_000, command });
    let records = start.pieces().unwrap().into_iter().map(Record::Start);
    let records = records.chain([act]).chain(lines[40..].iter().cloned().map(Record::from));
    let (entries, decision) = replayed(records, None);
    assert!(notes(&entries)[0].starts_with("the plan is not the one of the recorded rollout"), "{entries:?}");
    let (plain, expected) = replayed(lines[40..].to_vec(), None);
    assert_eq!((decision, events(&entries)), (expected, events(&plain)));
}

#[test]
fn evidence_of_another_version_is_left_out_and_said_so() {
    let lines = recorded(both("checkout", 120, 1, |_| 0), 0);
    for (evidence, said) in [
        (Some("{\"engine\":1}".to_owned()), "the evidence from before the recording is of another version"),
        (None, "the recording has no evidence from before it began"),
    ] {
        let start = Start { evidence, ..start_after(&lines[..80], (START + 40) * 1_000) };
        let records = start.pieces().unwrap().into_iter().map(Record::Start);
        let (entries, _) = replayed(records.chain(lines[80..].iter().cloned().map(Record::from)), None);
        assert!(notes(&entries)[0].starts_with(said), "{entries:?}");
    }
}

/// Nobody writes such a start; someone may edit one.
#[test]
fn evidence_of_other_components_or_times_gives_a_verdict() {
    let lines = recorded(both("checkout", 120, 1, |t| if t < 60 { 0 } else { 10 }), 0);
    let mut replay = Replay::new(Plan::parse("service: shop\nbaseline: v1\ncanary: v2\n").unwrap(), None);
    for line in &lines[..80] {
        replay.push(line.clone()).unwrap();
    }
    let Stage::Recorded(recorded) = replay.stage else { panic!("it is a recording") };
    let fewer = recorded.stands((START + 40) * 1_000, PLAN);
    let whole = start_after(&lines[..80], (START + 40) * 1_000);
    let later = Start { at_ms: u64::from(u32::MAX) * 1_000, ..whole.clone() };
    let state = whole.state.replace("\"step\":0", "\"step\":4000000000");
    assert_ne!(state, whole.state);
    let beyond = Start { state, ..whole.clone() };
    let mixed = Start { evidence: fewer.evidence.clone(), ..whole };
    for start in [fewer, mixed, later, beyond] {
        let records = start.pieces().unwrap().into_iter().map(Record::Start);
        let (_, decision) = replayed(records.chain(lines[80..].iter().cloned().map(Record::from)), None);
        assert!(!decision.reasons.is_empty());
    }
}

#[test]
fn starts_and_acts_out_of_place_are_refused() {
    let lines = recorded(both("checkout", 60, 1, |_| 0), 0);
    let start = start_after(&lines, (START + 60) * 1_000);
    let start = Record::Start(start.pieces().unwrap().remove(0));
    let command = Command { order: Order::Pause, actor: "anna".to_owned(), reason: "because".to_owned() };
    let act = Record::Act(Act { at_ms: START * 1_000, command });
    let of_recording = || Record::from(lines[0].clone());
    let plain = || Record::from(both("cart", 1, 1, |_| 0).remove(0));
    let first = "start: must come once, before all other lines of a recording";
    for (records, said) in [
        (vec![of_recording(), start.clone()], first),
        (vec![plain(), start.clone()], first),
        (vec![start.clone(), start.clone()], first),
        (vec![act.clone()], "act: must follow the start of a recording"),
        (vec![of_recording(), act.clone()], "act: must follow the start of a recording"),
        (vec![plain(), act], "act: must follow the start of a recording"),
        (
            vec![start, plain()],
            "merged: must be in all lines of a recording, and in no line of another trace",
        ),
    ] {
        let mut replay = Replay::new(plan(), None);
        let error = records.into_iter().map(|record| replay.push(record)).find_map(Result::err);
        assert_eq!(error.unwrap().to_string(), said);
    }
}

#[test]
fn other_judges_pass_over_starts_and_acts() {
    let lines = recorded(both("checkout", 600, 1, |_| 20), 0);
    let start = start_after(&lines[..80], (START + 40) * 1_000);
    let records = start.pieces().unwrap().into_iter().map(Record::Start);
    let records: Vec<_> = records.chain(lines.iter().cloned().map(Record::from)).collect();
    let flagger = || NamedJudge::from_name("flagger");
    assert_eq!(replayed(records, flagger()), replayed(lines, flagger()));
}

/// A recording of a cart that fails from second 60 on, with and without log records that name the tax block, which come two
/// seconds after they were written.
fn logged(with_records: bool) -> Vec<Record> {
    let fails = |t| if t < 60 { 0 } else { 10 };
    let good = ["checkout", "search"].map(|name| both(name, 120, 1, |_| 0)).concat();
    let mut lines = recorded([both("cart", 120, 1, fails), good].concat(), 0);
    lines.sort_by_key(merged_at);
    let mut all: Vec<(u64, Record)> = lines.into_iter().map(|line| (merged_at(&line), line.into())).collect();
    for t in (START + 60..START + 118).filter(|_| with_records) {
        let (at_ms, component, arm) = ((t + 3) * 1_000, "cart".to_owned(), Arm::Canary);
        // Of each of two VMs.
        let blocks = [("tax".to_owned(), 20)].into();
        all.push((at_ms, Record::Logged(Logged { at_ms, t, component, arm, blocks })));
    }
    all.sort_by_key(|(at_ms, _)| *at_ms);
    all.into_iter().map(|(_, record)| record).collect()
}

#[test]
fn log_records_locate_the_block_on_paper_as_they_do_live() {
    let fine = PLAN.replace(
        "path: {prefix: /cart}}]}",
        "path: {prefix: /cart}}], granularity: fine, blocks: [{name: tax, current: t2, previous: [t1]}]}",
    );
    for (with_records, level, blocks) in [(true, Level::Fine, &["tax"][..]), (false, Level::Medium, &[])] {
        let mut replay = Replay::new(Plan::parse(&fine).unwrap(), None);
        for record in logged(with_records) {
            replay.push(record).unwrap();
        }
        let (_, decision) = replay.end().unwrap();
        assert_eq!(
            (decision.level, &decision.blocks[..]),
            (Some(level), &blocks.iter().map(|block| (*block).to_owned()).collect::<Vec<_>>()[..])
        );
    }
}

#[test]
fn log_records_are_part_of_recordings_alone_and_are_nothing_to_other_judges() {
    let plain = both("cart", 1, 1, |_| 0).remove(0);
    let record = logged(true).into_iter().find(|record| matches!(record, Record::Logged(_))).unwrap();
    let mut replay = Replay::new(plan(), None);
    replay.push(plain).unwrap();
    let error = replay.push(record).unwrap_err();
    assert_eq!(error.to_string(), "logged: must follow the start of a recording");
    let judged = |with_records| replayed(logged(with_records), NamedJudge::from_name("flagger")).1;
    assert_eq!(judged(true), judged(false));
}
