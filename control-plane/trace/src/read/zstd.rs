//! Frames of zstd, one after the other, with their checksums compared.

use std::error::Error;
use std::io::{self, BufRead, ErrorKind, Read};
use std::iter::successors;

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// What the frames of a source hold. Memory is bounded by the window that a frame asks for, at most 128 MiB.
pub(super) struct Frames<R> {
    source: R,
    decoder: FrameDecoder,
    /// A frame was begun and not all of it is read.
    within: bool,
}

impl<R: BufRead> Frames<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, decoder: FrameDecoder::new(), within: false }
    }

    /// Begins the next frame that holds data. False: there is none.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.source) {
                Ok(()) => {
                    self.within = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    io::copy(&mut self.source.by_ref().take(u64::from(length)), &mut io::sink())?;
                }
                Err(error) => return Err(broken(&error)),
            }
        }
        Ok(false)
    }

    fn end(&mut self) -> io::Result<()> {
        self.within = false;
        let (said, found) = (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
        if said.is_some() && said != found {
            return Err(io::Error::other("the checksum of the zstd data is wrong"));
        }
        Ok(())
    }
}

/// What is wrong with the data, in words of ours where the decoder's are for its makers.
fn broken(error: &FrameDecoderError) -> io::Error {
    let mut causes = successors(Some(error as &(dyn Error + 'static)), |&cause| cause.source());
    let is_cut = causes.any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::UnexpectedEof)
    });
    if is_cut {
        return io::Error::new(ErrorKind::UnexpectedEof, "the zstd data ends in the middle of a frame");
    }
    io::Error::other(format!("the zstd data cannot be decompressed: {error}"))
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.within && !self.begin()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let strategy = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.source, strategy).map_err(|error| broken(&error))?;
            }
            match self.decoder.read(into)? {
                0 => self.end()?,
                read => return Ok(read),
            }
        }
    }
}
