//! From the name of a host to the addresses that may be called, once and bounded.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use crate::http::CallError;
use crate::{AddressPolicy, Blocked};

/// Names that are looked up at the same time. The system's resolver blocks a thread and cannot be interrupted, so a look-up
/// counts until it ends by itself; further ones wait within their deadline.
const LOOKUPS_MAX: usize = 32;
/// Addresses of a name that are taken; the others are left out.
const ADDRESSES_MAX: usize = 16;
/// Longest name of a host, in bytes.
const HOST_BYTES_MAX: usize = 253;

static LOOKUPS: Semaphore = Semaphore::const_new(LOOKUPS_MAX);

impl AddressPolicy {
    /// The permitted addresses of a host, at least one. `host` may be a name or an address in any form that the system knows.
    ///
    /// # Errors
    /// [`CallError::Blocked`] when it has addresses and none may be called.
    pub async fn resolve(
        &self,
        host: &str,
        port: u16,
        within: Duration,
    ) -> Result<Vec<SocketAddr>, CallError> {
        let found = timeout(within, look_up(host, port)).await;
        self.permitted(host, found.unwrap_or(Err(CallError::Deadline { after: within }))?)
    }

    /// Connects to the first permitted address of a host that accepts. Each may take an equal part of what is left of `within`.
    ///
    /// # Errors
    /// As [`AddressPolicy::resolve`]; else why the last address cannot be connected to.
    pub async fn connect(&self, host: &str, port: u16, within: Duration) -> Result<TcpStream, CallError> {
        let end = Instant::now() + within;
        let addresses = self.resolve(host, port, within).await?;
        let mut failed = CallError::Deadline { after: within };
        for (index, address) in addresses.iter().enumerate() {
            let left = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX).max(1);
            let now = Instant::now();
            match timeout_at(now + end.saturating_duration_since(now) / left, TcpStream::connect(address))
                .await
            {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failed = CallError::Connect(format!("{address}: {error}")),
                Err(_late) => failed = CallError::Deadline { after: within },
            }
        }
        Err(failed)
    }

    /// Leaves out what is blocked; when nothing is left, says so.
    fn permitted(&self, host: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, CallError> {
        let mut blocked: Option<Blocked> = None;
        let permitted = found.into_iter().filter(|address| {
            self.check(address.ip()).inspect_err(|why| blocked = blocked.or(Some(*why))).is_ok()
        });
        let permitted: Vec<_> = permitted.take(ADDRESSES_MAX).collect();
        match (permitted.is_empty(), blocked) {
            (false, _) => Ok(permitted),
            (true, Some(blocked)) => Err(CallError::Blocked(blocked)),
            (true, None) => {
                Err(CallError::Resolve { host: host.to_owned(), detail: "it has no address".to_owned() })
            }
        }
    }
}

async fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, CallError> {
    let failed =
        |detail: String| CallError::Resolve { host: host.chars().take(HOST_BYTES_MAX).collect(), detail };
    if host.is_empty() || host.len() > HOST_BYTES_MAX || host.contains(|letter: char| letter.is_control()) {
        return Err(failed("this is no name of a host".to_owned()));
    }
    let permit = LOOKUPS.acquire().await.map_err(|error| failed(error.to_string()))?;
    let asked = host.to_owned();
    let found = tokio::task::spawn_blocking(move || {
        let found = (asked.as_str(), port).to_socket_addrs().map(Iterator::collect);
        drop(permit);
        found
    });
    found.await.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Class;

    const WITHIN: Duration = Duration::from_secs(10);

    fn policy(permit: &[&str]) -> AddressPolicy {
        AddressPolicy::new(permit.iter().map(|network| network.parse().unwrap()).collect())
    }

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn of_several_addresses_only_the_permitted_ones_are_used() {
        let found =
            addresses(&["127.0.0.1:80", "8.8.8.8:80", "[::1]:80", "[2606:4700::1]:80", "169.254.169.254:80"]);
        let used = policy(&[]).permitted("mixed", found.clone()).unwrap();
        assert_eq!(used, addresses(&["8.8.8.8:80", "[2606:4700::1]:80"]));
        let used = policy(&["127.0.0.1/32"]).permitted("mixed", found).unwrap();
        assert_eq!(used, addresses(&["127.0.0.1:80", "8.8.8.8:80", "[2606:4700::1]:80"]));
    }

    #[test]
    fn a_host_without_a_permitted_address_is_named_by_its_first_one() {
        let error = policy(&[]).permitted("inside", addresses(&["10.0.0.1:80", "[::1]:80"])).unwrap_err();
        assert_eq!(error.to_string(), "10.0.0.1 is private and not in outside.permit");
        let error = policy(&[]).permitted("empty", Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "empty: it has no address");
    }

    #[test]
    fn addresses_of_a_name_have_a_bound() {
        let many = (0..100).map(|last| SocketAddr::from(([8, 8, 8, last], 80))).collect();
        assert_eq!(policy(&[]).permitted("many", many).unwrap().len(), ADDRESSES_MAX);
    }

    #[tokio::test]
    async fn odd_forms_of_addresses_are_judged_by_where_they_lead() {
        for host in ["127.0.0.1", "2130706433", "0177.0.0.1", "0x7f.1", "127.1", "localhost", "::1"] {
            let error = policy(&[]).resolve(host, 80, WITHIN).await.unwrap_err();
            let CallError::Blocked(blocked) = error else { panic!("{host}: {error}") };
            assert_eq!(blocked.class, Class::Loopback, "{host}");
        }
        let zero = policy(&[]).resolve("0", 80, WITHIN).await.unwrap_err();
        assert!(zero.to_string().contains("unspecified"), "{zero}");
        let long = "x".repeat(HOST_BYTES_MAX + 1);
        for host in ["", "a\nb", "a\0b", long.as_str()] {
            let error = policy(&["0.0.0.0/0"]).resolve(host, 80, WITHIN).await.unwrap_err();
            assert!(error.to_string().ends_with("this is no name of a host"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_connection_goes_to_a_permitted_address_or_says_why_not() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let open = policy(&["127.0.0.1/32"]);
        let stream = open.connect("localhost", port, WITHIN).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
        drop(listener);
        let error = open.connect("localhost", port, WITHIN).await.unwrap_err();
        assert!(matches!(error, CallError::Connect(_)), "{error}");
        let error = policy(&[]).connect("localhost", port, WITHIN).await.unwrap_err();
        assert!(matches!(error, CallError::Blocked(_)), "{error}");
    }
}
