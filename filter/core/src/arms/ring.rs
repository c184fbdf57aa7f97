//! The keyed ring that makes arms sticky.
//!
//! An id falls on a fixed position of a ring of 1,000,000 places; it is keyed with the rollout's salt, so that
//! each rollout tries itself on other users. An arm owns a stretch of the ring from zero on: raising its weight only
//! ever adds ids to what is not the baseline.
//!
//! Rules with a share use rings of their own. On the common ring a rule that keeps half of its users out of the
//! canary would keep out exactly those whom a small weight would choose. A rule's ring is named by what the rule asks
//! and where it leads, not by its place in the list, so that adding or moving a rule moves nobody on the ring of
//! another. Raising a share only adds, for the same reason as with weights.
//!
//! Position = floor(h × 1,000,000 / 2^64) with h = SipHash-1-3(key = salt, low half first; message = tag as
//! little-endian u64, kind as one byte, id).
//!
//! The lowest bits of the same h put the id into one of 64 buckets. The position follows from the highest, so the ids of
//! an arm lie in all buckets alike.

use std::hash::Hasher;

use serin_proto::assignment::{Condition, HeaderValue, Salt};
use siphasher::sip::SipHasher13;

/// The whole ring.
pub(crate) const WHOLE_PPM: u32 = 1_000_000;

/// Names one of the rings of a service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct RingTag(u64);

impl RingTag {
    /// The ring of the weights.
    pub(crate) const WEIGHTS: Self = Self(0);
}

/// What an id names. A user and a session with the same id fall on different places.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KeyKind {
    User = 1,
    Session = 2,
}

/// A place on a ring.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Position(u32);

impl Position {
    /// Parts per million from the start of the ring, below 1,000,000.
    #[must_use]
    pub const fn ppm(self) -> u32 {
        self.0
    }

    #[expect(clippy::cast_possible_truncation, reason = "the product shifted is below 1,000,000")]
    pub(crate) const fn from_hash(hash: u64) -> Self {
        Self(((hash as u128 * WHOLE_PPM as u128) >> 64) as u32)
    }
}

/// One of 64 buckets of ids. All that is ever told of who sends a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bucket(u8);

impl Bucket {
    /// The mask in which only this bucket is set.
    #[must_use]
    pub const fn mask(self) -> u64 {
        1 << self.0
    }

    pub(crate) const fn from_hash(hash: u64) -> Self {
        Self((hash & 63) as u8)
    }
}

/// The hash of an id, of which its position and its bucket are parts.
pub(crate) fn hash(salt: Salt, tag: RingTag, kind: KeyKind, id: &[u8]) -> u64 {
    let mut hasher = keyed(salt.0);
    hasher.write(&tag.0.to_le_bytes());
    hasher.write(&[kind as u8]);
    hasher.write(id);
    hasher.finish()
}

#[expect(clippy::cast_possible_truncation, reason = "takes the halves of the key")]
fn keyed(key: u128) -> SipHasher13 {
    SipHasher13::new_with_keys(key as u64, (key >> 64) as u64)
}

/// The ring of a rule: its kind, what it compares and its arm. Lists of users and places do not count, so that an
/// edited list keeps everybody else's position.
pub(crate) fn rule_tag(when: &Condition, arm: &str) -> RingTag {
    let (kind, name, value): (u8, &str, Option<&HeaderValue>) = match when {
        Condition::Header(name, value) => (1, name, Some(value)),
        Condition::Cookie(name, value) => (2, name, Some(value)),
        Condition::Users(_) => (3, "", None),
        Condition::Attribute(name, value) => (4, name, Some(value)),
        Condition::Geo(name, _) => (5, name, None),
    };
    let (comparison, text): (u8, &str) = match value {
        None => (0, ""),
        Some(HeaderValue::Exact(text)) => (1, text),
        Some(HeaderValue::Prefix(text)) => (2, text),
        Some(HeaderValue::Present) => (3, ""),
    };
    let mut hasher = keyed(0);
    hasher.write(&[kind, comparison]);
    for part in [name, text, arm] {
        hasher.write(part.as_bytes());
        // No text of an assignment contains this byte, so parts cannot run into each other.
        hasher.write(&[0xFF]);
    }
    // The tag of the weights is never that of a rule.
    RingTag(hasher.finish().max(1))
}

/// The text of an issued session id: 16 hexadecimal digits.
#[must_use]
pub fn session_text(id: u64) -> [u8; 16] {
    let mut text = [0; 16];
    for (index, digit) in text.iter_mut().enumerate() {
        let nibble = (id >> (60 - 4 * index)) & 0xF;
        *digit = b"0123456789abcdef".get(nibble as usize).copied().unwrap_or(b'0');
    }
    text
}
