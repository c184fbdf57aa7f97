//! HdrHistogram V2 payloads of any precision, plain or compressed, as base64: what the libraries of all languages
//! write. Decoding is total, and its memory follows the payload, not what a header claims.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serin_analysis::histogram::V2Payload;
use serin_analysis::{DecodeError, LatencyHistogram};

const COMPRESSED: u32 = 0x1c84_9304 | 0x10;
/// Bytes of a payload, decompressed: more than the finest histogram of an hour needs.
const PAYLOAD_BYTES_MAX: u64 = 512 * 1024;
/// Bins that 64-bit values can have at the finest precision.
const BINS_MAX: u64 = 64 << 18;

/// Why a text is no histogram.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HdrError {
    /// Not base64.
    #[error("is not base64")]
    Base64,
    /// The bytes end early, or hold more than the header says.
    #[error("is not a whole HdrHistogram V2 payload")]
    Length,
    /// Another format.
    #[error("does not begin with the mark of an HdrHistogram V2 payload, plain or compressed")]
    Cookie,
    /// Not inflatable, or too much.
    #[error("cannot be decompressed, or is larger than {PAYLOAD_BYTES_MAX} bytes then")]
    Compression,
    /// A header that no library writes.
    #[error("has a precision, offset or lowest value that cannot be read")]
    Layout,
    /// A negative count, or one beyond the last bin.
    #[error("has a count that cannot be")]
    Count,
}

/// Reads a histogram of latencies in µs.
pub(crate) fn decode(text: &str) -> Result<LatencyHistogram, HdrError> {
    let text = text.trim();
    let engine =
        if text.ends_with('=') || text.len().is_multiple_of(4) { &STANDARD } else { &STANDARD_NO_PAD };
    let bytes = engine.decode(text).map_err(|_| HdrError::Base64)?;
    match word(&bytes, 0)? {
        COMPRESSED => payload(&inflated(&bytes)?),
        _ => payload(&bytes),
    }
}

/// Writes a histogram of latencies in µs.
pub(crate) fn encode(latency: &LatencyHistogram) -> String {
    STANDARD.encode(latency.to_v2_bytes())
}

fn inflated(bytes: &[u8]) -> Result<Vec<u8>, HdrError> {
    let length = usize::try_from(word(bytes, 4)?).map_err(|_| HdrError::Length)?;
    let compressed = bytes.get(8..).filter(|rest| rest.len() == length).ok_or(HdrError::Length)?;
    let mut payload = Vec::new();
    let mut reader = flate2::read::ZlibDecoder::new(compressed).take(PAYLOAD_BYTES_MAX + 1);
    reader.read_to_end(&mut payload).map_err(|_| HdrError::Compression)?;
    if payload.len() as u64 > PAYLOAD_BYTES_MAX { Err(HdrError::Compression) } else { Ok(payload) }
}

fn payload(bytes: &[u8]) -> Result<LatencyHistogram, HdrError> {
    let payload = V2Payload::parse(bytes)?;
    let (digits, lowest) = (payload.significant_digits, payload.lowest);
    if digits > 5 || lowest == 0 || lowest > 1 << 32 {
        return Err(HdrError::Layout);
    }
    let bins = Bins::new(digits, lowest);
    let mut histogram = LatencyHistogram::new();
    payload.for_each(BINS_MAX, |bin, count| histogram.record_n(bins.value(bin), count))?;
    Ok(histogram)
}

impl From<DecodeError> for HdrError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TooLong(_) | DecodeError::Truncated | DecodeError::Length { .. } => Self::Length,
            DecodeError::Cookie(_) => Self::Cookie,
            DecodeError::Layout => Self::Layout,
            DecodeError::TooManyBins => Self::Count,
        }
    }
}

/// How bins are numbered: each octave above the first is cut into as many as the precision asks for.
struct Bins {
    /// Power of two of the width of the first bins.
    unit: u32,
    /// Power of two of the bins of an octave.
    half: u32,
}

impl Bins {
    fn new(digits: u32, lowest: u64) -> Self {
        let bins = (2 * 10_u64.pow(digits)).next_power_of_two();
        Self { unit: lowest.ilog2(), half: bins.ilog2() - 1 }
    }

    /// The middle of a bin.
    fn value(&self, bin: u64) -> u64 {
        let octave = bin >> self.half;
        let shift = u32::try_from(octave.saturating_sub(1)).unwrap_or(u32::MAX).saturating_add(self.unit);
        let within = if octave == 0 { bin } else { (bin & ((1 << self.half) - 1)) + (1 << self.half) };
        let low = u128::from(within).checked_shl(shift).unwrap_or(u128::MAX);
        let width = 1_u128.checked_shl(shift).unwrap_or(u128::MAX);
        u64::try_from(low.saturating_add(width / 2)).unwrap_or(u64::MAX)
    }
}

fn word(bytes: &[u8], at: usize) -> Result<u32, HdrError> {
    let word = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
    word.map(|word| u32::from_be_bytes(*word)).ok_or(HdrError::Length)
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::{Serializer, V2DeflateSerializer, V2Serializer};

    use super::*;

    fn encoded(digits: u8, mut serializer: impl Serializer) -> String {
        let mut histogram = Histogram::<u64>::new_with_bounds(1, 3_600_000_000, digits).unwrap();
        for us in [0, 1, 255, 256, 1_000, 70_123, 5_000_000] {
            histogram.record_n(us, us % 7 + 1).unwrap();
        }
        let mut bytes = Vec::new();
        serializer.serialize(&histogram, &mut bytes).unwrap();
        STANDARD.encode(bytes)
    }

    #[test]
    fn histograms_of_every_precision_plain_and_compressed_are_read() {
        for digits in 2..=5 {
            for text in [encoded(digits, V2Serializer::new()), encoded(digits, V2DeflateSerializer::new())] {
                let mut expected = LatencyHistogram::new();
                for us in [0_u64, 1, 255, 256, 1_000, 70_123, 5_000_000] {
                    expected.record_n(us, us % 7 + 1);
                }
                assert_eq!(decode(&text).unwrap(), expected, "{digits} digits");
                assert_eq!(decode(text.trim_end_matches('=')).unwrap(), expected);
            }
        }
    }

    #[test]
    fn what_is_no_histogram_is_refused() {
        let whole = encoded(2, V2Serializer::new());
        let bytes = STANDARD.decode(&whole).unwrap();
        assert_eq!(decode("%"), Err(HdrError::Base64));
        assert_eq!(decode(""), Err(HdrError::Length));
        assert_eq!(decode(&STANDARD.encode([0; 64])), Err(HdrError::Cookie));
        assert_eq!(decode(&STANDARD.encode(&bytes[..bytes.len() - 1])), Err(HdrError::Length));
    }
}
