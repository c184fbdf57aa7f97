//! The dashboard over real HTTP: what it shows, to whom, and what it lets do.

mod acts;
mod component;
mod decisions;
mod live;

use std::net::SocketAddr;

use serin_control_plane::{Config, Running, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::*;

/// Token of the admin listener: it acts.
const OPS: &str = "token-of-the-admin-listener";
/// Token of the HTTP listener: it reads.
const SDK: &str = "token-of-the-http-listener";

/// An answer.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    /// The value of a header. Empty: there is none.
    fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .next()
            .unwrap_or("")
    }
}

async fn send(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    if method == "POST" {
        let kind = "content-type: application/x-www-form-urlencoded";
        request.push_str(&format!("{kind}\r\ncontent-length: {}\r\n", body.len()));
    }
    headers.iter().for_each(|(name, value)| request.push_str(&format!("{name}: {value}\r\n")));
    stream.write_all(format!("{request}\r\n{body}").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

async fn see(address: SocketAddr, path: &str) -> Answer {
    send(address, "GET", path, &[], "").await
}

async fn form(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    send(address, "POST", path, headers, body).await
}

/// A server whose admin listener asks for a token, and whose HTTP listener does when `reads` says so.
async fn guarded(folder: &std::path::Path, reads: bool) -> Running {
    let listener = |name: &str, secret: &str| {
        let file = folder.join(name);
        std::fs::write(&file, secret).unwrap();
        format!("{{address: \"127.0.0.1:0\", tokens: {{{name}: \"{}\"}}}}", file.display())
    };
    let open = "{address: \"127.0.0.1:0\"}";
    let http = if reads { listener("sdk", SDK) } else { open.to_owned() };
    let yaml = format!(
        "data: {}\nlisteners:\n  fleet: {open}\n  admin: {}\n  http: {http}\n",
        folder.display(),
        listener("ops", OPS)
    );
    start(&Config::parse(&yaml, false).unwrap()).await.unwrap()
}

/// The cookie of who signs in with a token.
async fn sign_in(address: SocketAddr, token: &str, name: &str) -> String {
    let body = format!("token={token}&name={name}&next=%2Fdecisions");
    let answer = form(address, "/login", &[], &body).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/decisions"), "{}", answer.body);
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Strict") && cookie.contains("; Path=/"),
        "{cookie}"
    );
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_page_answers_and_lets_nothing_in_that_is_not_from_here() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let id = create(&mut admin, "shop").await.id;
    let address = server.addresses().http;
    let of_rollout =
        ["", "/version", "/components/route-3", "/graph", "/pause", "/weight", "/rollback?component=route-3"];
    let of_rollout = of_rollout.map(|rest| format!("/rollouts/{id}{rest}"));
    let others = ["/", "/nodes", "/decisions", "/history", "/compare", "/login"].map(str::to_owned);
    for path in of_rollout.iter().chain(&others) {
        let answer = see(address, path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert!(!answer.body.contains("style=") && !answer.body.contains("onclick"), "{path}");
    }
    for path in
        ["/nowhere", "/rollouts/none", "/rollouts/none/graph", "/decisions/none.1", "/live/rollouts/none"]
    {
        assert_eq!(see(address, path).await.status, 404, "{path}");
    }
    assert_eq!(see(address, &format!("/rollouts/{id}/components/none")).await.status, 404);
    assert_eq!(see(address, &format!("/rollouts/{id}/delete")).await.status, 404);
}

#[tokio::test]
async fn what_pages_load_is_kept_for_ever_at_an_address_that_changes_with_it() {
    let server = Server::new().await;
    let address = server.addresses().http;
    let page = see(address, "/").await.body;
    for name in ["serin.css", "live.js"] {
        let before = page.split(name).next().unwrap();
        let path = format!("{}{name}", &before[before.rfind("/assets/").unwrap()..]);
        let asset = see(address, &path).await;
        assert_eq!(asset.status, 200, "{path}");
        assert!(asset.header("cache-control").contains("immutable"), "{}", asset.head);
        assert_eq!(see(address, &format!("/assets/other/{name}")).await.status, 404);
    }
}
