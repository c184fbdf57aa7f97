//! Metrics, health, JSON and what pages show of a rollout.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::*;

/// Status and body of a GET.
pub(crate) async fn text(address: SocketAddr, path: &str) -> (u16, String) {
    let (head, body) = exchange(address, path, "").await;
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body)
}

pub(crate) async fn exchange(address: SocketAddr, path: &str, header: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[tokio::test]
async fn all_views_show_the_same_rollout() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let rollout = create(&mut admin, "shop").await;
    let address = server.addresses().http;
    assert_eq!(text(address, "/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(text(address, "/readyz").await, (200, "ready\n".to_owned()));
    let (status, json) = text(address, "/api/rollouts?service=shop").await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((status, json["rollouts"][0]["id"].as_str()), (200, Some(rollout.id.as_str())));
    assert_eq!(json["generation"].as_u64(), Some(rollout.generation));
    assert_eq!(text(address, "/api/rollouts?limit=0").await.0, 400);
    assert_eq!(text(address, "/nowhere").await.0, 404);
    let page = text(address, "/").await.1;
    assert!(page.contains(&rollout.id) && page.contains("warming up"), "{page}");
    let page = text(address, &format!("/rollouts/{}", rollout.id)).await.1;
    assert!(page.contains("route-9"), "{page}");
    let (head, metrics) = exchange(address, "/metrics", "accept: application/openmetrics-text\r\n").await;
    assert!(head.contains("content-type: application/openmetrics-text"), "{head}");
    let (head, classic) = exchange(address, "/metrics", "").await;
    assert!(head.contains("content-type: text/plain; version=0.0.4") && !classic.contains("# EOF"), "{head}");
    for line in [
        "serin_rollouts{phase=\"warming_up\"} 1",
        "serin_rollout_weight_ratio{service=\"shop\"} 0.2",
        &format!("serin_assignment_generation {}", rollout.generation),
        "serin_journal_events_total 1",
        "# EOF",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn texts_of_a_plan_cannot_become_markup() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let plan_yaml = plan("shop").replace("canary: v2", "canary: \"<script>alert(1)</script>\"");
    admin.create(serin_proto::admin::v1::CreateRequest { plan_yaml, paused: false }).await.unwrap();
    for path in
        ["/", "/rollouts/shop", "/rollouts/shop/graph", "/rollouts/shop/promote", "/compare?left=shop"]
    {
        let page = text(server.addresses().http, path).await.1;
        assert!(!page.contains("<script>alert"), "{path}: {page}");
    }
    for path in ["/", "/rollouts/shop"] {
        let page = text(server.addresses().http, path).await.1;
        assert!(page.contains("&lt;script&gt;"), "{path}: {page}");
    }
}
