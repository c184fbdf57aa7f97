//! Local files that are written: all or nothing, and only what a file is.
//!
//! A file is written beside its name first and takes the name once it is whole, so none is left half-written. A link is followed, and an
//! existing file keeps its mode. What is no regular file, as a pipe or a device, is written into and never replaced.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::failure::{Failure, Kind};

/// Mode of a new file, of which the process's mask is taken away.
const MODE: u32 = 0o666;
/// Links that are followed at most.
const LINKS_MAX: usize = 40;

/// Writes a file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_all(&[(path, bytes)])
}

/// Writes files: none takes its name before all are whole.
pub(crate) fn write_all(files: &[(&Path, &[u8])]) -> Result<(), Failure> {
    let mut staged = Vec::new();
    for (path, bytes) in files {
        staged.push((path, Staged::new(path, bytes).map_err(|error| unwritable(path, &error))?));
    }
    for (path, one) in staged {
        one.finish().map_err(|error| unwritable(path, &error))?;
    }
    Ok(())
}

/// Refuses outputs that are an input as well, or one another.
pub(crate) fn apart(inputs: &[&Path], outputs: &[&Path]) -> Result<(), Failure> {
    for (position, output) in outputs.iter().enumerate() {
        if output.as_os_str() == "-" {
            return Err(Failure::usage("- is no file to write to, as standard output holds the answer")
                .advise("give a path; ./- is a file of this name"));
        }
        let own = Identity::of(output);
        let is_own = |other: &&&Path| own.is_some() && own == Identity::of(other);
        if inputs.iter().filter(|input| input.as_os_str() != "-").any(|input| is_own(&input)) {
            return Err(Failure::usage(format!("{} would be both read and written", output.display()))
                .advise("give the output another path"));
        }
        if outputs.iter().take(position).any(|other| is_own(&other)) {
            return Err(Failure::usage(format!("two outputs would go to {}", output.display()))
                .advise("give each output its own path"));
        }
    }
    Ok(())
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Kind::Output, format!("{}: cannot be written: {error}", path.display()))
}

/// A file, by whatever path. What is no regular file has none: it may be written to twice.
#[derive(Debug, Eq, PartialEq)]
enum Identity {
    There { device: u64, number: u64 },
    ToCome(PathBuf),
}

impl Identity {
    fn of(path: &Path) -> Option<Self> {
        match fs::metadata(path) {
            Ok(found) if found.is_file() => Some(Self::There { device: found.dev(), number: found.ino() }),
            Ok(_) => None,
            Err(_) => followed(path).ok().map(Self::ToCome),
        }
    }
}

/// Where a path leads that no file is at yet.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut at = path.to_owned();
    for _ in 0..LINKS_MAX {
        let folder = at.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")))?;
        let name = at.file_name().ok_or_else(|| io::Error::from(ErrorKind::InvalidFilename))?;
        let place = folder.join(name);
        match fs::read_link(&place) {
            Ok(link) => at = folder.join(link),
            Err(_) => return Ok(place),
        }
    }
    Err(io::Error::other("too many links"))
}

/// What is written and has not its name yet.
enum Staged {
    Beside { unfinished: NamedTempFile, place: PathBuf },
    Into { file: File, bytes: Vec<u8> },
}

impl Staged {
    fn new(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Err(ErrorKind::IsADirectory.into()),
            Ok(found) if found.is_file() => {
                // One that may not be written is not replaced either.
                File::options().write(true).open(path)?;
                Self::beside(fs::canonicalize(path)?, bytes, Some(&found))
            }
            Ok(_) => {
                let file = File::options().write(true).open(path)?;
                Ok(Self::Into { file, bytes: bytes.to_vec() })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Self::beside(followed(path)?, bytes, None),
            Err(error) => Err(error),
        }
    }

    fn beside(place: PathBuf, bytes: &[u8], before: Option<&Metadata>) -> io::Result<Self> {
        let folder = place.parent().unwrap_or(Path::new("."));
        let mut beside = tempfile::Builder::new();
        let mut unfinished = beside.permissions(Permissions::from_mode(MODE)).tempfile_in(folder)?;
        if let Some(before) = before {
            unfinished.as_file().set_permissions(before.permissions())?;
        }
        unfinished.write_all(bytes)?;
        unfinished.as_file().sync_all()?;
        Ok(Self::Beside { unfinished, place })
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Beside { unfinished, place } => {
                unfinished.persist(place).map(drop).map_err(|refused| refused.error)
            }
            Self::Into { mut file, bytes } => file.write_all(&bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::Command;
    use std::thread;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_link_is_followed_and_a_file_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("real")).unwrap();
        fs::write(path("real/model.json"), "old and longer").unwrap();
        fs::set_permissions(path("real/model.json"), fs::Permissions::from_mode(0o640)).unwrap();
        symlink("real/model.json", path("current.json")).unwrap();
        symlink("real/next.json", path("dangling.json")).unwrap();
        write(&path("current.json"), b"new").unwrap();
        write(&path("dangling.json"), b"next").unwrap();
        assert!(fs::symlink_metadata(path("current.json")).unwrap().is_symlink());
        assert_eq!(fs::read(path("real/model.json")).unwrap(), b"new");
        assert_eq!(fs::metadata(path("real/model.json")).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read(path("real/next.json")).unwrap(), b"next");
        assert_eq!(names(&path("real")), ["model.json", "next.json"]);
    }

    #[test]
    fn what_is_no_regular_file_is_written_into_and_a_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let read = thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        write(&pipe, b"through").unwrap();
        assert_eq!(read.join().unwrap(), b"through");
        assert!(!fs::metadata(&pipe).unwrap().is_file());
        let refused = write(folder.path(), b"").unwrap_err().to_string();
        assert!(refused.contains("cannot be written: is a directory"), "{refused}");
        assert_eq!(names(folder.path()), ["pipe"]);
    }

    #[test]
    fn where_one_file_cannot_be_written_none_is() {
        let folder = tempfile::tempdir().unwrap();
        let (good, bad) = (folder.path().join("model.json"), folder.path().join("nowhere/report.html"));
        write_all(&[(&good, b"{}"), (&bad, b"<p>")]).unwrap_err();
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[test]
    fn an_output_is_no_input_and_no_other_output_by_whatever_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("table.csv"), "").unwrap();
        symlink("table.csv", path("link.csv")).unwrap();
        fs::hard_link(path("table.csv"), path("hard.csv")).unwrap();
        let (table, dotted, new) = (path("table.csv"), path("./new.json"), path("new.json"));
        for output in ["table.csv", "link.csv", "hard.csv"] {
            let said = apart(&[&table], &[&path(output)]).unwrap_err();
            assert!(said.to_string().ends_with("would be both read and written"), "{said}");
        }
        let said = apart(&[&table], &[&new, &dotted]).unwrap_err();
        assert!(said.to_string().starts_with("two outputs would go to"), "{said}");
        apart(&[Path::new("-"), &table], &[&new, &path("other.json")]).unwrap();
        apart(&[], &[Path::new("-")]).unwrap_err();
    }
}
