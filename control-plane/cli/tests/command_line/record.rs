//! `serin record` against a real server: how it ends, and that the file is whole however it does.

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::program::{Ran, command, finish, serin};
use crate::server::Server;

/// Begins to record a service that has no rollout, and waits until the file is there.
fn begin(server: &Server, file: &Path) -> Child {
    let url = server.url();
    let arguments = ["--json", "--server", &url, "record", "--service", "shop", "-o", file.to_str().unwrap()];
    let child = command(&arguments).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while !file.exists() {
        assert!(Instant::now() < end, "the recording does not begin");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

/// The file is a trace without a line.
fn is_whole(file: &Path) {
    let plan = tempfile::NamedTempFile::new().unwrap();
    let yaml = "service: shop\nbaseline: v1\ncanary: v2\ncomponents:\n- {name: cart, matches: [{path: {prefix: /cart}}]}\n";
    std::fs::write(plan.path(), yaml).unwrap();
    let arguments = ["replay", "--json", "--plan", plan.path().to_str().unwrap(), file.to_str().unwrap()];
    assert_eq!(serin(&arguments).exits(0).json()["decision"], json!("hold"));
}

fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
}

#[test]
fn an_interrupt_ends_a_recording_well() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    for name in ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"] {
        let file = folder.path().join(name);
        let child = begin(&server, &file);
        interrupt(&child);
        let summary = finish(child).exits(0).json();
        assert_eq!((&summary["ended"], &summary["lines"]), (&json!("interrupted"), &json!(0)), "{summary}");
        is_whole(&file);
    }
}

#[test]
fn a_recording_ends_when_the_time_is_up() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let file = folder.path().join("a.jsonl");
    let arguments =
        ["record", "--service", "shop", "--for", "1s", "--compress", "gzip", "-o", file.to_str().unwrap()];
    let Ran { stdout, stderr, .. } = server.serin(&arguments).exits(0);
    assert!(stdout.contains("the time was up") && stdout.contains("none began"), "{stdout}");
    assert!(stderr.contains("Ctrl-C ends it"), "{stderr}");
    assert_eq!(std::fs::read(&file).unwrap()[..2], [0x1f, 0x8b]);
    is_whole(&file);
    let ran = server.serin(&["record", "--service", "shop", "--for", "1s"]).exits(0);
    assert_eq!(ran.stdout, "", "the trace is all that goes to standard output");
}

#[test]
fn the_end_of_the_server_is_told_and_what_was_recorded_is_kept() {
    let (mut server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let file = folder.path().join("a.jsonl.gz");
    let child = begin(&server, &file);
    server.stop();
    let ran = finish(child).exits(4);
    assert!(ran.error()["advice"].as_str().unwrap().contains("can be replayed"), "{}", ran.stderr);
    is_whole(&file);
}

#[test]
fn what_cannot_be_recorded_leaves_no_file() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let file = folder.path().join("a.jsonl");
    let path = file.to_str().unwrap();
    server.serin(&["record", "--rollout", "shop-1", "-o", path]).exits(3);
    for wrong in [
        &["record"][..],
        &["record", "--service", "a", "--rollout", "b"],
        &["record", "--service", "a", "--for", "25h"],
        &["record", "--service", "a", "--for", "0s"],
        &["record", "--service", "a", "--compress", "rar"],
    ] {
        server.serin(&[wrong, &["-o", path]].concat()).exits(2);
    }
    assert!(!file.exists());
    server.serin(&["record", "--service", "shop", "-o", folder.path().to_str().unwrap()]).exits(1);
}
