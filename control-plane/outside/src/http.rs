//! One HTTP request and its answer: to a permitted address, within one deadline, and not larger than was asked for.
//!
//! Each request has a connection of its own, so that a health check checks that one can be made, and an address that is
//! not permitted any more is not called by an old connection. Redirects are answers like others. Proxies that the
//! environment names are not used: they would connect to wherever they like.

use std::error::Error;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::HeaderMap;
use reqwest::{Client, redirect};
use rustls::ClientConfig;
use tokio::time::timeout;

pub use reqwest::Method;
pub use reqwest::header;

use crate::{AddressPolicy, Blocked, Identity, Roots, RootsError, Url};

/// So much of an answer's body is taken unless a request says otherwise.
pub const BODY_MAX: usize = 1 << 20;
/// A look-up that nobody waits for any more ends after this.
const RESOLVE_WITHIN: Duration = Duration::from_secs(60);
/// Longest description of a failure, in characters.
const WORDS_MAX: usize = 300;
const AGENT: &str = concat!("serin/", env!("CARGO_PKG_VERSION"));

/// Sends requests to permitted addresses. Clones share everything.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: Client,
    policy: AddressPolicy,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// What to do.
    pub method: Method,
    /// Where.
    pub url: Url,
    /// Headers besides those that a body and a host need.
    pub headers: HeaderMap,
    /// What to send.
    pub body: Bytes,
    /// Everything has to be over by then: look-up, connection, TLS, answer and its body.
    pub timeout: Duration,
    /// An answer with a longer body is a failure.
    pub body_max: usize,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Why there is no answer. Holds no path of an address and no header.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CallError {
    /// It leads to where nothing may be called.
    #[error(transparent)]
    Blocked(#[from] Blocked),
    /// The name of the host has no address.
    #[error("{host}: {detail}")]
    Resolve {
        /// The name.
        host: String,
        /// The system's words.
        detail: String,
    },
    /// No connection, or no TLS on it.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The connection failed later.
    #[error("the exchange failed: {0}")]
    Exchange(String),
    /// Not over in time.
    #[error("no answer within {after:?}")]
    Deadline {
        /// The time.
        after: Duration,
    },
    /// The answer is longer than was asked for.
    #[error("the answer exceeds {max} bytes")]
    TooLarge {
        /// The bound.
        max: usize,
    },
}

impl HttpClient {
    /// A client that calls what `policy` permits and believes `roots`.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(policy: AddressPolicy, roots: &Roots) -> Result<Self, RootsError> {
        Self::with_tls(policy, roots.tls()?)
    }

    /// As [`HttpClient::new`]; shows `identity` to servers that ask for a certificate.
    ///
    /// # Errors
    /// When TLS cannot be set up with it.
    pub fn showing(policy: AddressPolicy, roots: &Roots, identity: &Identity) -> Result<Self, RootsError> {
        Self::with_tls(policy, roots.tls_as(identity)?)
    }

    fn with_tls(policy: AddressPolicy, tls: ClientConfig) -> Result<Self, RootsError> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Permitted(policy.clone()))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .pool_max_idle_per_host(0)
            .http1_only()
            .user_agent(AGENT)
            .build();
        let client = client.map_err(|error| RootsError::Unusable(words(&error)))?;
        Ok(Self { client, policy })
    }

    /// The policy, for what is called by other protocols.
    #[must_use]
    pub fn policy(&self) -> &AddressPolicy {
        &self.policy
    }

    /// Sends a request and takes the whole answer.
    ///
    /// # Errors
    /// When there is no answer. An answer of any status is none.
    pub async fn send(&self, request: Request) -> Result<Response, CallError> {
        let after = request.timeout;
        timeout(after, self.exchange(request)).await.unwrap_or(Err(CallError::Deadline { after }))
    }

    async fn exchange(&self, request: Request) -> Result<Response, CallError> {
        let Request { method, url, headers, body, body_max, .. } = request;
        // The resolver is asked for names only.
        if let Some(ip) = url.ip() {
            self.policy.check(ip)?;
        }
        let sent = self.client.request(method, url.inner().clone()).headers(headers).body(body).send().await;
        let mut answer = sent.map_err(CallError::of)?;
        let mut taken = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(CallError::of)? {
            if taken.len() + chunk.len() > body_max {
                return Err(CallError::TooLarge { max: body_max });
            }
            taken.extend_from_slice(&chunk);
        }
        let headers = std::mem::take(answer.headers_mut());
        Ok(Response { status: answer.status().as_u16(), headers, body: taken.freeze() })
    }
}

impl Request {
    /// A request without a body.
    #[must_use]
    pub fn get(url: Url, timeout: Duration) -> Self {
        let (method, body) = (Method::GET, Bytes::new());
        Self { method, url, headers: HeaderMap::new(), body, timeout, body_max: BODY_MAX }
    }

    /// A request with a JSON text as its body.
    #[must_use]
    pub fn post_json(url: Url, body: impl Into<Bytes>, timeout: Duration) -> Self {
        let json = header::HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
        Self { method: Method::POST, headers, body: body.into(), ..Self::get(url, timeout) }
    }
}

impl Response {
    /// Whether the status says that all went well: 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl CallError {
    fn of(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(current) = cause {
            if let Some(own) = current.downcast_ref::<Self>() {
                return own.clone();
            }
            cause = current.source();
        }
        if error.is_connect() { Self::Connect(words(&error)) } else { Self::Exchange(words(&error)) }
    }
}

/// The last cause, which says most.
fn words(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string().chars().take(WORDS_MAX).collect()
}

/// Resolves to what is permitted.
#[derive(Debug)]
struct Permitted(AddressPolicy);

impl Resolve for Permitted {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0.clone();
        Box::pin(async move {
            let found = policy.resolve(name.as_str(), 0, RESOLVE_WITHIN).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
