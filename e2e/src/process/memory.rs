//! Memory of another process.

use std::path::Path;

use anyhow::{Context, Result};

/// Most memory that process `id` has had resident, in bytes.
///
/// # Errors
/// When the process is gone.
pub fn peak_memory(id: u32) -> Result<u64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kibibytes * 1024)
}
