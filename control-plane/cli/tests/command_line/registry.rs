//! The registry of versions, against a real control plane and real files.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::online::PLAN;
use crate::program::{Ran, serin};
use crate::server::Server;

const OLD: &str = "fn tax(net: u64) -> u64 {\n\tnet / 5\n}\n";
const NEW: &str = "fn tax(net: u64) -> u64 {\n\tnet / 4\n}\n";

/// Writes a release of the shop with one block into `folder`.
fn write(folder: &Path, version: &str, tax: (&str, &str)) -> String {
    fs::create_dir_all(folder.join("blocks")).unwrap();
    fs::write(folder.join("blocks/tax.rs"), tax.1).unwrap();
    let release = format!(
        "application: shop\nversion: {version}\nartifact: {{image: 'registry.example/shop:{version}'}}\ncomponents:\n  \
         - name: orders\n    blocks:\n      - {{name: tax, version: {}, artifact: {{source: blocks/tax.rs}}}}\n",
        tax.0
    );
    let path = folder.join("release.yaml");
    fs::write(&path, release).unwrap();
    path.display().to_string()
}

fn register(server: &Server, file: &str) -> Ran {
    server.serin(&["release", "register", "-f", file])
}

#[test]
fn a_release_is_registered_from_its_file_and_looked_at() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let empty = server.serin(&["release", "list"]).exits(0).stdout;
    assert!(empty.contains("serin release register -f"), "{empty}");
    assert!(server.serin(&["block", "list"]).exits(0).stdout.contains("No blocks"));
    assert!(server.serin(&["live"]).exits(0).stdout.contains("serin rollout create"));

    let first = register(&server, &write(folder.path(), "v1", ("t1", OLD))).exits(0).stdout;
    assert!(
        first.contains("shop v1 is registered: 3 of 3 versions are new.\n1 new artifact stored."),
        "{first}"
    );
    let file = write(folder.path(), "v2", ("t2", NEW));
    let second = server.serin(&["release", "register", "-f", &file, "--json"]).exits(0).json();
    assert_eq!((&second["registered"], &second["contents_written"]), (&json!(3), &json!(1)), "{second}");
    let again = register(&server, &file).exits(0).stdout;
    assert!(again.contains("shop v2 was registered already") && again.contains("0 new artifacts"), "{again}");

    let list = server.serin(&["release", "list", "shop"]).exits(0).stdout;
    let rows: Vec<&str> = list.lines().skip(1).map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    assert_eq!(rows, ["v2", "v1"], "{list}");
    let page = server.serin(&["release", "list", "--limit", "1"]).exits(0);
    assert!(page.stderr.contains("continue with --before"), "{page:?}");
    let shown = server.serin(&["release", "show", "shop", "v1", "--json"]).exits(0).json();
    assert_eq!(shown["artifact"], json!({"kind": "image", "image": "registry.example/shop:v1", "bytes": 0}));
    assert_eq!(
        (&shown["parts"][1]["subject"], &shown["parts"][1]["version"]),
        (&json!("shop/orders/tax"), &json!("t1"))
    );
    assert!(server.serin(&["release", "show", "shop"]).exits(0).stdout.contains("shop/orders/tax"));

    let block = "shop/orders/tax";
    let blocks = server.serin(&["block", "list", "shop/orders", "--json"]).exits(0).json();
    assert_eq!(blocks["blocks"].as_array().map(Vec::len), Some(1), "{blocks}");
    assert_eq!(blocks["blocks"][0]["version"], json!("t2"));
    let all = server.serin(&["block", "list", "--all"]).exits(0).stdout;
    assert_eq!(all.lines().count(), 3, "{all}");
    let newest = server.serin(&["block", "show", block]).exits(0).stdout;
    assert!(newest.contains("blocks/tax.rs") && newest.contains("Part of    v2"), "{newest}");
    let history = server.serin(&["block", "history", block]).exits(0).stdout;
    assert!(history.contains("Part of shop v1.") && history.contains("released"), "{history}");
}

#[test]
fn two_versions_of_a_block_are_compared_and_given_back() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    register(&server, &write(folder.path(), "v1", ("t1", OLD))).exits(0);
    register(&server, &write(folder.path(), "v2", ("t2", NEW))).exits(0);
    let changed = server.serin(&["block", "diff", "shop/orders/tax", "t1", "t2"]).exits(0).stdout;
    let expected = "--- shop/orders/tax t1\n+++ shop/orders/tax t2\n@@ -1,3 +1,3 @@\n fn tax(net: u64) -> u64 {\n-\tnet / 5\n\
                    +\tnet / 4\n }\n1 lines added, 1 removed.\n";
    assert_eq!(changed, expected);
    let same = server.serin(&["block", "diff", "shop/orders/tax", "t1", "t1"]).exits(0).stdout;
    assert_eq!(same, "t1 and t1 carry the same.\n");
    let given = server.serin(&["artifact", "shop/orders/tax", "t1"]).exits(0).stdout;
    assert_eq!(given, OLD);
    let file = folder.path().join("given.rs");
    let answer = server.serin(&["artifact", "shop/orders/tax", "t2", "-o", file.to_str().unwrap()]).exits(0);
    assert!(answer.stdout.contains("source of 37 bytes"), "{answer:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), NEW);
    let image = server.serin(&["artifact", "shop", "v1"]).exits(1);
    assert!(image.stderr.contains("image registry.example/shop:v1"), "{image:?}");

    register(&server, &write(folder.path(), "v3", ("t3", "x\u{1b}[2J\u{202e}\n"))).exits(0);
    let hostile = server.serin(&["block", "diff", "shop/orders/tax", "t1", "t3"]).exits(0).stdout;
    assert!(!hostile.contains('\u{1b}') && !hostile.contains('\u{202e}'), "{hostile:?}");
}

