//! Every error ends with what to do next, in words and in JSON: the ones that people meet most.

use std::net::TcpListener;

use crate::online::PLAN;
use crate::program::{Ran, serin, serin_reading};
use crate::server::Server;

/// The last line says what to do next, and names `expected`; so does JSON.
#[track_caller]
fn says(ran: &Ran, expected: &str) {
    let last = ran.stderr.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("next: ") && last.contains(expected),
        "{expected:?} is not the next step: {ran:?}"
    );
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!(!ran.stderr.contains("panicked"), "{ran:?}");
}

#[test]
fn without_a_server_each_error_ends_with_a_next_step() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = format!("http://{closed}");
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (empty, text) = (file("empty", ""), file("text", "neither an archive nor a trace"));
    let plan = file("plan.yaml", PLAN);
    for (arguments, expected) in [
        (&["rollout", "list", "--server", &server][..], "serin-control-plane runs"),
        (&["rollout", "list", "--server", "ftp://a"], "http"),
        (&["rollout", "list", "--server", "http://10.0.0.1:1", "--token-file", &text], "https://"),
        (&["rollout", "list", "--token-file", &empty], "correct what the message names"),
        (&["rollout", "list", "--token-file", "/no/such/file"], ""),
        (&["rollout", "set-weight", "shop", "25", "--reason", "x"], "--help"),
        (&["rollout", "pause", "shop"], "--help"),
        (&["rollout", "no-such"], "--help"),
        (&["rollout", "create", "-f", "/no/such/plan"], ""),
        (&["plan", "check", &text], "serin plan check"),
        (&["replay", "--plan", &plan, &text], ""),
        (&["evidence", "verify", &text], "serin evidence export"),
        (&["audit", "verify", "/no/such/file"], ""),
        (&["release", "register", "-f", &text, "--server", &server], ""),
    ] {
        says(&serin(arguments), expected);
        let json = serin(&[arguments, &["--json"]].concat()).error();
        assert!(
            json["advice"].as_str().is_some_and(|advice| advice.contains(expected)),
            "{arguments:?}: {json}"
        );
    }
}

#[test]
fn what_a_server_refuses_ends_with_a_next_step() {
    let server = Server::start();
    server.serin_reading(&["rollout", "create", "-f", "-"], PLAN).exits(0);
    let faulty = PLAN.replace("weight: 5%", "weight: 5");
    says(&server.serin_reading(&["rollout", "create", "-f", "-"], &faulty), "serin plan check");
    says(&server.serin_reading(&["rollout", "create", "-f", "-"], PLAN), "end the active one first");
    for (arguments, expected) in [
        (&["rollout", "status", "nothing"][..], "serin rollout list"),
        (&["rollout", "rollback", "shop", "--component", "basket", "--reason", "x"], ""),
        (&["rollout", "approve", "shop", "--data-loss", "--reason", "x"], "serin rollout status"),
        (&["release", "show", "nothing"], "serin release list"),
        (&["evidence", "show", "nothing"], "serin evidence list"),
        (&["rollout", "watch", "shop", "--within", "300ms"], "serin rollout status"),
    ] {
        says(&server.serin(arguments), expected);
    }
    server.serin(&["rollout", "rollback", "shop", "--reason", "x"]).exits(0);
    says(&server.serin(&["rollout", "pause", "shop", "--reason", "x"]), "serin rollout status");
    says(&server.serin(&["rollout", "watch", "shop"]), "say why");
    let guarded = Server::with("    tokens: {pipeline: 'FOLDER/token'}\n");
    says(&guarded.serin(&["nodes"]), "--token-file");
    says(&serin_reading(&["plan", "check", "-"], "service: ["), "serin plan check");
}
