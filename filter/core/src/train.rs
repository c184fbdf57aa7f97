//! Who stays on the canary from one service of a train to the next.
//!
//! A request to the canary carries a baggage member that says so: the minute in which it was set, and a SipHash-2-4 of 128 bits,
//! keyed with the train's key, over that minute and the train's identifier. Services hand baggage on, so the filter before the next
//! service of the train finds it, and sends the request to that canary, too. Nobody without the key can make one; one that was
//! seen is of use for [`MINUTES`] more minutes, and tells nothing of its user. What is invalid is removed.

use std::hash::Hasher as _;

use serin_proto::assignment::{ArmIndex, CANARY, Service, TRAIN_BAGGAGE};
use siphasher::sip128::{Hasher128 as _, SipHasher24};

use crate::arms::ring::session_text;

/// Minutes after the one in which it was set, and before it for clocks that differ, in which a member is valid.
const MINUTES: u64 = 2;
/// Hexadecimal digits of the minute and of the two halves of the hash.
const DIGITS: usize = 3 * 16;

/// A train, ready for requests.
#[derive(Debug)]
pub(crate) struct Train {
    id: Box<str>,
    keys: (u64, u64),
    arm: ArmIndex,
}

impl Train {
    /// The train of a service; `None`: it is in none, or has no canary.
    #[expect(clippy::cast_possible_truncation, reason = "takes the halves of the key")]
    pub(crate) fn of(service: &Service) -> Option<Self> {
        let train = service.train.as_ref()?;
        let arm = service.split.iter().map(|share| share.arm).find(|arm| service.arm_name(*arm) == CANARY)?;
        let keys = (train.key.0 as u64, (train.key.0 >> 64) as u64);
        Some(Self { id: train.id.as_str().into(), keys, arm })
    }

    /// The canary's arm.
    pub(crate) const fn arm(&self) -> ArmIndex {
        self.arm
    }

    /// The member that a request to the canary carries.
    pub(crate) fn member(&self, minute: u64) -> String {
        [TRAIN_BAGGAGE, "=", &self.value(minute)].concat()
    }

    /// Whether a header holds a valid member.
    pub(crate) fn admits(&self, baggage: &[u8], minute: u64) -> bool {
        let text = std::str::from_utf8(baggage).unwrap_or_default();
        let values = text.split(',').filter_map(|member| {
            let (key, value) = member.split(';').next()?.split_once('=')?;
            (key.trim() == TRAIN_BAGGAGE).then(|| value.trim())
        });
        let mut values = values.take(1);
        values.any(|value| self.is_valid(value, minute))
    }

    fn is_valid(&self, value: &str, now: u64) -> bool {
        (now.saturating_sub(MINUTES)..=now + MINUTES).any(|minute| {
            let valid = self.value(minute);
            // All bytes are compared, so that the time tells nothing of where they differ.
            let pairs = valid.bytes().zip(value.bytes());
            valid.len() == value.len() && pairs.fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
        })
    }

    fn value(&self, minute: u64) -> String {
        let mut value = String::with_capacity(DIGITS);
        let (high, low) = self.hash(minute);
        for number in [minute, high, low] {
            value.extend(session_text(number).map(char::from));
        }
        value
    }

    fn hash(&self, minute: u64) -> (u64, u64) {
        let mut hasher = SipHasher24::new_with_keys(self.keys.0, self.keys.1);
        hasher.write(&minute.to_le_bytes());
        hasher.write(self.id.as_bytes());
        let hash = hasher.finish128();
        (hash.h2, hash.h1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serin_proto::assignment;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const MINUTE: u64 = 29_000_000;

    fn train(id: &str, key: &str) -> Train {
        let json = serde_json::json!({"version": 1, "generation": 1, "services": [{
            "name": "pay", "salt": "000102030405060708090a0b0c0d0e0f",
            "split": [{"arm": "canary", "weight_ppm": 1000}], "train": id, "train_key": key,
        }]});
        let assignment = assignment::parse(json.to_string().as_bytes()).unwrap();
        Train::of(&assignment.services[0]).unwrap()
    }

    fn ours() -> Train {
        train("train:sale-1", "0f0e0d0c0b0a09080706050403020100")
    }

    #[test]
    fn a_member_is_a_siphash_of_minute_and_train() {
        // Computed in another language by the algorithm of the paper, which gives its test vectors.
        assert_eq!(ours().member(MINUTE), "serin.train=0000000001ba81409b335afcc13e04c3b5f8b1b1aaa4f000");
    }

    #[test]
    fn a_member_is_valid_for_two_minutes_and_for_this_train_alone() {
        let member = ours().member(MINUTE);
        for (minute, expected) in
            [(MINUTE - 3, false), (MINUTE - 2, true), (MINUTE, true), (MINUTE + 2, true), (MINUTE + 3, false)]
        {
            assert_eq!(ours().admits(member.as_bytes(), minute), expected, "{minute}");
        }
        let foreign = train("train:sale-2", "0f0e0d0c0b0a09080706050403020100");
        let other_key = train("train:sale-1", "0f0e0d0c0b0a09080706050403020101");
        assert!(!foreign.admits(member.as_bytes(), MINUTE));
        assert!(!other_key.admits(member.as_bytes(), MINUTE));
    }

    #[test]
    fn every_changed_digit_makes_it_invalid() {
        let member = ours().member(MINUTE);
        let start = TRAIN_BAGGAGE.len() + 1;
        for at in start..member.len() {
            let mut bytes = member.clone().into_bytes();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            assert!(!ours().admits(&bytes, MINUTE), "{at}");
        }
        for value in ["", "serin.train", "serin.train=", "serin.train=zz", "x=1"] {
            assert!(!ours().admits(value.as_bytes(), MINUTE), "{value}");
        }
        let upper = member.to_uppercase().replace("SERIN.TRAIN", TRAIN_BAGGAGE);
        assert!(!ours().admits(upper.as_bytes(), MINUTE));
        assert!(!ours().admits(format!("{member}0").as_bytes(), MINUTE));
    }

    #[test]
    fn it_is_found_among_other_members_and_the_first_one_counts() {
        let member = ours().member(MINUTE);
        assert!(ours().admits(format!("a=1, {member};p=q,b=2").as_bytes(), MINUTE));
        assert!(!ours().admits(format!("serin.train=forged,{member}").as_bytes(), MINUTE));
        assert!(!ours().admits(b"\xff", MINUTE));
    }
}
