//! A mail server: aiosmtpd from PyPI, with TLS and a login, which keeps each letter as a file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::certificate::Certificate;
use crate::ports::Port;
use crate::process::Process;
use crate::tools::modules;
use crate::workspace::Workspace;

/// What it consists of, checked against digests.
const REQUIREMENTS: &str = "\
aiosmtpd==1.4.6 --hash=sha256:72c99179ba5aa9ae0abbda6994668239b64a5ce054471955fe75f581d2592475
atpublic==9.0.0 --hash=sha256:449c3c4f0c74df79749d6fe225ba55e2a2fce34b303f0329211e4d6989ed6f6e
attrs==26.1.0 --hash=sha256:c647aa4a12dfbad9333ca4e71fe62ddc36f4e63b2d260a37a8b83d2f043ac309
";
const SCRIPT: &str = include_str!("smtp.py");
const START_DEADLINE: Duration = Duration::from_secs(15);

/// Name and password that it takes.
pub const LOGIN: (&str, &str) = ("serin", "correct-horse-battery");

/// Whether it offers to encrypt connections.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Offer {
    /// STARTTLS, without which nothing is taken.
    Starttls,
    /// Nothing: as if somebody in between took the offer away.
    Nothing,
}

/// A running mail server.
#[derive(Debug)]
pub struct Smtp {
    port: Port,
    letters: PathBuf,
    _process: Process,
}

impl Smtp {
    /// Starts one that shows `certificate`. Its files lie in `folder`.
    ///
    /// # Errors
    /// When it cannot be fetched or does not start.
    pub async fn start(
        workspace: &Workspace,
        folder: &Path,
        offer: Offer,
        certificate: &Certificate,
    ) -> Result<Self> {
        let port = Port::reserve()?;
        let (script, letters) = (folder.join("smtp.py"), folder.join("letters"));
        std::fs::create_dir_all(&letters)?;
        std::fs::write(&script, SCRIPT)?;
        let mut command = Command::new("python3");
        let modules = modules::folder(workspace, "aiosmtpd-1.4.6", REQUIREMENTS)?;
        command.env("PYTHONPATH", modules).arg(&script).arg(port.number().to_string());
        command.arg(if offer == Offer::Starttls { "starttls" } else { "nothing" });
        command.arg(&certificate.certificate).arg(&certificate.key).arg(&letters).args([LOGIN.0, LOGIN.1]);
        let mut process = Process::start("smtp", command, &folder.join("smtp.log"))?;
        let end = Instant::now() + START_DEADLINE;
        while tokio::net::TcpStream::connect(port.address()).await.is_err() {
            process.ensure_running()?;
            if Instant::now() > end {
                bail!("the mail server does not start:\n{}", process.tail());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { port, letters, _process: process })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// The letters that it took, in order, each with lines about its envelope before it.
    ///
    /// # Errors
    /// When their folder cannot be read.
    pub fn letters(&self) -> Result<Vec<String>> {
        let files = std::fs::read_dir(&self.letters)?.map(|entry| Ok(entry?.path()));
        let mut files: Vec<PathBuf> = files.collect::<Result<_>>()?;
        files.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
        files.sort();
        files.iter().map(|path| Ok(std::fs::read_to_string(path)?)).collect()
    }
}
