//! Checking schema changes.

use std::path::PathBuf;

use clap::Subcommand;

/// Commands on schema changes.
#[derive(Debug, Subcommand)]
pub(crate) enum Migrate {
    /// Read an SQL script as PostgreSQL does, without a server, and say of each statement what it may lose and break.
    Check {
        /// The script; - reads standard input.
        file: PathBuf,
    },
}
