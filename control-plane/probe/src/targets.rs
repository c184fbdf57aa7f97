//! Whom plans may name: servers of the operator, with what is needed to be let in.

use std::collections::BTreeMap;
use std::fmt;

use serin_outside::Url;

/// What the server's configuration names.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Prometheus servers, by name.
    pub prometheus: BTreeMap<String, Prometheus>,
    /// PostgreSQL databases, by name.
    pub databases: BTreeMap<String, Database>,
    /// Kafka clusters, by name.
    pub kafka: BTreeMap<String, Kafka>,
}

/// A Prometheus server.
#[derive(Clone)]
pub struct Prometheus {
    /// Where its API is, without `/api/v1`.
    pub url: Url,
    /// Bearer token. `None`: it asks for none.
    pub token: Option<String>,
}

/// A PostgreSQL database.
#[derive(Clone)]
pub struct Database {
    /// Name or address of the host.
    pub host: String,
    /// Port.
    pub port: u16,
    /// User.
    pub user: String,
    /// Password. `None`: none is asked for.
    pub password: Option<String>,
    /// Database of the server.
    pub dbname: String,
    /// Whether TLS is needed.
    pub tls: bool,
}

/// A Kafka cluster.
#[derive(Clone, Debug)]
pub struct Kafka {
    /// Brokers to begin with: host and port. What they name further is the operator's, too.
    pub brokers: Vec<(String, u16)>,
}

/// Without the token, and without the path.
impl fmt::Debug for Prometheus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Prometheus").field("host", &self.url.host()).finish_non_exhaustive()
    }
}

/// Without the password.
impl fmt::Debug for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Database");
        shown.field("host", &self.host).field("port", &self.port).field("dbname", &self.dbname);
        shown.finish_non_exhaustive()
    }
}
