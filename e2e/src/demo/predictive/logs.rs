//! The log files of two versions, which `serin logs ship` follows as an operator would have it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinHandle;

use crate::process::Process;
use crate::workspace::Workspace;

/// Between two lines of a version.
const EVERY: Duration = Duration::from_millis(50);
/// How long a shipper may take to send what it has.
const STOP_DEADLINE: Duration = Duration::from_secs(10);
/// Of so many lines of a version that complains, one is an exception.
const EXCEPTION_EVERY: u64 = 5;

/// Files that are written, and programs that ship them. All ends when this is dropped.
#[derive(Debug)]
pub(super) struct Shipped {
    complaining: Arc<Mutex<BTreeMap<String, Arc<AtomicBool>>>>,
    lines: Arc<AtomicU64>,
    writers: Vec<JoinHandle<()>>,
    shippers: Vec<Process>,
}

impl Shipped {
    pub(super) fn start(
        workspace: &Workspace,
        folder: &Path,
        otlp: SocketAddr,
        versions: [&str; 2],
    ) -> Result<Self> {
        let mut shipped = Self {
            complaining: Arc::default(),
            lines: Arc::default(),
            writers: Vec::new(),
            shippers: Vec::new(),
        };
        for version in versions {
            let path = folder.join(format!("shop-{version}.log"));
            let file = File::create(&path)?;
            let complains = Arc::new(AtomicBool::new(false));
            let mut known = shipped.complaining.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(version.to_owned(), Arc::clone(&complains));
            drop(known);
            let lines = Arc::clone(&shipped.lines);
            shipped.writers.push(tokio::spawn(write(file, complains, lines)));
            shipped.shippers.push(ship(workspace, folder, &path, version, otlp)?);
        }
        Ok(shipped)
    }

    /// From now on a version writes exceptions, too.
    pub(super) fn complain(&self, version: &str) {
        let complaining = self.complaining.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(complains) = complaining.get(version) {
            complains.store(true, Ordering::Relaxed);
        }
    }

    /// Ends it, and says how many lines were written.
    pub(super) async fn stop(mut self) -> Result<u64> {
        self.writers.iter().for_each(JoinHandle::abort);
        for shipper in std::mem::take(&mut self.shippers) {
            shipper.stop(STOP_DEADLINE).await?;
        }
        Ok(self.lines.load(Ordering::Relaxed))
    }
}

impl Drop for Shipped {
    fn drop(&mut self) {
        self.writers.iter().for_each(JoinHandle::abort);
    }
}

fn ship(
    workspace: &Workspace,
    folder: &Path,
    file: &Path,
    version: &str,
    otlp: SocketAddr,
) -> Result<Process> {
    let mut command = std::process::Command::new(workspace.binary("serin")?);
    command.args(["logs", "ship", "--follow", "--service", "shop", "--version", version]);
    command.arg("--to").arg(format!("http://{otlp}")).arg(file);
    Process::start("serin logs ship", command, &folder.join(format!("ship-{version}.log")))
}

async fn write(mut file: File, complains: Arc<AtomicBool>, lines: Arc<AtomicU64>) {
    let mut ticks = tokio::time::interval(EVERY);
    for number in 0_u64.. {
        ticks.tick().await;
        let is_exception = complains.load(Ordering::Relaxed) && number.is_multiple_of(EXCEPTION_EVERY);
        let line = if is_exception {
            format!(
                "ERROR payment {number} was taken, and no receipt written: NullPointerException in ReceiptWriter"
            )
        } else {
            format!("INFO order {number} taken in {} ms", 20 + number % 17)
        };
        if writeln!(file, "{line}").is_err() {
            return;
        }
        lines.fetch_add(1, Ordering::Relaxed);
    }
}
