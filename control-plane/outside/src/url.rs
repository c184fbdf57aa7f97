//! The address of something that is called by HTTP.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Longest address that is taken, in bytes.
const BYTES_MAX: usize = 2_048;

/// An `http` or `https` address with a host and without a user or fragment. Its path may be a secret (as with incoming
/// webhooks of chat services), so it is shown as far as its port only; [`Url::as_str`] gives all of it.
#[derive(Clone, Eq, PartialEq)]
pub struct Url(reqwest::Url);

/// Why a text is no address.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UrlError {
    /// Not of the form.
    #[error("must be an http:// or https:// address")]
    Form,
    /// Longer than is taken.
    #[error("exceeds {BYTES_MAX} bytes")]
    TooLong,
    /// A user or password.
    #[error("must not hold a user or password")]
    User,
    /// A fragment.
    #[error("must not hold a fragment")]
    Fragment,
}

impl Url {
    /// The whole address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Name or address of the host, IPv6 addresses without brackets. Odd forms of IPv4 addresses are written plainly.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// The port, also where it is the usual one.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or_default()
    }

    /// The host, where it is an address.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.host().parse().ok()
    }

    /// Whether TLS protects it.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether it stays on this machine: a loopback address or `localhost`.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.host() == "localhost" || self.ip().is_some_and(|ip| ip.is_loopback())
    }

    pub(crate) fn inner(&self) -> &reqwest::Url {
        &self.0
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if text.len() > BYTES_MAX {
            return Err(UrlError::TooLong);
        }
        let url: reqwest::Url = text.parse().map_err(|_| UrlError::Form)?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(UrlError::Form);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::User);
        }
        if url.fragment().is_some() {
            return Err(UrlError::Fragment);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.host_str().unwrap_or_default();
        write!(formatter, "{}://{host}:{}", self.0.scheme(), self.port())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_and_its_path_is_not_shown() {
        let url: Url = "https://hooks.example/services/T0/B0/secret?a=b".parse().unwrap();
        assert_eq!((url.host(), url.port(), url.ip()), ("hooks.example", 443, None));
        assert!(url.is_https() && !url.is_local());
        assert_eq!(format!("{url} {url:?}"), "https://hooks.example:443 https://hooks.example:443");
        assert!(url.as_str().ends_with("/services/T0/B0/secret?a=b"));
    }

    #[test]
    fn every_way_to_write_an_address_of_this_machine_is_seen_as_one() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "017700000001",
            "127.0.0.1.",
            "[::1]",
            "%31%32%37.0.0.1",
            "①②⑦.0.0.1",
        ] {
            let url: Url = format!("http://{host}:8080/").parse().unwrap();
            assert!(url.ip().is_some_and(|ip| ip.is_loopback()), "{host} is {:?}", url.ip());
        }
        let mapped: Url = "http://[::ffff:127.0.0.1]/".parse().unwrap();
        assert_eq!(mapped.ip(), Some("::ffff:127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_rule() {
        for (text, error) in [
            ("", UrlError::Form),
            ("host:80", UrlError::Form),
            ("ftp://host/", UrlError::Form),
            ("file:///etc/passwd", UrlError::Form),
            ("http://", UrlError::Form),
            ("http://user@host/", UrlError::User),
            ("http://:password@host/", UrlError::User),
            ("http://host/#part", UrlError::Fragment),
            ("http://1.2.3.4.5/", UrlError::Form),
        ] {
            assert_eq!(text.parse::<Url>(), Err(error), "{text}");
        }
        let long = format!("http://host/{}", "x".repeat(BYTES_MAX));
        assert_eq!(long.parse::<Url>(), Err(UrlError::TooLong));
    }
}
