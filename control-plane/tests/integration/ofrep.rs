//! Flags as OpenFeature's providers ask for them.

use std::net::SocketAddr;

use serde_json::{Value, json};
use serin_proto::admin::v1::{
    CreateRequest, GetAssignmentRequest, HandOverRequest, PromoteRequest, RollbackRequest,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::*;

/// The bulk evaluation.
const ALL: &str = "/ofrep/v1/evaluate/flags";

/// Status, headers and body of an evaluation.
pub(crate) async fn ask(address: SocketAddr, path: &str, headers: &str, body: &[u8]) -> (u16, String, Value) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // A server that refuses a long body may close before it has read it.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), serde_json::from_str(body).unwrap_or(Value::Null))
}

fn says(attributes: &Value) -> Vec<u8> {
    json!({ "context": attributes }).to_string().into_bytes()
}

#[tokio::test]
async fn what_cannot_be_evaluated_is_refused_in_the_words_of_the_protocol() {
    let server = Server::new().await;
    create(&mut server.admin().await, "shop").await;
    let address = server.addresses().http;
    let one = format!("{ALL}/tax");
    let large = vec![b' '; 64 * 1024 + 1];
    for (path, body, status, code, details) in [
        (&*one, says(&json!({})), 404, "FLAG_NOT_FOUND", "key: no flag \"tax\""),
        (&*one, Vec::new(), 400, "PARSE_ERROR", "body: must be a JSON object"),
        (&*one, says(&json!([])), 400, "INVALID_CONTEXT", "context: must be an object"),
        (&*one, large.clone(), 400, "PARSE_ERROR", "body: must be at most 65536 bytes"),
        (ALL, b"\xff".to_vec(), 400, "PARSE_ERROR", "body: must be a JSON object"),
        (ALL, says(&json!({"arm": "blue"})), 400, "INVALID_CONTEXT", "context.arm: must be"),
        (ALL, large, 400, "PARSE_ERROR", "body: must be at most 65536 bytes"),
    ] {
        let (found, head, answer) = ask(address, path, "", &body).await;
        assert_eq!((found, answer["errorCode"].as_str()), (status, Some(code)), "{answer}");
        assert!(answer["errorDetails"].as_str().unwrap().starts_with(details), "{answer}");
        assert_eq!(answer["key"].as_str(), (path == one).then_some("tax"));
        assert!(head.contains("content-type: application/json"), "{head}");
    }
    let (status, _, answer) = ask(address, &format!("{ALL}/%ff"), "", &says(&json!({}))).await;
    assert_eq!((status, answer["errorCode"].as_str()), (400, Some("PARSE_ERROR")), "{answer}");
    assert_eq!(crate::http::text(address, &one).await.0, 405);
}

#[tokio::test]
async fn flags_that_did_not_change_are_not_sent_again() {
    let server = Server::new().await;
    let address = server.addresses().http;
    let (status, head, answer) = ask(address, ALL, "", &says(&json!({}))).await;
    assert_eq!((status, answer), (200, json!({"flags": []})));
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    let bare = tag.trim_matches('"').to_owned();
    for known in [tag.clone(), format!("\"other\", W/{tag}"), bare, "*".to_owned()] {
        let (status, head, answer) =
            ask(address, ALL, &format!("if-none-match: {known}\r\n"), &says(&json!({}))).await;
        assert_eq!((status, answer), (304, Value::Null), "{known}");
        assert!(head.contains(&format!("etag: {tag}")), "{head}");
    }
    let (status, ..) = ask(address, ALL, "if-none-match: \"other\"\r\n", &says(&json!({}))).await;
    assert_eq!(status, 200);
}

/// A plan whose checkout has a tax block.
fn with_tax(service: &str, values: &str) -> String {
    plan(service).replace(
        "- {name: route-0, matches: [{path: {prefix: /0}}]}",
        &format!(
            "- name: route-0\n  matches: [{{path: {{prefix: /0}}}}]\n  granularity: fine\n  \
             blocks: [{{name: tax, current: v7, previous: [v6, v5]{values}}}]"
        ),
    )
}

/// Variant, reason and value of a flag.
async fn told(address: SocketAddr, key: &str, attributes: Value) -> (String, String, Value) {
    let (status, _, answer) = ask(address, &format!("{ALL}/{key}"), "", &says(&attributes)).await;
    assert_eq!(status, 200, "{answer}");
    let field = |name: &str| answer.get(name).cloned().unwrap();
    let text = |name: &str| field(name).as_str().unwrap().to_owned();
    (text("variant"), text("reason"), field("value"))
}

