//! Prometheus and Alertmanager, out of the packages of Debian.
//!
//! Both keep their files in a folder of their own and are asked to do everything each second, so that a test need not wait. Debian's
//! Alertmanager reads its templates from where its package is installed, a path inside of the binary; that is replaced, in a copy,
//! by one of the same length that leads to where it runs.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::http;
use crate::ports::Port;
use crate::process::Process;
use crate::tools::debian::Package;
use crate::tools::make_executable;
use crate::workspace::Workspace;

const PROMETHEUS: Package = Package {
    name: "prometheus",
    version: "2.42.0",
    release: "12 (bookworm)",
    member: "usr/bin/prometheus",
    libraries: &[],
};
const ALERTMANAGER: Package = Package {
    name: "prometheus-alertmanager",
    version: "0.25.0",
    release: "12 (bookworm)",
    member: "usr/bin/prometheus-alertmanager",
    libraries: &[],
};
/// Where Debian's Alertmanager reads its templates.
const TEMPLATES: &str = "/usr/share/prometheus/alertmanager";
const PROMTOOL: Package = Package { member: "usr/bin/promtool", ..PROMETHEUS };
const START_DEADLINE: Duration = Duration::from_secs(30);
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// What a Prometheus server is told to do.
#[derive(Clone, Debug)]
pub struct Scrape<'a> {
    /// What is scraped.
    pub exporter: SocketAddr,
    /// Who is told of alerts.
    pub alertmanager: Option<SocketAddr>,
    /// Alerts by name: expressions that are true as long as they fire. Labels of their series are those of the alert.
    pub alerts: &'a [(&'a str, &'a str)],
}

/// A running server of either kind. Dropping it ends it.
#[derive(Debug)]
pub struct Server {
    process: Process,
}

/// Starts a Prometheus server that listens on `port`, so that it can come back there.
///
/// # Errors
/// When it cannot be fetched or does not become ready.
pub async fn prometheus(
    workspace: &Workspace,
    folder: &Path,
    port: &Port,
    scrape: &Scrape<'_>,
) -> Result<Server> {
    let alerts = scrape.alerts.iter().map(|(name, expression)| json!({"alert": name, "expr": expression}));
    let alerts: Vec<Value> = alerts.collect();
    let rules = json!({"groups": [{"name": "test", "interval": "1s", "rules": alerts}]});
    let targets = |address: SocketAddr| json!([{"targets": [address]}]);
    let alertmanagers: Vec<Value> =
        scrape.alertmanager.map(|address| json!({"static_configs": targets(address)})).into_iter().collect();
    written(folder, "rules.yaml", &rules)?;
    let config = json!({
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [{"job_name": "test", "static_configs": targets(scrape.exporter)}],
        "rule_files": ["rules.yaml"],
        "alerting": {"alertmanagers": alertmanagers},
    });
    prometheus_configured(workspace, folder, port, &config).await
}

/// The same with a whole configuration.
///
/// # Errors
/// As [`prometheus`].
pub async fn prometheus_configured(
    workspace: &Workspace,
    folder: &Path,
    port: &Port,
    config: &Value,
) -> Result<Server> {
    let mut command = Command::new(PROMETHEUS.binary(workspace)?);
    command.arg(written(folder, "prometheus.yaml", config)?);
    command.arg(format!("--storage.tsdb.path={}", folder.join("prometheus").display()));
    // What fires before it knows its Alertmanager, for five seconds, is lost and told again only then.
    command.arg("--rules.alert.resend-delay=1s");
    Server::start("prometheus", command, folder, port).await
}

/// A command of Prometheus' own checker of configurations and rules.
///
/// # Errors
/// When it cannot be fetched.
pub fn promtool(workspace: &Workspace) -> Result<Command> {
    Ok(Command::new(PROMTOOL.binary(workspace)?))
}

/// Starts an Alertmanager that posts all that fires and is resolved to `url`.
///
/// # Errors
/// When it cannot be fetched or does not become ready.
pub async fn alertmanager(workspace: &Workspace, folder: &Path, port: &Port, url: &str) -> Result<Server> {
    let config = json!({
        "route": {
            "receiver": "test", "group_by": ["alertname"],
            "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1s",
        },
        "receivers": [{"name": "test", "webhook_configs": [{"url": url, "send_resolved": true}]}],
    });
    let argument = written(folder, "alertmanager.yaml", &config)?;
    let mut command = relocated(&ALERTMANAGER.binary(workspace)?, &folder.join("alertmanager-binary"))?;
    command.arg(argument);
    command.arg(format!("--storage.path={}", folder.join("alertmanager").display()));
    // Without a cluster.
    command.arg("--cluster.listen-address=");
    Server::start("alertmanager", command, folder, port).await
}

/// Runs a copy of Alertmanager at `copy` that reads its templates in the folder that it runs in.
fn relocated(binary: &Path, copy: &Path) -> Result<Command> {
    let package = binary.ancestors().nth(3).context("the binary lies in usr/bin of a package")?;
    let mut bytes = std::fs::read(binary)?;
    let here = "./".repeat(TEMPLATES.len() / 2);
    let places: Vec<usize> = bytes
        .windows(TEMPLATES.len())
        .enumerate()
        .filter(|(_, found)| *found == TEMPLATES.as_bytes())
        .map(|(at, _)| at)
        .collect();
    for at in places {
        if let Some(place) = bytes.get_mut(at..at + here.len()) {
            place.copy_from_slice(here.as_bytes());
        }
    }
    std::fs::write(copy, bytes)?;
    make_executable(copy)?;
    let mut command = Command::new(copy);
    command.current_dir(package.join(TEMPLATES.trim_start_matches('/')));
    Ok(command)
}

/// Writes a file of configuration, and gives the argument that names it.
fn written(folder: &Path, name: &str, config: &Value) -> Result<String> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(name);
    std::fs::write(&path, config.to_string()).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(format!("--config.file={}", path.display()))
}

impl Server {
    async fn start(name: &str, mut command: Command, folder: &Path, port: &Port) -> Result<Self> {
        command.arg(format!("--web.listen-address={}", port.address()));
        let mut process = Process::start(name, command, &folder.join(format!("{name}.log")))?;
        let end = Instant::now() + START_DEADLINE;
        while !http::get(port.address(), "/-/ready", &[]).await.is_ok_and(|answer| answer.status() == 200) {
            process.ensure_running()?;
            if Instant::now() > end {
                bail!("{name} does not become ready:\n{}", process.tail());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(Self { process })
    }

    /// Ends it in good order.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn stop(self) -> Result<()> {
        self.process.stop(STOP_DEADLINE).await?;
        Ok(())
    }
}
