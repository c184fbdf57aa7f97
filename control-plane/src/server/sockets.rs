//! The sockets of all listeners, opened before anything is served.

use super::Addresses;
use crate::config::Config;
use crate::listener::{BindError, Bound};

/// The listeners, bound.
pub(super) struct Sockets {
    pub(super) fleet: Bound,
    pub(super) admin: Bound,
    pub(super) http: Bound,
    pub(super) otlp: Option<Bound>,
}

impl Sockets {
    pub(super) async fn open(config: &Config) -> Result<Self, BindError> {
        Ok(Self {
            fleet: Bound::open("fleet", &config.fleet).await?,
            admin: Bound::open("admin", &config.admin).await?,
            http: Bound::open("http", &config.http).await?,
            otlp: match &config.otlp {
                Some(otlp) => Some(Bound::open("otlp", otlp).await?),
                None => None,
            },
        })
    }

    pub(super) fn addresses(&self) -> Addresses {
        Addresses {
            fleet: self.fleet.address,
            admin: self.admin.address,
            http: self.http.address,
            otlp: self.otlp.as_ref().map(|otlp| otlp.address),
        }
    }
}
