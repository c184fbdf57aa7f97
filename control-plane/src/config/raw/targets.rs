//! Targets, before their rules are checked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// What plans may ask for, by name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Targets {
    /// Where hooks post to.
    pub webhooks: BTreeMap<String, WebhookTarget>,
    /// Programs that hooks may run.
    pub commands: BTreeMap<String, CommandTarget>,
    /// PostgreSQL databases that health checks ask, and whose schema plans may change.
    pub databases: BTreeMap<String, DatabaseTarget>,
    /// Clusters of Kubernetes in which hooks may act.
    pub kubernetes: BTreeMap<String, KubernetesTarget>,
    /// Prometheus servers. The one that plans mean where they name none is `main`.
    pub prometheus: BTreeMap<String, PrometheusTarget>,
    /// Kafka clusters.
    pub kafka: BTreeMap<String, KafkaTarget>,
}

/// Where hooks post to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookTarget {
    /// The address.
    pub url: String,
    /// File of the key that requests are signed with, 16 to 4096 bytes. Absent: they are not.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
}

/// A program that hooks may run. There is no shell, and no environment but what the hook is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandTarget {
    /// Its absolute path.
    pub program: PathBuf,
    /// Arguments before those of the plan.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Where it runs. Default: `/`.
    #[serde(default = "root")]
    pub folder: PathBuf,
}

fn root() -> PathBuf {
    PathBuf::from("/")
}

/// A PostgreSQL database whose schema plans may change.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseTarget {
    /// Name or address of its host. Its addresses have to be permitted by `outside`.
    pub host: String,
    /// Its port. Default: 5432.
    #[serde(default = "postgres_port")]
    pub port: u16,
    /// Role that changes the schema.
    pub user: String,
    /// File of its password. Absent: it needs none.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Name of the database.
    pub dbname: String,
    /// Whether the connection is protected by TLS. Default: true.
    #[serde(default = "yes")]
    pub tls: bool,
    /// PEM file of the only authorities that are believed. Absent: those of `outside`.
    #[serde(default)]
    pub ca: Option<PathBuf>,
}

/// A cluster of Kubernetes, reached in one of three ways.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesTarget {
    /// By an access file as `kubectl` has one.
    #[serde(default)]
    pub kubeconfig: Option<Kubeconfig>,
    /// As a pod of the cluster, by its service account.
    #[serde(default)]
    pub in_cluster: bool,
    /// By its address.
    #[serde(default)]
    pub server: Option<KubernetesServer>,
    /// Namespaces in which hooks may act, 1 to 64.
    pub namespaces: Vec<String>,
    /// How long one request may take, 100ms to 1m. Default: `outside.timeout`.
    #[serde(default)]
    pub deadline: Option<String>,
}

/// An access file. It is read once, at the start.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kubeconfig {
    /// Its path.
    pub file: PathBuf,
    /// The context in it. Absent: its current one.
    #[serde(default)]
    pub context: Option<String>,
}

/// The API server of a cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesServer {
    /// Its address.
    pub url: String,
    /// PEM file of the only authorities that are believed. Absent: those of `outside`.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// File of a bearer token, which is read anew for each request. Absent: it asks for none.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
}

/// A Prometheus server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrometheusTarget {
    /// Where its API is, without `/api/v1`.
    pub url: String,
    /// File of a bearer token. Absent: it asks for none.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
}

/// A Kafka cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaTarget {
    /// Brokers to begin with, `HOST:PORT`, 1 to 16.
    pub brokers: Vec<String>,
}

const fn postgres_port() -> u16 {
    5432
}

const fn yes() -> bool {
    true
}
