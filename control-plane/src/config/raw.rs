//! The YAML form of the configuration, before its rules are checked. Every field has a default; unknown fields
//! are refused.

mod targets;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

pub use super::notifications::raw::Notifications;
pub use targets::{
    CommandTarget, DatabaseTarget, KafkaTarget, Kubeconfig, KubernetesServer, KubernetesTarget,
    PrometheusTarget, Targets, WebhookTarget,
};

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder of the database; created when missing. Default: `./serin-data`.
    pub data: PathBuf,
    /// Where to listen.
    pub listeners: Listeners,
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
    /// What plans may ask for.
    pub targets: Targets,
    /// Who is told what.
    pub notifications: Notifications,
    /// Evidence of decisions.
    pub evidence: Evidence,
    /// The log of who asked for what.
    pub audit: Audit,
    /// Logs of services, as evidence.
    pub logs: Logs,
    /// Who says whether a release may go out.
    pub gate: Gate,
    /// Filter directives of the log, as in `RUST_LOG` (which wins when set). Default: `info`.
    pub log: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("serin-data"),
            listeners: Listeners::default(),
            filter: Filter::default(),
            report: Report::default(),
            registry: Registry::default(),
            limits: Concurrency::default(),
            outside: Outside::default(),
            targets: Targets::default(),
            notifications: Notifications::default(),
            evidence: Evidence::default(),
            audit: Audit::default(),
            logs: Logs::default(),
            gate: Gate::default(),
            log: "info".to_owned(),
        }
    }
}

/// Logs of services, as evidence.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Logs {
    /// The model that tells anomalous templates, as `serin logs train` writes it. Absent: severity and exceptions tell.
    pub model: Option<PathBuf>,
}

/// Who says whether a release may go out, at `/api/gate` of the http listener.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gate {
    /// The model, as `serin predict train` writes it, or the folder of `serin learn`, whose predictor in force is asked. Absent: nobody does.
    pub model: Option<PathBuf>,
    /// A probability of a rollback from which on an approval is needed. Absent: that from which on holding up costs less.
    pub approval: Option<f64>,
    /// Block if the probability is above this with 95 % certainty. Default: 0.6.
    pub block: Option<f64>,
}

/// The listeners.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listeners {
    /// Where Envoys attach. Default address: `127.0.0.1:7440`.
    pub fleet: Listener,
    /// Where people and pipelines attach. Default address: `127.0.0.1:7441`.
    pub admin: Listener,
    /// Metrics, health and the dashboard. Default address: `127.0.0.1:7442`.
    pub http: Listener,
    /// Where services and collectors send log records and spans by OTLP, gRPC and HTTP alike. Absent: nowhere. Default address:
    /// `127.0.0.1:4317`.
    pub otlp: Option<Listener>,
}

/// One listener.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listener {
    /// Address and port. Port 0: any free one.
    pub address: Option<SocketAddr>,
    /// Certificates. Absent: no TLS.
    pub tls: Option<Tls>,
    /// Who may call: name to file of the bearer token. Empty: everyone who can connect. Of the fleet listener, the
    /// filters are told the first one by name.
    pub tokens: BTreeMap<String, PathBuf>,
}

/// Certificates of a listener, as PEM files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Chain of the server, leaf first.
    pub cert: PathBuf,
    /// Private key of the leaf.
    pub key: PathBuf,
    /// Authority of client certificates. Absent: clients show none; given: they MUST show one.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
}

/// The filter that Envoy runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Path of the `.wasm` as Envoy sees it. Default: `/etc/envoy/serin_filter.wasm`.
    pub path: String,
    /// Version of the filter. Default: the version of the control plane.
    pub version: String,
}

impl Default for Filter {
    fn default() -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { path: "/etc/envoy/serin_filter.wasm".to_owned(), version }
    }
}

/// How the filters report.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Report {
    /// Envoy's cluster of the fleet listener. Default: `serin_control_plane`.
    pub cluster: String,
    /// Milliseconds between reports of one VM, 100 to 60,000. Default: 1,000.
    pub interval_ms: u32,
    /// One request in so many is sampled for its upstream host; 0: none. Default: 16.
    pub host_sample: u32,
    /// Whether the tags that routes carry in their metadata are read with that sample; see `docs/tag-routes.md`. Default:
    /// true.
    pub route_metadata: bool,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            cluster: "serin_control_plane".to_owned(),
            interval_ms: 1_000,
            host_sample: 16,
            route_metadata: true,
        }
    }
}

/// How many rollouts may run at once. Others wait for their turn, in the order in which they were created. An experiment takes no
/// turn.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Concurrency {
    /// All together, 1 to 1,000. Absent: any number.
    pub rollouts: Option<u32>,
    /// Of one group, which plans name in `concurrency`, 1 to 1,000. Absent: what the plans say.
    pub per_group: Option<u32>,
}

/// The registry of versions.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Registry {
    /// Where artifacts are kept. Nothing else may write there. Default: the folder `artifacts` inside `data`.
    pub store: Option<ArtifactPlace>,
    /// So many newest versions of each application, component and block are kept, 1 to 1,000. Default: 20.
    pub keep_versions: u32,
    /// Versions younger than this are kept, at most 3650d. Default: 30d.
    pub keep_for: String,
}

impl Default for Registry {
    fn default() -> Self {
        Self { store: None, keep_versions: 20, keep_for: "30d".to_owned() }
    }
}

/// Evidence of decisions.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Evidence {
    /// Evidence that is older goes, 1d to 3650d. Default: 365d.
    pub keep_for: String,
    /// When all of it together is larger, the oldest goes; at least 67,108,864. Default: 10,737,418,240 (10 GiB).
    pub max_bytes: u64,
    /// Mask email addresses too. Default: false.
    pub mask_emails: bool,
}

impl Default for Evidence {
    fn default() -> Self {
        Self { keep_for: "365d".to_owned(), max_bytes: 10 * 1024 * 1024 * 1024, mask_emails: false }
    }
}

/// The log of who asked for what.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// Entries that are older go, 1d to 3650d. Default: 365d.
    pub keep_for: String,
}

impl Default for Audit {
    fn default() -> Self {
        Self { keep_for: "365d".to_owned() }
    }
}

/// Where artifacts are kept: one of these.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactPlace {
    /// A folder; created when missing.
    Folder(PathBuf),
    /// A bucket of something that speaks S3.
    S3(S3),
}

/// A bucket. What is absent is taken from the environment (`AWS_REGION`, `AWS_ACCESS_KEY_ID` and so on).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// Name of the bucket, which must be there.
    pub bucket: String,
    /// Path within it. Absent: its root.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Region. Absent: from the environment, else us-east-1.
    #[serde(default)]
    pub region: Option<String>,
    /// Address of the server. Absent: Amazon's.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Public part of the access key.
    #[serde(default)]
    pub access_key_id: Option<String>,
    /// File of its secret part.
    #[serde(default)]
    pub secret_access_key_file: Option<PathBuf>,
}

/// What may be called outside, by everything that does: notifications, hooks, queries and health checks.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outside {
    /// Networks that may be called besides public addresses, for example `10.0.0.0/8`. Default: none.
    pub permit: Vec<String>,
    /// PEM file of authorities that are believed besides the system's.
    pub ca: Option<PathBuf>,
    /// How long a call may take where nothing else is said, 100ms to 1m. Default: 10s.
    pub timeout: String,
}

impl Default for Outside {
    fn default() -> Self {
        Self { permit: Vec::new(), ca: None, timeout: "10s".to_owned() }
    }
}
