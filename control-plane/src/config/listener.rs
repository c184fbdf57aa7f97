//! One listener, with its certificates and tokens in memory.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{ConfigError, raw, read_of};

/// Shortest token that is taken, in bytes.
const TOKEN_BYTES_MIN: usize = 16;
/// Longest token that is taken, in bytes.
const TOKEN_BYTES_MAX: usize = 1_024;

/// A listener that may be bound.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Address and port; port 0 is any free one.
    pub address: SocketAddr,
    /// Certificates; none: no TLS.
    pub tls: Option<Tls>,
    /// Who may call, by name; empty: everyone who can connect.
    pub tokens: Vec<Token>,
}

/// Certificates as PEM text.
#[derive(Clone)]
pub struct Tls {
    /// Chain of the server, leaf first.
    pub cert: String,
    /// Private key of the leaf.
    pub key: String,
    /// Authority that client certificates must come from; none: clients show no certificate.
    pub client_ca: Option<String>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tls").field("client_ca", &self.client_ca.is_some()).finish_non_exhaustive()
    }
}

/// A bearer token and the name of who holds it.
#[derive(Clone)]
pub struct Token {
    /// Who holds it.
    pub name: String,
    secret: String,
    digest: [u8; 32],
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Token").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Listener {
    pub(super) fn new(
        name: &'static str,
        raw: raw::Listener,
        port: u16,
        insecure: bool,
    ) -> Result<Self, ConfigError> {
        let address = raw.address.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let tls = raw.tls.map(|tls| Tls::read(name, &tls)).transpose()?;
        let tokens = raw.tokens.into_iter().map(|(holder, path)| Token::read(name, holder, &path));
        let listener = Self { address, tls, tokens: tokens.collect::<Result<_, _>>()? };
        if insecure || address.ip().is_loopback() {
            return Ok(listener);
        }
        match listener.missing() {
            None => Ok(listener),
            Some(missing) => Err(ConfigError::Exposed { listener: name, address, missing }),
        }
    }

    /// Whether it asks who calls: for a token, or a certificate.
    pub(crate) fn identifies(&self) -> bool {
        !self.tokens.is_empty() || self.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some())
    }

    /// What this listener lacks to be reachable by anyone.
    fn missing(&self) -> Option<&'static str> {
        match (self.tls.is_some(), self.identifies()) {
            (true, true) => None,
            (true, false) => Some("tokens are"),
            (false, true) => Some("tls is"),
            (false, false) => Some("tls and tokens are"),
        }
    }
}

impl Tls {
    fn read(listener: &str, raw: &raw::Tls) -> Result<Self, ConfigError> {
        let file = |field: &str, path: &Path| read_of(format!("listeners.{listener}.tls.{field}"), path);
        Ok(Self {
            cert: file("cert", &raw.cert)?,
            key: file("key", &raw.key)?,
            client_ca: raw.client_ca.as_deref().map(|path| file("client_ca", path)).transpose()?,
        })
    }
}

impl Token {
    fn read(listener: &str, name: String, path: &Path) -> Result<Self, ConfigError> {
        let field = format!("listeners.{listener}.tokens.{name}");
        let secret = read_of(field.clone(), path)?.trim().to_owned();
        let printable = secret.bytes().all(|byte| byte.is_ascii_graphic());
        if !printable || !(TOKEN_BYTES_MIN..=TOKEN_BYTES_MAX).contains(&secret.len()) {
            let rule = format!(
                "{} must hold {TOKEN_BYTES_MIN} to {TOKEN_BYTES_MAX} visible ASCII bytes",
                path.display()
            );
            return Err(ConfigError::value(field, rule));
        }
        Ok(Self::new(name, secret))
    }

    pub(crate) fn new(name: String, secret: String) -> Self {
        let digest = Sha256::digest(&secret).into();
        Self { name, secret, digest }
    }

    /// True when `presented` is this token. Takes the same time for every wrong one: digests are compared.
    #[must_use]
    pub fn matches(&self, presented: &str) -> bool {
        let presented: [u8; 32] = Sha256::digest(presented).into();
        presented.iter().zip(self.digest).fold(0, |difference, (left, right)| difference | (left ^ right))
            == 0
    }

    /// The token itself, for the one place that must pass it on: the filters' assignment.
    #[must_use]
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }
}
