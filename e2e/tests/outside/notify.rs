//! Targets of notifications that misbehave: decisions are made on time, nothing inside is reached, and everything arrives once
//! they behave.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use serin_e2e::servers::certificate::Certificate;
use serin_e2e::servers::receiver::{Mode, Received, Receiver};
use serin_e2e::servers::smtp::{LOGIN, Offer, Smtp};
use serin_e2e::workspace::Workspace;
use serin_proto::admin::v1::{ListNotificationsResponse, NotificationTarget};

use crate::plane::{Plane, ticks_are_in_time};

const PATIENCE: Duration = Duration::from_secs(40);

fn webhook(url: &str) -> Value {
    json!({"webhook": {"url": url}})
}

fn keys(received: &[Received]) -> BTreeSet<String> {
    received.iter().map(|one| one.header("idempotency-key").unwrap().to_owned()).collect()
}

fn target<'a>(listed: &'a ListNotificationsResponse, name: &str) -> &'a NotificationTarget {
    listed.targets.iter().find(|target| target.name == name).unwrap()
}

/// Receivers that misbehave, by the name of their target.
async fn hostile(inside: &Receiver) -> Vec<(&'static str, Receiver)> {
    let modes = [
        ("hang", Mode::Hang),
        ("fails", Mode::Status(500)),
        ("huge", Mode::Huge),
        ("inside", Mode::Redirect(inside.url("/secret"))),
        ("metadata", Mode::Redirect("http://169.254.169.254/latest/meta-data/".to_owned())),
        ("drip", Mode::Drip),
        ("close", Mode::Close),
    ];
    let mut receivers = Vec::new();
    for (name, mode) in modes {
        let receiver = Receiver::start().await.unwrap();
        receiver.set(mode);
        receivers.push((name, receiver));
    }
    receivers
}

