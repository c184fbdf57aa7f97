//! An archive as bytes.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{About, Archive, FORMAT};
use crate::chain::Entry;
use crate::{Hash, canonical};

/// Bytes of an archive's content that are unpacked; more is refused.
pub const UNPACKED_BYTES: u64 = 512 * 1024 * 1024;
/// Files of an archive.
const FILES_MAX: usize = 200_000;
/// What the gzip header's comment says before the hash.
const COMMENT: &str = "serin evidence, sha256 of what follows this header: ";
/// A gzip header with a comment, no time, no system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0x10, 0, 0, 0, 0, 0, 255];
const HASH_DIGITS: usize = 64;

/// Why a file is no archive that can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It does not begin as an archive does.
    #[error("this is no archive of Serin's evidence, or its first bytes were altered")]
    Header,
    /// The bytes are not those that were written.
    #[error(
        "the file was altered or cut off: what it holds has the SHA-256 {found}, and was written with {written}"
    )]
    Altered {
        /// Of the bytes as they are.
        found: Hash,
        /// As the header says.
        written: Hash,
    },
    /// It cannot be unpacked.
    #[error("the file cannot be unpacked: {0}")]
    Unpack(#[from] std::io::Error),
    /// It holds too much.
    #[error("the file holds more than {UNPACKED_BYTES} bytes or {FILES_MAX} files")]
    TooLarge,
    /// A file in it cannot be read.
    #[error("{name} in the archive: {why}")]
    File {
        /// Its name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// It was written by a newer version.
    #[error("the archive has format {found}, this program knows up to {FORMAT}: use a newer one")]
    Newer {
        /// Its format.
        found: u32,
    },
    /// It cannot be written.
    #[error("{0}")]
    Unwritable(#[from] canonical::Unwritable),
}

impl Archive {
    /// As bytes; the same for the same content.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ArchiveError> {
        let mut tar = tar::Builder::new(Vec::new());
        put(&mut tar, "about.json", canonical::text(&self.about)?.as_bytes())?;
        put(&mut tar, "chain.json", canonical::text(&self.links)?.as_bytes())?;
        for entry in &self.entries {
            let name = format!("entries/{:010}.json", entry.number);
            put(&mut tar, &name, canonical::text(entry)?.as_bytes())?;
        }
        for (hash, content) in &self.documents {
            put(&mut tar, &format!("documents/{hash}.json"), content.as_bytes())?;
        }
        put(&mut tar, "journal.json", self.journal.as_bytes())?;
        packed(&tar.into_inner()?)
    }

    /// Reads an archive. What it holds is still to be [verified](Self::verify).
    ///
    /// # Errors
    /// When its bytes are not those that were written, or no archive.
    pub fn read(bytes: &[u8]) -> Result<Self, ArchiveError> {
        let (head, body) = split(bytes)?;
        let found = Hash::of(body);
        if found != head {
            return Err(ArchiveError::Altered { found, written: head });
        }
        let mut unpacked = Vec::new();
        let mut decoder = GzDecoder::new(bytes).take(UNPACKED_BYTES + 1);
        decoder.read_to_end(&mut unpacked)?;
        if unpacked.len() as u64 > UNPACKED_BYTES {
            return Err(ArchiveError::TooLarge);
        }
        let mut archive = Self::default();
        let mut files = BTreeMap::new();
        let mut tar = tar::Archive::new(unpacked.as_slice());
        for file in tar.entries()? {
            let mut file = file?;
            let name = file.path()?.to_string_lossy().into_owned();
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            if files.insert(name.clone(), text).is_some() {
                return Err(ArchiveError::File { name, why: "is there twice".to_owned() });
            }
            if files.len() > FILES_MAX {
                return Err(ArchiveError::TooLarge);
            }
        }
        files.into_iter().try_for_each(|(name, text)| archive.take(name, text))?;
        if archive.about.format > FORMAT {
            return Err(ArchiveError::Newer { found: archive.about.format });
        }
        Ok(archive)
    }

    fn take(&mut self, name: String, text: String) -> Result<(), ArchiveError> {
        let wrong = |why: &str| ArchiveError::File { name: name.clone(), why: why.to_owned() };
        let document = name.strip_prefix("documents/").and_then(|name| name.strip_suffix(".json"));
        match name.as_str() {
            "about.json" => self.about = parsed::<About>(&name, &text)?,
            "chain.json" => self.links = parsed(&name, &text)?,
            "journal.json" => self.journal = text,
            _ if name.starts_with("entries/") => self.entries.push(parsed::<Entry>(&name, &text)?),
            _ => {
                let hash = document.ok_or_else(|| wrong("does not belong there"))?;
                let hash = hash.parse().map_err(|_| wrong("is not named by a SHA-256"))?;
                self.documents.insert(hash, text);
            }
        }
        Ok(())
    }
}

fn parsed<T: DeserializeOwned + Serialize>(name: &str, text: &str) -> Result<T, ArchiveError> {
    serde_json::from_str(text)
        .map_err(|error| ArchiveError::File { name: name.to_owned(), why: error.to_string() })
}

fn put(tar: &mut tar::Builder<Vec<u8>>, name: &str, content: &[u8]) -> Result<(), ArchiveError> {
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_cksum();
    tar.append_data(&mut header, name, content)?;
    Ok(())
}

/// Compresses, and writes the hash of what follows the header into it.
fn packed(content: &[u8]) -> Result<Vec<u8>, ArchiveError> {
    let comment = format!("{COMMENT}{}", "0".repeat(HASH_DIGITS));
    let builder = GzBuilder::new().operating_system(255).mtime(0).comment(comment);
    let mut encoder = builder.write(Vec::new(), Compression::default());
    encoder.write_all(content)?;
    let mut bytes = encoder.finish()?;
    let from = HEADER.len() + COMMENT.len();
    let hash = Hash::of(bytes.get(from + HASH_DIGITS + 1..).ok_or(ArchiveError::Header)?).to_string();
    let place = bytes.get_mut(from..from + HASH_DIGITS).ok_or(ArchiveError::Header)?;
    place.copy_from_slice(hash.as_bytes());
    Ok(bytes)
}

/// The hash in the header, and what it is of.
fn split(bytes: &[u8]) -> Result<(Hash, &[u8]), ArchiveError> {
    let rest = bytes.strip_prefix(&HEADER).and_then(|rest| rest.strip_prefix(COMMENT.as_bytes()));
    let (hash, rest) =
        rest.and_then(|rest| rest.split_at_checked(HASH_DIGITS)).ok_or(ArchiveError::Header)?;
    let hash =
        std::str::from_utf8(hash).ok().and_then(|hash| hash.parse().ok()).ok_or(ArchiveError::Header)?;
    Ok((hash, rest.strip_prefix(&[0]).ok_or(ArchiveError::Header)?))
}
