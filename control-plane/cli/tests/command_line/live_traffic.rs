//! `serin plan check --live`.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use serin_proto::fleet::v1::fleet_service_client::FleetServiceClient;
use serin_proto::fleet::v1::{ArmCounts, Batch, OutcomeCounts, ReportRequest, Stratum};

use crate::program::serin_reading;
use crate::server::Server;

const PLAN: &str =
    "service: shop\nhosts: [shop.example]\nbaseline: v1\ncanary: v2\nsteps: [{weight: 20%, bake: 5m}]\n";

/// What an Envoy says of the last two minutes: 45 requests a second on the baseline, of which one fails in each five seconds, and
/// 5 on the canary.
fn reported(server: &Server, seq: u64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let arm = |arm: &str, started: u64, failed: u64| ArmCounts {
        arm: arm.to_owned(),
        started,
        outcomes: Some(OutcomeCounts {
            ok: started - failed,
            server_error: failed,
            ..OutcomeCounts::default()
        }),
        ..ArmCounts::default()
    };
    let stratum = |second: u64| Stratum {
        service: "shop".to_owned(),
        component: "unmatched".to_owned(),
        start_second: second,
        arms: vec![arm("baseline", 45, u64::from(second.is_multiple_of(5))), arm("canary", 5, 0)],
    };
    let batch = Batch {
        complete_until_second: now,
        strata: (now - 120..now).map(stratum).collect(),
        ..Batch::default()
    };
    let report = ReportRequest {
        node: "envoy-1".to_owned(),
        epoch: 7,
        seq,
        generation: 1,
        batch: Some(batch),
        filter_version: "0.1.0".to_owned(),
        cluster: "shop".to_owned(),
    };
    let url = format!("http://{}", server.addresses().fleet);
    server.runtime().block_on(async {
        let mut fleet = FleetServiceClient::connect(url).await.unwrap();
        fleet.report(report).await.unwrap();
    });
}

#[test]
fn a_plan_is_explained_at_the_traffic_that_the_server_sees_also_after_a_rollout() {
    let server = Server::start();
    let unknown = server.serin_reading(&["plan", "check", "-", "--live"], PLAN).exits(3);
    assert!(unknown.stderr.contains("there is no rollout or service \"shop\""), "{}", unknown.stderr);
    assert!(unknown.stderr.contains("--rps"), "{}", unknown.stderr);

    server.serin_reading(&["rollout", "create", "-f", "-"], PLAN).exits(0);
    let silent = server.serin_reading(&["plan", "check", "-", "--live"], PLAN).exits(1);
    assert!(
        silent.stderr.contains("no request of shop was reported in the last minute"),
        "{}",
        silent.stderr
    );
    let error = server.serin_reading(&["plan", "check", "-", "--live", "--json"], PLAN).exits(1).error();
    assert_eq!((&error["kind"], &error["exit_code"]), (&json!("refused"), &json!(1)));

    reported(&server, 1);
    server.serin(&["rollout", "rollback", "shop", "--reason", "drill"]).exits(0);
    let words = server.serin_reading(&["plan", "check", "-", "--live"], PLAN).exits(0).stdout;
    let measured = "Measured by the server over 60 s: 50 requests a second (45 on the baseline, 5 on the canary), of which 0.4% fail";
    assert!(words.contains(measured), "{words}");
    assert!(
        words.contains("Expected detection at 50 requests a second, of which 0.4% fail (simulated)"),
        "{words}"
    );
    let json = server.serin_reading(&["plan", "check", "-", "--live", "--json"], PLAN).exits(0).json();
    assert_eq!(json["detection"]["requests_per_second"], json!(50.0));
    assert_eq!(json["detection"]["measured"]["arms"], json!({"baseline": 45.0, "canary": 5.0}));
    assert_eq!(json["detection"]["expected"].as_array().map(Vec::is_empty), Some(false));
}

#[test]
fn traffic_is_told_or_asked_for_and_not_both() {
    let both = serin_reading(&["plan", "check", "-", "--live", "--rps", "5"], PLAN).exits(2);
    assert!(both.stderr.contains("cannot be used with"), "{}", both.stderr);
    serin_reading(&["plan", "check", "-", "--latency", "5ms"], PLAN).exits(2);
    let away =
        serin_reading(&["plan", "check", "-", "--live", "--server", "http://127.0.0.1:1"], PLAN).exits(4);
    assert!(away.stderr.contains("--server"), "{}", away.stderr);
    let experiment = "kind: experiment\nservice: a\nhosts: [a.example]\nbaseline: v1\n\
                      arms: [{name: b, version: v2, weight: 30%}]\nduration: 10m\n";
    let experiment = serin_reading(&["plan", "check", "-", "--live"], experiment).exits(2);
    assert!(experiment.stderr.contains("--live are for the steps of a rollout"), "{}", experiment.stderr);
}
