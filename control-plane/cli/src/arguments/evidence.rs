//! Evidence, post-mortems and the audit log.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use serin_evidence::Hash;

/// Commands on evidence.
#[derive(Debug, Subcommand)]
pub(crate) enum Evidence {
    /// The bundles and what was added to them, newest first.
    List {
        /// Only of this rollout, or the newest one of this service. Without it: all.
        #[arg(value_name = "ROLLOUT", value_parser = NonEmptyStringValueParser::new())]
        id: Option<String>,
        /// At most so many, 1 to 1,000.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        /// Only entries before this number.
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        before: u64,
    },
    /// One bundle: what was decided, and what was known. With --json all of it.
    Show {
        /// Name of the bundle, for example shop-1a2b3c4d.7.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
        /// Print this document alone, as JSON.
        #[arg(long, value_name = "NAME")]
        document: Option<String>,
    },
    /// Write everything of a rollout, or one bundle, into an archive (.tar.gz) that can be checked without a server.
    Export {
        /// Identifier of a rollout, name of a service for its newest one, or name of a bundle.
        #[arg(value_name = "ROLLOUT|ID", value_parser = NonEmptyStringValueParser::new())]
        of: String,
        /// File to write.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Check that nothing was altered, removed or put elsewhere. Ends with 1 when something was.
    Verify(Verify),
}

/// Commands on the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Who asked for what, oldest first: the newest entries, or all after a number.
    List {
        /// Entries after this number.
        #[arg(long, value_name = "NUMBER")]
        after: Option<u64>,
        /// Write the entries as they are chained, one JSON object a line, to be checked by `audit verify FILE`.
        #[arg(long)]
        raw: bool,
    },
    /// Check that nothing was altered or removed. Ends with 1 when something was.
    Verify(Verify),
}

/// What is checked.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// A file to check without a server: an archive of evidence, what `audit list --raw` wrote, or a copy of the database
    /// (serin.db).
    pub(crate) file: Option<PathBuf>,
    /// A SHA-256 that an earlier check told, which must be in the chain.
    #[arg(long, value_name = "SHA256")]
    pub(crate) anchor: Option<Hash>,
}

/// A post-mortem to write.
#[derive(Args, Debug)]
pub(crate) struct Postmortem {
    /// Identifier of a rollout, name of a service for its newest one, or name of a bundle.
    #[arg(value_name = "ROLLOUT", required_unless_present = "from", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) id: Option<String>,
    /// Write it from this archive, without a server.
    #[arg(long, value_name = "FILE", conflicts_with = "id")]
    pub(crate) from: Option<PathBuf>,
    /// File to write, as Markdown; the charts (SVG) go beside it. Without it: standard output, and no charts.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}
