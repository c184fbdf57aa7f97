use serin_rollout::UnixMillis;

use super::*;
use crate::store::{Counts, Seen, Series};

fn event(kind: &str) -> NewEvent {
    let text = format!("{kind} happened");
    NewEvent {
        kind: kind.to_owned(),
        actor: "anna".to_owned(),
        text,
        json: format!("{{\"kind\":\"{kind}\"}}"),
    }
}

fn append(rollout: &str, revision: u64, kinds: &[&str], state: Option<&str>, changed: bool) -> Append {
    Append {
        rollout_id: rollout.to_owned(),
        plan: (revision == 0).then(|| "plan".to_owned()),
        expected_revision: revision,
        at: UnixMillis(1_000 + revision),
        events: kinds.iter().map(|kind| event(kind)).collect(),
        state: state.map(str::to_owned),
        assignment_changed: changed,
    }
}

#[test]
fn a_rollout_comes_back_as_its_newest_state_and_the_events_since() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(folder.path()).unwrap();
    store.append(&[append("a", 0, &["created"], Some("one"), true)]).unwrap();
    store.append(&[append("a", 1, &["held"], None, false)]).unwrap();
    store.append(&[append("a", 2, &["lifted", "step"], None, true)]).unwrap();
    drop(store);
    let mut store = SqliteStore::open(folder.path()).unwrap();
    let loaded = store.load().unwrap();
    let [rollout] = loaded.rollouts.as_slice() else { panic!("{loaded:?}") };
    assert_eq!((rollout.id.as_str(), rollout.plan.as_str(), rollout.state.as_str()), ("a", "plan", "one"));
    assert_eq!(rollout.events, ["{\"kind\":\"held\"}", "{\"kind\":\"lifted\"}", "{\"kind\":\"step\"}"]);
    assert_eq!(loaded.generation, 5, "the event that initialised the store is the first");
    store.append(&[append("a", 4, &["promoted"], Some("two"), false)]).unwrap();
    let loaded = store.load().unwrap();
    assert_eq!((loaded.rollouts[0].state.as_str(), loaded.rollouts[0].events.len()), ("two", 0));
    assert_eq!(loaded.generation, 5, "an event that changes nothing for the filters makes no generation");
}

#[test]
fn who_is_second_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(folder.path()).unwrap();
    store.append(&[append("a", 0, &["created"], Some("one"), true)]).unwrap();
    let together =
        [append("b", 0, &["created"], Some("one"), true), append("a", 0, &["created"], Some("x"), true)];
    let error = store.append(&together).unwrap_err();
    assert!(matches!(error, StoreError::Conflict { expected: 0, found: 1 }), "{error}");
    assert_eq!(store.load().unwrap().rollouts.len(), 1, "all or nothing");
    assert_eq!(store.events(&EventQuery { limit: 10, ..EventQuery::default() }).unwrap().len(), 2);
}

#[test]
fn events_are_paged_in_order_and_never_changed() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(folder.path()).unwrap();
    store.append(&[append("a", 0, &["one", "two", "three"], Some("x"), true)]).unwrap();
    store.append(&[append("b", 0, &["other"], Some("x"), true)]).unwrap();
    let kinds = |store: &mut SqliteStore, rollout: Option<&str>, after_sequence, limit| -> Vec<String> {
        let query = EventQuery { rollout_id: rollout.map(str::to_owned), after_sequence, limit };
        store.events(&query).unwrap().into_iter().map(|stored| stored.event.kind).collect()
    };
    assert_eq!(kinds(&mut store, None, 0, 10), ["initialised", "one", "two", "three", "other"]);
    assert_eq!(kinds(&mut store, Some("a"), 2, 1), ["two"]);
    assert_eq!(kinds(&mut store, Some("b"), 0, 10), ["other"]);
    assert!(store.connection.execute("UPDATE journal SET text = ''", []).is_err());
    assert!(store.connection.execute("DELETE FROM journal", []).is_err());
}

#[test]
fn counts_add_up_and_silent_vms_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(folder.path()).unwrap();
    let series = Series { service: "s".to_owned(), component: "c".to_owned(), arm: "canary".to_owned() };
    let counts =
        Counts { started: 3, outcomes: serin_analysis::Outcomes { ok: 2, timeout: 1, ..Default::default() } };
    let seen = |epoch, seq, ms| Seen { node: "n".to_owned(), epoch, seq, at: UnixMillis(ms) };
    let ledger = |seen| Ledger { seen: vec![seen], counts: vec![(series.clone(), counts)] };
    store.record(&ledger(seen(u64::MAX, 1, 1_000))).unwrap();
    store.record(&ledger(seen(u64::MAX, 2, 2_000))).unwrap();
    let loaded = store.load().unwrap().ledger;
    assert_eq!(loaded.seen, [seen(u64::MAX, 2, 2_000)]);
    assert_eq!((loaded.counts[0].1.started, loaded.counts[0].1.outcomes.timeout), (6, 2));
    store.record(&ledger(seen(5, 9, 2_000 + 3_600_000 + 1))).unwrap();
    assert_eq!(store.load().unwrap().ledger.seen, [seen(5, 9, 3_602_001)]);
}

#[test]
fn evidence_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(folder.path()).unwrap();
    store.append(&[append("a", 0, &["created"], Some("one"), true)]).unwrap();
    for evidence in [vec![1, 2], vec![3]] {
        store.save_evidence(&[("a".to_owned(), evidence.clone())]).unwrap();
        assert_eq!(store.load().unwrap().rollouts[0].evidence, Some(evidence));
    }
}

#[test]
fn a_database_that_was_cut_is_damaged_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(folder.path()).unwrap();
    store.append(&[append("a", 0, &["created"], Some("one"), true)]).unwrap();
    drop(store);
    let path = folder.path().join("serin.db");
    let whole = fs::read(&path).unwrap();
    for length in [whole.len() - 4_096, whole.len() / 2, 4_096] {
        fs::write(&path, &whole[..length]).unwrap();
        let error = SqliteStore::open(folder.path()).and_then(|mut store| store.load()).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "cut to {length} bytes: {error}");
        assert_eq!(fs::read(&path).unwrap().len(), length);
    }
}

#[test]
fn a_foreign_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let error = SqliteStore::open(folder.path()).unwrap_err();
    assert!(
        matches!(&error, StoreError::Damaged { detail, .. } if detail == "it was not written by Serin"),
        "{error}"
    );
}
