//! Binaries out of packages of Debian, unpacked below the target folder: nothing is installed.
//!
//! apt checks a package against the signatures of the archive. The upstream version is pinned and not the revision of the package,
//! because an archive serves the newest revision alone.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::workspace::{self, Workspace};

/// A binary inside a package.
#[derive(Clone, Copy, Debug)]
pub struct Package {
    /// Name of the package.
    pub name: &'static str,
    /// Its upstream version.
    pub version: &'static str,
    /// The release of Debian that has it.
    pub release: &'static str,
    /// Path of the binary inside the package, without a leading slash.
    pub member: &'static str,
    /// Packages of the libraries that it needs and that a small system may lack.
    pub libraries: &'static [&'static str],
}

/// A fetched binary.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Its path.
    pub binary: PathBuf,
    /// Value of `LD_LIBRARY_PATH` with which it runs. Empty: it needs none.
    pub libraries: OsString,
}

impl Package {
    /// Path of the binary, which is fetched when it is not there yet.
    ///
    /// # Errors
    /// As [`Self::fetched`].
    pub fn binary(&self, workspace: &Workspace) -> Result<PathBuf> {
        Ok(self.fetched(workspace)?.binary)
    }

    /// The binary and its libraries, which are fetched when they are not there yet.
    ///
    /// # Errors
    /// When they cannot be fetched, or do not run on this machine. The error says what must be there.
    pub fn fetched(&self, workspace: &Workspace) -> Result<Fetched> {
        let folder = workspace.target().join("tools").join(format!("debian-{}-{}", self.name, self.version));
        fs::create_dir_all(&folder)?;
        let lock = File::create(folder.join("lock"))?;
        lock.lock()?;
        let kept = folder.join("files");
        let binary = kept.join(self.member);
        if !binary.exists() {
            writeln!(std::io::stderr(), "fetching {} {} from Debian (once)", self.name, self.version)?;
            let files = self.unpacked(&folder.join("fetch")).with_context(|| {
                format!(
                    "cannot fetch {} {}: it is of Debian {}, whose apt-get and dpkg must be there and whose archive or a mirror of it be reached",
                    self.name, self.version, self.release
                )
            })?;
            fs::rename(files, &kept)?;
        }
        Ok(Fetched { binary, libraries: self.search_path(&kept)? })
    }

    /// The folders with libraries below `files`.
    fn search_path(&self, files: &Path) -> Result<OsString> {
        let mut folders = Vec::new();
        if self.libraries.is_empty() {
            return Ok(OsString::new());
        }
        for parent in ["lib", "usr/lib"] {
            // Of the architectures' folders, as Debian names them, one is there.
            let Ok(entries) = fs::read_dir(files.join(parent)) else { continue };
            let folder = entries.filter_map(|entry| Some(entry.ok()?.path()));
            folders.extend(folder.filter(|path| path.to_string_lossy().ends_with("-linux-gnu")));
        }
        Ok(std::env::join_paths(folders)?)
    }

    /// The folder in which its files are, below `work`, which is emptied first.
    fn unpacked(&self, work: &Path) -> Result<PathBuf> {
        if work.exists() {
            fs::remove_dir_all(work)?;
        }
        fs::create_dir_all(work)?;
        let quiet = self.download(work).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !quiet.context("cannot run apt-get")?.success() {
            // Its lists may be old or absent; they are the system's, so what is newer is kept here.
            workspace::run(with_own_lists(apt(work).arg("update"), work)?, "apt-get update")?;
            workspace::run(with_own_lists(&mut self.download(work), work)?, "apt-get download")?;
        }
        let is_package = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "deb");
        let packages = fs::read_dir(work)?.filter_map(|entry| Some(entry.ok()?.path())).filter(is_package);
        let files = work.join("files");
        for package in packages {
            let mut unpack = Command::new("dpkg");
            workspace::run(unpack.arg("-x").arg(package).arg(&files), "dpkg -x")?;
        }
        // A program knows one of the two.
        let mut said = String::new();
        for flag in ["--version", "-V"] {
            let mut trial = Command::new(files.join(self.member));
            let trial = trial.env("LD_LIBRARY_PATH", self.search_path(&files)?).arg(flag).output();
            let trial = trial.context("the fetched binary does not run on this machine")?;
            said.push_str(&String::from_utf8_lossy(&[trial.stdout, trial.stderr].concat()));
            if said.contains(self.version) {
                break;
            }
        }
        ensure!(said.contains(self.version), "the fetched binary says that it is another version: {said}");
        Ok(files)
    }

    fn download(&self, work: &Path) -> Command {
        let mut download = apt(work);
        download.arg("download").arg(format!("{}={}*", self.name, self.version)).args(self.libraries);
        download
    }
}

/// `apt-get` in `work`. It runs as whoever asks, who alone can write there.
fn apt(work: &Path) -> Command {
    let mut apt = Command::new("apt-get");
    apt.current_dir(work).args(["--quiet=2", "--option", "APT::Sandbox::User=root"]);
    apt
}

fn with_own_lists<'a>(apt: &'a mut Command, work: &Path) -> Result<&'a mut Command> {
    for (name, folder) in [("Dir::State::Lists", "lists"), ("Dir::Cache", "cache")] {
        let folder = work.join(folder);
        fs::create_dir_all(folder.join("partial"))?;
        apt.arg("--option").arg(format!("{name}={}/", folder.display()));
    }
    Ok(apt)
}
