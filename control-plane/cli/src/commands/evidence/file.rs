//! Files that are checked.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use serin_evidence::archive::Archive;

use crate::failure::{Failure, Kind};

/// Bytes of an archive that are read.
const ARCHIVE_BYTES: u64 = 512 * 1024 * 1024;

/// Reads an archive.
pub(crate) fn archive(path: &Path) -> Result<Archive, Failure> {
    let unreadable = |error: io::Error| Failure::usage(format!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(ARCHIVE_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    Archive::read(&bytes).map_err(|error| {
        Failure::new(Kind::Refused, format!("{}: {error}", path.display()))
            .advise("export it again: `serin evidence export ROLLOUT -o FILE`")
    })
}

/// Whether a file is a database.
pub(crate) fn is_database(path: &Path) -> Result<bool, Failure> {
    let mut begin = [0; 16];
    let read = File::open(path).and_then(|mut file| file.read(&mut begin));
    let read = read.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    Ok(begin.get(..read) == Some(b"SQLite format 3\0"))
}
