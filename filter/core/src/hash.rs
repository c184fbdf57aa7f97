//! Hashers for keys that only an assignment or the filter itself can add.
//!
//! The standard one is keyed at random, which costs the module an import, and resists attacks on maps that strangers
//! fill. Here a request only looks up: whatever its bytes, it meets at most the keys that the assignment put there.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map from small numbers, such as context ids.
pub(crate) type NumberMap<K, V> = HashMap<K, V, BuildHasherDefault<NumberHasher>>;
/// A map from texts of an assignment. Never insert bytes of a request.
pub(crate) type TextMap<V> = HashMap<Box<[u8]>, V, BuildHasherDefault<TextHasher>>;

/// 2^64 divided by the golden ratio: multiplication by it spreads neighbours over the whole range.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Fibonacci hashing of one number.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(GOLDEN);
    }
}

/// Fibonacci hashing of a text, eight bytes at a time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TextHasher(u64);

impl TextHasher {
    const fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(25) ^ word).wrapping_mul(GOLDEN);
    }
}

impl Hasher for TextHasher {
    fn finish(&self) -> u64 {
        // Maps take the low bits, and a product is mixed best in its high ones.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        // The length is hashed apart, so the rest needs no mark of its end.
        self.mix(rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    }

    fn write_usize(&mut self, number: usize) {
        self.mix(number as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::hash::{BuildHasher as _, BuildHasherDefault};

    use super::TextHasher;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn texts_that_differ_little_spread_over_a_small_table() {
        let texts: Vec<String> = (0..256)
            .map(|number| format!("area-{number}"))
            .chain((0..256).map(|number| format!("{number}.shop.example.com")))
            .chain((0..256).map(|zeros| "\0".repeat(zeros)))
            .collect();
        let slots: BTreeSet<u64> = texts
            .iter()
            .map(|text| BuildHasherDefault::<TextHasher>::default().hash_one(text.as_bytes()) % 1_024)
            .collect();
        // Thrown at random, 768 keys take 540 of 1,024 slots.
        assert!(slots.len() > 480, "{}", slots.len());
    }
}
