//! Certificates for servers on this machine.

use std::path::{Path, PathBuf};

use anyhow::Result;

/// A certificate of its own for `localhost`.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate, which is its own authority, as PEM.
    pub certificate: PathBuf,
    /// Its private key as PEM.
    pub key: PathBuf,
}

impl Certificate {
    /// Makes one and writes it into `folder`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn localhost(folder: &Path, name: &str) -> Result<Self> {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        let [certificate, key] = ["pem", "key"].map(|kind| folder.join(format!("{name}.{kind}")));
        std::fs::write(&certificate, made.cert.pem())?;
        std::fs::write(&key, made.signing_key.serialize_pem())?;
        Ok(Self { certificate, key })
    }
}
