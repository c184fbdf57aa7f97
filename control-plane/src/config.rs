//! What the operator says once, before the start: where to listen, where to store, what the filters are told.
//!
//! [`Config::load`] reads a YAML file into [`raw`] (unknown fields are refused, errors name line and column) and
//! checks every rule while turning it into [`Config`]. A value of [`Config`] can be served: its certificates and
//! tokens are in memory, and no listener is open to the network without both, unless `insecure` was asked for.
//! Nothing here binds a socket.

mod evidence;
mod gate;
mod listener;
mod notifications;
mod outside;
pub mod raw;
mod registry;
mod servers;
mod targets;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use evidence::Evidence;
pub use gate::ReleaseGate;
pub use listener::{Listener, Tls, Token};
pub use notifications::{Limits, Notifications};
pub use outside::Outside;
pub use registry::{ArtifactPlace, Registry};
pub use serin_hooks::Targets;
use serin_logs::classify::Model;

/// A configuration that can be served.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder of the database.
    pub data: PathBuf,
    /// Where Envoys attach: reports and configuration streams.
    pub fleet: Listener,
    /// Where people and pipelines attach.
    pub admin: Listener,
    /// Metrics, health and the dashboard.
    pub http: Listener,
    /// Where services send log records and spans. `None`: nowhere.
    pub otlp: Option<Listener>,
    /// The filter that Envoy runs.
    pub filter: Filter,
    /// How the filters report.
    pub report: Report,
    /// The registry of versions.
    pub registry: Registry,
    /// How many rollouts may run at once.
    pub limits: Concurrency,
    /// What may be called outside.
    pub outside: Outside,
    /// Servers that queries and health checks of plans may name.
    pub servers: serin_probe::Targets,
    /// What plans may ask for.
    pub targets: Targets,
    /// Who is told what.
    pub notifications: Notifications,
    /// Evidence of decisions, and the log of who asked for what.
    pub evidence: Evidence,
    /// What tells anomalous templates of logs. `None`: severity and exceptions.
    pub log_model: Option<Model>,
    /// Who says whether a release may go out. `None`: nobody.
    pub gate: Option<ReleaseGate>,
    /// Filter directives of the log, for example `info`.
    pub log: String,
}

/// How many rollouts may run at once; others wait for their turn.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Concurrency {
    /// All together. `None`: any number.
    pub rollouts: Option<u32>,
    /// Of one group. `None`: what the plans say.
    pub per_group: Option<u32>,
}

/// The filter that Envoy runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Filter {
    /// Path of the `.wasm` as Envoy sees it.
    pub path: String,
    /// Version; names the VM, so a new one makes Envoy load the file again.
    pub version: String,
}

/// How the filters report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// Envoy's cluster of the fleet listener.
    pub cluster: String,
    /// Time between reports of one VM.
    pub interval: Duration,
    /// One request in so many is sampled for its upstream host. 0: none.
    pub host_sample: u32,
    /// Whether the filters read the metadata of the routes of these requests.
    pub route_metadata: bool,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// Not YAML, a wrong type, a missing or an unknown field.
    #[error("{}{line}:{column}: {message}", Place(path.as_deref()))]
    Syntax {
        /// The file, where the text came from one.
        path: Option<PathBuf>,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// What is wrong.
        message: String,
    },
    /// A value that breaks a rule.
    #[error("{field}: {rule}")]
    Value {
        /// Path of the field.
        field: String,
        /// The rule.
        rule: String,
    },
    /// A listener that anyone could reach.
    #[error(
        "listeners.{listener}: {address} is not a loopback address, and {missing} missing; \
         give both tls and tokens (or tls.client_ca), or say --insecure"
    )]
    Exposed {
        /// Name of the listener.
        listener: &'static str,
        /// Its address.
        address: std::net::SocketAddr,
        /// What it lacks.
        missing: &'static str,
    },
}

struct Place<'a>(Option<&'a Path>);

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |path| write!(formatter, "{}:", path.display()))
    }
}

impl Config {
    /// Reads `path`, or takes the defaults without one. `insecure` permits listeners that anyone can reach.
    ///
    /// # Errors
    /// Names the place and the rule of what is refused.
    pub fn load(path: Option<&Path>, insecure: bool) -> Result<Self, ConfigError> {
        let Some(path) = path else { return Self::try_from_raw(raw::Config::default(), insecure) };
        let text = read(path)?;
        Self::parse(&text, insecure).map_err(|error| error.within(path))
    }

