//! A stream of lines: plain, gzip or zstd, told apart by their first bytes.

mod zstd;

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use crate::line::{LineError, Rule};
use crate::record::Record;

/// Longest line in bytes.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// A zstd frame that holds no data may come first; its mark ends in 0 to 15.
const ZSTD_SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];

/// Why a trace cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// A line breaks a rule.
    #[error("{line}:{}: {error}", error.column)]
    Line {
        /// Number of the line, from 1.
        line: u64,
        /// What is wrong with it.
        error: LineError,
    },
    /// The bytes could not be read or decompressed.
    #[error("{}{error}", After(*line))]
    Io {
        /// The last line that was read.
        line: u64,
        /// What happened.
        error: io::Error,
    },
}

struct After(u64);

impl fmt::Display for After {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 0 { write!(formatter, "after line {}: ", self.0) } else { Ok(()) }
    }
}

/// The lines of a trace, each with its number from 1. Empty lines are passed over. Ends after the first error.
pub struct Lines {
    source: Box<dyn BufRead>,
    buffer: Vec<u8>,
    line: u64,
    failed: bool,
}

impl Lines {
    /// Reads from `source`, decompressing as its first bytes say.
    ///
    /// # Errors
    /// When nothing can be read, or the compression is not readable from the start.
    pub fn new(source: impl Read + 'static) -> Result<Self, TraceError> {
        let source = decompressed(source).map_err(|error| TraceError::Io { line: 0, error })?;
        Ok(Self { source, buffer: Vec::new(), line: 0, failed: false })
    }

    fn read(&mut self) -> Option<Result<(u64, Record), TraceError>> {
        loop {
            self.buffer.clear();
            // Room for CR and LF.
            let limit = LINE_BYTES_MAX + 2;
            let mut bounded = self.source.by_ref().take(limit as u64);
            let read = bounded.read_until(b'\n', &mut self.buffer);
            match read {
                Err(error) => return Some(Err(TraceError::Io { line: self.line, error })),
                Ok(0) => return None,
                Ok(_) => self.line += 1,
            }
            let line = self.line;
            if self.line == 1 && self.buffer.starts_with(b"\xef\xbb\xbf") {
                self.buffer.drain(..3);
            }
            let is_cut = self.buffer.len() >= limit && !self.buffer.ends_with(b"\n");
            let text = self.buffer.trim_ascii_end();
            if is_cut || text.len() > LINE_BYTES_MAX {
                let column = LINE_BYTES_MAX as u64 + 1;
                let error = LineError { column, field: String::new(), rule: Rule::TooLong };
                return Some(Err(TraceError::Line { line, error }));
            }
            if text.trim_ascii().is_empty() {
                continue;
            }
            let parsed = Record::parse(text).map(|parsed| (line, parsed));
            return Some(parsed.map_err(|error| TraceError::Line { line, error }));
        }
    }
}

impl Iterator for Lines {
    type Item = Result<(u64, Record), TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.read();
        self.failed = !matches!(next, Some(Ok(_)));
        next
    }
}

fn decompressed(mut source: impl Read + 'static) -> io::Result<Box<dyn BufRead>> {
    let mut first = Vec::new();
    source.by_ref().take(4).read_to_end(&mut first)?;
    let is_gzip = first.starts_with(&GZIP);
    let is_zstd = first.starts_with(&ZSTD) || first.get(1..).is_some_and(|rest| rest == ZSTD_SKIPPABLE);
    let whole = BufReader::new(io::Cursor::new(first).chain(source));
    if is_gzip {
        Ok(Box::new(BufReader::new(MultiGzDecoder::new(whole))))
    } else if is_zstd {
        Ok(Box::new(BufReader::new(zstd::Frames::new(whole))))
    } else {
        Ok(Box::new(whole))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    const LINE: &str = r#"{"t":1800000000,"component":"cart","arm":"canary","outcomes":{"ok":1}}"#;

    fn read(bytes: Vec<u8>) -> Result<Vec<u64>, TraceError> {
        Lines::new(io::Cursor::new(bytes))?.map(|line| line.map(|(number, _)| number)).collect()
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn plain_gzip_and_zstd_are_told_apart_and_may_come_in_pieces() {
        let text = format!("{LINE}\r\n\n  \n{LINE}\n{LINE}");
        let piece = format!("{LINE}\n");
        assert_eq!(read(text.clone().into_bytes()).unwrap(), [1, 4, 5]);
        assert_eq!(read(format!("\u{feff}{LINE}").into_bytes()).unwrap(), [1]);
        assert_eq!(read(gzip(&text)).unwrap(), [1, 4, 5]);
        assert_eq!(read([gzip(&piece), gzip(&piece)].concat()).unwrap(), [1, 2]);
        let zstd = |text: &str| compress_to_vec(text.as_bytes(), CompressionLevel::Fastest);
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"any"].concat();
        assert_eq!(read(zstd(&text)).unwrap(), [1, 4, 5]);
        assert_eq!(read([skipped, zstd(&piece), zstd(&piece)].concat()).unwrap(), [1, 2]);
        assert_eq!(read(Vec::new()).unwrap(), [0_u64; 0]);
    }

    #[test]
    fn what_cannot_be_read_names_the_line() {
        let broken = read(format!("{LINE}\n{{\"t\"\n").into_bytes()).unwrap_err();
        assert!(broken.to_string().starts_with("2:4: is not JSON"), "{broken}");
        let mut cut = gzip(&format!("{LINE}\n{LINE}\n"));
        cut.truncate(cut.len() - 10);
        assert!(matches!(read(cut).unwrap_err(), TraceError::Io { .. }));
        for filling in ["x", " "] {
            let long = format!("{LINE}\n{{{}}}", filling.repeat(3 * LINE_BYTES_MAX));
            let long = read(long.into_bytes()).unwrap_err();
            assert_eq!(
                long.to_string(),
                format!("2:{}: is longer than {LINE_BYTES_MAX} bytes", LINE_BYTES_MAX + 1)
            );
        }
    }

    #[test]
    fn zstd_that_is_cut_or_damaged_is_told_apart() {
        let whole = compress_to_vec(format!("{LINE}\n").as_bytes(), CompressionLevel::Fastest);
        for length in 4..whole.len() {
            let error = read(whole[..length].to_vec()).unwrap_err().to_string();
            assert!(error.ends_with("the zstd data ends in the middle of a frame"), "{length}: {error}");
        }
        let behind = [whole.as_slice(), b"no frame"].concat();
        let error = read(behind).unwrap_err().to_string();
        assert!(error.starts_with("after line 1: the zstd data cannot be decompressed: "), "{error}");
    }
}
