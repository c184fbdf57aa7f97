use std::time::Duration;

use rusqlite::Connection;
use serin_registry::{Content, ContentKind, Entry};

use super::super::sqlite::SCHEMA_VERSION;
use super::*;

const AT: UnixMillis = UnixMillis(1_000);

fn subject(path: &str) -> Subject {
    path.parse().unwrap()
}

fn label(text: &str) -> Version {
    text.parse().unwrap()
}

fn source(text: &str) -> Artifact {
    let (digest, bytes) = (Digest::of(text.as_bytes()), text.len() as u64);
    Artifact::Content(Content { kind: ContentKind::Source, digest, bytes, path: "tax.rs".to_owned() })
}

/// A release of entries that are written as path, label and source; "": no artifact.
fn release(entries: &[(&str, &str, &str)]) -> Release {
    let entries = entries.iter().map(|(path, version, text)| Entry {
        subject: subject(path),
        version: label(version),
        artifact: (!text.is_empty()).then(|| source(text)),
    });
    Release::new(entries.collect()).unwrap()
}

fn of_tax(version: &str, tax: (&str, &str)) -> Release {
    release(&[("shop", version, ""), ("shop/checkout", "c1", ""), ("shop/checkout/tax", tax.0, tax.1)])
}

fn all(store: &mut SqliteStore) -> Vec<String> {
    let query = VersionQuery { limit: 100_000, ..VersionQuery::default() };
    let versions = store.versions(&query).unwrap().into_iter();
    versions.map(|stored| format!("{} {}", stored.subject, stored.version)).collect()
}

#[test]
fn a_release_is_registered_whole_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(folder.path()).unwrap();
    let first = of_tax("v1", ("t1", "net / 5"));
    assert_eq!(store.register(&first, "anna", AT).unwrap().new, 3);
    let again = store.register(&first, "ben", UnixMillis(2_000)).unwrap();
    assert_eq!(again.new, 0);
    assert!(again.versions.iter().all(|stored| stored.by == "anna" && stored.at == AT), "{again:?}");
    drop(store);
    let mut store = SqliteStore::open(folder.path()).unwrap();
    let second = store.register(&of_tax("v2", ("t2", "net / 4")), "ben", AT).unwrap();
    assert_eq!(second.new, 2, "the component is the same");
    let listed = ["shop/checkout/tax t2", "shop v2", "shop/checkout/tax t1", "shop/checkout c1", "shop v1"];
    assert_eq!(all(&mut store), listed);
    let parts = store.parts(&subject("shop"), &label("v2")).unwrap();
    let parts: Vec<_> = parts.iter().map(|part| part.version.as_str()).collect();
    assert_eq!(parts, ["c1", "t2"]);
    let releases = store.releases(&subject("shop/checkout"), &label("c1"), 10).unwrap();
    assert_eq!(releases, [label("v2"), label("v1")]);
    let newest = store.version(&subject("shop/checkout/tax"), None).unwrap().unwrap();
    assert_eq!((newest.version.as_str(), newest.artifact), ("t2", Some(source("net / 4"))));
}

#[test]
fn a_version_that_is_another_one_is_refused_with_the_whole_release() {
    let mut store = SqliteStore::in_memory().unwrap();
    store.register(&of_tax("v1", ("t1", "net / 5")), "anna", AT).unwrap();
    let before = all(&mut store);
    for (other, words) in [
        (of_tax("v2", ("t1", "net / 4")), "shop/checkout/tax t1 is registered with source sha256:"),
        (of_tax("v2", ("t1", "")), "shop/checkout/tax t1 is registered with source sha256:"),
        (
            of_tax("v1", ("t2", "net / 5")),
            "shop v1 is registered with shop/checkout/tax t1, not shop/checkout/tax t2",
        ),
        (release(&[("shop", "v1", "")]), "shop v1 is registered with shop/checkout c1, not nothing else"),
        (release(&[("shop", "v1", "x")]), "shop v1 is registered with no artifact, not source sha256:"),
    ] {
        let error = store.register(&other, "ben", AT).unwrap_err();
        assert!(matches!(error, StoreError::Differs(_)), "{error}");
        let said = error.to_string();
        assert!(said.starts_with(words) && said.ends_with("give what changed a new version"), "{said}");
        assert_eq!(all(&mut store), before, "all or nothing");
    }
    let entries = store.history(&HistoryQuery { subject: subject("shop"), before: None, limit: 10 }).unwrap();
    assert_eq!(entries.len(), 1, "what was refused did not happen: {entries:?}");
}

