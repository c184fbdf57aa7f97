use std::time::Duration;

use rusqlite::Connection;
use serin_evidence::bundle::{Draft, Kind};
use serin_evidence::chain::Fault;
use serin_evidence::mask::Masker;

use super::*;
use crate::store::{Append, BundleQuery, Exported, NewEvent, Reader, Store};

const DAY_MS: u64 = 86_400_000;

fn bundle(rollout: &str, revision: u64, at: UnixMillis, bytes: usize) -> Bundle {
    let mut draft = Draft {
        kind: Kind::Bundle,
        id: format!("{rollout}.{revision}"),
        rollout: rollout.to_owned(),
        service: "shop".to_owned(),
        at,
        actor: "serin".to_owned(),
        revisions: Some((revision, revision)),
        decided: vec!["rolled_back".to_owned()],
        text: vec!["Rolled back".to_owned()],
        about: None,
        documents: Vec::new(),
    };
    draft.add("plan", "the same plan");
    // What does not compress, so that its size is known.
    let mut state = revision;
    let noise: String = (0..bytes)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + ((state >> 33) % 26) as u8)
        })
        .collect();
    draft.add("counts", format!("{rollout} {revision} {noise}"));
    draft.finish(&Masker::new(false).unwrap())
}

fn append(rollout: &str, revision: u64, kind: &str, at: UnixMillis) -> Append {
    let event = NewEvent {
        kind: kind.to_owned(),
        actor: "serin".to_owned(),
        text: "it happened".to_owned(),
        json: "{}".to_owned(),
    };
    Append {
        rollout_id: rollout.to_owned(),
        plan: (revision == 1).then(|| "plan".to_owned()),
        expected_revision: revision - 1,
        at,
        events: vec![event],
        state: Some("{}".to_owned()),
        assignment_changed: true,
    }
}

/// A store with the decisions of three rollouts, each with its evidence.
fn filled(folder: &std::path::Path) -> SqliteStore {
    let mut store = SqliteStore::open(folder).unwrap();
    for (number, rollout) in ["a", "b", "c"].into_iter().enumerate() {
        let at = UnixMillis((number as u64 + 1) * DAY_MS);
        store.append(&[append(rollout, 1, "created", at)]).unwrap();
        let (_, unwritten) = store
            .append_with(&[append(rollout, 2, "rolled_back", at)], &[bundle(rollout, 2, at, 100)])
            .unwrap();
        assert!(unwritten.is_none(), "{unwritten:?}");
    }
    store
}

fn faults(folder: &std::path::Path) -> Vec<Fault> {
    Reader::open(folder).unwrap().verify_bundles(None).unwrap().chain.faults
}

#[test]
fn a_decision_and_its_evidence_are_there_together_and_are_read_beside_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let _store = filled(folder.path());
    let mut reader = Reader::open(folder.path()).unwrap();
    let verified = reader.verify_bundles(None).unwrap();
    assert!(verified.chain.is_sound(), "{verified:?}");
    assert_eq!((verified.bundles, verified.documents, verified.chain.head.number), (3, 6, 3));
    let newest = reader.bundles(&BundleQuery { limit: 2, ..BundleQuery::default() }).unwrap();
    let ids: Vec<_> = newest.iter().map(|one| one.manifest.id.as_str()).collect();
    assert_eq!(ids, ["c.2", "b.2"]);
    let found = reader.bundle("b.2").unwrap().unwrap();
    assert_eq!(found.documents[1], ("plan".to_owned(), "\"the same plan\"".to_owned()));
    let archive = reader.export(&Exported { of: "b".to_owned(), now: UnixMillis(1) }).unwrap().unwrap();
    assert_eq!((archive.entries.len(), archive.links.len(), archive.documents.len()), (1, 2, 2));
    assert!(archive.verify(Some(verified.chain.head.hash)).chain.is_sound());
    assert!(reader.export(&Exported { of: "x".to_owned(), now: UnixMillis(1) }).unwrap().is_none());
}

#[test]
fn a_decision_of_the_last_day_owes_the_addenda_that_are_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = filled(folder.path());
    let names = |store: &SqliteStore, now: u64| -> Vec<String> {
        let all = owed::owed(&store.connection, UnixMillis(now)).unwrap();
        all.into_iter().map(|one| format!("{} {} {}", one.id, one.acknowledgements, one.aftermath)).collect()
    };
    let now = 3 * DAY_MS + 1_000;
    assert_eq!(names(&store, now), ["c.2 true true"]);
    let found = owed::owed(&store.connection, UnixMillis(now)).unwrap().remove(0);
    let sequence = "SELECT sequence FROM journal WHERE rollout_id = 'c' AND kind = 'rolled_back'";
    let sequence: i64 = store.connection.query_row(sequence, [], |row| row.get(0)).unwrap();
    assert_eq!((found.generation, found.undoes, found.at.0), (sequence as u64, true, 3 * DAY_MS));
    for (addendum, left) in [("acknowledgements", vec!["c.2 false true"]), ("aftermath", vec![])] {
        let mut added = bundle("c", 9, UnixMillis(now), 10);
        added.manifest.kind = Kind::Addendum;
        added.manifest.id = format!("c.2+{addendum}");
        store.add_bundle(&added).unwrap();
        assert_eq!(names(&store, now), left);
    }
    // What changed no assignment has nobody who could apply it.
    let unpublished = Append { assignment_changed: false, ..append("b", 3, "promoted", UnixMillis(now)) };
    store.append_with(&[unpublished], &[bundle("b", 3, UnixMillis(now), 10)]).unwrap();
    assert!(names(&store, now).is_empty());
}

