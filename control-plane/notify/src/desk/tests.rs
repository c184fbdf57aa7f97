use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serin_rollout::{Cause, Dependents, Fact, HoldReason, Returned, Stage, StageOutcome, StageRecord};

use super::*;
use crate::news::sample::{news, rollback};
use crate::{Action, Closes, Harm};

/// A desk on a clock that stands until it is told to go on.
struct Office {
    desk: Desk,
    grouping: Grouping,
    now: UnixMillis,
}

impl Office {
    fn new() -> Self {
        let grouping = Grouping {
            wait: Duration::from_secs(5),
            interval: Duration::from_secs(300),
            streams: ["stream".to_owned()].into(),
        };
        Self { desk: Desk::default(), grouping, now: UnixMillis(1_767_225_600_000) }
    }

    fn take(&mut self, news: &News, targets: &[&str]) -> Vec<Message> {
        let targets = targets.iter().map(|name| (*name).to_owned()).collect();
        let told = self.desk.take(news, targets, &self.grouping, self.now);
        self.restart();
        told
    }

    /// What is told while so many seconds pass, with the second in which it is.
    fn pass(&mut self, seconds: u64) -> Vec<(u64, Message)> {
        let mut told = Vec::new();
        for second in 1..=seconds {
            self.now.0 += 1_000;
            let due = self.desk.due(&self.grouping, self.now);
            if !due.is_empty() {
                self.restart();
            }
            told.extend(due.into_iter().map(|message| (second, message)));
        }
        told
    }

    /// State goes through JSON as often as possible, as it does over a crash.
    fn restart(&mut self) {
        let json = serde_json::to_string(&self.desk).unwrap();
        assert_eq!(serde_json::from_str::<Desk>(&json).unwrap(), self.desk);
        self.desk = serde_json::from_str(&json).unwrap();
    }
}

fn texts(message: &Message) -> Vec<String> {
    message.items.iter().map(Item::sentence).collect()
}

fn action(message: &Message) -> Option<(&str, Action)> {
    message.incident.as_ref().map(|incident| (incident.key.as_str(), incident.action))
}

fn held(sequence: u64, service: &str) -> News {
    News {
        severity: Severity::Warning,
        kind: "held".to_owned(),
        text: "Holding: no fresh evidence arrives".to_owned(),
        cause: "missing_data".to_owned(),
        ..news(sequence, service)
    }
}

fn held_harm() -> Harm {
    Harm::of(&Fact::Held { reason: HoldReason::MissingData, evidence: None })
}

/// The rollback of a component of `shop`.
fn component(sequence: u64, name: &str) -> News {
    let fact = Fact::ComponentsRolledBack {
        components: vec![name.to_owned()],
        dependents: Dependents::default(),
        disabled: Dependents::default(),
        recovering: Vec::new(),
        impact: None,
        cause: Cause::VersionRegressed,
        evidence: None,
    };
    let text = format!("Returned {name} to the baseline");
    News { kind: fact.kind().to_owned(), text, harm: Harm::of(&fact), ..rollback(sequence, "shop") }
}

fn verified(sequence: u64, names: &[&str]) -> News {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    closing(sequence, "shop", Closes::Verified(Returned::Components { names }))
}

fn closing(sequence: u64, service: &str, closes: Closes) -> News {
    News { closes: Some(closes), text: "All is well".to_owned(), ..news(sequence, service) }
}

#[test]
fn one_cause_that_strikes_many_rollouts_is_one_message_that_names_them_all() {
    let mut office = Office::new();
    for (sequence, service) in (1..).zip(["shop", "search", "billing"]) {
        assert!(office.take(&held(sequence, service), &["ops"]).is_empty());
        assert!(office.pass(1).is_empty());
    }
    let told = office.pass(600);
    let [(2, message)] = told.as_slice() else { panic!("{told:#?}") };
    assert_eq!(message.key, "serin-ops-1");
    assert_eq!(message.title(), "shop v2: Holding: no fresh evidence arrives, and 2 more");
    assert_eq!(
        message.items.iter().map(|item| item.service.as_str()).collect::<Vec<_>>(),
        ["shop", "search", "billing"]
    );
}

#[test]
fn a_cascade_of_rollbacks_is_one_message_and_one_incident() {
    let mut office = Office::new();
    let follower = |sequence, service, of: &str| News {
        cause: format!("service/{of}"),
        follows: [of.to_owned()].into(),
        ..rollback(sequence, service)
    };
    office.take(&rollback(1, "billing"), &["oncall"]);
    office.take(&follower(2, "shop", "billing"), &["oncall"]);
    office.take(&follower(3, "web", "shop"), &["oncall"]);
    let told = office.pass(600);
    let [(5, message)] = told.as_slice() else { panic!("{told:#?}") };
    assert_eq!(message.items.len(), 3);
    assert_eq!(action(message), Some(("serin/billing-1", Action::Opened)));
    for (sequence, service) in [(4, "billing"), (5, "web")] {
        office.take(&closing(sequence, service, Closes::Everything), &[]);
        assert!(office.pass(600).is_empty(), "shop is not well yet");
    }
    office.take(&closing(6, "shop", Closes::Everything), &[]);
    let told = office.pass(600);
    let [(5, message)] = told.as_slice() else { panic!("{told:#?}") };
    assert_eq!(action(message), Some(("serin/billing-1", Action::Resolved)));
}

