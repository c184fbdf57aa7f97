//! Requests over HTTP whose body does not arrive.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::otlp::{metric, server, status};
use crate::support::PATIENCE;

/// The answer's head to a request of which one byte comes.
async fn stalled(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let reading = async { while stream.read_buf(&mut answer).await.is_ok_and(|read| read > 0) {} };
    tokio::time::timeout(PATIENCE, reading).await.unwrap();
    String::from_utf8(answer).unwrap().to_lowercase()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_stalls_is_told_that_nothing_was_taken() {
    let server = server("").await;
    let (otlp, http) = (server.addresses().otlp.unwrap(), server.addresses().http);
    let (logs, flags) = tokio::join!(stalled(otlp, "/v1/logs"), stalled(http, "/ofrep/v1/evaluate/flags"));
    assert_eq!((status(&logs), status(&flags)), (408, 408), "{logs}\n{flags}");
    assert_eq!(metric(&server, "requests", "slow").await, 1);
}
