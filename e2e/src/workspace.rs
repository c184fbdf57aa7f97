//! Where the repository and its build outputs lie, and the builds themselves.
//!
//! Builds go through the same `cargo` and the same target folder as everything else, so each crate is built once.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Target of the filter.
pub const WASM_TARGET: &str = "wasm32-wasip1";

/// The repository and its target folder.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds the repository and asks cargo for its target folder.
    ///
    /// # Errors
    /// When cargo does not answer.
    pub fn locate() -> Result<Self> {
        let manifest =
            std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest)
            .ancestors()
            .find(|folder| folder.join("Cargo.lock").exists())
            .context("no Cargo.lock above CARGO_MANIFEST_DIR")?
            .to_owned();
        let output = Command::new(cargo())
            .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
            .current_dir(&root)
            .stderr(Stdio::inherit())
            .output()
            .context("cannot run cargo metadata")?;
        let metadata: serde_json::Value =
            serde_json::from_slice(&output.stdout).context("cargo metadata failed")?;
        let target =
            metadata.get("target_directory").and_then(|v| v.as_str()).context("no target_directory")?;
        Ok(Self { root, target: target.into() })
    }

    /// Root of the repository.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target folder.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// A fresh, empty folder for the files and logs of one run, below the target folder.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn scratch(&self, name: &str) -> Result<PathBuf> {
        let folder = self.target.join("e2e").join(format!("{name}-{}", std::process::id()));
        if folder.exists() {
            std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(folder)
    }

    /// A `cargo` command in the root of the repository. It sees nothing of what `cargo run` tells its program: build scripts that watch
    /// those variables, as that of ring, would run again, and all that needs them be built anew.
    #[must_use]
    pub fn cargo(&self) -> Command {
        let mut command = Command::new(cargo());
        command.current_dir(&self.root);
        for (name, _) in std::env::vars_os() {
            let of_the_program = ["CARGO_MANIFEST_", "CARGO_PKG_"];
            if name.to_str().is_some_and(|name| of_the_program.iter().any(|prefix| name.starts_with(prefix)))
            {
                command.env_remove(&name);
            }
        }
        command
    }

    /// A binary of the workspace, in the dev profile. [`Self::build_native`] makes them.
    ///
    /// # Errors
    /// When it has not been built.
    pub fn binary(&self, name: &str) -> Result<PathBuf> {
        let path = self.target.join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        if !path.exists() {
            bail!("{} is missing; `cargo xtask build` makes it", path.display());
        }
        Ok(path)
    }

    /// Builds the native binaries, in the dev profile.
    ///
    /// # Errors
    /// When the build fails; the compiler's output has been shown.
    pub fn build_native(&self) -> Result<()> {
        let mut command = self.cargo();
        command.args(["build", "--quiet", "--workspace", "--bins"]);
        run(&mut command, "cargo build")
    }

    /// Builds a binary in the release profile and returns its path.
    ///
    /// # Errors
    /// When the build fails; the compiler's output has been shown.
    pub fn build_release(&self, package: &str, name: &str) -> Result<PathBuf> {
        let mut command = self.cargo();
        command.args(["build", "--quiet", "--release", "--package", package, "--bin", name]);
        run(&mut command, "cargo build --release")?;
        Ok(self.target.join("release").join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
    }

    /// Builds the filter and returns its path.
    ///
    /// # Errors
    /// When the WASM target cannot be installed or the build fails.
    pub fn build_wasm(&self) -> Result<PathBuf> {
        self.ensure_target(WASM_TARGET)?;
        let mut command = self.cargo();
        command.args([
            "build",
            "--quiet",
            "--package",
            "serin-filter",
            "--profile",
            "wasm",
            "--target",
            WASM_TARGET,
        ]);
        run(&mut command, "build of the filter")?;
        self.wasm()
    }

    /// The filter, as [`Self::build_wasm`] made it.
    ///
    /// # Errors
    /// When it has not been built.
    pub fn wasm(&self) -> Result<PathBuf> {
        let path = self.target.join(WASM_TARGET).join("wasm").join("serin_filter.wasm");
        if !path.exists() {
            bail!("{} is missing; `cargo xtask build` makes it", path.display());
        }
        Ok(path)
    }

    /// Installs the WASM target of the pinned toolchain if it is missing.
    ///
    /// # Errors
    /// When it is missing and rustup cannot install it.
    pub fn ensure_target(&self, target: &str) -> Result<()> {
        let output = Command::new("rustc")
            .args(["--print", "target-libdir", "--target", target])
            .current_dir(&self.root)
            .output()
            .context("cannot run rustc")?;
        let library = String::from_utf8_lossy(&output.stdout);
        if Path::new(library.trim()).exists() {
            return Ok(());
        }
        let mut command = Command::new("rustup");
        command.args(["target", "add", target]).current_dir(&self.root);
        run(&mut command, "rustup target add").with_context(|| {
            format!(
                "the target {target} of the Rust toolchain is missing; `rustup target add {target}` must work"
            )
        })
    }
}

/// Runs `command` to its end, with its output shown.
///
/// # Errors
/// When it cannot be started or fails.
pub fn run(command: &mut Command, what: &str) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("cannot run {what}"))?;
    if !status.success() {
        bail!("{what} failed ({status})");
    }
    Ok(())
}

fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