    /// Parses YAML text. Relative paths are relative to the working directory.
    ///
    /// # Errors
    /// Names the place and the rule of what is refused.
    pub fn parse(text: &str, insecure: bool) -> Result<Self, ConfigError> {
        let raw = if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            raw::Config::default()
        } else {
            serde_saphyr::from_str(text).map_err(|error| syntax(&error))?
        };
        Self::try_from_raw(raw, insecure)
    }

    fn try_from_raw(raw: raw::Config, insecure: bool) -> Result<Self, ConfigError> {
        let outside = Outside::new(raw.outside)?;
        let raw::Listeners { fleet, admin, http, otlp } = raw.listeners;
        Ok(Self {
            registry: Registry::new(raw.registry, &raw.data, insecure)?,
            evidence: Evidence::new(raw.evidence, &raw.audit)?,
            data: raw.data,
            fleet: Listener::new("fleet", fleet, 7440, insecure)?,
            admin: Listener::new("admin", admin, 7441, insecure)?,
            http: Listener::new("http", http, 7442, insecure)?,
            otlp: otlp.map(|otlp| Listener::new("otlp", otlp, 4317, insecure)).transpose()?,
            filter: Filter::try_from(raw.filter)?,
            report: Report::try_from(raw.report)?,
            limits: Concurrency::try_from(raw.limits)?,
            servers: servers::servers(&raw.targets)?,
            targets: targets::targets(raw.targets, &outside, insecure)?,
            outside,
            notifications: Notifications::new(raw.notifications, insecure)?,
            log_model: raw.logs.model.as_deref().map(log_model).transpose()?,
            gate: ReleaseGate::new(raw.gate)?,
            log: raw.log,
        })
    }
}

impl ConfigError {
    pub(crate) fn value(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Value { field: field.into(), rule: rule.into() }
    }

    fn within(self, path: &Path) -> Self {
        match self {
            Self::Syntax { line, column, message, .. } => {
                Self::Syntax { path: Some(path.to_owned()), line, column, message }
            }
            Self::Value { field, rule } => {
                Self::Value { field: format!("{}: {field}", path.display()), rule }
            }
            // Names its file, or is about what the command line allows.
            other @ (Self::Read { .. } | Self::Exposed { .. }) => other,
        }
    }
}

fn log_model(path: &Path) -> Result<Model, ConfigError> {
    let model = Model::from_json(&read(path)?);
    model.map_err(|error| ConfigError::value("logs.model", format!("{}: {error}", path.display())))
}

impl TryFrom<raw::Filter> for Filter {
    type Error = ConfigError;

    fn try_from(raw: raw::Filter) -> Result<Self, ConfigError> {
        text("filter.path", &raw.path, 4_096)?;
        text("filter.version", &raw.version, 64)?;
        Ok(Self { path: raw.path, version: raw.version })
    }
}

impl TryFrom<raw::Report> for Report {
    type Error = ConfigError;

    fn try_from(raw: raw::Report) -> Result<Self, ConfigError> {
        text("report.cluster", &raw.cluster, 64)?;
        if !(100..=60_000).contains(&raw.interval_ms) {
            return Err(ConfigError::value("report.interval_ms", "must be between 100 and 60000"));
        }
        let interval = Duration::from_millis(u64::from(raw.interval_ms));
        let raw::Report { cluster, host_sample, route_metadata, .. } = raw;
        Ok(Self { cluster, interval, host_sample, route_metadata })
    }
}

impl TryFrom<raw::Concurrency> for Concurrency {
    type Error = ConfigError;

    fn try_from(raw: raw::Concurrency) -> Result<Self, ConfigError> {
        let raw::Concurrency { rollouts, per_group } = raw;
        for (field, most) in [("limits.rollouts", rollouts), ("limits.per_group", per_group)] {
            if most.is_some_and(|most| !(1..=1_000).contains(&most)) {
                return Err(ConfigError::value(field, "must be between 1 and 1000"));
            }
        }
        Ok(Self { rollouts, per_group })
    }
}

fn text(field: &str, value: &str, limit: usize) -> Result<(), ConfigError> {
    if value.is_empty() {
        return Err(ConfigError::value(field, "must not be empty"));
    }
    if value.len() > limit {
        return Err(ConfigError::value(field, format!("exceeds {limit} bytes")));
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
}

/// Reads a file that `field` names.
fn read_of(field: String, path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|error| ConfigError::value(field, format!("{}: {error}", path.display())))
}

fn syntax(error: &serde_saphyr::Error) -> ConfigError {
    let place = error.location();
    let (line, column) = place.map_or((1, 1), |location| (location.line(), location.column()));
    let words = error.without_snippet().to_string();
    let repeated = format!(" at line {line}, column {column}");
    let message = words.strip_suffix(&repeated).unwrap_or(&words).to_owned();
    ConfigError::Syntax { path: None, line, column, message }
}

#[cfg(test)]
mod tests;
