//! Writes lines: plain, gzip or zstd.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::record::Record;

/// Bytes of lines that make up one frame of zstd.
const FRAME_BYTES: usize = 1024 * 1024;

/// How lines are compressed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// One gzip stream.
    Gzip,
    /// Frames of zstd, one after the other.
    Zstd,
}

impl Packing {
    /// The one that a file's name asks for.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("gz") => Self::Gzip,
            Some("zst" | "zstd") => Self::Zstd,
            Some(_) | None => Self::Plain,
        }
    }
}

/// Writes a trace. What was written is whole only after [`Writer::finish`].
#[derive(Debug)]
pub struct Writer<W: Write> {
    packed: Packed<W>,
}

#[derive(Debug)]
enum Packed<W: Write> {
    Plain(W),
    Gzip(GzEncoder<W>),
    Zstd { sink: W, frame: Vec<u8> },
}

impl<W: Write> Writer<W> {
    /// Writes to `sink`, which should be buffered.
    pub fn new(sink: W, packing: Packing) -> Self {
        let packed = match packing {
            Packing::Plain => Packed::Plain(sink),
            Packing::Gzip => Packed::Gzip(GzEncoder::new(sink, Compression::default())),
            Packing::Zstd => Packed::Zstd { sink, frame: Vec::new() },
        };
        Self { packed }
    }

    /// Writes one line.
    ///
    /// # Errors
    /// When the sink takes nothing more.
    pub fn write(&mut self, record: &Record) -> io::Result<()> {
        let text = record.to_json()? + "\n";
        match &mut self.packed {
            Packed::Plain(sink) => sink.write_all(text.as_bytes()),
            Packed::Gzip(encoder) => encoder.write_all(text.as_bytes()),
            Packed::Zstd { sink, frame } => {
                frame.extend_from_slice(text.as_bytes());
                if frame.len() < FRAME_BYTES { Ok(()) } else { end_frame(sink, frame) }
            }
        }
    }

    /// Shows a reader all that was written so far, so that it is there even if no end is ever written. Costs some
    /// compression.
    ///
    /// # Errors
    /// When the sink takes nothing more.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.packed {
            Packed::Plain(sink) => sink.flush(),
            Packed::Gzip(encoder) => encoder.flush(),
            Packed::Zstd { sink, frame } => {
                end_frame(sink, frame)?;
                sink.flush()
            }
        }
    }

    /// Writes the end.
    ///
    /// # Errors
    /// When the sink takes nothing more.
    pub fn finish(self) -> io::Result<()> {
        let mut sink = match self.packed {
            Packed::Plain(sink) => sink,
            Packed::Gzip(encoder) => encoder.finish()?,
            Packed::Zstd { mut sink, mut frame } => {
                end_frame(&mut sink, &mut frame)?;
                sink
            }
        };
        sink.flush()
    }
}

/// Writes what is gathered as one frame, if it is anything.
fn end_frame(sink: &mut impl Write, frame: &mut Vec<u8>) -> io::Result<()> {
    if frame.is_empty() {
        return Ok(());
    }
    sink.write_all(&compress_to_vec(std::mem::take(frame).as_slice(), CompressionLevel::Fastest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::Lines;

    const LINE: &[u8] =
        br#"{"t":1800000000,"component":"cart","arm":"canary","outcomes":{"ok":9},"latency_us":[[20000,9]]}"#;

    #[test]
    fn what_is_written_in_any_packing_is_read_again() {
        let line = Record::parse(LINE).unwrap();
        for packing in [Packing::Plain, Packing::Gzip, Packing::Zstd] {
            // Enough lines for more than one frame.
            for count in [0, 1, 20_000] {
                let mut bytes = Vec::new();
                let mut writer = Writer::new(&mut bytes, packing);
                (0..count).for_each(|_| writer.write(&line).unwrap());
                writer.finish().unwrap();
                let read: Vec<_> =
                    Lines::new(io::Cursor::new(bytes)).unwrap().map(|line| line.unwrap().1).collect();
                assert_eq!(read.len(), count, "{packing:?}");
                assert!(read.iter().all(|other| *other == line), "{packing:?}");
            }
        }
    }

    #[test]
    fn what_was_flushed_is_there_without_an_end() {
        let line = Record::parse(LINE).unwrap();
        for packing in [Packing::Plain, Packing::Gzip, Packing::Zstd] {
            let mut bytes = Vec::new();
            let mut writer = Writer::new(&mut bytes, packing);
            for written in 1..=3 {
                (0..50).for_each(|_| writer.write(&line).unwrap());
                writer.flush().unwrap();
                let so_far = match &writer.packed {
                    Packed::Plain(sink) | Packed::Zstd { sink, .. } => sink.to_vec(),
                    Packed::Gzip(encoder) => encoder.get_ref().to_vec(),
                };
                let lines = Lines::new(io::Cursor::new(so_far)).unwrap();
                assert_eq!(lines.filter_map(Result::ok).count(), 50 * written, "{packing:?}");
            }
        }
    }

    #[test]
    fn a_files_name_tells_how_it_is_packed() {
        for (name, packing) in [
            ("a.jsonl", Packing::Plain),
            ("a", Packing::Plain),
            ("a.jsonl.gz", Packing::Gzip),
            ("a.zst", Packing::Zstd),
        ] {
            assert_eq!(Packing::of_name(name), packing);
        }
    }
}