#[test]
fn versions_are_found_by_kind_and_by_what_they_are_in_and_come_in_pages() {
    let mut store = SqliteStore::in_memory().unwrap();
    store.register(&of_tax("v1", ("t1", "a")), "anna", AT).unwrap();
    store.register(&of_tax("v2", ("t2", "b")), "anna", AT).unwrap();
    store.register(&release(&[("shop-2", "v1", ""), ("shop-2/a_b", "v1", "")]), "anna", AT).unwrap();
    store.register(&release(&[("shop.x", "v1", ""), ("shop.x/acb", "v1", "")]), "anna", AT).unwrap();
    let mut find = |kind, within: &str, newest_only, before, limit| -> Vec<String> {
        let within = (!within.is_empty()).then(|| subject(within));
        let versions = store.versions(&VersionQuery { kind, within, newest_only, before, limit }).unwrap();
        versions.into_iter().map(|stored| format!("{} {}", stored.subject, stored.version)).collect()
    };
    let within_shop =
        ["shop/checkout/tax t2", "shop v2", "shop/checkout/tax t1", "shop/checkout c1", "shop v1"];
    assert_eq!(find(None, "shop", false, None, 100), within_shop);
    assert_eq!(find(None, "shop-2/a_b", false, None, 100), ["shop-2/a_b v1"], "an underscore is no wildcard");
    assert_eq!(find(Some(Kind::Block), "", true, None, 100), ["shop/checkout/tax t2"]);
    assert_eq!(find(None, "shop", false, None, 2), within_shop[..2]);
    assert_eq!(find(None, "shop", false, Some(4), 2), within_shop[2..4]);
    assert_eq!(find(None, "shop", false, Some(1), 2), [""; 0]);
    assert_eq!(find(None, "shop", false, Some(u64::MAX), 1), within_shop[..1]);
}

#[test]
fn the_history_tells_what_happened_and_is_bounded() {
    let mut store = SqliteStore::in_memory().unwrap();
    store.register(&of_tax("v1", ("t1", "a")), "anna", AT).unwrap();
    store.register(&of_tax("v2", ("t1", "a")), "ben", UnixMillis(2_000)).unwrap();
    let tax = || HistoryQuery { subject: subject("shop/checkout/tax"), before: None, limit: 100_000 };
    let said: Vec<_> =
        store.history(&tax()).unwrap().into_iter().map(|entry| (entry.actor, entry.text)).collect();
    let registered = format!("Registered with source sha256:{}.", Digest::of(b"a"));
    let expected = [("ben", "Part of shop v2."), ("anna", "Part of shop v1."), ("anna", registered.as_str())];
    assert_eq!(said, expected.map(|(actor, text)| (actor.to_owned(), text.to_owned())));
    for number in 3..HISTORY_MAX + 30 {
        store.register(&of_tax(&format!("v{number}"), ("t1", "a")), "ben", AT).unwrap();
    }
    let entries = store.history(&tax()).unwrap();
    assert_eq!(entries.len(), HISTORY_MAX as usize);
    assert_eq!(entries[0].text, format!("Part of shop v{}.", HISTORY_MAX + 29), "the newest stay");
}

#[test]
fn what_may_go_goes_and_what_is_needed_stays() {
    let mut store = SqliteStore::in_memory().unwrap();
    for number in 1..=6 {
        let tax = (format!("t{number}"), format!("net / {number}"));
        store.register(&of_tax(&format!("v{number}"), (&tax.0, &tax.1)), "anna", UnixMillis(number)).unwrap();
    }
    let policy = Policy { keep_versions: 2, keep_for: Duration::ZERO };
    let needed = BTreeSet::from([(subject("shop"), label("v2"))]);
    let removed = store.retire(&subject("shop"), &needed, policy, UnixMillis(9)).unwrap();
    let mut removed: Vec<_> =
        removed.iter().map(|(subject, version)| format!("{subject} {version}")).collect();
    removed.sort();
    let expected = [
        "shop v1",
        "shop v3",
        "shop v4",
        "shop/checkout/tax t1",
        "shop/checkout/tax t3",
        "shop/checkout/tax t4",
    ];
    assert_eq!(removed, expected);
    assert_eq!(store.parts(&subject("shop"), &label("v2")).unwrap().len(), 2);
    assert!(store.retire(&subject("shop"), &needed, policy, UnixMillis(9)).unwrap().is_empty());
    let digests = [1, 2, 3, 6].map(|number| Digest::of(format!("net / {number}").as_bytes()));
    assert_eq!(store.unused(&digests).unwrap(), [digests[0], digests[2]]);
    assert_eq!(store.users(&digests[1], 5).unwrap(), [(subject("shop/checkout/tax"), label("t2"))]);
    assert_eq!(store.applications().unwrap(), [subject("shop")]);
    store.register(&of_tax("v1", ("t1", "another")), "ben", AT).unwrap();
    let history = store.history(&HistoryQuery { subject: subject("shop"), before: None, limit: 2 }).unwrap();
    assert_eq!(
        history.iter().map(|entry| entry.happened).collect::<Vec<_>>(),
        [Happened::Registered, Happened::Removed]
    );
}

#[test]
fn a_version_is_never_left_out_of_a_release_that_consists_of_it() {
    let mut store = SqliteStore::in_memory().unwrap();
    store.register(&of_tax("v1", ("t1", "a")), "anna", AT).unwrap();
    let error = store.connection.execute("DELETE FROM versions WHERE version = 't1'", []).unwrap_err();
    assert!(error.to_string().contains("FOREIGN KEY"), "{error}");
}

#[test]
fn a_database_of_the_version_before_is_brought_to_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../schema.sql")).unwrap();
    old.execute_batch("INSERT INTO schema_version VALUES (1); PRAGMA application_id = 0x5352494E;").unwrap();
    drop(old);
    for _start in 0..2 {
        let mut store = SqliteStore::open(folder.path()).unwrap();
        store.register(&of_tax("v1", ("t1", "a")), "anna", AT).unwrap();
        let versions = "SELECT group_concat(version) FROM schema_version";
        let versions: String = store.connection.query_row(versions, [], |row| row.get(0)).unwrap();
        let all: Vec<String> = (1..=SCHEMA_VERSION).map(|version| version.to_string()).collect();
        assert_eq!(versions, all.join(","));
    }
}
