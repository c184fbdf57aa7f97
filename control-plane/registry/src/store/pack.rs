//! One content as one gzip file, and back within a bound.

use std::io::{self, Read as _, Write as _};

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

use crate::bounds;

/// Bytes that a packed content may take: what cannot be compressed grows a little.
pub(super) const PACKED_BYTES: usize = bounds::ARTIFACT_BYTES + bounds::ARTIFACT_BYTES / 1_000 + 1_024;

pub(super) fn pack(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content)?;
    encoder.finish()
}

/// The content of a packed one. A file that was cut, goes on after its end, or holds more than may be put is refused.
pub(super) fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut decoder = GzDecoder::new(packed);
    let mut content = Vec::new();
    let limit = bounds::ARTIFACT_BYTES as u64;
    decoder.by_ref().take(limit + 1).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(io::Error::other(format!("it unpacks to more than {limit} bytes")));
    }
    if !decoder.into_inner().is_empty() {
        return Err(io::Error::other("something follows its end"));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_unpacked_is_what_was_packed(content: Vec<u8>) {
            prop_assert_eq!(unpack(&pack(&content).unwrap()).unwrap(), content);
        }

        #[test]
        fn a_packed_content_that_was_cut_is_refused(content: Vec<u8>, kept in 0.0..1.0_f64) {
            let packed = pack(&content).unwrap();
            let length = (packed.len() as f64 * kept) as usize;
            prop_assert!(unpack(&packed[..length]).is_err());
        }

        #[test]
        fn any_bytes_unpack_or_give_an_error(bytes: Vec<u8>) {
            let _either = unpack(&bytes);
        }
    }

    #[test]
    fn what_unpacks_to_more_than_may_be_put_is_refused() {
        let bomb = pack(&vec![0; bounds::ARTIFACT_BYTES + 1]).unwrap();
        assert!(unpack(&bomb).unwrap_err().to_string().contains("more than"));
        let mut followed = pack(b"content").unwrap();
        followed.push(0);
        assert!(unpack(&followed).is_err());
    }
}
