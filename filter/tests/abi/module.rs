//! The module under test.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The file that `SERIN_FILTER_WASM` names, or else the one that cargo builds now.
pub(crate) fn bytes() -> Vec<u8> {
    let file = env::var_os("SERIN_FILTER_WASM").map_or_else(build, PathBuf::from);
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let status = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--package",
            "serin-filter",
            "--profile",
            "wasm",
            "--target",
            "wasm32-wasip1",
        ])
        .arg("--target-dir")
        .arg(&target)
        // Flags of the caller, such as those of a coverage run, are for its own target.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .current_dir(root)
        .status()
        .unwrap();
    assert!(status.success(), "the filter does not build");
    target.join("wasm32-wasip1/wasm/serin_filter.wasm")
}
