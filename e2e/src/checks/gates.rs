//! The gates, cheapest first.

use std::fs;
use std::future::Future;
use std::pin::Pin;
use std::process::Command;

use anyhow::{Result, bail};

use super::{Checks, Outcome, Tally, exists, module};
use crate::clients;
use crate::tools::{Crate, Wheel};
use crate::workspace::WASM_TARGET;

/// Something that must hold.
pub(super) struct Gate {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) run: for<'a> fn(&'a Checks) -> Pending<'a>,
}

type Pending<'a> = Pin<Box<dyn Future<Output = Result<Outcome>> + Send + 'a>>;

macro_rules! gates {
    ($($name:literal $run:ident $about:literal)*) => {
        &[$(Gate { name: $name, about: $about, run: |checks| Box::pin($run(checks)) }),*]
    };
}

/// All gates.
pub(super) const GATES: &[Gate] = gates! {
    "format"     format      "the code is formatted"
    "tidy"       tidy        "files are short, and modules are named by their file"
    "proto"      proto       "the protobuf contract is lint-clean (buf)"
    "lint"       lint        "clippy has nothing to say, with warnings as errors"
    "lint-wasm"  lint_wasm   "the same for the filter, compiled for WASM"
    "docs"       docs        "the documentation builds without a warning"
    "snippet"    snippet     "serin.js is short, and tells of a page view what it should (node --test)"
    "module"     module      "the filter's module is small and imports and exports only what it may"
    "build"      build       "the native binaries and the tests build"
    "unit"       unit        "unit, property and simulation tests"
    "doctest"    doctest     "the examples in the documentation"
    "wasm-core"  wasm_core   "the filter's core passes its own tests as WASM, by wasm-bindgen-test under Node"
    "envoy"      envoy       "the scenarios on a real Envoy"
    "demo"       demo        "a good canary is promoted, one bad route rolled back alone, each granularity undoes its level, a train returns"
};

/// The linter of the contract.
const BUF: Wheel = Wheel {
    package: "buf-bin",
    version: "1.75.0",
    sha256: &[
        "6fd3ecb1694b6f5bcdfb9bef5297b330ffb9731b95445a42944c1b6158428101",
        "159e994efa072a7f3c84e5b90cf57f7b9a5e9f6387121bfc70e82ec7167d5694",
    ],
    member: "buf_bin-1.75.0.data/scripts/buf",
};
/// Runs tests compiled for [`BROWSER_TARGET`]; of the version of the crate `wasm-bindgen`.
const WASM_BINDGEN: Crate =
    Crate { package: "wasm-bindgen-cli", version: "0.2.130", binary: "wasm-bindgen-test-runner" };
/// Target of wasm-bindgen.
const BROWSER_TARGET: &str = "wasm32-unknown-unknown";
/// Crate of the scenarios, which need more than a compiler.
const SCENARIOS: &str = "serin-e2e";

/// All that later gates run, as tests build it.
const BUILD: [&str; 4] = ["build", "--workspace", "--bins", "--tests"];

/// What a run of tests builds: clippy alone looks at examples and benches.
const TESTS: [&str; 3] = ["--lib", "--bins", "--tests"];

/// The example in Rust, a workspace of its own.
const EXAMPLE: [&str; 2] = ["--manifest-path", "e2e/clients/rust/Cargo.toml"];

async fn format(checks: &Checks) -> Result<Outcome> {
    let how = ["--check", "--", "--color", "never"];
    checks.run(checks.cargo(&[&["fmt"], &EXAMPLE[..], &how].concat())).await?;
    checks.check(checks.cargo(&[&["fmt", "--all"], &how[..]].concat())).await
}

async fn proto(checks: &Checks) -> Result<Outcome> {
    let mut buf = Command::new(BUF.binary(&checks.workspace)?);
    buf.current_dir(checks.workspace.root().join("proto")).arg("lint");
    checks.check(buf).await
}

async fn lint(checks: &Checks) -> Result<Outcome> {
    let mut example = checks.cargo(&["clippy", "--locked"]);
    let target = clients::folder(&checks.workspace, clients::Language::Rust);
    example.args(EXAMPLE).arg("--target-dir").arg(target).args(["--", "-D", "warnings"]);
    checks.run(example).await?;
    checks.check(checks.cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])).await
}

async fn lint_wasm(checks: &Checks) -> Result<Outcome> {
    checks.workspace.ensure_target(WASM_TARGET)?;
    let filter = ["clippy", "--package", "serin-filter", "--target", WASM_TARGET, "--", "-D", "warnings"];
    checks.check(checks.cargo(&filter)).await
}