#[test]
fn what_repeats_is_counted_and_told_once_an_interval_and_what_is_new_is_told_soon() {
    let mut office = Office::new();
    office.take(&held(1, "shop"), &["ops"]);
    assert_eq!(office.pass(5).len(), 1);
    for sequence in 2..=9 {
        office.take(&held(sequence, "shop"), &["ops"]);
        assert!(office.pass(10).is_empty());
    }
    office.take(&held(10, "search"), &["ops"]);
    let told = office.pass(5);
    let [(5, message)] = told.as_slice() else { panic!("{told:#?}") };
    assert_eq!(message.key, "serin-ops-2");
    let missing = "v2: Holding: no fresh evidence arrives";
    assert_eq!(texts(message), [format!("shop {missing} (8 times)"), format!("search {missing}")]);
    office.take(&held(11, "shop"), &["ops"]);
    let told = office.pass(600);
    let [(300, message)] = told.as_slice() else { panic!("{told:#?}") };
    assert_eq!(texts(message), [format!("shop {missing}")]);
    office.take(&held(12, "shop"), &["ops"]);
    assert_eq!(office.pass(5).len(), 1, "after a quiet interval all is new");
}

#[test]
fn a_hold_that_lifts_resolves_what_it_opened_and_not_what_was_undone() {
    let urgent = |sequence| News {
        kind: "held".to_owned(),
        text: "Holding: harm".to_owned(),
        harm: held_harm(),
        ..rollback(sequence, "shop")
    };
    let mut office = Office::new();
    office.take(&urgent(1), &["oncall"]);
    assert_eq!(action(&office.pass(5)[0].1), Some(("serin/shop-1", Action::Opened)));
    office.take(&closing(2, "shop", Closes::Holds), &[]);
    assert_eq!(action(&office.pass(5)[0].1), Some(("serin/shop-1", Action::Resolved)));
    office.take(&urgent(3), &["oncall"]);
    let told = office.pass(5);
    assert_eq!(action(&told[0].1), Some(("serin/shop-1", Action::Opened)), "it begins again, at once");
    office.take(&rollback(4, "shop"), &["oncall"]);
    assert_eq!(action(&office.pass(5)[0].1), Some(("serin/shop-1", Action::Continued)));
    office.take(&closing(5, "shop", Closes::Holds), &["ops"]);
    let told = office.pass(600);
    assert!(
        told.iter().all(|(_, message)| message.target == "ops"),
        "a rollback is not undone by that: {told:#?}"
    );
    office.take(&closing(6, "shop", Closes::Everything), &["ops"]);
    let told: Vec<_> = office
        .pass(600)
        .into_iter()
        .map(|(_, message)| (message.target.clone(), message.incident.is_some()))
        .collect();
    assert_eq!(told, [("oncall".to_owned(), true), ("ops".to_owned(), false)]);
}

#[test]
fn a_verified_rollback_resolves_its_incident_and_no_harm_that_it_did_not_undo() {
    let resolved = |office: &mut Office| {
        let told = office.pass(600);
        told.iter().any(|(_, message)| action(message) == Some(("serin/shop-1", Action::Resolved)))
    };
    let mut office = Office::new();
    office.take(&rollback(1, "shop"), &["oncall"]);
    office.take(&closing(2, "shop", Closes::Verified(Returned::Version)), &[]);
    assert!(resolved(&mut office), "whatever the routes say");

    // A component is verified while another one and a hold are not over.
    office.take(&component(3, "cart"), &["oncall"]);
    office.take(&component(4, "search"), &["oncall"]);
    office.take(&verified(5, &["cart"]), &[]);
    assert!(!resolved(&mut office), "search is not verified");
    office.take(&News { kind: "held".to_owned(), harm: held_harm(), ..rollback(6, "shop") }, &["oncall"]);
    office.take(&verified(7, &["search"]), &[]);
    assert!(!resolved(&mut office), "the rollout holds");
    office.take(&closing(8, "shop", Closes::Holds), &[]);
    assert!(resolved(&mut office));

    // What only people can judge stays until the rollout ends.
    let failed = StageRecord {
        stage: Stage::Hooks,
        outcome: StageOutcome::Failed,
        took_ms: 1,
        detail: "undo failed".to_owned(),
    };
    let harm = Harm::of(&Fact::RollbackStage { record: failed, returned: Some(Returned::Version) });
    office.take(&rollback(9, "shop"), &["oncall"]);
    office.take(&News { harm, text: "undo failed".to_owned(), ..rollback(10, "shop") }, &["oncall"]);
    office.take(&closing(11, "shop", Closes::Verified(Returned::Version)), &[]);
    assert!(!resolved(&mut office));
    office.take(&closing(12, "shop", Closes::Everything), &[]);
    assert!(resolved(&mut office));
}