#[tokio::test]
async fn a_flag_follows_its_rollout_and_a_rollback_of_its_block() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let create =
        |service: &str, values: &str| CreateRequest { plan_yaml: with_tax(service, values), paused: false };
    let shop = admin.create(create("shop", ", values: {v7: true, v6: false}")).await.unwrap().into_inner();
    let id = shop.rollout.unwrap().id;
    let address = server.addresses().http;
    let canary = || json!({"service": "shop", "version": "v2"});
    let is = |version: &str, reason: &str, value: Value| (version.to_owned(), reason.to_owned(), value);
    assert_eq!(told(address, "tax", canary()).await, is("v7", "TARGETING_MATCH", json!(true)));
    assert_eq!(
        told(address, "tax", json!({"arm": "baseline"})).await,
        is("v6", "TARGETING_MATCH", json!(false))
    );
    assert_eq!(told(address, "tax", json!({})).await, is("v6", "STATIC", json!(false)));

    admin.create(create("billing", "")).await.unwrap();
    let (status, _, answer) = ask(address, &format!("{ALL}/tax"), "", &says(&json!({}))).await;
    assert_eq!((status, answer["errorCode"].as_str()), (400, Some("INVALID_CONTEXT")), "{answer}");
    let billing = is("v7", "TARGETING_MATCH", json!("v7"));
    for key in ["billing/tax", "billing%2Ftax"] {
        assert_eq!(told(address, key, json!({"arm": "canary"})).await, billing);
    }
    let (_, head, answer) = ask(address, ALL, "", &says(&canary())).await;
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    let metadata = json!({"service": "shop", "component": "route-0", "rollout": id, "restored": false});
    let flag = json!({
        "key": "tax", "value": true, "reason": "TARGETING_MATCH", "variant": "v7", "metadata": metadata
    });
    assert_eq!(answer, json!({ "flags": [flag] }));

    let reason = "wrong tax".to_owned();
    let block =
        RollbackRequest { id: id.clone(), block: "tax".to_owned(), reason, ..RollbackRequest::default() };
    admin.rollback(block).await.unwrap();
    let known = format!("if-none-match: {tag}\r\n");
    let (status, _, answer) = ask(address, ALL, &known, &says(&canary())).await;
    assert_eq!((status, &answer["flags"][0]["metadata"]["restored"]), (200, &json!(true)), "{answer}");
    let restored = is("v6", "DISABLED", json!(false));
    assert_eq!(told(address, "tax", canary()).await, restored);
    assert_eq!(told(address, "shop/tax", json!({})).await, restored);
    let server = server.restarted().await;
    let address = server.addresses().http;
    assert_eq!(told(address, "tax", canary()).await, restored, "after a restart");

    let mut admin = server.admin().await;
    let reason = "all of it".to_owned();
    let version = RollbackRequest { id: "billing".to_owned(), reason, ..RollbackRequest::default() };
    admin.rollback(version).await.unwrap();
    let undone = is("v6", "DISABLED", json!("v6"));
    assert_eq!(told(address, "billing/tax", json!({"arm": "canary"})).await, undone);
}

#[tokio::test]
async fn a_flag_follows_its_rollout_to_its_end() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let address = server.addresses().http;
    for service in ["shop", "billing"] {
        admin.create(CreateRequest { plan_yaml: with_tax(service, ""), paused: false }).await.unwrap();
    }
    let is = |version: &str, reason: &str| (version.to_owned(), reason.to_owned(), json!(version));
    let (id, reason) = ("shop".to_owned(), "it is good".to_owned());
    admin.promote(PromoteRequest { id: id.clone(), reason: reason.clone() }).await.unwrap();
    assert_eq!(told(address, "shop/tax", json!({})).await, is("v7", "STATIC"));
    assert_eq!(told(address, "shop/tax", json!({"arm": "baseline"})).await, is("v6", "TARGETING_MATCH"));
    admin.hand_over(HandOverRequest { id, reason }).await.unwrap();
    assert_eq!(told(address, "shop/tax", json!({"arm": "baseline"})).await, is("v7", "TARGETING_MATCH"));
    assert_eq!(told(address, "shop/tax", json!({"version": "v1"})).await, is("v6", "TARGETING_MATCH"));

    let component = RollbackRequest {
        id: "billing".to_owned(),
        component: "route-0".to_owned(),
        reason: "slow".to_owned(),
        ..RollbackRequest::default()
    };
    admin.rollback(component).await.unwrap();
    for attributes in [json!({"arm": "canary"}), json!({})] {
        assert_eq!(told(address, "billing/tax", attributes).await, is("v6", "DISABLED"));
    }
    // The next rollout tells its own blocks, and this one tells none.
    let next = plan("shop").replace("baseline: v1\ncanary: v2", "baseline: v2\ncanary: v3");
    admin.create(CreateRequest { plan_yaml: next, paused: false }).await.unwrap();
    let (status, ..) = ask(address, &format!("{ALL}/shop/tax"), "", &says(&json!({}))).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_feature_is_told_off_where_what_it_needs_returned() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let address = server.addresses().http;
    let plan_yaml = plan("shop").replace(
        "- {name: route-1, matches: [{path: {prefix: /1}}]}",
        "- name: route-1\n  matches: [{path: {prefix: /1}}]\n  feature: tips\n  \
         depends_on: [{component: route-0, on_rollback: disable}]",
    );
    admin.create(CreateRequest { plan_yaml, paused: false }).await.unwrap();
    let is = |version: &str, reason: &str, value: bool| (version.to_owned(), reason.to_owned(), json!(value));
    let on = is("on", "TARGETING_MATCH", true);
    assert_eq!(told(address, "tips", json!({"arm": "canary"})).await, on);
    assert_eq!(told(address, "tips", json!({})).await, is("on", "STATIC", true));
    let component = RollbackRequest {
        id: "shop".to_owned(),
        component: "route-0".to_owned(),
        reason: "slow".to_owned(),
        ..RollbackRequest::default()
    };
    admin.rollback(component).await.unwrap();
    for attributes in [json!({"version": "v2"}), json!({})] {
        assert_eq!(told(address, "tips", attributes).await, is("off", "DISABLED", false));
    }
    assert_eq!(told(address, "tips", json!({"version": "v1"})).await, on);
    let assignment = admin.get_assignment(GetAssignmentRequest::default()).await.unwrap().into_inner();
    assert!(assignment.assignment_json.contains("\"restored\":\"off\""), "{}", assignment.assignment_json);
    let reason = "all of it".to_owned();
    let version = RollbackRequest { id: "shop".to_owned(), reason, ..RollbackRequest::default() };
    admin.rollback(version).await.unwrap();
    assert_eq!(
        told(address, "tips", json!({})).await,
        is("on", "STATIC", true),
        "nobody needs it off any more"
    );
}
