//! Which addresses may be called.
//!
//! Public unicast addresses may; everything else may when a network of `permit` holds it. An address that wraps another
//! one (IPv4-mapped, NAT64, 6to4, Teredo) is never public, and a permitted wrapper opens only what is inside when
//! that may be called too.

mod class;
mod network;

use std::fmt;
use std::net::IpAddr;

pub use class::Class;
pub use network::{Network, NetworkError};

/// Which addresses may be called.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AddressPolicy {
    permit: Vec<Network>,
}

/// An address that may not be called.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub struct Blocked {
    /// The address.
    pub address: IpAddr,
    /// What it is.
    pub class: Class,
}

impl fmt::Display for Blocked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} is {} and not in outside.permit", self.address, self.class)
    }
}

impl AddressPolicy {
    /// Permits `permit` besides public addresses.
    #[must_use]
    pub fn new(permit: Vec<Network>) -> Self {
        Self { permit }
    }

    /// Whether `address` may be called.
    ///
    /// # Errors
    /// When it may not, and why.
    pub fn check(&self, address: IpAddr) -> Result<(), Blocked> {
        let class = Class::of(address);
        let permitted = self.permit.iter().any(|network| network.contains(address));
        if class != Class::Public && !permitted {
            return Err(Blocked { address, class });
        }
        match class::wrapped(address) {
            Some(inner) => {
                self.check(IpAddr::V4(inner)).map_err(|blocked| Blocked { address, class: blocked.class })
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
