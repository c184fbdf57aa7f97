//! Whom to believe that a server is who it says: the system's authorities, or those of a file.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, client::WantsClientCert};

use crate::Identity;

/// Authorities that certificates of servers must come from.
#[derive(Clone)]
pub struct Roots {
    system: bool,
    own: Vec<CertificateDer<'static>>,
}

/// Why authorities cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RootsError {
    /// Not PEM, or without a certificate.
    #[error("must hold at least one certificate as PEM: {0}")]
    Pem(String),
    /// A certificate that cannot be an authority.
    #[error("holds a certificate that cannot be used: {0}")]
    Unusable(String),
    /// A certificate to show whose key is of another one.
    #[error("certificate and key cannot be used together: {0}")]
    Identity(String),
}

impl Roots {
    /// The authorities of the system.
    #[must_use]
    pub fn system() -> Self {
        Self { system: true, own: Vec::new() }
    }

    /// Those of a PEM text and no others.
    ///
    /// # Errors
    /// When it holds none that can be used.
    pub fn only(pem: &[u8]) -> Result<Self, RootsError> {
        let own: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let own = own.map_err(|error| RootsError::Pem(error.to_string()))?;
        if own.is_empty() {
            return Err(RootsError::Pem("there is none".to_owned()));
        }
        let mut store = RootCertStore::empty();
        for root in &own {
            store.add(root.clone()).map_err(|error| RootsError::Unusable(error.to_string()))?;
        }
        Ok(Self { system: false, own })
    }

    /// Those of a PEM text, and those of the system.
    ///
    /// # Errors
    /// As [`Roots::only`].
    pub fn besides_system(pem: &[u8]) -> Result<Self, RootsError> {
        Ok(Self { system: true, ..Self::only(pem)? })
    }

    /// What a TLS client needs. Where the system has no authorities, a warning is logged and its part is empty: every server is
    /// refused then.
    ///
    /// # Errors
    /// When no protocol version can be offered.
    pub fn tls(&self) -> Result<ClientConfig, RootsError> {
        Ok(self.builder()?.with_no_client_auth())
    }

    /// What a TLS client needs that shows a certificate of its own.
    ///
    /// # Errors
    /// As [`Roots::tls`], and when certificate and key do not belong together.
    pub fn tls_as(&self, identity: &Identity) -> Result<ClientConfig, RootsError> {
        let (chain, key) = (identity.chain.clone(), identity.key.clone_key());
        let tls = self.builder()?.with_client_auth_cert(chain, key);
        tls.map_err(|error| RootsError::Identity(error.to_string()))
    }

    fn builder(&self) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, RootsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| RootsError::Unusable(error.to_string()))?;
        Ok(builder.with_root_certificates(self.store()))
    }

    fn store(&self) -> RootCertStore {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(self.own.iter().cloned());
        if self.system {
            let found = rustls_native_certs::load_native_certs();
            let (added, _unusable) = store.add_parsable_certificates(found.certs);
            if added == 0 {
                tracing::warn!(errors = ?found.errors, "the system names no authorities for TLS");
            }
        }
        store
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Roots").field("system", &self.system).field("own", &self.own.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_a_usable_certificate_is_refused() {
        for text in ["", "words", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(Roots::only(text.as_bytes()).is_err(), "{text}");
        }
        let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let roots = Roots::only(own.cert.pem().as_bytes()).unwrap();
        assert_eq!(format!("{roots:?}"), "Roots { system: false, own: 1 }");
        assert!(roots.tls().is_ok());
        assert!(Roots::besides_system(own.cert.pem().as_bytes()).unwrap().tls().is_ok());
    }
}
