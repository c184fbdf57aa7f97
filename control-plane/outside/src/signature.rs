//! How a receiver knows that a message is ours and new: HMAC-SHA-256 over time and body.
//!
//! The header [`HEADER`] holds `t=SECONDS,v1=HEX`, where HEX is the HMAC of `SECONDS.BODY`. A receiver computes the same,
//! compares in constant time and refuses old times. A sender that changes its key may give several `v1`.

use std::fmt;
use std::time::Duration;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Name of the header.
pub const HEADER: &str = "serin-signature";
/// Lengths of a key that are taken, in bytes.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 16..=4_096;
/// Signatures of one header that are looked at.
const SIGNATURES_MAX: usize = 8;

/// What sender and receiver share.
#[derive(Clone)]
pub struct Key(Vec<u8>);

/// Why a key or a signature is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SignatureError {
    /// A key that is guessed too easily, or too long.
    #[error("a key must hold 16 to 4096 bytes")]
    Key,
    /// Not of the form.
    #[error("the signature must be t=SECONDS,v1=HEX")]
    Form,
    /// Too old, or from the future.
    #[error("the signature's time is too far from now")]
    Time,
    /// Another key or another body.
    #[error("the signature is of another key, time or body")]
    Differs,
}

impl Key {
    /// Takes a key.
    ///
    /// # Errors
    /// [`SignatureError::Key`] when its length is refused.
    pub fn new(secret: &[u8]) -> Result<Self, SignatureError> {
        KEY_BYTES.contains(&secret.len()).then(|| Self(secret.to_owned())).ok_or(SignatureError::Key)
    }

    /// The header's value for `body` at a time in seconds of Unix.
    #[must_use]
    pub fn sign(&self, at_s: u64, body: &[u8]) -> String {
        let digest = self.mac(at_s, body).map(|mac| mac.finalize().into_bytes()).unwrap_or_default();
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("t={at_s},v1={hex}")
    }

    /// Whether `value` signs `body`, not further than `tolerance` from `now_s`.
    ///
    /// # Errors
    /// Why it does not.
    pub fn verify(
        &self,
        value: &str,
        body: &[u8],
        now_s: u64,
        tolerance: Duration,
    ) -> Result<(), SignatureError> {
        let parts = || value.split(',').filter_map(|part| part.trim().split_once('='));
        let at = parts().find_map(|(name, at)| (name == "t").then_some(at));
        let at_s: u64 = at.and_then(|at| at.parse().ok()).ok_or(SignatureError::Form)?;
        let signatures = parts().filter(|(name, _)| *name == "v1").take(SIGNATURES_MAX);
        let signatures: Vec<_> = signatures.map(|(_, hex)| bytes(hex).ok_or(SignatureError::Form)).collect();
        let signatures = signatures.into_iter().collect::<Result<Vec<_>, _>>()?;
        if signatures.is_empty() {
            return Err(SignatureError::Form);
        }
        let matches =
            |signature: &Vec<u8>| self.mac(at_s, body).is_some_and(|mac| mac.verify_slice(signature).is_ok());
        if !signatures.iter().any(matches) {
            return Err(SignatureError::Differs);
        }
        if now_s.abs_diff(at_s) > tolerance.as_secs() {
            return Err(SignatureError::Time);
        }
        Ok(())
    }

    /// HMAC takes keys of every length, so this is always there.
    fn mac(&self, at_s: u64, body: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.0).ok()?;
        mac.update(format!("{at_s}.").as_bytes());
        mac.update(body);
        Some(mac)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Key").finish_non_exhaustive()
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLERANCE: Duration = Duration::from_secs(300);

    fn key() -> Key {
        Key::new(b"0123456789abcdef0123456789abcdef").unwrap()
    }

    #[test]
    fn a_signature_is_what_others_compute() {
        // python3: hmac.new(b"0123456789abcdef0123456789abcdef", b'1700000000.{"a":1}', "sha256").hexdigest()
        let expected = "t=1700000000,v1=f05f2539e3ae1c49aec5f8cfdad75ef6b06480b133973ffbb7ec9e18827af177";
        assert_eq!(key().sign(1_700_000_000, br#"{"a":1}"#), expected);
    }

    #[test]
    fn a_signature_holds_for_its_key_its_body_and_a_while() {
        let signed = key().sign(1_000, b"body");
        assert_eq!(key().verify(&signed, b"body", 1_000, TOLERANCE), Ok(()));
        assert_eq!(key().verify(&signed, b"body", 1_300, TOLERANCE), Ok(()));
        assert_eq!(key().verify(&signed, b"body", 1_301, TOLERANCE), Err(SignatureError::Time));
        assert_eq!(key().verify(&signed, b"body", 699, TOLERANCE), Err(SignatureError::Time));
        assert_eq!(key().verify(&signed, b"bodY", 1_000, TOLERANCE), Err(SignatureError::Differs));
        let other = Key::new(b"another key of length").unwrap();
        assert_eq!(other.verify(&signed, b"body", 1_000, TOLERANCE), Err(SignatureError::Differs));
        let later = signed.replace("t=1000", "t=1001");
        assert_eq!(key().verify(&later, b"body", 1_001, TOLERANCE), Err(SignatureError::Differs));
    }

    #[test]
    fn one_of_several_signatures_is_enough() {
        let signed = key().sign(1_000, b"body");
        let old = Key::new(b"another key of length").unwrap().sign(1_000, b"body");
        let both = format!("{old},{}", signed.split_once(',').unwrap().1);
        assert_eq!(key().verify(&both, b"body", 1_000, TOLERANCE), Ok(()));
    }

    #[test]
    fn what_is_not_of_the_form_is_refused() {
        let short = key().sign(1_000, b"body");
        let short = &short[..short.len() - 1];
        for value in ["", "t=1", "v1=00", "t=x,v1=00", short, "t=1000,v1=", "t=-1,v1=00", "t=1000;v1=00"] {
            assert_eq!(key().verify(value, b"body", 1_000, TOLERANCE), Err(SignatureError::Form), "{value}");
        }
        let not_ascii = format!("t=1000,v1={}", "é".repeat(32));
        assert_eq!(key().verify(&not_ascii, b"body", 1_000, TOLERANCE), Err(SignatureError::Form));
    }

    #[test]
    fn a_key_that_is_too_short_is_refused_and_none_is_shown() {
        assert_eq!(Key::new(b"fifteen bytes..").unwrap_err(), SignatureError::Key);
        assert_eq!(Key::new(&[0; 4_097]).unwrap_err(), SignatureError::Key);
        assert!(!format!("{:?}", key()).contains("0123"));
    }
}
