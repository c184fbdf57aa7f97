use std::sync::Arc as Shared;

use serin_rollout::{Creation, Plan, RolloutId, Salt, UnixMillis};

use super::super::record::Record;
use super::*;
use crate::fleet::nodes::Spread;
use crate::rollouts::Tracked;
use crate::snapshot::Snapshot;

/// When the requests come.
const NOW: u64 = 1_800_000_000;

fn rollouts(logs: &str) -> Vec<Shared<Snapshot>> {
    let plan = Plan::parse(&format!("service: shop\nbaseline: v1\ncanary: v2\n{logs}")).unwrap();
    let creation = Creation {
        id: RolloutId("shop-1".to_owned()),
        salt: Salt(1),
        actor: "anna".to_owned(),
        paused: false,
    };
    let now = UnixMillis(NOW * 1_000);
    let state = serin_rollout::create(&plan, creation, now).state;
    let mut tracked = Tracked::new(plan, state, 1, None).unwrap();
    tracked.judge(now);
    vec![Shared::new(tracked.snapshot(Spread::default(), now))]
}

fn line<'a>(body: &'a str, severity: i32, span: u64) -> Record<'a> {
    Record {
        time_ns: NOW * NS_PER_S,
        severity,
        trace: u128::from(span),
        span,
        body: Some(body.into()),
        ..Record::default()
    }
}

fn gathered<'a>(version: &'a str, records: Vec<Record<'a>>) -> Gathered<'a> {
    let mut gathered = Gathered::default();
    records.into_iter().for_each(|record| gathered.add(record));
    let mut resource = Attributes::default();
    resource.set("service.name", Some("shop".into()));
    resource.set("service.version", Some(version.into()));
    gathered.close(resource);
    gathered
}

fn lines() -> Lines {
    Lines::new(Masker::new(true).unwrap(), None)
}

#[test]
fn lines_are_counted_by_template_arm_and_second_and_a_request_counts_once() {
    let (rollouts, mut lines, mut recent) = (rollouts("logs: {}\n"), lines(), Recent::default());
    let services = Services::of(&rollouts);
    let refused = ["payment 17 refused", "payment 18 refused", "payment 19 refused"];
    let records = vec![
        line(refused[0], 17, 1),
        line(refused[1], 17, 2),
        line(refused[2], 17, 2),
        line("cart opened", 9, 3),
        line("cart opened", 9, 0),
        line("cart opened", 9, 0),
    ];
    let taken = lines.take(&gathered("v2", records.clone()), &services, &mut recent, NOW);
    assert_eq!(taken.fates, BTreeMap::from([(LineFate::Counted, 5), (LineFate::Repeated, 1)]));
    let counts = &taken.lines[0].counts;
    assert_eq!((taken.lines.len(), taken.lines[0].service.as_str(), counts.len()), (1, "shop", 2));
    assert_eq!((counts[0].events, counts[0].arm, counts[0].second), (2, Arm::Canary, NOW));
    assert!(counts[0].is_harmful && !counts[1].is_harmful);
    assert_eq!(counts[0].samples[0], "payment 17 refused");
    assert!(!counts[0].id.name.contains("17"), "{}", counts[0].id.name);
    assert_eq!(counts[1].events, 3);
    let again = lines.take(&gathered("v1", records[..1].to_vec()), &services, &mut Recent::default(), NOW);
    assert_eq!(again.lines[0].counts[0].id, counts[0].id, "a template is the same on both arms");
    assert_eq!(again.lines[0].counts[0].arm, Arm::Baseline);
}

#[test]
fn a_line_that_does_not_count_is_counted_by_why() {
    let with_logs = rollouts("logs: {}\n");
    let services = Services::of(&with_logs);
    let fate = |version: &str, record: Record<'_>| {
        let taken = lines().take(&gathered(version, vec![record]), &services, &mut Recent::default(), NOW);
        assert_eq!(taken.fates.values().sum::<u64>(), 1);
        *taken.fates.keys().next().unwrap()
    };
    assert_eq!(fate("v2", line("a", 9, 1)), LineFate::Counted);
    assert_eq!(fate("v3", line("a", 9, 1)), LineFate::UnknownVersion);
    assert_eq!(fate("v2", line(" ", 9, 1)), LineFate::NoText);
    let without_body = |key: &str| {
        let mut record = Record { body: None, ..line("", 9, 1) };
        record.attributes.set(key, Some("TimeoutError".into()));
        fate("v2", record)
    };
    assert_eq!(without_body("exception.type"), LineFate::Counted);
    assert_eq!(without_body("exception.message"), LineFate::Counted);
    assert_eq!(without_body("http.route"), LineFate::NoText);
    let at = |second: u64| Record { time_ns: second * NS_PER_S, ..line("a", 9, 1) };
    assert_eq!(fate("v2", at(NOW - AGE_MAX_S)), LineFate::Counted);
    assert_eq!(fate("v2", at(NOW - AGE_MAX_S - 1)), LineFate::OutOfTime);
    assert_eq!(fate("v2", at(NOW + AHEAD_MAX_S + 1)), LineFate::OutOfTime);
    let without = rollouts("");
    let taken = lines().take(
        &gathered("v2", vec![line("a", 9, 1)]),
        &Services::of(&without),
        &mut Recent::default(),
        NOW,
    );
    assert_eq!(taken.fates, BTreeMap::from([(LineFate::NotLookedAt, 1)]));
    assert!(taken.lines.is_empty());
}

#[test]
fn no_secret_gets_into_a_name_or_a_sample() {
    let rollouts = rollouts("logs: {}\n");
    let said = "login of anna@example.com failed with password=hunter2secret";
    let taken = lines().take(
        &gathered("v2", vec![line(said, 17, 1)]),
        &Services::of(&rollouts),
        &mut Recent::default(),
        NOW,
    );
    let text = format!("{:?}", taken.lines);
    assert!(!text.contains("hunter2secret") && !text.contains("anna@"), "{text}");
}

#[test]
fn a_service_whose_rollout_ended_is_forgotten() {
    let with_logs = rollouts("logs: {}\n");
    let mut lines = lines();
    let mut recent = Recent::default();
    lines.take(&gathered("v2", vec![line("a", 9, 1)]), &Services::of(&with_logs), &mut recent, NOW);
    assert_eq!(lines.by_service.len(), 1);
    lines.take(&Gathered::default(), &Services::of(&[]), &mut recent, NOW);
    assert!(lines.by_service.is_empty());
}
