//! Installs that are kept below the target folder: made anew when what pins their content changes.
//!
//! A folder is put in place in one step, so an install that was interrupted is never taken for a whole one. Processes that
//! run at once wait for the one that installs.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace;

/// File that says what was installed.
const STAMP: &str = "installed";

/// The folder below `place` that `install` fills, as long as `pins` stay what they are. `what` is told while it is filled.
///
/// # Errors
/// When a pin cannot be read, the folder cannot be written, or `install` fails.
pub fn kept(
    place: &Path,
    what: &str,
    pins: &[&Path],
    install: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    fs::create_dir_all(place).with_context(|| format!("cannot create {}", place.display()))?;
    let lock = File::create(place.join("lock"))?;
    lock.lock()?;
    let read = |path: &&Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let stamp = pins.iter().map(read).collect::<Result<Vec<_>>>()?.concat();
    let kept = place.join("kept");
    if fs::read(kept.join(STAMP)).is_ok_and(|found| found == stamp) {
        return Ok(kept);
    }
    writeln!(std::io::stderr(), "installing what {what} needs (once)")?;
    let fresh = place.join("fresh");
    for old in [&fresh, &kept] {
        if old.exists() {
            fs::remove_dir_all(old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
    }
    fs::create_dir_all(&fresh)?;
    install(&fresh).with_context(|| format!("what {what} needs cannot be installed"))?;
    fs::write(fresh.join(STAMP), stamp)?;
    fs::rename(&fresh, &kept)?;
    Ok(kept)
}

/// The same for a program of Node, of which `files` are all, the package and its lock among them. Node looks for modules
/// beside the file that imports them, so the program is put beside them.
///
/// # Errors
/// As [`kept`]; that npm fails says what must be there.
pub fn node(place: &Path, what: &str, files: &[&Path]) -> Result<PathBuf> {
    kept(place, what, files, |folder| {
        for file in files {
            fs::copy(file, folder.join(file.file_name().unwrap_or_default()))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--loglevel=error", "--ignore-scripts", "--no-audit", "--no-fund"])
            .args(["--fetch-timeout=60000", "--fetch-retries=2", "--prefix"])
            .arg(folder)
            .current_dir(folder);
        workspace::run(&mut npm, "npm ci").context(
            "Node (20 or newer) with npm must be there, and the npm registry or a mirror of it be reached",
        )
    })
}
