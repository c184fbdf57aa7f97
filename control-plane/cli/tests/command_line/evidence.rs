//! Evidence, post-mortems and the audit log.

use serde_json::json;

use crate::online::PLAN;
use crate::program::serin;
use crate::server::Server;

/// A rollout that was rolled back by a person, and its identifier.
fn rolled_back(server: &Server) -> String {
    let created = server.serin_reading(&["rollout", "create", "-f", "-", "--json"], PLAN).exits(0).json();
    let id = created["id"].as_str().unwrap().to_owned();
    let reason = "the canary answers nonsense, password=hunter2";
    server.serin(&["rollout", "rollback", "shop", "--reason", reason, "--actor", "anna"]).exits(0);
    id
}

#[test]
fn evidence_is_listed_shown_exported_and_checked_with_and_without_a_server() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    assert_eq!(
        server.serin(&["evidence", "list"]).exits(0).stdout,
        "No evidence: nothing was undone or promoted yet.\n"
    );
    let id = rolled_back(&server);
    let listed = server.serin(&["evidence", "list", "shop", "--json"]).exits(0).json();
    let bundle = listed["bundles"][0]["manifest"]["id"].as_str().unwrap().to_owned();
    assert_eq!(bundle, format!("{id}.2"));
    let table = server.serin(&["evidence", "list", &id]).exits(0).stdout;
    assert!(table.contains(&bundle) && table.contains("answers nonsense"), "{table}");
    let shown = server.serin(&["evidence", "show", &bundle]).exits(0).stdout;
    assert!(shown.contains("statistics") && shown.contains("Complete   yes"), "{shown}");
    let plan = server.serin(&["evidence", "show", &bundle, "--document", "plan"]).exits(0).stdout;
    assert_eq!(serde_json::from_str::<String>(&plan).unwrap(), PLAN);
    let missing = server.serin(&["evidence", "show", &bundle, "--document", "x"]).exits(2);
    assert!(missing.stderr.contains("assignment, counts"), "{missing:?}");
    server.serin(&["evidence", "show", "shop.9"]).exits(3);

    let file = folder.path().join("shop.tar.gz").display().to_string();
    server.serin(&["evidence", "export", "shop", "-o", &file]).exits(0);
    let checked = server.serin(&["evidence", "verify", "--json"]).exits(0).json();
    assert_eq!((&checked["sound"], &checked["bundles"]), (&json!(true), &json!(1)));
    let anchor = checked["head"]["hash"].as_str().unwrap();
    let offline = serin(&["evidence", "verify", &file, "--anchor", anchor]).exits(0).stdout;
    assert!(offline.contains("Sound"), "{offline}");
    let elsewhere = serin(&["evidence", "verify", &file, "--anchor", &"0".repeat(64)]).exits(1);
    assert!(elsewhere.stdout.contains("no entry has the hash"), "{elsewhere:?}");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let altered = serin(&["evidence", "verify", &file]).exits(1);
    assert!(altered.stderr.contains("was altered or cut off"), "{altered:?}");
}

#[test]
fn a_postmortem_is_written_with_its_charts_from_a_server_and_from_an_export() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    rolled_back(&server);
    let (report, file) = (folder.path().join("report.md"), folder.path().join("shop.tar.gz"));
    let (report_name, file_name) = (report.display().to_string(), file.display().to_string());
    let written = server.serin(&["postmortem", "shop", "-o", &report_name, "--json"]).exits(0).json();
    assert_eq!(written["files"].as_array().map(Vec::len), Some(4), "{written}");
    let text = std::fs::read_to_string(&report).unwrap();
    assert!(text.contains("# Post-mortem: shop v2") && text.contains("anna"), "{text}");
    assert!(text.contains("masked:secret") && !text.contains("hunter2"), "{text}");
    assert!(folder.path().join("report-errors.svg").exists());
    server.serin(&["evidence", "export", "shop", "-o", &file_name]).exits(0);
    let again = serin(&["postmortem", "--from", &file_name]).exits(0).stdout;
    assert_eq!(again.replace("postmortem-", "report-").lines().next(), text.lines().next());
    let nothing = server.serin(&["postmortem", "home"]).exits(3);
    assert!(nothing.stderr.contains("no evidence of home"), "{nothing:?}");
}

#[test]
fn the_audit_log_is_listed_exported_and_checked_on_a_copy_of_the_database() {
    let (mut server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    rolled_back(&server);
    server.serin(&["rollout", "pause", "shop", "--reason", "too late"]).exits(1);
    let table = server.serin(&["audit", "list"]).exits(0).stdout;
    let line = |word: &str| {
        table.lines().find(|line| line.contains(word)).unwrap_or_else(|| panic!("{word}: {table}"))
    };
    assert!(line("/Rollback").contains("anna") && line("/Rollback").contains(" ok "), "{table}");
    assert!(line("/Pause").contains("FailedPrecondition"), "{table}");
    assert!(!table.contains("hunter2"), "{table}");
    let raw = server.serin(&["audit", "list", "--after", "0", "--raw"]).exits(0).stdout;
    let file = folder.path().join("audit.jsonl").display().to_string();
    std::fs::write(&file, &raw).unwrap();
    let checked = server.serin(&["audit", "verify", "--json"]).exits(0).json();
    let anchor = checked["head"]["hash"].as_str().unwrap();
    serin(&["audit", "verify", &file, "--anchor", anchor]).exits(0);
    std::fs::write(&file, raw.replace("anna", "otto")).unwrap();
    let altered = serin(&["audit", "verify", &file]).exits(1);
    assert!(altered.stdout.contains("WRONG: entry"), "{altered:?}");
    std::fs::write(&file, "nonsense\n").unwrap();
    assert!(serin(&["audit", "verify", &file]).exits(2).stderr.contains("audit.jsonl:1"));

    server.stop();
    let copy = folder.path().join("serin.db");
    std::fs::copy(server.data().join("serin.db"), &copy).unwrap();
    let database = copy.display().to_string();
    serin(&["audit", "verify", &database, "--anchor", anchor]).exits(0);
    let connection = rusqlite::Connection::open(&copy).unwrap();
    connection
        .execute_batch("DROP TRIGGER audit_is_append_only_delete; DELETE FROM audit WHERE number = 2")
        .unwrap();
    drop(connection);
    let removed = serin(&["audit", "verify", &database]).exits(1);
    assert!(removed.stdout.contains("entries 2 to 2 are missing"), "{removed:?}");
}