#[test]
fn evidence_that_cannot_be_written_keeps_no_decision_from_being_written_and_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = filled(folder.path());
    // The name is taken, so the second of these cannot be written.
    let at = UnixMillis(9 * DAY_MS);
    store.append(&[append("d", 1, "created", at)]).unwrap();
    let bundles = [bundle("d", 2, at, 10), bundle("a", 2, at, 10)];
    let (appended, unwritten) = store.append_with(&[append("d", 2, "rolled_back", at)], &bundles).unwrap();
    assert_eq!((appended[0].revision, unwritten.is_some()), (2, true));
    assert!(faults(folder.path()).is_empty(), "the first of the two is whole");
    store.append(&[append("d", 3, "promoted", at)]).unwrap();
    let expected = Fault::NoBundle { rollout: "d".to_owned(), revision: 3, kind: "promoted".to_owned() };
    assert_eq!(faults(folder.path()), [expected]);
}

#[test]
fn what_somebody_does_to_the_database_is_refused_or_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path());
    for sql in [
        "UPDATE evidence SET body = '{}'",
        "DELETE FROM evidence WHERE number = 1",
        "UPDATE evidence_documents SET content = x'00'",
    ] {
        assert!(store.connection.execute_batch(sql).is_err(), "{sql}");
    }
    store.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let whole = std::fs::read(folder.path().join("serin.db")).unwrap();
    let found = |sql: &str| {
        let other = tempfile::tempdir().unwrap();
        let path = other.path().join("serin.db");
        std::fs::write(&path, &whole).unwrap();
        let without = "DROP TRIGGER evidence_is_append_only_update; DROP TRIGGER evidence_is_append_only_delete; \
                       DROP TRIGGER evidence_documents_never_change";
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(&format!("{without}; {sql}")).unwrap();
        faults(other.path())
    };
    assert!(found("SELECT 1").is_empty());
    let altered = found("UPDATE evidence SET body = replace(body, 'Rolled', 'Boiled') WHERE number = 2");
    assert_eq!(altered, [Fault::Altered { number: 2 }, Fault::Broken { number: 3 }]);
    let cut = found("DELETE FROM evidence WHERE number = 3");
    assert!(matches!(cut[..], [Fault::NoBundle { .. }, Fault::End { last: 2, head: 3 }]), "{cut:?}");
    let removed = found("DELETE FROM evidence WHERE number = 2");
    assert_eq!(removed[0], Fault::Missing { from: 2, through: 2 });
    let missing = found("DELETE FROM evidence_documents WHERE rowid = 1");
    assert!(matches!(missing[0], Fault::DocumentMissing { .. }), "{missing:?}");
    let other = found("UPDATE evidence_documents SET content = x'4b4c0400' WHERE rowid = 2");
    assert!(matches!(other[0], Fault::DocumentAltered { .. }), "{other:?}");
    let swapped = found(
        "UPDATE evidence SET number = -number WHERE number > 1; UPDATE evidence SET number = 5 + number WHERE number < 0",
    );
    assert!(matches!(swapped[0], Fault::Altered { .. }), "{swapped:?}");
}

#[test]
fn old_and_large_evidence_goes_with_a_word_and_the_rest_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = filled(folder.path());
    let keep = Keep { keep_for: Duration::from_secs(86_400), max_bytes: u64::MAX };
    assert_eq!(
        store.retire_bundles(&keep, UnixMillis(2 * DAY_MS)).unwrap(),
        None,
        "nothing is older than a day"
    );
    assert_eq!(store.retire_bundles(&keep, UnixMillis(3 * DAY_MS + 1)).unwrap(), Some(2));
    let mut reader = Reader::open(folder.path()).unwrap();
    let verified = reader.verify_bundles(None).unwrap();
    assert!(verified.chain.is_sound(), "{verified:?}");
    assert_eq!((verified.chain.first, verified.chain.head.number, verified.documents), (3, 4, 2));
    let documents: i64 =
        store.connection.query_row("SELECT count(*) FROM evidence_documents", [], |row| row.get(0)).unwrap();
    assert_eq!(documents, 2, "what others use stays");
    for revision in 3..40 {
        let at = UnixMillis(4 * DAY_MS);
        let written = [bundle("c", revision, at, 20_000)];
        store.append_with(&[append("c", revision, "rolled_back", at)], &written).unwrap();
    }
    let keep = Keep { keep_for: Duration::from_secs(365 * 86_400), max_bytes: 50_000 };
    let through = store.retire_bundles(&keep, UnixMillis(4 * DAY_MS)).unwrap();
    assert!(through.is_some_and(|through| through > 10), "{through:?}");
    let left: i64 =
        store.connection.query_row("SELECT sum(bytes) FROM evidence", [], |row| row.get(0)).unwrap();
    assert!(left <= 51_000, "{left}");
    assert_eq!(faults(folder.path()), []);
}
