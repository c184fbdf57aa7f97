//! Who we are to a server that asks for a certificate.

use std::fmt;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate with its key, which a client shows.
pub struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

/// Why a certificate cannot be shown.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IdentityError {
    /// No certificate.
    #[error("must hold a certificate as PEM, leaf first")]
    Certificate,
    /// No key.
    #[error("must hold one private key as PEM")]
    Key,
}

impl Identity {
    /// Reads PEM texts: a chain, leaf first, and the key of the leaf.
    ///
    /// # Errors
    /// When one of them does not hold it. Whether they belong together shows when they are used.
    pub fn new(chain: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or(IdentityError::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| IdentityError::Key)?;
        Ok(Self { chain, key })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Identity").field("chain", &self.chain.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_without_its_key_is_refused_and_no_key_is_shown() {
        let own = rcgen::generate_simple_self_signed(vec!["client".to_owned()]).unwrap();
        let (chain, key) = (own.cert.pem(), own.signing_key.serialize_pem());
        assert_eq!(Identity::new(b"", key.as_bytes()).unwrap_err(), IdentityError::Certificate);
        assert_eq!(Identity::new(key.as_bytes(), key.as_bytes()).unwrap_err(), IdentityError::Certificate);
        assert_eq!(Identity::new(chain.as_bytes(), chain.as_bytes()).unwrap_err(), IdentityError::Key);
        let identity = Identity::new(chain.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(format!("{identity:?}"), "Identity { chain: 1, .. }");
    }
}
