//! What ARCHITECTURE.md says about the shape of the code, checked against the code.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serin_e2e::workspace::Workspace;

/// Crates that decide, and never reach outside.
const PURE: [&str; 13] = [
    "filter/core",
    "control-plane/analysis",
    "control-plane/policy",
    "control-plane/predictor",
    "control-plane/random",
    "control-plane/dashboard",
    "control-plane/evidence",
    "control-plane/learning",
    "control-plane/logs",
    "control-plane/forecast",
    "control-plane/rollout",
    "control-plane/series",
    "control-plane/trace",
];
/// What reaches outside.
const OUTSIDE: [&str; 10] = [
    "Instant::now",
    "SystemTime::now",
    "std::env",
    "std::fs",
    "std::net",
    "std::thread",
    "tokio::",
    "rand::",
    "static mut",
    "thread_local!",
];

fn root() -> PathBuf {
    Workspace::locate().unwrap().root().to_owned()
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("target") && !path.ends_with(".git") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "no source below {}", folder.display());
    found
}

/// A file's code before its tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or_default()
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
}

/// The dependencies of a crate, without those for tests.
fn dependencies(crate_folder: &str) -> Vec<String> {
    let manifest = fs::read_to_string(root().join(crate_folder).join("Cargo.toml")).unwrap();
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    section
        .lines()
        .filter_map(|line| line.split(['=', '.', ' ']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn pure_crates_touch_nothing_outside() {
    for folder in PURE {
        for (path, text) in sources(&root().join(folder).join("src")) {
            if is_test(&path) {
                continue;
            }
            for word in OUTSIDE {
                assert!(!code(&text).contains(word), "{} uses {word}", path.display());
            }
        }
        for name in dependencies(folder) {
            let outside = ["tokio", "tonic", "rand", "getrandom", "reqwest", "hyper", "rusqlite"];
            assert!(!outside.contains(&name.as_str()), "{folder} depends on {name}");
        }
        let lib = fs::read_to_string(root().join(folder).join("src/lib.rs")).unwrap();
        assert!(lib.contains("#![forbid(unsafe_code)]"), "{folder} does not forbid unsafe code");
    }
}

#[test]
fn only_the_hostcalls_of_the_filter_are_unsafe() {
    for (path, text) in sources(&root().join("filter/src")) {
        let file = path.strip_prefix(root().join("filter/src")).unwrap();
        let may = file.starts_with("hostcalls") || file == Path::new("hostcalls.rs");
        let calls = text.contains("extern \"C\" {") || text.contains("wasm_import_module");
        assert!(may || !calls, "{} imports hostcalls", path.display());
    }
}

#[test]
fn filter_and_control_plane_do_not_depend_on_each_other() {
    for folder in ["filter", "filter/core"] {
        let ours: Vec<_> =
            dependencies(folder).into_iter().filter(|name| name.starts_with("serin")).collect();
        let allowed = ["serin-filter-core", "serin-proto"];
        assert!(ours.iter().all(|name| allowed.contains(&name.as_str())), "{folder}: {ours:?}");
    }
    for folder in [
        "control-plane",
        "control-plane/analysis",
        "control-plane/policy",
        "control-plane/notify",
        "control-plane/outside",
        "control-plane/evidence",
        "control-plane/registry",
        "control-plane/rollout",
        "control-plane/trace",
    ] {
        let names = dependencies(folder);
        assert!(!names.iter().any(|name| name.starts_with("serin-filter")), "{folder}: {names:?}");
    }
}

#[test]
fn the_invariants_name_tests_that_exist() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let invariants = page.split("## Invariants").nth(1).unwrap();
    let all: String = sources(&root()).into_iter().map(|(_, text)| text).collect();
    let names = invariants.split('`').skip(1).step_by(2).filter(|name| name.matches('_').count() >= 3);
    let mut found = 0;
    for name in names {
        assert!(all.contains(&format!("fn {name}(")), "no test is named {name}");
        found += 1;
    }
    assert!(found >= 20, "only {found} tests are named");
}

/// `cargo xtask` builds without dev-dependencies, the gates with them: a crate that gets other features in one of them is built twice, and
/// so is everything above it.
#[test]
fn xtask_and_the_gates_share_one_build_of_every_crate() {
    let features = |edges: &str| -> BTreeSet<String> {
        let mut tree = Command::new("cargo");
        tree.current_dir(root()).args(["tree", "--workspace", "--offline", "--prefix", "none"]);
        let out = tree.args(["--format", "{p} {f}", "--edges", edges]).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let text = String::from_utf8(out.stdout).unwrap();
        text.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
    };
    let tested = features("normal,build,dev");
    let lone: Vec<String> = features("normal,build").difference(&tested).cloned().collect();
    assert!(lone.is_empty(), "let dependencies ask for the features that tests ask for: {lone:#?}");
}
