//! What strangers wrote is text: names, versions, reasons, log records with header values.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use serin_e2e::browser::Window;
use serin_e2e::browser::stage::{DECISION, Stage, asked};
use serin_e2e::http;
use serin_e2e::sample::fault::{Faults, Kind};
use serin_e2e::workspace::Workspace;
use serin_proto::admin::v1::{Phase, Rollout, SetWeightRequest};
use serin_proto::fleet::v1::fleet_service_client::FleetServiceClient;
use serin_proto::fleet::v1::{Batch, ReportRequest};

use super::plans::{self, BROKEN};
use super::sound;

const RATE: f64 = 400.0;
/// Labels of versions are visible ASCII.
const VERSION: &str = "\"><script>alert(1)</script><b/onmouseover=alert(1)>";
const NODE: &str = "<img src=x onerror=alert(2)>\u{202e}lived\u{2066}";
const SCRIPT: &str = "<script>alert(3)</script>";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_strangers_wrote_is_shown_as_text_and_breaks_no_page() {
    let mut stage = Stage::set(&Workspace::locate().unwrap(), "dashboard-hostile").await.unwrap();
    stage.send(RATE).unwrap();
    let id = stage.begin(&plans::shop("v1", &VERSION.replace('"', "\\\""))).await.unwrap();
    let progressing = |rollout: &Rollout| rollout.phase() == Phase::Progressing;
    stage.until("the warm-up ends", &id, progressing).await.unwrap();
    set_weight(&stage, &id).await;
    report(&stage).await;
    log(&stage).await;
    stage.canary.set_faults(Faults::one(BROKEN.0, 0.5, Kind::Status(500)));
    stage.event(&id, "components_rolled_back").await.unwrap();

    let (page, _) = stage.browser.open("hostile", &stage.url("/"), Window::PHONE).await.unwrap();
    page.sees("main", "shop", DECISION).await.unwrap();
    let script = "%3Cscript%3Ealert(4)%3C%2Fscript%3E";
    let long = "%F0%9F%92%A3%E2%80%AE".repeat(500);
    let mut paths = vec![
        "/".to_owned(),
        "/nodes".to_owned(),
        "/history".to_owned(),
        "/decisions".to_owned(),
        format!("/rollouts/{script}"),
        format!("/rollouts/{long}"),
        format!("/decisions/{script}"),
        format!("/compare?left={script}&right={long}"),
        format!("/compare?left={id}&right={id}"),
    ];
    for rest in ["", "/graph", "/components/checkout", &format!("/components/{script}"), "/rollback"] {
        paths.push(format!("/rollouts/{id}{rest}"));
    }
    page.visit("/decisions").await.unwrap();
    let decisions = page.list("main a[href^='/decisions/']").await.unwrap();
    paths.push(decisions[0].href.clone().unwrap());
    let mut shown = String::new();
    for path in &paths {
        page.visit(path).await.unwrap();
        shown.push_str(&page.read("body").await.unwrap());
        let fit = page.fit().await.unwrap();
        assert!(fit.scroll_width <= fit.width, "{path}: {fit:?}");
        sound::is_clean(&page, path).await;
    }
    for text in [VERSION, SCRIPT, "<img src=x onerror=alert(2)>"] {
        assert!(shown.contains(text), "{text} is shown nowhere");
    }
    stage.clear().await.unwrap();
}

/// A person gives a reason of the greatest length.
async fn set_weight(stage: &Stage, id: &str) {
    let mut reason = format!("{SCRIPT} \u{202e}gnirts\u{202c} \u{2067}אבג\u{2069} ' \" & ");
    reason.push_str(&"W".repeat(1_000 - reason.len()));
    let request = SetWeightRequest { id: id.to_owned(), weight_ppm: 300_000, reason };
    stage.control_plane.client().unwrap().set_weight(asked(request).unwrap()).await.unwrap();
}

/// An Envoy with a hostile name reports.
async fn report(stage: &Stage) {
    let mut client =
        FleetServiceClient::connect(format!("http://{}", stage.control_plane.fleet())).await.unwrap();
    let second = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let batch = Batch { complete_until_second: second, ..Batch::default() };
    let request = ReportRequest {
        node: NODE.to_owned(),
        epoch: 7,
        seq: 1,
        generation: 1,
        batch: Some(batch),
        filter_version: SCRIPT.to_owned(),
        cluster: SCRIPT.to_owned(),
    };
    client.report(request).await.unwrap();
}

/// The broken version logs a header that a client sent.
async fn log(stage: &Stage) {
    let text = format!("refused header x-note: {SCRIPT}\u{202e}{}", "A".repeat(10_000));
    let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos().to_string();
    let record = json!({
        "timeUnixNano": nanos, "severityNumber": 17, "body": {"stringValue": text},
        "attributes": [
            attribute("serin.service", "shop"), attribute("serin.component", BROKEN.1), attribute("serin.arm", "canary"),
        ],
    });
    let document = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]});
    http::post_json(stage.logs.address(), "/v1/logs", &document).await.unwrap();
}
