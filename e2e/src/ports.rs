//! Loopback ports that nothing else takes.
//!
//! Ports come from below the range that the kernel hands to outgoing connections, and each is held by a lock on a file,
//! so two tests, two test processes or two checkouts on one machine never share one. A port stays reserved while its
//! [`Port`] lives, also while the server behind it restarts.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Context, Result, bail};

const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// A reserved loopback port.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// Reserves a free port.
    ///
    /// # Errors
    /// When the folder of locks cannot be used or all ports are taken.
    pub fn reserve() -> Result<Self> {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let folder = std::env::temp_dir().join("serin-ports");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        // Processes begin at different places, to meet few locks of others.
        let start = std::process::id().wrapping_mul(97) % u32::from(COUNT);
        for _ in 0..COUNT {
            let offset = u32::from(NEXT.fetch_add(1, Ordering::Relaxed) % COUNT);
            let number = FIRST + u16::try_from((start + offset) % u32::from(COUNT)).unwrap_or(0);
            let Ok(lock) = File::create(folder.join(number.to_string())) else { continue };
            if lock.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Self { number, _lock: lock });
            }
        }
        bail!("no free port from {FIRST} to {}", FIRST + COUNT - 1)
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Its loopback address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ports_reserved_at_once_all_differ_and_can_be_bound() {
        let ports: Vec<Port> = (0..200).map(|_| Port::reserve().unwrap()).collect();
        assert_eq!(ports.iter().map(Port::number).collect::<BTreeSet<_>>().len(), 200);
        for port in &ports {
            drop(TcpListener::bind(port.address()).unwrap());
        }
    }

    #[test]
    fn a_port_that_something_else_listens_on_is_passed_over() {
        let held = Port::reserve().unwrap();
        let _listener = TcpListener::bind(held.address()).unwrap();
        let number = held.number();
        drop(held);
        assert!((0..50).all(|_| Port::reserve().unwrap().number() != number));
    }
}
