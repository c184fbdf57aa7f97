//! A cluster that hooks may act in: how it is reached, in which namespaces, and within which time.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serin_migrate::runner::Secret;
use serin_outside::header::HeaderValue;
use serin_outside::{AddressPolicy, HttpClient, Roots, RootsError, Url, UrlError};
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use super::access::Access;
use super::fault::Fault;

/// Bytes of a token.
const TOKEN_BYTES_MAX: u64 = 64 * 1024;

/// A cluster.
#[derive(Clone)]
pub struct Cluster {
    url: Url,
    client: HttpClient,
    token: Option<Token>,
    namespaces: Vec<String>,
    deadline: Duration,
}

/// A bearer token.
#[derive(Clone)]
pub enum Token {
    /// It stays as it is.
    Fixed(Secret),
    /// It is read anew for each request, because it is replaced while it is valid.
    File(PathBuf),
}

impl Cluster {
    /// A cluster that is called by `policy`, in these namespaces, each request within `deadline`. `roots` are believed where `access`
    /// names no authorities.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(
        access: Access,
        policy: AddressPolicy,
        roots: &Roots,
        namespaces: Vec<String>,
        deadline: Duration,
    ) -> Result<Self, RootsError> {
        let Access { url, roots: own, token, identity } = access;
        let roots = own.as_ref().unwrap_or(roots);
        let client = match &identity {
            None => HttpClient::new(policy, roots)?,
            Some(identity) => HttpClient::showing(policy, roots, identity)?,
        };
        Ok(Self { url, client, token, namespaces, deadline })
    }

    /// The namespaces, in the order of the configuration.
    #[must_use]
    pub fn namespaces(&self) -> &[String] {
        &self.namespaces
    }

    /// Whether hooks may act in a namespace.
    #[must_use]
    pub fn allows(&self, namespace: &str) -> bool {
        self.namespaces.iter().any(|allowed| allowed == namespace)
    }

    pub(super) const fn client(&self) -> &HttpClient {
        &self.client
    }

    pub(super) const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// The address of a path with its query. The API server may itself have a path before it.
    pub(super) fn url(&self, path: &str) -> Result<Url, UrlError> {
        format!("{}{path}", self.url.as_str().trim_end_matches('/')).parse()
    }

    pub(super) async fn authorization(&self) -> Result<Option<HeaderValue>, Fault> {
        let Some(token) = &self.token else { return Ok(None) };
        let token = match token {
            Token::Fixed(Secret(token)) => token.clone(),
            Token::File(path) => {
                let refused = |detail: String| Fault::Token { path: path.clone(), detail };
                let text = timeout(self.deadline, read(path)).await;
                let text = text.map_err(|_late| refused("it cannot be read in time".to_owned()))?;
                text.map_err(|error| refused(error.to_string()))?
            }
        };
        let unusable = |_| Fault::Request("the token holds what no header can".to_owned());
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.trim())).map_err(unusable)?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

async fn read(path: &PathBuf) -> std::io::Result<String> {
    let mut text = String::new();
    tokio::fs::File::open(path).await?.take(TOKEN_BYTES_MAX).read_to_string(&mut text).await?;
    if text.trim().is_empty() {
        return Err(std::io::Error::other("it is empty"));
    }
    Ok(text)
}

impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Cluster");
        shown.field("url", &self.url).field("namespaces", &self.namespaces).finish_non_exhaustive()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(_) => formatter.write_str("Fixed(_)"),
            Self::File(path) => formatter.debug_tuple("File").field(path).finish(),
        }
    }
}
