//! Targets, before their rules are checked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// Servers that plans may name, by kind and name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Targets {
    /// Prometheus servers. The one that plans mean where they name none is `main`.
    pub prometheus: BTreeMap<String, PrometheusTarget>,
    /// PostgreSQL databases.
    pub databases: BTreeMap<String, DatabaseTarget>,
    /// Kafka clusters.
    pub kafka: BTreeMap<String, KafkaTarget>,
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

/// A PostgreSQL database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseTarget {
    /// Name or address of the host.
    pub host: String,
    /// Port. Default: 5432.
    #[serde(default = "postgres_port")]
    pub port: u16,
    /// User.
    pub user: String,
    /// File of the password. Absent: none is asked for.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Database of the server.
    pub dbname: String,
    /// Whether TLS is needed. Default: true.
    #[serde(default = "yes")]
    pub tls: bool,
}

/// A Kafka cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaTarget {
    /// Brokers to begin with, `HOST:PORT`, 1 to 16.
    pub brokers: Vec<String>,
}

const fn postgres_port() -> u16 {
    5_432
}

const fn yes() -> bool {
    true
}
