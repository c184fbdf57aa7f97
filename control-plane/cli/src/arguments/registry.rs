//! The command line of the registry of versions.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serin_registry::{Kind, Subject, Version};

/// Commands on releases.
#[derive(Debug, Subcommand)]
pub(crate) enum Release {
    /// Register a version of an application, with the versions of its components and blocks and their artifacts.
    Register {
        /// The release as YAML; - reads standard input. Paths in it are relative to it.
        #[arg(short, long, value_name = "FILE")]
        file: PathBuf,
    },
    /// The versions of applications, newest first.
    List {
        /// Only this application.
        #[arg(value_parser = application)]
        application: Option<String>,
        #[command(flatten)]
        limit: Limit,
    },
    /// One version of an application: what it consists of, and where it is live.
    Show {
        /// The application.
        #[arg(value_parser = application)]
        application: String,
        /// Label of the version. Without it: the newest one.
        #[arg(id = "label", value_name = "VERSION", value_parser = version)]
        version: Option<String>,
    },
}

/// Commands on blocks.
#[derive(Debug, Subcommand)]
pub(crate) enum Block {
    /// The blocks with their newest versions.
    List {
        /// Only those of this application or component: APPLICATION or APPLICATION/COMPONENT.
        #[arg(value_parser = subject)]
        within: Option<String>,
        /// All versions of each block.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        limit: Limit,
    },
    /// One version of a block: what it carries, where it is used, and where it is live.
    Show {
        #[command(flatten)]
        block: BlockPath,
        /// Label of the version. Without it: the newest one.
        #[arg(id = "label", value_name = "VERSION", value_parser = version)]
        version: Option<String>,
    },
    /// What changed between two versions of a block, line by line.
    Diff {
        #[command(flatten)]
        block: BlockPath,
        /// Label of the older version.
        #[arg(value_parser = version)]
        from: String,
        /// Label of the newer version.
        #[arg(value_parser = version)]
        to: String,
    },
    /// What happened to the versions of a block, newest first.
    History {
        #[command(flatten)]
        block: BlockPath,
        #[command(flatten)]
        limit: Limit,
    },
}

/// Which block.
#[derive(Args, Debug)]
pub(crate) struct BlockPath {
    /// APPLICATION/COMPONENT/BLOCK.
    #[arg(value_parser = block)]
    pub(crate) block: String,
}

/// How many.
#[derive(Args, Debug)]
pub(crate) struct Limit {
    /// At most so many, 1 to 1,000.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) limit: u32,
    /// Go on below this number, as the note at the end of a list says.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) before: u64,
}

/// An artifact to get.
#[derive(Args, Debug)]
pub(crate) struct Artifact {
    /// APPLICATION, APPLICATION/COMPONENT or APPLICATION/COMPONENT/BLOCK.
    #[arg(value_parser = subject)]
    pub(crate) subject: String,
    /// Label of the version.
    #[arg(id = "label", value_name = "VERSION", value_parser = version)]
    pub(crate) version: String,
    /// File to write. Without it, standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

pub(super) fn application(text: &str) -> Result<String, String> {
    Subject::application(text).map(|_| text.to_owned()).map_err(|rule| rule.to_string())
}

fn subject(text: &str) -> Result<String, String> {
    text.parse::<Subject>().map(|_| text.to_owned()).map_err(|rule| rule.to_string())
}

fn block(text: &str) -> Result<String, String> {
    match text.parse::<Subject>() {
        Ok(subject) if subject.kind() == Kind::Block => Ok(text.to_owned()),
        Ok(_) | Err(_) => Err("must be APPLICATION/COMPONENT/BLOCK".to_owned()),
    }
}

fn version(text: &str) -> Result<String, String> {
    text.parse::<Version>().map(|_| text.to_owned()).map_err(|rule| rule.to_string())
}
