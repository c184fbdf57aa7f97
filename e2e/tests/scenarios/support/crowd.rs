//! A closed-loop client that tells the answer to every single request.

use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use serin_e2e::http::{self, Answer, HttpClient};
use serin_e2e::sample::VERSION_HEADER;
use tokio::task::JoinSet;

/// What one request asks.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Ask {
    pub(crate) fn get(path: &str) -> Self {
        Self { method: "GET", path: path.to_owned(), headers: Vec::new() }
    }

    pub(crate) fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// From this user.
    pub(crate) fn user(self, user: &str) -> Self {
        self.header("x-user-id", user)
    }

    fn request(&self, address: SocketAddr) -> Request<Full<Bytes>> {
        let mut request =
            Request::builder().method(self.method).uri(format!("http://{address}{}", self.path));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(Full::default()).unwrap()
    }
}

/// One client for many requests.
#[derive(Clone)]
pub(crate) struct Client(HttpClient);

impl Client {
    pub(crate) fn new() -> Self {
        Self(http::client())
    }

    /// The answer to one request, whatever its status.
    pub(crate) async fn ask(&self, address: SocketAddr, ask: &Ask) -> anyhow::Result<Answer> {
        http::exchange(&self.0, ask.request(address)).await
    }
}

/// Version that answered, with status 200.
pub(crate) fn version(answer: &Answer) -> &str {
    assert_eq!(answer.status(), 200, "{answer:?}");
    answer.header(VERSION_HEADER).unwrap()
}

/// Sends all requests, `lanes` at a time, and gives the versions that answered, in the order of the requests.
pub(crate) async fn versions(address: SocketAddr, asks: Vec<Ask>, lanes: usize) -> Vec<String> {
    let client = Client::new();
    let asks = Arc::new(asks);
    let mut tasks = JoinSet::new();
    for lane in 0..lanes {
        let (client, asks) = (client.clone(), Arc::clone(&asks));
        tasks.spawn(async move {
            let mut answers = Vec::new();
            for (index, ask) in asks.iter().enumerate().skip(lane).step_by(lanes) {
                let answer = client.ask(address, ask).await.unwrap();
                answers.push((index, version(&answer).to_owned()));
            }
            answers
        });
    }
    let mut answers: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    answers.sort_unstable();
    answers.into_iter().map(|(_, version)| version).collect()
}

/// Versions that answer `users`, named `user-0` and so on, on one path.
pub(crate) async fn versions_of_users(address: SocketAddr, path: &str, users: usize) -> Vec<String> {
    let asks = (0..users).map(|user| Ask::get(path).user(&format!("user-{user}"))).collect();
    versions(address, asks, 32).await
}
