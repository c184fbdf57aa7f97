use serin_evidence::bundle::{Draft, Kind};
use serin_evidence::mask::Masker;
use serin_rollout::UnixMillis;

use super::*;
use crate::store::{Append, Bundles, NewEvent, Reader, SqliteStore, Store};

fn append(rollout: &str, revision: u64, kinds: &[&str]) -> Append {
    let event = |kind: &&str| NewEvent {
        kind: (*kind).to_owned(),
        actor: "anna".to_owned(),
        text: format!("{kind} happened"),
        json: serde_json::json!({ "kind": kind, "decision": "a.2" }).to_string(),
    };
    let service = format!("shop-{rollout}");
    let state = serde_json::json!({ "service": service, "baseline": "v1", "canary": "v2" });
    Append {
        rollout_id: rollout.to_owned(),
        plan: (revision == 1).then(|| "plan".to_owned()),
        expected_revision: revision - 1,
        at: UnixMillis(1_000 * revision),
        events: kinds.iter().map(event).collect(),
        state: (revision == 1).then(|| state.to_string()),
        assignment_changed: false,
    }
}

fn draft(kind: Kind, id: &str, revisions: Option<(u64, u64)>) -> Draft {
    Draft {
        kind,
        id: id.to_owned(),
        rollout: "a".to_owned(),
        service: "shop-a".to_owned(),
        at: UnixMillis(2_000),
        actor: "serin".to_owned(),
        revisions,
        decided: vec!["blocks_restored".to_owned()],
        text: Vec::new(),
        about: None,
        documents: Vec::new(),
    }
}

/// Two rollouts: one with a decision of two events and its evidence, and one with a decision without.
fn filled(folder: &std::path::Path) -> SqliteStore {
    let (mut store, masker) = (SqliteStore::open(folder).unwrap(), Masker::new(false).unwrap());
    store.append(&[append("a", 1, &["created"]), append("b", 1, &["created"])]).unwrap();
    let mut bundle = draft(Kind::Bundle, "a.2", Some((2, 3)));
    let decided = Decision {
        events: Vec::new(),
        baseline_version: "v1".to_owned(),
        canary_version: "v2".to_owned(),
        weight_before_ppm: 1,
        weight_after_ppm: 0,
        phase_before: "progressing".to_owned(),
        phase_after: "progressing".to_owned(),
        created_at: UnixMillis(1),
        onset_second: Some(1),
        buckets_seen: 0,
        buckets_failed: 0,
        evaluating_since: UnixMillis(1),
        error_limit_ppm: 0,
    };
    bundle.add(name::DECISION, decided);
    let decided = append("a", 2, &["blocks_restored", "components_rolled_back"]);
    let (_, unwritten) = store.append_with(&[decided], &[bundle.finish(&masker)]).unwrap();
    assert!(unwritten.is_none(), "{unwritten:?}");
    store.append(&[append("b", 2, &["promoted"])]).unwrap();
    store
}

fn ids(found: &[StoredDecision]) -> Vec<&str> {
    found.iter().map(|one| one.id.as_str()).collect()
}

#[test]
fn decisions_are_found_by_rollout_service_and_name_with_what_their_evidence_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = filled(folder.path());
    let mut reader = Reader::open(folder.path()).unwrap();
    let all = DecisionQuery { limit: 10, ..DecisionQuery::default() };
    let found = reader.decisions(&all).unwrap();
    assert_eq!(ids(&found), ["b.2", "a.2"]);
    let kinds: Vec<_> = found[1].events.iter().map(|event| event.event.kind.as_str()).collect();
    assert_eq!(kinds, ["blocks_restored", "components_rolled_back"], "one decision, one name");
    assert_eq!(
        (found[1].service.as_str(), found[1].onset_second, found[1].applied_ms),
        ("shop-a", Some(1), None)
    );
    let before = DecisionQuery { before: Some(found[0].events[0].sequence), ..all.clone() };
    let service = DecisionQuery { service: Some("shop-b".to_owned()), ..all.clone() };
    let named = DecisionQuery { rollout_id: Some("a".to_owned()), revision: Some(2), ..all.clone() };
    let within = DecisionQuery { rollout_id: Some("a".to_owned()), revision: Some(3), ..all.clone() };
    for (query, expected) in
        [(before, vec!["a.2"]), (service, vec!["b.2"]), (named, vec!["a.2"]), (within, vec![])]
    {
        assert_eq!(ids(&reader.decisions(&query).unwrap()), expected, "{query:?}");
    }
    let masker = Masker::new(false).unwrap();
    for (rollout, applied) in [("a.2", 1), ("b.2", 2)] {
        let mut told = draft(Kind::Addendum, &format!("{rollout}+acknowledgements"), None);
        let acknowledged =
            Acknowledgements { after_ms: 42, vms: 2, vms_applied: applied, ..Acknowledgements::default() };
        told.add(name::ACKNOWLEDGEMENTS, acknowledged);
        store.add_bundle(&told.finish(&masker)).unwrap();
    }
    let applied: Vec<_> = reader.decisions(&all).unwrap().iter().map(|one| one.applied_ms).collect();
    assert_eq!(applied, [Some(42), None], "a VM did not apply the other one");
}

#[test]
fn the_newest_mark_of_a_decision_holds_and_the_newest_events_come_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = filled(folder.path());
    store.append(&[append("a", 4, &["decision_marked"])]).unwrap();
    store.append(&[append("a", 5, &["decision_marked", "held"])]).unwrap();
    let mut reader = Reader::open(folder.path()).unwrap();
    let found = reader.decisions(&DecisionQuery { limit: 10, ..DecisionQuery::default() }).unwrap();
    let marked = |one: &StoredDecision| one.mark.as_ref().map(|mark| mark.at.0);
    assert_eq!(found.iter().map(marked).collect::<Vec<_>>(), [None, Some(5_000)]);
    let events = reader.newest_events("a", 2).unwrap();
    assert_eq!(
        events.iter().map(|event| event.event.kind.as_str()).collect::<Vec<_>>(),
        ["held", "decision_marked"]
    );
}

#[test]
fn neither_decisions_nor_marks_are_looked_for_in_the_whole_journal() {
    let store = SqliteStore::in_memory().unwrap();
    let plan = |query: &str| -> String {
        let mut statement = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(3)).unwrap();
        rows.collect::<Result<Vec<_>, _>>().unwrap().join("; ")
    };
    let decisions =
        plan(&format!("SELECT json FROM journal j WHERE j.kind IN {KINDS} ORDER BY sequence DESC LIMIT 5"));
    assert!(decisions.contains("journal_decisions"), "{decisions}");
    let marks = plan(
        "SELECT json FROM journal WHERE kind = 'decision_marked' AND rollout_id = 'a' ORDER BY sequence",
    );
    assert!(marks.contains("journal_marks"), "{marks}");
}
