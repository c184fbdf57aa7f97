//! What log records locate live, a replay of the recording locates too.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use serin_proto::fleet::v1::fleet_service_client::FleetServiceClient;
use serin_proto::fleet::v1::{ArmCounts, Batch, OutcomeCounts, ReportRequest, Stratum};

use crate::program::{command, finish, serin};
use crate::server::Server;

const PLAN: &str = "
service: shop
hosts: [shop.example.com]
baseline: v1
canary: v2
steps: [{weight: 20%, bake: 10m}]
warm_up: 1s
components:
- name: cart
  matches: [{path: {prefix: /cart}}]
  granularity: fine
  blocks: [{name: tax, current: t2, previous: [t1]}, {name: price, current: p2, previous: [p1]}]
- {name: home, matches: [{path: {exact: /}}]}
";

fn now_second() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A second of both arms of both components; half of the cart's canary fails.
fn report(seq: u64, second: u64) -> ReportRequest {
    let arm = |arm: &str, ok, server_error| ArmCounts {
        arm: arm.to_owned(),
        started: ok + server_error,
        outcomes: Some(OutcomeCounts { ok, server_error, ..OutcomeCounts::default() }),
        ..ArmCounts::default()
    };
    let stratum = |component: &str, failed| Stratum {
        service: "shop".to_owned(),
        component: component.to_owned(),
        start_second: second,
        arms: vec![arm("baseline", 160, 0), arm("canary", 40 - failed, failed)],
    };
    let strata = vec![stratum("cart", 20), stratum("home", 0)];
    let batch = Some(Batch { complete_until_second: second + 1, strata, ..Batch::default() });
    ReportRequest {
        node: "envoy-1".to_owned(),
        epoch: 7,
        seq,
        generation: 1,
        batch,
        ..ReportRequest::default()
    }
}

/// Sends twenty error records of a second that name the tax block.
fn log(address: SocketAddr, second: u64) {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let record = json!({
        "timeUnixNano": format!("{second}000000000"), "severityNumber": 17,
        "attributes": [text("serin.block", "tax")],
    });
    let resource = json!({"attributes": [text("service.name", "shop"), text("service.version", "v2")]});
    let scope = json!({"logRecords": vec![record; 20]});
    let body = json!({"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]}).to_string();
    let mut stream = TcpStream::connect(address).unwrap();
    let (host, length) = ("host: test\r\nconnection: close", body.len());
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\n{host}\r\ncontent-type: application/json\r\ncontent-length: {length}"
    );
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("{}"), "{answer}");
}

/// Drives traffic and logs until the tax block is restored; gives the second in which it was.
fn until_restored(server: &Server) -> u64 {
    let addresses = server.addresses();
    let url = format!("http://{}", addresses.fleet);
    let mut fleet = server.runtime().block_on(FleetServiceClient::connect(url)).unwrap();
    let end = Instant::now() + Duration::from_secs(40);
    for seq in 1.. {
        assert!(Instant::now() < end, "nothing is restored: {:?}", server.serin(&["events", "shop"]));
        let second = now_second();
        std::thread::sleep(Duration::from_secs(1));
        server.runtime().block_on(fleet.report(report(seq, second))).unwrap();
        log(addresses.otlp.unwrap(), second);
        let status = server.serin(&["rollout", "status", "shop", "--json"]).exits(0).json();
        if status.to_string().contains("\"restored\":\"t1\"") {
            break;
        }
    }
    now_second()
}

#[test]
fn a_replay_locates_the_block_that_log_records_located_live() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (plan, trace) = (folder.path().join("plan.yaml"), folder.path().join("shop.jsonl"));
    let (plan, trace) = (plan.to_str().unwrap(), trace.to_str().unwrap());
    std::fs::write(plan, PLAN).unwrap();
    server.serin(&["rollout", "create", "-f", plan]).exits(0);
    let url = server.url();
    let recorder = command(&["--server", &url, "record", "--service", "shop", "-o", trace]).spawn().unwrap();
    let restored = until_restored(&server);
    assert!(Command::new("kill").args(["-INT", &recorder.id().to_string()]).status().unwrap().success());
    finish(recorder).exits(0);
    let told = std::fs::read_to_string(trace).unwrap();
    assert!(told.contains("{\"logged\":{"), "{told}");

    let replayed = serin(&["replay", "--json", "--plan", plan, trace]).exits(0);
    let decision: Value = serde_json::from_str(replayed.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&decision["level"], &decision["blocks"]), (&json!("fine"), &json!(["tax"])), "{decision}");
    let at = decision["t"].as_u64().unwrap();
    assert!(at.abs_diff(restored) <= 2, "{at} on paper, {restored} live");
}
