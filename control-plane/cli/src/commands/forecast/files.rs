//! The CSV files of a folder, bounded in depth, number and size, in the order of their names.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::input;

/// Deepest folder below the one that is given.
const DEPTH_MAX: usize = 4;
/// Most files.
const FILES_MAX: usize = 1_000;
/// Bytes of one file.
const FILE_BYTES: usize = 64 * 1024 * 1024;

/// A file that may hold a series.
#[derive(Debug)]
pub(super) struct SeriesFile {
    /// Path below the folder that was given, or as it was given.
    pub(super) name: String,
    path: PathBuf,
}

impl SeriesFile {
    pub(super) fn read(&self) -> Result<Vec<u8>, Failure> {
        input::bytes(&self.path, FILE_BYTES)
    }
}

/// The file, or all files of the folder and those below whose names end in `.csv`.
pub(super) fn series(path: &Path) -> Result<Vec<SeriesFile>, Failure> {
    if !path.is_dir() {
        return Ok(vec![SeriesFile { name: input::name(path), path: path.to_owned() }]);
    }
    let mut found = Vec::new();
    collect(path, 0, &mut found)?;
    if found.is_empty() {
        return Err(Failure::usage(format!("{}: holds no .csv file", path.display())));
    }
    found.sort_unstable();
    let name = |path: &Path, file: &Path| file.strip_prefix(path).unwrap_or(file).display().to_string();
    Ok(found.into_iter().map(|file| SeriesFile { name: name(path, &file), path: file }).collect())
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let unreadable = |error| Failure::usage(format!("{}: cannot be read: {error}", folder.display()));
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(unreadable)?);
        if kind.is_dir() && depth < DEPTH_MAX {
            collect(&path, depth + 1, found)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "csv") {
            if found.len() == FILES_MAX {
                return Err(Failure::usage(format!(
                    "{}: holds more than {FILES_MAX} .csv files",
                    folder.display()
                )));
            }
            found.push(path);
        }
    }
    Ok(())
}
