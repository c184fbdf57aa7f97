//! Installs of what the examples need: by pip, npm and cargo, each into a folder of its own below the target folder.
//!
//! A folder is made anew when what pins its content changes, and put in place in one step, so an install that was
//! interrupted is never taken for a whole one. Processes that run at once wait for the one that installs.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Language, folder};
use crate::workspace::{self, Workspace};

/// File that says what was installed.
const STAMP: &str = "installed";

pub(super) fn python(workspace: &Workspace) -> Result<Command> {
    let source = source(workspace, Language::Python);
    let requirements = source.join("requirements.txt");
    let installed = kept(workspace, Language::Python, &[&requirements], |folder| {
        let mut pip = Command::new("python3");
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-compile",
            "--root-user-action=ignore",
        ])
        .args(["--only-binary=:all:", "--require-hashes", "--target"])
        .arg(folder)
        .arg("--requirement")
        .arg(&requirements);
        workspace::run(&mut pip, "pip install")
            .context("python3 (3.10 or newer) with pip must be there, and PyPI or a mirror of it be reached")
    })?;
    let mut command = Command::new("python3");
    command.arg("-B").arg(source.join("checkout.py")).env("PYTHONPATH", installed);
    Ok(command)
}

pub(super) fn node(workspace: &Workspace) -> Result<Command> {
    let source = source(workspace, Language::Node);
    let files = ["package.json", "package-lock.json", "checkout.mjs"].map(|name| source.join(name));
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    // Node looks for modules beside the file that imports them, so the program lies beside them.
    let installed = kept(workspace, Language::Node, &files, |folder| {
        for file in &files {
            fs::copy(file, folder.join(file.file_name().unwrap_or_default()))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--loglevel=error", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"])
            .arg(folder)
            .current_dir(folder);
        workspace::run(&mut npm, "npm ci").context(
            "Node (20 or newer) with npm must be there, and the npm registry or a mirror of it be reached",
        )
    })?;
    let mut command = Command::new("node");
    command.arg(installed.join("checkout.mjs"));
    Ok(command)
}

/// Cargo itself knows what is old.
pub(super) fn rust(workspace: &Workspace) -> Result<Command> {
    let target = folder(workspace, Language::Rust);
    let mut cargo = workspace.cargo();
    cargo
        .args(["build", "--quiet", "--locked", "--manifest-path"])
        .arg(source(workspace, Language::Rust).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target);
    workspace::run(&mut cargo, "build of the Rust example")
        .context("crates.io or a mirror of it must be reached, and a C compiler be there")?;
    Ok(Command::new(target.join("debug").join(format!("checkout{}", std::env::consts::EXE_SUFFIX))))
}

fn source(workspace: &Workspace, language: Language) -> PathBuf {
    workspace.root().join("e2e").join("clients").join(language.name())
}

/// The folder that `install` fills, as long as `pins` stay what they are.
fn kept(
    workspace: &Workspace,
    language: Language,
    pins: &[&Path],
    install: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let place = folder(workspace, language);
    fs::create_dir_all(&place).with_context(|| format!("cannot create {}", place.display()))?;
    let lock = File::create(place.join("lock"))?;
    lock.lock()?;
    let read = |path: &&Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let stamp = pins.iter().map(read).collect::<Result<Vec<_>>>()?.concat();
    let kept = place.join("kept");
    if fs::read(kept.join(STAMP)).is_ok_and(|found| found == stamp) {
        return Ok(kept);
    }
    writeln!(std::io::stderr(), "installing what the {} example needs (once)", language.name())?;
    let fresh = place.join("fresh");
    for old in [&fresh, &kept] {
        if old.exists() {
            fs::remove_dir_all(old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
    }
    fs::create_dir_all(&fresh)?;
    install(&fresh).with_context(|| format!("the {} example cannot be installed", language.name()))?;
    fs::write(fresh.join(STAMP), stamp)?;
    fs::rename(&fresh, &kept)?;
    Ok(kept)
}
