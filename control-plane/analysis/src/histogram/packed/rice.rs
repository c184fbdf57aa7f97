//! Pairs of numbers as adaptive Rice codes (Rice and Plaunt 1971): a number is divided by a power of two that follows the
//! numbers before it; the quotient is written in unary, the rest in binary.

/// Quotients from here on are written as as many ones and the number as it is.
const ESCAPE: u32 = 20;
/// Bits that say how many bits the number has.
const LENGTH_BITS: u32 = 7;
/// Bits of the rest at most.
const MOST_REST_BITS: u32 = 30;

/// Bits that can be looked at without reading anew.
const KNOWN_BITS: u32 = 57;

/// How wide the next number's rest is: eight times the mean of the last numbers.
#[derive(Clone, Copy, Debug, Default)]
struct Width(u64);

impl Width {
    fn bits(self) -> u32 {
        (self.0 / 8 + 1).ilog2().min(MOST_REST_BITS)
    }

    fn see(&mut self, number: u64) {
        self.0 = self.0 - self.0 / 8 + number;
    }
}

/// Writes pairs.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    /// Bits that do not fill a byte yet, the last one lowest.
    bits: u64,
    used: u32,
    widths: [Width; 2],
}

impl Writer {
    #[inline]
    pub(super) fn write(&mut self, first: u64, second: u64) {
        let [mut of_first, mut of_second] = self.widths;
        self.code(first, &mut of_first);
        self.code(second, &mut of_second);
        self.widths = [of_first, of_second];
    }

    /// The last byte is filled up with ones, which are no code.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let missing = (8 - self.used % 8) % 8;
        self.push((1 << missing) - 1, missing);
        while self.used > 0 {
            self.used -= 8;
            self.bytes.push((self.bits >> self.used) as u8);
        }
        self.bytes
    }

    #[inline]
    fn code(&mut self, number: u64, width: &mut Width) {
        let rest = width.bits();
        let quotient = number >> rest;
        if quotient < u64::from(ESCAPE) {
            let ones = quotient as u32;
            if ones + rest < u32::BITS {
                let code = (((1 << (ones + 1)) - 2) << rest) | (number & ((1 << rest) - 1));
                self.push(code, ones + 1 + rest);
            } else {
                self.push((1 << (ones + 1)) - 2, ones + 1);
                self.push(number & ((1 << rest) - 1), rest);
            }
            width.see(number);
        } else {
            self.escape(number);
        }
    }

    #[cold]
    fn escape(&mut self, number: u64) {
        let length = u64::BITS - number.leading_zeros();
        self.push((1 << ESCAPE) - 1, ESCAPE);
        self.push(length.into(), LENGTH_BITS);
        self.push(number >> 32, length.saturating_sub(32));
        self.push(number & u64::from(u32::MAX), length.min(32));
    }

    /// At most 32 bits.
    #[inline]
    fn push(&mut self, bits: u64, count: u32) {
        self.bits = (self.bits << count) | bits;
        self.used += count;
        if self.used >= u32::BITS {
            self.used -= u32::BITS;
            self.bytes.extend_from_slice(&((self.bits >> self.used) as u32).to_be_bytes());
        }
    }
}

/// Reads pairs. Total: any bytes give some pairs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Codes<'a> {
    bytes: &'a [u8],
    /// Bits of the bytes that were read.
    at: usize,
    widths: [Width; 2],
}

impl<'a> Codes<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, ..Self::default() }
    }

    /// The next 57 bits at least, the first one highest; ones beyond the end.
    fn peek(&self) -> u64 {
        let rest = self.bytes.get(self.at / 8..).unwrap_or_default();
        let word = rest.first_chunk::<8>().copied().unwrap_or_else(|| {
            let mut word = [u8::MAX; 8];
            word.iter_mut().zip(rest).for_each(|(into, byte)| *into = *byte);
            word
        });
        let read = self.at % 8;
        (u64::from_be_bytes(word) << read) | ((1 << read) - 1)
    }

    fn take(&mut self, count: u32) -> u64 {
        let bits = if count > 0 { self.peek() >> (u64::BITS - count) } else { 0 };
        self.at += count as usize;
        bits
    }

    /// A number and the bits that it took, if all of them are among the first of `word` that are `known`.
    #[inline]
    fn short(word: u64, known: u32, width: &mut Width) -> Option<(u64, u32)> {
        let (ones, rest) = (word.leading_ones(), width.bits());
        let bits = ones + 1 + rest;
        if ones >= ESCAPE || bits > known {
            return None;
        }
        let low = (word << (ones + 1)).checked_shr(u64::BITS - rest).unwrap_or(0);
        let number = (u64::from(ones) << rest) | low;
        width.see(number);
        Some((number, bits))
    }

    /// A number of any length.
    fn long(&mut self, width: &mut Width) -> Option<u64> {
        let word = self.peek();
        if self.at + word.leading_ones() as usize >= 8 * self.bytes.len() {
            return None;
        }
        if let Some((number, bits)) = Self::short(word, KNOWN_BITS, width) {
            self.at += bits as usize;
            return Some(number);
        }
        self.at += ESCAPE as usize;
        let length = (self.take(LENGTH_BITS) as u32).min(u64::BITS);
        let high = self.take(length.saturating_sub(32));
        Some((high << 32) | self.take(length.min(32)))
    }
}

impl Iterator for Codes<'_> {
    type Item = (u64, u64);

    #[inline]
    fn next(&mut self) -> Option<(u64, u64)> {
        let [mut of_first, mut of_second] = self.widths;
        let word = self.peek();
        let is_inside = self.at + (KNOWN_BITS as usize) < 8 * self.bytes.len();
        if is_inside
            && let Some((first, bits)) = Self::short(word, KNOWN_BITS, &mut of_first)
            && let Some((second, more)) = Self::short(word << bits, KNOWN_BITS - bits, &mut of_second)
        {
            self.at += (bits + more) as usize;
            self.widths = [of_first, of_second];
            return Some((first, second));
        }
        let [mut of_first, mut of_second] = self.widths;
        let first = self.long(&mut of_first)?;
        let second = self.long(&mut of_second)?;
        self.widths = [of_first, of_second];
        Some((first, second))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number() -> impl Strategy<Value = u64> {
        prop_oneof![0..3_u64, 0..300_u64, any::<u64>().prop_flat_map(|most| 0..=most)]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(pairs in prop::collection::vec((number(), number()), 0..100)) {
            let mut writer = Writer::default();
            pairs.iter().for_each(|(first, second)| writer.write(*first, *second));
            let bytes = writer.finish();
            prop_assert_eq!(Codes::new(&bytes).collect::<Vec<_>>(), pairs);
        }

        #[test]
        fn any_bytes_give_some_pairs(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Codes::new(&bytes).count() <= 4 * bytes.len());
        }
    }
}
