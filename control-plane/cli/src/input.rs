//! Local files and standard input, read with a bound.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::failure::Failure;

/// Bytes of a certificate, key or token file.
const SMALL_BYTES: usize = 1024 * 1024;

/// Reads `path`, or standard input for `-`, as text of at most `limit` bytes.
pub(crate) fn text(path: &Path, limit: usize) -> Result<String, Failure> {
    utf8(path, bytes(path, limit)?)
}

/// The text of what was read from `path`.
pub(crate) fn utf8(path: &Path, bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..good).unwrap_or_default();
        let before = String::from_utf8_lossy(before);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Failure::usage(format!("{}:{line}:{column}: is not UTF-8 text", name(path)))
            .advise("write the file anew as UTF-8")
    })
}

/// Reads `path`, or standard input for `-`, of at most `limit` bytes.
pub(crate) fn bytes(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    if path.as_os_str() == "-" {
        return read(io::stdin().lock(), path, limit);
    }
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    read(file, path, limit)
}

/// Reads a certificate, key or token.
pub(crate) fn small_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    read(file, path, SMALL_BYTES)
}

/// The file as errors name it.
pub(crate) fn name(path: &Path) -> String {
    if path.as_os_str() == "-" { "<stdin>".to_owned() } else { path.display().to_string() }
}

fn read(source: impl Read, path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    source.take(bound).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    if bytes.len() > limit {
        return Err(Failure::usage(format!("{}: exceeds {limit} bytes", name(path))));
    }
    Ok(bytes)
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("{}: cannot be read: {error}", name(path)))
        .advise("check the path, or give - to read standard input")
}
