//! What may be called outside, and whom to believe there.

use std::time::Duration;

use serin_outside::{AddressPolicy, HttpClient, Network, Roots, RootsError};
use serin_rollout::plan::duration;

use super::{ConfigError, raw, read_of};

/// Networks that can be permitted.
const PERMIT_MAX: usize = 256;
/// How long a call may be allowed to take.
const TIMEOUT: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_mins(1);

/// What may be called outside.
#[derive(Clone, Debug)]
pub struct Outside {
    /// Which addresses.
    pub policy: AddressPolicy,
    /// Whose certificates are believed where a target names no authorities of its own.
    pub roots: Roots,
    /// How long a call may take where nothing else is said.
    pub timeout: Duration,
}

impl Outside {
    pub(super) fn new(raw: raw::Outside) -> Result<Self, ConfigError> {
        if raw.permit.len() > PERMIT_MAX {
            return Err(ConfigError::value("outside.permit", format!("exceeds {PERMIT_MAX} networks")));
        }
        let permit = raw.permit.iter().enumerate().map(|(index, network)| {
            let refused = |error: serin_outside::NetworkError| {
                ConfigError::value(format!("outside.permit[{index}]"), error.to_string())
            };
            network.parse::<Network>().map_err(refused)
        });
        let policy = AddressPolicy::new(permit.collect::<Result<_, _>>()?);
        let roots = match raw.ca {
            None => Roots::system(),
            Some(path) => Roots::besides_system(read_of("outside.ca".to_owned(), &path)?.as_bytes())
                .map_err(|error| ConfigError::value("outside.ca", format!("{}: {error}", path.display())))?,
        };
        let timeout =
            duration(&raw.timeout).filter(|timeout| TIMEOUT.contains(timeout)).ok_or_else(|| {
                ConfigError::value("outside.timeout", "must be a duration between 100ms and 1m, such as 10s")
            })?;
        Ok(Self { policy, roots, timeout })
    }

    /// A client that calls by these rules.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn client(&self) -> Result<HttpClient, RootsError> {
        HttpClient::new(self.policy.clone(), &self.roots)
    }
}