#[test]
fn what_is_live_is_told_with_the_versions_of_the_blocks() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    register(&server, &write(folder.path(), "v1", ("t1", OLD))).exits(0);
    server.serin_reading(&["rollout", "create", "-f", "-"], PLAN).exits(0);
    let live = server.serin(&["live"]).exits(0).stdout;
    assert!(live.contains("95%") && live.contains("not registered"), "{live}");
    register(&server, &write(folder.path(), "v2", ("t2", NEW))).exits(0);
    let row = |live: &Value, subject: &str, arm: &str| -> Value {
        let rows = live["live"].as_array().unwrap();
        rows.iter().find(|row| row["subject"] == subject && row["arm"] == arm).unwrap()["version"].clone()
    };
    let live = server.serin(&["live", "shop", "--json"]).exits(0).json();
    assert_eq!(row(&live, "shop/orders/tax", "baseline"), json!("t1"));
    assert_eq!(row(&live, "shop/orders/tax", "canary"), json!("t2"));
    server.serin(&["rollout", "rollback", "shop", "--component", "orders", "--reason", "errors"]).exits(0);
    let live = server.serin(&["live"]).exits(0).stdout;
    assert!(
        live.lines().any(|line| line.starts_with("shop/orders ") && line.contains("returned: ")),
        "{live}"
    );
    let shown = server.serin(&["block", "show", "shop/orders/tax", "t1"]).exits(0).stdout;
    assert!(shown.contains("100%"), "{shown}");
}

#[test]
fn every_fault_of_a_release_is_shown_at_its_place() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let file = write(folder.path(), "v1", ("t1", OLD));
    fs::remove_file(folder.path().join("blocks/tax.rs")).unwrap();
    let missing = register(&server, &file).exits(5);
    let place = format!(
        "{file}:7:53: components[0].blocks[0].artifact.source: blocks/tax.rs: cannot be read: No such file"
    );
    assert!(missing.stderr.contains(&place), "{}", missing.stderr);
    let lines: Vec<&str> = missing.stderr.lines().collect();
    let content = lines.iter().position(|line| line.contains("{source: ")).unwrap();
    assert_eq!(lines[content + 1].find('^'), lines[content].find("blocks/tax.rs"), "{}", missing.stderr);
    let text =
        fs::read_to_string(&file).unwrap().replace("version: v1", "version: 'v 1'").replace("tax,", "t/x,");
    let both = server.serin_reading(&["release", "register", "-f", "-", "--json"], &text).exits(5).error();
    assert_eq!(both["kind"], json!("release_invalid"));
    let places: Vec<_> =
        both["problems"].as_array().unwrap().iter().map(|one| (&one["line"], &one["field"])).collect();
    assert_eq!(places, [(&json!(2), &json!("version")), (&json!(7), &json!("components[0].blocks[0].name"))]);
    assert!(server.serin(&["release", "list"]).exits(0).stdout.contains("No releases"));
}

#[test]
fn refusals_of_the_registry_say_what_to_do() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    register(&server, &write(folder.path(), "v1", ("t1", OLD))).exits(0);
    let other = register(&server, &write(folder.path(), "v2", ("t1", NEW))).exits(1);
    assert!(other.stderr.contains("shop/orders/tax t1 is registered with source sha256:"), "{other:?}");
    let place = "release.yaml:7:30: components[0].blocks[0].version: this version of shop/orders/tax";
    assert!(other.stderr.contains(place), "{other:?}");
    assert!(other.stderr.contains("next: change its label in the release"), "{other:?}");
    let unknown = server.serin(&["release", "show", "shop", "v9"]).exits(3);
    assert!(unknown.stderr.contains("no version v9 of shop is registered"), "{unknown:?}");
    for wrong in [
        &["block", "show", "shop/orders"][..],
        &["block", "diff", "shop/orders/tax", "t1"],
        &["release", "list", "sh/op"],
        &["release", "show", "shop", "v 1"],
        &["live", "a b"],
        &["release", "register"],
        &["release", "register", "-f", "no-such-release.yaml"],
        &["release", "list", "--limit", "1001"],
    ] {
        serin(wrong).exits(2);
    }
}

#[test]
fn a_damaged_artifact_is_named_and_repaired_by_its_release() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let file = write(folder.path(), "v1", ("t1", OLD));
    register(&server, &file).exits(0);
    let shown = server.serin(&["block", "show", "shop/orders/tax", "--json"]).exits(0).json();
    let digest = shown["artifact"]["sha256"].as_str().unwrap().to_owned();
    let object = server.data().join(format!("artifacts/sha256/{}/{digest}.gz", &digest[..2]));
    let mut bytes = fs::read(&object).unwrap();
    bytes.truncate(20);
    fs::write(&object, bytes).unwrap();
    let lost = server.serin(&["artifact", "shop/orders/tax", "t1"]).exits(1);
    assert_eq!(lost.stdout, "");
    for words in
        [&digest, object.to_str().unwrap(), "carried by shop/orders/tax t1", "next: `serin release register"]
    {
        assert!(lost.stderr.contains(words), "{words}: {}", lost.stderr);
    }
    let repaired = register(&server, &file).exits(0).stdout;
    assert!(repaired.contains("1 damaged artifact repaired."), "{repaired}");
    assert_eq!(server.serin(&["artifact", "shop/orders/tax", "t1"]).exits(0).stdout, OLD);
}
