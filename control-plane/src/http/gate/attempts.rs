//! Wrong tokens, by address: an address that sent many is not listened to for the rest of the minute.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong tokens of one address in a minute.
const WRONG_PER_MINUTE: u32 = 10;
/// Addresses of a minute; beyond them no new one is listened to.
const ADDRESSES_MAX: usize = 4_096;
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<Minute>);

#[derive(Debug, Default)]
struct Minute {
    began: Option<Instant>,
    wrong: BTreeMap<IpAddr, u32>,
}

impl Minute {
    fn at(&mut self, now: Instant) {
        if self.began.is_none_or(|began| now.saturating_duration_since(began) >= MINUTE) {
            *self = Self { began: Some(now), wrong: BTreeMap::new() };
        }
    }
}

impl Attempts {
    pub(super) fn may_try(&self, from: Option<IpAddr>, now: Instant) -> bool {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        minute.at(now);
        match minute.wrong.get(&place(from)) {
            Some(wrong) => *wrong < WRONG_PER_MINUTE,
            None => minute.wrong.len() < ADDRESSES_MAX,
        }
    }

    pub(super) fn failed(&self, from: Option<IpAddr>, now: Instant) {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        minute.at(now);
        *minute.wrong.entry(place(from)).or_default() += 1;
    }
}

/// One customer has a whole /64 of IPv6.
fn place(from: Option<IpAddr>) -> IpAddr {
    match from {
        Some(IpAddr::V6(address)) => IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64)),
        Some(address) => address,
        None => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_sent_ten_wrong_tokens_waits_for_the_next_minute_and_no_other_does() {
        let (attempts, began) = (Attempts::default(), Instant::now());
        let address = |text: &str| Some(text.parse().unwrap());
        for _ in 0..WRONG_PER_MINUTE {
            assert!(attempts.may_try(address("2001:db8::1"), began));
            attempts.failed(address("2001:db8::2"), began);
        }
        assert!(!attempts.may_try(address("2001:db8::3"), began));
        assert!(attempts.may_try(address("2001:db8:0:1::3"), began));
        assert!(attempts.may_try(address("2001:db8::3"), began + MINUTE));
    }
}
