use serin_notify::Message;
use serin_rollout::Severity;

use super::*;

fn store() -> SqliteStore {
    SqliteStore::in_memory().unwrap()
}

fn message(target: &str, number: u64, severity: Severity) -> NewDelivery {
    let message = Message::test(target, format!("serin-{target}-{number}"), "anna", UnixMillis(number));
    NewDelivery { message: Message { severity, ..message }, part: 0 }
}

fn note(store: &mut SqliteStore, deliveries: Vec<NewDelivery>) {
    let state = NotifierState { cursor: 7, desk: "{\"groups\":[]}".to_owned() };
    store.note(&Noted { state, deliveries, keep_dead: 3, at: UnixMillis(1_000) }).unwrap();
}

fn settle(store: &mut SqliteStore, id: u64, state: DeliveryState) {
    let error = (state != DeliveryState::Delivered).then(|| "away".to_owned());
    store.settle(&Settled { id, state, next: UnixMillis(5_000), error, keep_dead: 3 }).unwrap();
}

#[test]
fn the_journal_is_read_from_its_end_and_then_from_where_it_was_left() {
    let mut store = store();
    let first = store.notifier().unwrap();
    assert_eq!(first, NotifierState { cursor: 1, desk: "{}".to_owned() });
    note(&mut store, Vec::new());
    assert_eq!(store.notifier().unwrap(), NotifierState { cursor: 7, desk: "{\"groups\":[]}".to_owned() });
}

#[test]
fn a_delivery_is_written_once_and_sent_in_the_order_of_its_time() {
    let mut store = store();
    store.notifier().unwrap();
    for _ in 0..2 {
        note(&mut store, vec![message("ops", 1, Severity::Info), message("ops", 2, Severity::Info)]);
    }
    let next = store.next_delivery("ops").unwrap().unwrap();
    assert_eq!((next.target.as_str(), next.attempts, next.state), ("ops", 0, DeliveryState::Pending));
    let read: Message = serde_json::from_str(&next.message).unwrap();
    assert_eq!(read.key, "serin-ops-1");
    settle(&mut store, next.id, DeliveryState::Pending);
    let second = store.next_delivery("ops").unwrap().unwrap();
    assert_ne!(second.id, next.id, "the one that failed waits");
    settle(&mut store, second.id, DeliveryState::Delivered);
    let again = store.next_delivery("ops").unwrap().unwrap();
    assert_eq!((again.id, again.attempts, again.next), (next.id, 1, UnixMillis(5_000)));
    assert_eq!(store.next_delivery("other").unwrap(), None);
    assert_eq!(store.deliveries(DeliveryState::Delivered, 10).unwrap().len(), 1);
}

#[test]
fn the_end_of_an_incident_waits_until_its_begin_is_delivered() {
    use serin_notify::{Action, Incident};
    let mut store = store();
    store.notifier().unwrap();
    let of = |number, action| {
        let mut new = message("oncall", number, Severity::Critical);
        new.message.incident = Some(Incident { key: "serin/shop-1".to_owned(), action });
        new
    };
    note(
        &mut store,
        vec![of(1, Action::Opened), of(2, Action::Resolved), message("oncall", 3, Severity::Info)],
    );
    settle(&mut store, 1, DeliveryState::Pending);
    let mut sent = Vec::new();
    while let Some(next) = store.next_delivery("oncall").unwrap() {
        sent.push(next.id);
        settle(&mut store, next.id, DeliveryState::Delivered);
    }
    assert_eq!(sent, [3, 1, 2]);
}

#[test]
fn counts_are_of_each_target_and_name_the_oldest_error() {
    let mut store = store();
    store.notifier().unwrap();
    note(&mut store, (1..=2).map(|number| message("ops", number, Severity::Info)).collect());
    note(&mut store, vec![message("mail", 3, Severity::Info)]);
    settle(&mut store, 1, DeliveryState::Pending);
    settle(&mut store, 3, DeliveryState::Dead);
    let mut counts = store.delivery_counts().unwrap();
    counts.sort_by(|one, other| one.target.cmp(&other.target));
    let mail = TargetCounts { target: "mail".to_owned(), dead: 1, ..TargetCounts::default() };
    assert_eq!(counts[0], mail);
    assert_eq!((counts[1].pending, counts[1].dead, counts[1].oldest), (2, 0, Some(UnixMillis(1_000))));
}

#[test]
fn beyond_the_bound_the_least_urgent_and_oldest_are_given_up_and_the_newest_dead_are_kept() {
    let mut store = store();
    store.notifier().unwrap();
    let severity = |number| if number == 1 { Severity::Critical } else { Severity::Info };
    let many = (1..=PENDING_MAX + 5).map(|number| message("ops", number, severity(number)));
    note(&mut store, many.collect());
    let counts = store.delivery_counts().unwrap();
    assert_eq!((counts[0].pending, counts[0].dead), (PENDING_MAX, 3), "five were given up, three are kept");
    assert_eq!(store.next_delivery("ops").unwrap().unwrap().id, 1, "the critical one stays");
    let dead = store.deliveries(DeliveryState::Dead, 10).unwrap();
    assert_eq!(dead.iter().map(|one| one.id).collect::<Vec<_>>(), [6, 5, 4]);
    assert_eq!(dead[0].error.as_deref(), Some("too many were pending"));
}

#[test]
fn what_is_dead_is_sent_again_when_it_is_asked_for() {
    let mut store = store();
    store.notifier().unwrap();
    note(
        &mut store,
        ["ops", "ops", "mail"]
            .iter()
            .zip(1..)
            .map(|(target, number)| message(target, number, Severity::Info))
            .collect(),
    );
    (1..=3).for_each(|id| settle(&mut store, id, DeliveryState::Dead));
    assert_eq!(store.revive(&Which::Id(3), UnixMillis(9)).unwrap(), 1);
    assert_eq!(store.revive(&Which::Id(3), UnixMillis(9)).unwrap(), 0, "it is pending already");
    assert_eq!(store.revive(&Which::Target("ops".to_owned()), UnixMillis(9)).unwrap(), 2);
    let next = store.next_delivery("ops").unwrap().unwrap();
    assert_eq!((next.attempts, next.next), (0, UnixMillis(9)));
}

#[test]
fn what_is_pending_for_a_target_that_is_gone_is_given_up() {
    let mut store = store();
    store.notifier().unwrap();
    note(&mut store, vec![message("ops", 1, Severity::Info), message("mail", 2, Severity::Info)]);
    store.give_up_others(&["ops".to_owned()], UnixMillis(9)).unwrap();
    assert!(store.next_delivery("mail").unwrap().is_none());
    assert!(store.next_delivery("ops").unwrap().is_some());
    let dead = store.deliveries(DeliveryState::Dead, 10).unwrap();
    assert_eq!(dead[0].error.as_deref(), Some("the target is not configured any more"));
}
