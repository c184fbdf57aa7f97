//! How many files, and so connections, this process and its children may have open.

use anyhow::{Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Allows at least `least` open files, as far as the system lets it.
///
/// # Errors
/// When the system allows fewer.
pub fn allow_many_files(least: u64) -> Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    let allowed = maximum.unwrap_or(u64::MAX);
    ensure!(
        allowed >= least,
        "{least} open files are needed and {allowed} allowed; raise the hard limit (`ulimit -Hn`)"
    );
    Ok(())
}