/// A configuration in which they are told everything, and so are addresses that may not be called.
fn told_everything(receivers: &[(&'static str, Receiver)], good: &Receiver) -> Value {
    let mut targets: serde_json::Map<String, Value> =
        receivers.iter().map(|(name, receiver)| ((*name).to_owned(), webhook(&receiver.url("/")))).collect();
    targets.insert("good".to_owned(), webhook(&good.url("/")));
    targets.insert("bad-tls".to_owned(), webhook(&good.url("/").replace("http:", "https:")));
    targets.insert("link-local".to_owned(), webhook("http://169.254.169.254/latest/"));
    targets.insert("odd".to_owned(), webhook("http://[::ffff:127.0.0.1]/"));
    let names: Vec<&String> = targets.keys().collect();
    json!({
        "outside": {"permit": ["127.0.0.1/32"], "timeout": "1s"},
        "notifications": {
            "targets": targets,
            "routes": [{"to": names}],
            "group": {"wait": "0s", "interval": "10s"},
            "limits": {"per_target_per_minute": 600},
        },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_targets_delay_no_tick_reach_nothing_inside_and_get_everything_once_they_behave() {
    let workspace = Workspace::locate().unwrap();
    let (inside, good) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    let receivers = hostile(&inside).await;
    let more = told_everything(&receivers, &good);
    let scratch = workspace.scratch("hostile").unwrap();
    let (plane, twin) = (
        Plane::start(&workspace, &scratch.join("plane"), &more).await,
        Plane::start(&workspace, &scratch.join("twin"), &json!({})).await,
    );
    let reporting = [plane.rollout("shop").await, twin.rollout("shop").await];

    ticks_are_in_time(&plane, &twin).await;

    good.until(PATIENCE, |got| got.iter().any(|one| one.json()["severity"] == "critical")).await.unwrap();
    reporting.into_iter().for_each(|task| task.abort());
    let listed = plane.notifications().await;
    for name in ["link-local", "odd", "bad-tls", "inside", "metadata", "huge", "hang", "drip"] {
        assert!(!target(&listed, name).last_error.is_empty(), "{name} took something");
    }
    assert!(target(&listed, "link-local").last_error.contains("link-local and not in outside.permit"));
    assert!(target(&listed, "odd").last_error.contains("not in outside.permit"));
    assert!(target(&listed, "inside").last_error.contains("redirects are not followed"));
    assert!(target(&listed, "huge").last_error.contains("exceeds"));
    assert_eq!(target(&listed, "good").last_error, "");
    assert!(inside.received().is_empty(), "a redirect was followed");

    let before: Vec<_> = receivers.iter().map(|(_, receiver)| receiver.received()).collect();
    receivers.iter().for_each(|(_, receiver)| receiver.set(Mode::Status(200)));
    let told = keys(&good.received());
    for ((name, receiver), before) in receivers.iter().zip(&before) {
        // Its own keys: the name of a target is part of each.
        let expected: BTreeSet<_> =
            told.iter().map(|key| key.replace("-good-", &format!("-{name}-"))).collect();
        let got = receiver
            .until(PATIENCE, |got| keys(got.get(before.len()..).unwrap_or_default()).is_superset(&expected));
        let got = got.await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(keys(before).is_subset(&expected), "{name} was told something else before");
        assert!(got.len() > before.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_arrives_over_tls_and_neither_letter_nor_password_leaves_in_plain_text() {
    let workspace = Workspace::locate().unwrap();
    let scratch = workspace.scratch("mail").unwrap();
    let server = Certificate::localhost(&scratch, "server").unwrap();
    let other = Certificate::localhost(&scratch, "other").unwrap();
    let password = scratch.join("password");
    std::fs::write(&password, LOGIN.1).unwrap();
    let mut servers = Vec::new();
    for (name, offer) in [("secure", Offer::Starttls), ("stripped", Offer::Nothing)] {
        let folder = scratch.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        servers.push(Smtp::start(&workspace, &folder, offer, &server).await.unwrap());
    }
    let mail = |server: &Smtp, ca: &std::path::Path| {
        json!({"email": {
            "host": "localhost", "port": server.address().port(), "from": "serin@shop.example",
            "to": ["ops@shop.example", "oncall@shop.example"], "username": LOGIN.0, "password_file": password, "ca": ca,
        }})
    };
    let more = json!({
        "outside": {"permit": ["127.0.0.1/32"], "timeout": "5s"},
        "notifications": {
            "public_url": "https://serin.example",
            "targets": {
                "mail": mail(&servers[0], &server.certificate),
                "stripped": mail(&servers[1], &server.certificate),
                "mistrust": mail(&servers[0], &other.certificate),
            },
            "routes": [{"to": ["mail", "stripped", "mistrust"]}],
            "group": {"wait": "0s", "interval": "10s"},
            "limits": {"attempts": 1},
        },
    });
    let plane = Plane::start(&workspace, &scratch.join("plane"), &more).await;
    plane.create("shop", &json!({})).await;
    let listed = plane
        .until(PATIENCE, |listed| {
            let given_up: BTreeSet<&str> = listed.dead.iter().map(|one| one.target.as_str()).collect();
            given_up.len() == 2 && !listed.delivered.is_empty()
        })
        .await;
    assert_eq!(listed.delivered[0].target, "mail");
    let error = |name: &str| listed.dead.iter().find(|one| one.target == name).unwrap().error.as_str();
    assert_eq!(error("stripped"), "the server offers no STARTTLS, and nothing is sent in plain text");
    assert!(error("mistrust").contains("certificate"), "{}", error("mistrust"));

    let letters = servers[0].letters().unwrap();
    let [letter] = letters.as_slice() else { panic!("{letters:#?}") };
    for line in [
        "tls: True",
        "login: True",
        "from: serin@shop.example",
        "to: ops@shop.example,oncall@shop.example",
        "Subject: [Info] shop v2: Created; warming up",
        &format!("Message-ID: <{}@serin.invalid>", listed.delivered[0].key),
        "https://serin.example/",
    ] {
        assert!(letter.lines().any(|found| found.trim_end() == line), "no line {line:?} in {letter}");
    }
    assert!(servers[1].letters().unwrap().is_empty());
}
