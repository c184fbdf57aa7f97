//! Bounds the memory of the module when it is linked.

use std::env;

/// Most memory that a VM may have: 32 MiB. What the filter keeps is bounded far below.
const MAX_MEMORY: usize = 32 * 1024 * 1024;
/// Stack: 128 KiB. It lies first, so that an overflow traps instead of overwriting data.
const STACK: usize = 128 * 1024;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("wasm32") {
        for argument in
            ["--stack-first", &format!("-zstack-size={STACK}"), &format!("--max-memory={MAX_MEMORY}")]
        {
            println!("cargo:rustc-cdylib-link-arg={argument}");
        }
    }
}