async fn docs(checks: &Checks) -> Result<Outcome> {
    let mut doc = checks.cargo(&["doc", "--workspace", "--no-deps", "--document-private-items"]);
    // Private items are documented too, so links to them lead somewhere.
    doc.env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links");
    checks.check(doc).await
}

async fn snippet(checks: &Checks) -> Result<Outcome> {
    if !exists("node", "--version") {
        return Ok(Outcome::Skipped("Node is not installed".to_owned()));
    }
    let mut node = Command::new("node");
    node.current_dir(checks.workspace.root()).args(["--test", "e2e/snippet/serin.test.mjs"]);
    checks.check(node).await
}

async fn module(checks: &Checks) -> Result<Outcome> {
    checks.workspace.ensure_target(WASM_TARGET)?;
    checks
        .run(checks.cargo(&[
            "build",
            "--package",
            "serin-filter",
            "--profile",
            "wasm",
            "--target",
            WASM_TARGET,
        ]))
        .await?;
    module::check(&fs::read(checks.workspace.wasm()?)?)?;
    Ok(Outcome::Passed(Tally::default()))
}

async fn build(checks: &Checks) -> Result<Outcome> {
    checks.check(checks.cargo(&BUILD)).await
}

async fn unit(checks: &Checks) -> Result<Outcome> {
    let packages = ["--workspace", "--exclude", SCENARIOS];
    tests(checks, &["-E", &format!("not package({SCENARIOS})")], &packages).await
}

async fn doctest(checks: &Checks) -> Result<Outcome> {
    checks.check(checks.cargo(&["test", "--workspace", "--doc"])).await
}

/// The core's own tests by wasm-bindgen-test under Node. What ships is driven at its ABI by the unit tests.
async fn wasm_core(checks: &Checks) -> Result<Outcome> {
    if !exists("node", "--version") {
        return Ok(Outcome::Skipped("Node is not installed".to_owned()));
    }
    checks.workspace.ensure_target(BROWSER_TARGET)?;
    let mut test =
        checks.cargo(&["test", "--package", "serin-filter-core", "--lib", "--target", BROWSER_TARGET]);
    test.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", WASM_BINDGEN.binary(&checks.workspace)?);
    checks.check(test).await
}

/// Scenarios wait more than they compute: one more at a time than a machine of CI has cores.
async fn envoy(checks: &Checks) -> Result<Outcome> {
    let meant = ["-E", &format!("package({SCENARIOS})"), "--test-threads", "3"];
    tests(checks, &meant, &["--package", SCENARIOS]).await
}

async fn demo(checks: &Checks) -> Result<Outcome> {
    checks.run(checks.cargo(&BUILD)).await?;
    crate::demo::check(&checks.workspace).await?;
    crate::demo::check_granularity(&checks.workspace).await?;
    crate::demo::check_operations(&checks.workspace).await?;
    Ok(Outcome::Passed(Tally::default()))
}

/// Runs tests by nextest, or by `cargo test` of `packages` where it is not installed. nextest always builds the whole workspace
/// and runs what is `meant`: what a crate is built with depends on what is built beside it, so all gates share one build.
async fn tests(checks: &Checks, meant: &[&str], packages: &[&str]) -> Result<Outcome> {
    let command = if exists("cargo-nextest", "--version") {
        checks.cargo(&[&["nextest", "run", "--no-fail-fast", "--workspace"], &TESTS[..], meant].concat())
    } else {
        checks.cargo(&[&["test", "--no-fail-fast"], &TESTS[..], packages].concat())
    };
    checks.check(command).await
}

/// Lines that a source file may have, tests within it not counted.
const FILE_LINES: usize = 400;

async fn tidy(checks: &Checks) -> Result<Outcome> {
    let mut folders = vec![checks.workspace.root().to_owned()];
    let mut complaints = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if kind.is_dir() && !name.starts_with('.') && name != "target" {
                folders.push(path);
            } else if name == "mod.rs" {
                complaints.push(format!("{}: name the module by its file", path.display()));
            } else if name.ends_with(".rs") {
                let text = fs::read_to_string(&path)?;
                let lines = text.lines().take_while(|line| *line != "mod tests {").count();
                if lines > FILE_LINES {
                    complaints.push(format!("{}: {lines} lines, {FILE_LINES} allowed", path.display()));
                }
            }
        }
    }
    if complaints.is_empty() { Ok(Outcome::Passed(Tally::default())) } else { bail!(complaints.join("\n")) }
}
