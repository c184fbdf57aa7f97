//! Installs of what the examples need: by pip, npm and cargo, each into a folder of its own below the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Language, folder};
use crate::tools::kept;
use crate::workspace::{self, Workspace};

pub(super) fn python(workspace: &Workspace) -> Result<Command> {
    let source = source(workspace, Language::Python);
    let requirements = source.join("requirements.txt");
    let place = folder(workspace, Language::Python);
    let installed = kept::kept(&place, &told(Language::Python), &[&requirements], |folder| {
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
    let installed = kept::node(&folder(workspace, Language::Node), &told(Language::Node), &files)?;
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

fn told(language: Language) -> String {
    format!("the {} example", language.name())
}
