//! The V2 wire format of HdrHistogram, uncompressed: a header, then counts by bin.
//!
//! Reading is total, keeps nothing, and costs what the payload holds: what the header claims of a range is not believed.

use super::DecodeError;

const COOKIE: u32 = 0x1c84_9303 | 0x10;
pub(super) const HEADER_BYTES: usize = 40;

/// A payload whose header was read. What its bins mean follows from precision and lowest value.
#[derive(Clone, Copy, Debug)]
pub struct V2Payload<'a> {
    /// Significant decimal digits of the values.
    pub significant_digits: u32,
    /// Lowest value that is told apart.
    pub lowest: u64,
    counts: &'a [u8],
}

impl<'a> V2Payload<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are of another format or length, or its bins are moved by an offset.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let word = |at: usize| -> Result<u32, DecodeError> {
            let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
            bytes.map(|bytes| u32::from_be_bytes(*bytes)).ok_or(DecodeError::Truncated)
        };
        let counts = bytes.get(HEADER_BYTES..).ok_or(DecodeError::Truncated)?;
        let (cookie, claimed, offset) = (word(0)?, word(4)?, word(8)?);
        if cookie != COOKIE {
            return Err(DecodeError::Cookie(cookie));
        }
        if usize::try_from(claimed) != Ok(counts.len()) {
            return Err(DecodeError::Length { claimed, actual: counts.len() });
        }
        if offset != 0 {
            return Err(DecodeError::Layout);
        }
        let lowest = (u64::from(word(16)?) << 32) | u64::from(word(20)?);
        Ok(Self { significant_digits: word(12)?, lowest, counts })
    }

    /// Calls `each` with the number and the count of each bin that is written down, in rising order.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes end within a number, or a bin is not among the first `bins`.
    pub fn for_each(&self, bins: u64, mut each: impl FnMut(u64, u64)) -> Result<(), DecodeError> {
        let (mut rest, mut bin) = (self.counts, 0_u64);
        while !rest.is_empty() {
            let (encoded, after) = read_number(rest)?;
            rest = after;
            // Zigzag: a positive number is the count of the next bin, a negative one skips bins.
            let half = encoded >> 1;
            if encoded & 1 == 1 {
                bin = bin.saturating_add(half).saturating_add(1);
            } else {
                if bin >= bins {
                    return Err(DecodeError::TooManyBins);
                }
                each(bin, half);
                bin += 1;
            }
        }
        if bin > bins { Err(DecodeError::TooManyBins) } else { Ok(()) }
    }
}

/// Writes a payload of `bins`, which rise; what is beyond 63 bits counts as that.
pub(super) fn write(
    bins: impl Iterator<Item = (u64, u64)>,
    significant_digits: u32,
    highest: u64,
) -> Vec<u8> {
    let mut counts = Vec::new();
    let mut next = 0_u64;
    for (bin, count) in bins {
        if bin > next {
            write_number(&mut counts, ((bin - next) << 1) - 1);
        }
        write_number(&mut counts, count.min(u64::MAX >> 1) << 1);
        next = bin + 1;
    }
    let length = u32::try_from(counts.len()).unwrap_or(u32::MAX);
    let mut bytes: Vec<u8> =
        [COOKIE, length, 0, significant_digits].into_iter().flat_map(u32::to_be_bytes).collect();
    bytes.extend([1, highest, 1_f64.to_bits()].into_iter().flat_map(u64::to_be_bytes));
    bytes.extend(counts);
    bytes
}

/// One LEB128 number of at most 9 bytes, of which the ninth holds 8 bits.
pub(super) fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    for _ in 0..8 {
        if number < 0x80 {
            break;
        }
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// What [`write_number`] wrote, and what follows it.
pub(super) fn read_number(bytes: &[u8]) -> Result<(u64, &[u8]), DecodeError> {
    let mut value = 0_u64;
    for (position, &byte) in bytes.iter().enumerate().take(9) {
        let last = position == 8 || byte & 0x80 == 0;
        let bits = if position == 8 { byte } else { byte & 0x7f };
        value |= u64::from(bits) << (7 * position);
        if last {
            return Ok((value, bytes.get(position + 1..).unwrap_or_default()));
        }
    }
    Err(DecodeError::Truncated)
}