#[test]
fn an_incident_that_ends_before_it_is_told_is_told_to_begin_first() {
    let mut office = Office::new();
    office.take(&rollback(1, "shop"), &["oncall"]);
    office.pass(2);
    office.take(&closing(2, "shop", Closes::Everything), &[]);
    let told = office.pass(10);
    let actions: Vec<_> = told.iter().map(|(_, message)| action(message).unwrap().1).collect();
    assert_eq!(actions, [Action::Opened, Action::Resolved]);
}

#[test]
fn a_stream_gets_each_event_at_once() {
    let mut office = Office::new();
    let told = office.take(&news(1, "shop"), &["stream", "ops"]);
    assert_eq!(told.iter().map(|message| message.key.as_str()).collect::<Vec<_>>(), ["serin-stream-1"]);
    let told = office.take(&rollback(2, "shop"), &["stream"]);
    assert_eq!(action(&told[0]), Some(("serin/shop-1", Action::Opened)));
    let told = office.take(&rollback(3, "shop"), &["stream"]);
    assert_eq!(action(&told[0]), Some(("serin/shop-1", Action::Continued)));
    let told = office.take(&closing(4, "shop", Closes::Everything), &["stream"]);
    assert_eq!(action(&told[0]), Some(("serin/shop-1", Action::Resolved)));
}

#[test]
fn groups_items_and_incidents_have_a_bound_and_nothing_is_lost_silently() {
    let mut office = Office::new();
    let mut told = Vec::new();
    for sequence in 1..=2 * OPEN_MAX as u64 {
        told.extend(office.take(&rollback(sequence, &format!("service-{sequence}")), &["ops"]));
    }
    assert_eq!(told.len(), OPEN_MAX);
    assert_eq!(office.pass(5).len(), OPEN_MAX);
    let mut office = Office::new();
    for sequence in 1..=100 {
        office.take(&held(sequence, &format!("service-{sequence}")), &["ops"]);
    }
    let told = office.pass(5);
    assert_eq!((told[0].1.items.len(), told[0].1.more), (ITEMS_MAX, 100 - ITEMS_MAX as u64));
}

#[test]
fn a_clock_that_is_set_back_delays_nothing_by_more_than_an_interval() {
    let mut office = Office::new();
    office.take(&rollback(1, "shop"), &["ops"]);
    office.now.0 -= 86_400_000;
    assert_eq!(office.pass(1).len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes, each event is told to each of its targets exactly once, within the interval and the wait, and no two
    /// messages of a target have the same key.
    #[test]
    fn everything_is_told_once_and_in_time(
        steps in prop::collection::vec((0_u64..40, 0_usize..4, 0_usize..6, 0_usize..4), 1..120),
    ) {
        let services = ["shop", "search", "billing", "web"];
        let targets = [vec!["ops"], vec!["oncall", "ops"], vec!["stream"], vec![]];
        let (mut office, mut sent, mut told) = (Office::new(), BTreeMap::<&str, u64>::new(), Vec::new());
        for (sequence, (wait, service, kind, to)) in (1..).zip(steps) {
            told.extend(office.pass(wait).into_iter().map(|(_, message)| message));
            let service = services[service];
            let news = match kind {
                0 => news(sequence, service),
                1 => held(sequence, service),
                2 => rollback(sequence, service),
                3 => closing(sequence, service, Closes::Holds),
                4 => closing(sequence, service, Closes::Everything),
                _ => News { follows: ["shop".to_owned()].into(), cause: "service/shop".to_owned(), ..rollback(sequence, service) },
            };
            targets[to].iter().for_each(|target| *sent.entry(target).or_default() += 1);
            told.extend(office.take(&news, &targets[to]));
        }
        told.extend(office.pass(305).into_iter().map(|(_, message)| message));
        prop_assert_eq!(office.desk.next_due(), None);
        let keys: BTreeSet<_> = told.iter().map(|message| &message.key).collect();
        prop_assert_eq!(keys.len(), told.len());
        for target in ["ops", "oncall", "stream"] {
            let of_target = told.iter().filter(|message| message.target == target);
            let (mut resolved, mut count) = (0, 0);
            for message in of_target {
                resolved += u64::from(action(message).is_some_and(|(_, action)| action == Action::Resolved));
                count += message.more + message.items.iter().map(|item| item.count).sum::<u64>();
            }
            let expected = sent.get(target).copied().unwrap_or_default();
            // What resolves an incident is told even where no route leads.
            prop_assert!(count >= expected && count <= expected + resolved, "{target}: {count} of {expected}, {resolved}");
        }
    }
}
