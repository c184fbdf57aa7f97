//! Flags as OpenFeature's providers ask for them.

use std::net::SocketAddr;

use serde_json::{Value, json};
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
        (&*one, says(&json!({})), 404, "FLAG_NOT_FOUND", "key: no block \"tax\""),
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
