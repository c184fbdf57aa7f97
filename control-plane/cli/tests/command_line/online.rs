//! Against a real control plane.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout};

use serde_json::{Value, json};

use crate::program::{Ran, command, finish};
use crate::server::Server;

pub(crate) const PLAN: &str = "\
service: shop
baseline: v1
canary: v2
hosts: [shop.example]
warm_up: 1h
steps: [{weight: 5%, bake: 1h}]
components:
  - name: orders
    matches: [{path: {template: '/orders/{id}'}}]
";

/// Creates a rollout and gives its identifier.
fn create(server: &Server) -> String {
    let created = server.serin_reading(&["rollout", "create", "-f", "-", "--json"], PLAN).exits(0).json();
    created["id"].as_str().unwrap().to_owned()
}

/// A `rollout watch` that runs.
struct Watching {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Watching {
    fn start(server: &Server, more: &[&str]) -> Self {
        let url = server.url();
        let mut child =
            command(&[&["rollout", "watch", "shop", "--server", &url], more].concat()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    /// The next line, when it comes.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    fn document(&mut self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// The end, and what was printed after the lines that were read.
    fn end(mut self) -> Ran {
        let mut ran = finish(self.child);
        self.stdout.read_to_string(&mut ran.stdout).unwrap();
        ran
    }
}

fn documents(ran: &Ran) -> Vec<Value> {
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_empty_server_says_what_to_do() {
    let server = Server::start();
    let list = server.serin(&["rollout", "list"]).exits(0).stdout;
    assert!(list.contains("serin rollout create -f"), "{list}");
    assert!(server.serin(&["nodes"]).exits(0).stdout.contains("fleet listener"));
    assert!(
        server.serin(&["events", "--after", "1000"]).exits(0).stdout.contains("No events after number 1000")
    );
    assert_eq!(server.serin(&["rollout", "list", "--json"]).exits(0).json(), json!({"rollouts": []}));
    assert_eq!(server.serin(&["nodes", "--json"]).exits(0).json(), json!({"nodes": []}));
    assert!(server.serin(&["components"]).exits(0).stdout.contains("filter_metadata.serin"));
    let nothing = json!({"components": [], "untold_routes": 0, "routes_not_kept": 0, "calls_not_kept": 0});
    assert_eq!(server.serin(&["components", "--json"]).exits(0).json(), nothing);
    assert_eq!(server.serin(&["events", "--after", "1000", "--json"]).exits(0).stdout, "");
    let unclaimed = server.serin(&["explain", "--path", "/", "--json"]).exits(0).json();
    assert_eq!(unclaimed["why"], json!("no_service"));
}

#[test]
fn a_rollout_is_steered_by_identifier_and_by_service() {
    let server = Server::start();
    let id = create(&server);
    for name in [id.as_str(), "shop"] {
        let status = server.serin(&["rollout", "status", name, "--json"]).exits(0).json();
        assert_eq!((&status["id"], &status["phase"]), (&json!(id), &json!("warming_up")), "{status}");
        assert_eq!((&status["weight_ppm"], &status["canary_version"]), (&json!(50_000), &json!("v2")));
    }
    let words = server.serin(&["rollout", "status", "shop"]).exits(0).stdout;
    for expected in [id.as_str(), "warming up", "5%", "v1 → v2", "orders", "unmatched"] {
        assert!(words.contains(expected), "{expected}: {words}");
    }
    let weighed = ["rollout", "set-weight", "shop", "12.5%", "--reason", "by hand", "--json"];
    assert_eq!(server.serin(&weighed).exits(0).json()["weight_ppm"], json!(125_000));
    let live = server.serin(&["explain", "--host", "shop.example", "--path", "/", "--json"]).exits(0).json();
    assert_eq!((&live["rollout"], &live["chances"][1]["ppm"]), (&json!(id), &json!(125_000)), "{live}");

    let resumed = server.serin(&["rollout", "resume", "shop", "--json"]).exits(0).json();
    assert_ne!(resumed["phase"], json!("paused"));
    let paused = server.serin(&["rollout", "pause", &id, "--reason", "lunch", "--json"]).exits(0).json();
    assert_eq!(paused["phase"], json!("paused"));
    assert!(server.serin(&["rollout", "list"]).exits(0).stdout.contains("paused"));

    let back = ["rollout", "rollback", &id, "--component", "orders", "--reason", "errors"];
    assert!(server.serin(&back).exits(0).stdout.contains("orders"));
    let pinned =
        server.serin(&["explain", "--host", "shop.example", "--path", "/orders/7", "--json"]).exits(0).json();
    assert_eq!((&pinned["why"], &pinned["arm"]), (&json!("pinned"), &json!("baseline")), "{pinned}");

    let whole = server.serin(&["rollout", "rollback", &id, "--reason", "enough", "--json"]).exits(0).json();
    assert_eq!(whole["phase"], json!("rolled_back"));
    let ended = server.serin(&["rollout", "watch", &id, "--json"]).exits(6);
    assert_eq!(ended.error()["kind"], json!("rolled_back"));
    assert_eq!(ended.json()["phase"], json!("rolled_back"));
}

#[test]
fn refusals_have_their_own_exit_codes() {
    let server = Server::start();
    server.serin(&["rollout", "status", "nothing"]).exits(3);
    server.serin(&["rollout", "watch", "nothing"]).exits(3);
    server.serin(&["events", "nothing"]).exits(3);
    server.serin(&["rollout", "pause", "nothing", "--reason", "x"]).exits(3);
    let faulty = PLAN.replace("weight: 5%", "weight: 5");
    let invalid = server.serin_reading(&["rollout", "create", "-f", "-"], &faulty).exits(5);
    assert!(invalid.stderr.contains("<stdin>:6:"), "{}", invalid.stderr);
    create(&server);
    let second = server.serin_reading(&["rollout", "create", "-f", "-", "--json"], PLAN).exits(1).error();
    assert_eq!(second["kind"], json!("refused"));
    server.serin(&["rollout", "rollback", "shop", "--component", "basket", "--reason", "x"]).exits(1);
    server.serin(&["rollout", "rollback", "shop", "--reason", "x"]).exits(0);
    let ended = server.serin(&["rollout", "set-weight", "shop", "1%", "--reason", "x"]).exits(1);
    assert!(ended.stderr.contains("next: "), "{}", ended.stderr);
}

#[test]
fn a_watch_prints_changes_and_ends_with_the_rollout() {
    let server = Server::start();
    create(&server);
    let (mut lines, mut snapshots) = (Watching::start(&server, &[]), Watching::start(&server, &["--json"]));
    assert!(lines.line().contains("weight 5%"));
    assert_eq!(snapshots.document()["weight_ppm"], json!(50_000));
    server.serin(&["rollout", "set-weight", "shop", "30%", "--reason", "by hand"]).exits(0);
    assert!(lines.line().contains("weight 30%"));
    assert_eq!(snapshots.document()["weight_ppm"], json!(300_000));
    server.serin(&["rollout", "rollback", "shop", "--reason", "enough"]).exits(0);
    assert!(lines.line().contains("rolled back"));
    assert_eq!(snapshots.document()["phase"], json!("rolled_back"));
    let (lines, snapshots) = (lines.end().exits(6), snapshots.end().exits(6));
    assert_eq!((lines.stdout.as_str(), snapshots.stdout.as_str()), ("", ""), "a line is a change");
    assert!(lines.stderr.contains("was rolled back"), "{lines:?}");
    assert_eq!(snapshots.error()["exit_code"], json!(6));
}

#[test]
fn a_watch_survives_a_restart_of_the_server() {
    let mut server = Server::start();
    create(&server);
    let mut watching = Watching::start(&server, &["--json"]);
    assert_eq!(watching.document()["phase"], json!("warming_up"));
    server.stop();
    server.start_again();
    server.serin(&["rollout", "rollback", "shop", "--reason", "enough"]).exits(0);
    let ran = watching.end().exits(6);
    assert_eq!(documents(&ran).last().unwrap()["phase"], json!("rolled_back"));
}

#[test]
fn a_watch_is_given_up_when_its_time_is_over() {
    let server = Server::start();
    create(&server);
    let ran = Watching::start(&server, &["--within", "400ms"]).end().exits(4);
    assert!(ran.stderr.contains("has not ended within 400ms"), "{ran:?}");
}

#[test]
fn the_journal_names_who_did_what_and_cannot_reach_the_terminal() {
    let server = Server::start();
    let id = create(&server);
    let hostile = "lunch\u{1b}[2J\u{1b}]0;owned\u{7}\nforged line \u{202e}";
    let pause = ["rollout", "pause", "shop", "--reason", hostile, "--actor", "ann@example.com"];
    let answer = server.serin(&pause).exits(0);
    for arguments in [&["events"][..], &["events", "shop"], &["rollout", "status", &id], &["rollout", "list"]]
    {
        let text = server.serin(arguments).exits(0).stdout;
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{arguments:?}: {text:?}");
        assert!(!text.lines().any(|line| line.starts_with("forged")), "{arguments:?}: {text:?}");
    }
    assert!(!answer.stdout.contains('\u{1b}'), "{answer:?}");
    let events = documents(&server.serin(&["events", &id, "--json"]).exits(0));
    let paused = events.iter().find(|event| event["actor"] == json!("ann@example.com")).unwrap();
    assert!(paused["detail"].is_object(), "{paused}");
    let after = events.first().unwrap()["sequence"].to_string();
    let rest = documents(&server.serin(&["events", "--after", &after, "--json"]).exits(0));
    assert_eq!(rest, events[1..]);
    let page = server.serin(&["events", "shop", "--limit", "1"]).exits(0);
    assert!(page.stderr.contains(&format!("--after {after}")), "{page:?}");
}

#[test]
fn a_server_with_tokens_wants_the_right_one() {
    let server = Server::with("    tokens: {pipeline: 'FOLDER/token'}\n");
    let without = server.serin(&["nodes"]).exits(1);
    assert!(without.stderr.contains("--token-file"), "{without:?}");
    server.serin(&["nodes", "--token-file", &server.token_file()]).exits(0);
    let mut by_variable = command(&["nodes", "--server", &server.url()]);
    finish(by_variable.env("SERIN_TOKEN", "0123456789abcdef0123").spawn().unwrap()).exits(0);
    finish(by_variable.env("SERIN_TOKEN", "0123456789abcdef0124").spawn().unwrap()).exits(1);
}
