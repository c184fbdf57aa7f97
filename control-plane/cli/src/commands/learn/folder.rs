//! A folder that keeps versions: one command at a time, and every file all or nothing.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serin_learning::shelf::{INDEX_BYTES_MAX, Model, Operation, Shelf};

use crate::failure::{Failure, Kind};
use crate::input;

/// Held while a command works.
const LOCK: &str = ".lock";

/// An open folder. The lock goes with it.
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Opens a folder, which is made where it is missing.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(path).map_err(|error| unwritable(path, &error))?;
        let file = path.join(LOCK);
        let lock = File::options().create(true).truncate(false).write(true).open(&file);
        let lock = lock.map_err(|error| unwritable(&file, &error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                let said = format!("{}: another command works on it", path.display());
                Err(Failure::usage(said).advise("wait until it has ended, and try again"))
            }
            Err(TryLockError::Error(error)) => Err(unwritable(&file, &error)),
        }
    }

    /// The shelf of a model; an empty one where there is none.
    pub(super) fn shelf(&self, model: Model) -> Result<Shelf, Failure> {
        shelf(&self.path, model)
    }

    pub(super) fn read(&self, file: &str, limit: usize) -> Result<Vec<u8>, Failure> {
        input::bytes(&self.path.join(file), limit)
    }

    pub(super) fn path(&self, file: &str) -> String {
        self.path.join(file).display().to_string()
    }

    /// Does what is asked, in its order.
    pub(super) fn perform(&self, operations: &[Operation]) -> Result<(), Failure> {
        for operation in operations {
            match operation {
                Operation::Write { file, bytes } => {
                    let file = self.path.join(file);
                    crate::file::write(&file, bytes)?;
                    self.keep()?;
                }
                Operation::Remove { file } => {
                    let file = self.path.join(file);
                    match fs::remove_file(&file) {
                        Err(error) if error.kind() != ErrorKind::NotFound => {
                            return Err(unwritable(&file, &error));
                        }
                        Ok(()) | Err(_) => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// What was renamed stays so after a loss of power.
    fn keep(&self) -> Result<(), Failure> {
        File::open(&self.path)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| unwritable(&self.path, &error))
    }
}

fn shelf(folder: &Path, model: Model) -> Result<Shelf, Failure> {
    let file = folder.join(model.index_file());
    if !file.exists() {
        return Ok(Shelf::new(model));
    }
    let text = input::text(&file, INDEX_BYTES_MAX)?;
    Shelf::read(&text, model).map_err(|error| {
        Failure::usage(format!("{}: {error}", file.display()))
            .advise("take the index from a backup, or remove it: that puts the defaults in force")
    })
}

/// The document in force. The folder is only read, so nothing waits for another command: an index names documents that are there.
pub(crate) fn in_force(folder: &Path, model: Model) -> Result<PathBuf, Failure> {
    shelf(folder, model)?.file_in_force().map(|file| folder.join(file)).ok_or_else(|| {
        let name = model.name();
        Failure::usage(format!("{}: no {name} is in force in this folder", folder.display()))
            .advise(format!("`serin learn adopt MODEL --model {name} --folder DIR` puts one in force"))
    })
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Kind::Output, format!("{}: cannot be written: {error}", path.display()))
}
