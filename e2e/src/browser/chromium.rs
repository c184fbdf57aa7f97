//! Debian's Chromium, and a font to read its pages by.
//!
//! The archive of Debian serves the newest version alone, so none is pinned. What is on the PATH is used; otherwise the package
//! is installed, if this process may do so.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::workspace::Workspace;

/// Name of the package and of its program.
const CHROMIUM: &str = "chromium";
/// A package of fonts for a system that has none.
const FONTS: &str = "fonts-dejavu-core";
/// Where fonts lie.
const FONT_FOLDER: &str = "/usr/share/fonts";
/// How deep they are looked for.
const DEPTH_MAX: u32 = 4;

/// Makes sure that Chromium can be started and that text can be read in it, and gives its path.
///
/// # Errors
/// When it is missing and cannot be installed; the error says by which command it can.
pub(super) fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(found) = found() {
        return Ok(found);
    }
    let lock = File::create(workspace.target().join("chromium.lock"))?;
    lock.lock()?;
    if found().is_none() && rustix::process::geteuid().is_root() {
        writeln!(std::io::stderr(), "installing {CHROMIUM} and {FONTS} from Debian (once)")?;
        // Where lists of packages are absent or old, the first try fails.
        let _ = install() || (apt(&["update", "-qq"]) && install());
    }
    found().with_context(|| {
        format!(
            "Chromium or a font is missing; as root: apt-get update && apt-get install --no-install-recommends {CHROMIUM} {FONTS}"
        )
    })
}

/// Chromium on the PATH, if it can be started and there is a font.
fn found() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let path =
        std::env::split_paths(&folders).map(|folder| folder.join(CHROMIUM)).find(|path| path.is_file())?;
    (runs(&path) && has_font(Path::new(FONT_FOLDER), DEPTH_MAX)).then_some(path)
}

fn install() -> bool {
    apt(&["install", "-y", "-qq", "--no-install-recommends", CHROMIUM, FONTS])
}

/// Whether apt did as told. A server that does not answer, and another apt at work, are waited for two minutes at most.
fn apt(arguments: &[&str]) -> bool {
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).stdout(Stdio::null());
    apt.args(["-o", "Acquire::http::Timeout=60", "-o", "Acquire::Retries=1"]);
    apt.args(["-o", "DPkg::Lock::Timeout=120"]).args(arguments);
    apt.status().is_ok_and(|status| status.success())
}

fn runs(chromium: &Path) -> bool {
    let mut version = Command::new(chromium);
    version.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}

fn has_font(folder: &Path, depth: u32) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    let paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let is_font = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "ttf" || kind == "otf");
    paths.iter().any(is_font) || (depth > 0 && paths.iter().any(|path| has_font(path, depth - 1)))
}
