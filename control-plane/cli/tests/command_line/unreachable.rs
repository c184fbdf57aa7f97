//! A server that is not there, says nothing, or speaks something else: always exit code 4, always in time.

use std::io::Write;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::program::{serin, serin_reading};

/// Far above the deadlines that the commands are given, far below a hang.
const SOON: Duration = Duration::from_secs(20);

#[test]
fn a_closed_port_is_told_at_once_by_every_command() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = format!("http://{closed}");
    let began = Instant::now();
    for arguments in [
        &["nodes"][..],
        &["events"],
        &["events", "shop"],
        &["explain", "--path", "/"],
        &["rollout", "list"],
        &["rollout", "status", "shop"],
        &["rollout", "watch", "shop"],
        &["rollout", "set-weight", "shop", "25%", "--reason", "try"],
        &["rollout", "pause", "shop", "--reason", "lunch"],
        &["rollout", "resume", "shop"],
        &["rollout", "promote", "shop", "--reason", "sure", "--wait"],
        &["rollout", "rollback", "shop", "--component", "orders", "--reason", "errors"],
        &["release", "list"],
        &["release", "show", "shop"],
        &["block", "list"],
        &["block", "show", "shop/checkout/tax"],
        &["block", "diff", "shop/checkout/tax", "t1", "t2"],
        &["block", "history", "shop/checkout/tax"],
        &["artifact", "shop/checkout/tax", "t1"],
        &["live"],
    ] {
        let ran = serin(&[arguments, &["--server", &server]].concat()).exits(4);
        assert!(ran.stdout.is_empty() && ran.stderr.contains(&server), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains("next: "), "{arguments:?}: {ran:?}");
    }
    serin_reading(&["rollout", "create", "-f", "-", "--server", &server], "service: shop").exits(4);
    let error = serin(&["nodes", "--json", "--server", &server]).exits(4).error();
    assert_eq!((&error["kind"], &error["exit_code"]), (&json!("unreachable"), &json!(4)));
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[test]
fn a_server_that_says_nothing_is_given_up_at_the_deadline() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", silent.local_addr().unwrap());
    for arguments in [&["nodes"][..], &["rollout", "watch", "shop"]] {
        let began = Instant::now();
        let ran = serin(&[arguments, &["--server", &server, "--timeout", "300ms"]].concat()).exits(4);
        assert!(ran.stderr.contains("no answer within 300ms"), "{ran:?}");
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    }
}

#[test]
fn a_server_of_another_kind_is_told_apart_from_an_answer() {
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", web.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in web.incoming() {
            let _ = connection.and_then(|mut connection| {
                connection.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            });
        }
    });
    serin(&["nodes", "--server", &server, "--timeout", "2s"]).exits(4);
}
