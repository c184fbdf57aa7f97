//! A small HTTP client for admin interfaces and single test requests. Every exchange has a deadline.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Deadline of one exchange.
const DEADLINE: Duration = Duration::from_secs(10);

/// A client that keeps connections to be used again.
pub type HttpClient = Client<HttpConnector, Full<Bytes>>;

/// An HTTP/1.1 client.
#[must_use]
pub fn client() -> HttpClient {
    Client::builder(TokioExecutor::new()).build(connector())
}

/// An HTTP/2 client with prior knowledge (h2c), as gRPC uses it.
#[must_use]
pub fn h2c_client() -> HttpClient {
    Client::builder(TokioExecutor::new()).http2_only(true).build(connector())
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(Duration::from_secs(5)));
    connector
}

/// Sends `request` and collects the answer, trailers included.
///
/// # Errors
/// When no whole answer comes within ten seconds.
pub async fn exchange(client: &HttpClient, request: Request<Full<Bytes>>) -> Result<Answer> {
    let uri = request.uri().clone();
    let answer = async {
        let (parts, body) = client.request(request).await?.into_parts();
        let body = body.collect().await?;
        let trailers = body.trailers().cloned();
        anyhow::Ok(Answer { head: Response::from_parts(parts, ()), trailers, body: body.to_bytes() })
    };
    tokio::time::timeout(DEADLINE, answer)
        .await
        .with_context(|| format!("no answer from {uri} in {} s", DEADLINE.as_secs()))?
        .with_context(|| format!("exchange with {uri} failed"))
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// Status and headers.
    pub head: Response<()>,
    /// Trailers, if any came.
    pub trailers: Option<hyper::HeaderMap>,
    /// Body.
    pub body: Bytes,
}

impl Answer {
    /// Status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head.status().as_u16()
    }

    /// Value of a header, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers().get(name)?.to_str().ok()
    }

    /// Body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// `GET` of `path`, whatever the status, on a connection of its own.
///
/// # Errors
/// As [`exchange`].
pub async fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
    let mut request = Request::get(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    exchange(&client(), request.body(Full::default())?).await
}

/// `GET` of a JSON document.
///
/// # Errors
/// As [`exchange`], or when the status is not 200 or the body does not fit `T`.
pub async fn get_json<T: DeserializeOwned>(address: SocketAddr, path: &str) -> Result<T> {
    let answer = get(address, path, &[]).await?;
    ensure!(answer.status() == 200, "GET {path}: status {}: {}", answer.status(), answer.text());
    serde_json::from_slice(&answer.body).with_context(|| format!("GET {path}: unexpected JSON"))
}

/// `POST` of a body, whatever the status, on a connection of its own.
///
/// # Errors
/// As [`exchange`].
pub async fn post(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer> {
    let mut request = Request::post(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    exchange(&client(), request.body(Full::from(body.to_owned()))?).await
}

/// `POST` of a JSON document.
///
/// # Errors
/// As [`exchange`], or when the status is not 200.
pub async fn post_json<T: Serialize + Sync>(address: SocketAddr, path: &str, document: &T) -> Result<()> {
    let request = Request::post(format!("http://{address}{path}"))
        .header("content-type", "application/json")
        .body(Full::from(serde_json::to_vec(document)?))?;
    let answer = exchange(&client(), request).await?;
    ensure!(answer.status() == 200, "POST {path}: status {}: {}", answer.status(), answer.text());
    Ok(())
}
