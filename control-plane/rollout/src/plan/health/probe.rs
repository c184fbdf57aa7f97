//! What is asked of one arm: the forms of a probe, as they are written and as they are asked.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Bound, Findings, Names, PlanRule, target_name};
use crate::plan::queries::{promql, text};

const URL_BYTES: usize = 2_048;
const TEXT_BYTES: usize = 1_024;
const STATUSES: usize = 32;

/// What is asked of one arm.
#[derive(Clone, Debug, PartialEq)]
pub enum Probe {
    /// A GET by HTTP or HTTPS.
    Http(HttpProbe),
    /// The standard health service of gRPC.
    Grpc(GrpcProbe),
    /// A connection.
    Tcp(TcpProbe),
    /// A connection to PostgreSQL, and a query.
    Postgres(PostgresProbe),
    /// What Kafka's brokers say of a topic, and a record where one may be written.
    Kafka(KafkaProbe),
    /// An instant query of a Prometheus server.
    Prometheus(PrometheusProbe),
}

/// A GET.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HttpProbe {
    /// Where, `http://` or `https://`.
    pub url: String,
    /// Statuses that are healthy.
    pub status: Vec<u16>,
    /// What the body must contain. `None`: anything.
    pub body_contains: Option<String>,
}

/// The standard health service of gRPC.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GrpcProbe {
    /// `HOST:PORT`.
    pub address: String,
    /// Service that is asked for; empty: the server as a whole.
    pub service: String,
    /// Whether it speaks TLS.
    pub tls: bool,
}

/// A connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TcpProbe {
    /// `HOST:PORT`.
    pub address: String,
}

/// A connection to a database, and a query.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PostgresProbe {
    /// Target in the server's configuration.
    pub database: String,
    /// A query that gives at least one row. It runs read-only.
    pub query: String,
}

/// What Kafka's brokers say of a topic.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KafkaProbe {
    /// Target in the server's configuration.
    pub cluster: String,
    /// The topic that must be there.
    pub topic: String,
    /// Whether a record is written to it, too.
    pub produce: bool,
}

/// An instant query whose value says whether it is healthy.
#[derive(Clone, Debug, PartialEq)]
pub struct PrometheusProbe {
    /// Target in the server's configuration.
    pub target: String,
    /// The query, with its variables filled in.
    pub promql: String,
    /// Beyond which it is unhealthy.
    pub unhealthy: Bound,
}

/// As it is written: one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PlanProbe")]
pub(super) enum RawProbe {
    /// A GET by HTTP or HTTPS. Redirects are not followed.
    Http(RawHttp),
    /// The standard health service of gRPC.
    Grpc(RawGrpc),
    /// A connection.
    Tcp(RawTcp),
    /// A connection to PostgreSQL, and a query.
    Postgres(RawPostgres),
    /// What Kafka's brokers say of a topic.
    Kafka(RawKafka),
    /// An instant query of a Prometheus server.
    Prometheus(RawPrometheus),
}

/// A GET.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanHttpProbe")]
pub(super) struct RawHttp {
    /// Where: `http://` or `https://`, at most 2048 bytes.
    url: String,
    /// Statuses that are healthy, 100 to 599. Default: 200.
    #[serde(default)]
    status: Option<Vec<u16>>,
    /// What the body must contain within its first 64 KiB.
    #[serde(default)]
    body_contains: Option<String>,
}

/// The standard health service.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanGrpcProbe")]
pub(super) struct RawGrpc {
    /// `HOST:PORT`.
    address: String,
    /// Service that is asked for. Default: the server as a whole.
    #[serde(default)]
    service: String,
    /// Whether it speaks TLS. Default: false.
    #[serde(default)]
    tls: bool,
}

/// A connection.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanTcpProbe")]
pub(super) struct RawTcp {
    /// `HOST:PORT`.
    address: String,
}

/// A connection to PostgreSQL, and a query.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanPostgresProbe")]
pub(super) struct RawPostgres {
    /// Database: a target of the server's configuration.
    database: String,
    /// A query that gives at least one row; it runs in a read-only transaction. Default: SELECT 1.
    #[serde(default)]
    query: Option<String>,
}

/// What Kafka's brokers say of a topic.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanKafkaProbe")]
pub(super) struct RawKafka {
    /// Cluster: a target of the server's configuration.
    cluster: String,
    /// The topic that must be there.
    topic: String,
    /// Whether a record is written to it, too. Default: false.
    #[serde(default)]
    produce: bool,
}

/// An instant query, unhealthy `above` or `below` a value.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanPrometheusProbe")]
pub(super) struct RawPrometheus {
    /// Prometheus server: a target of the server's configuration. Default: main.
    #[serde(default)]
    target: Option<String>,
    /// An instant query that gives one value, with variables as in `queries`.
    query: String,
    /// Unhealthy above this.
    #[serde(default)]
    above: Option<f64>,
    /// Unhealthy below this.
    #[serde(default)]
    below: Option<f64>,
}

impl RawProbe {
    /// `None`: what is wrong is noted.
    pub(super) fn check(&self, field: &str, names: &Names<'_>, findings: &mut Findings) -> Option<Probe> {
        match self {
            Self::Http(raw) => Some(Probe::Http(http(&format!("{field}.http"), raw, findings))),
            Self::Grpc(RawGrpc { address, service, tls }) => {
                self::address(&format!("{field}.grpc.address"), address, findings);
                let (address, service) = (address.clone(), service.clone());
                Some(Probe::Grpc(GrpcProbe { address, service, tls: *tls }))
            }
            Self::Tcp(RawTcp { address }) => {
                self::address(&format!("{field}.tcp.address"), address, findings);
                Some(Probe::Tcp(TcpProbe { address: address.clone() }))
            }
            Self::Postgres(RawPostgres { database, query }) => {
                target_name(&format!("{field}.postgres.database"), database, findings);
                let query = query.clone().unwrap_or_else(|| "SELECT 1".to_owned());
                text(&format!("{field}.postgres.query"), &query, TEXT_BYTES, findings);
                Some(Probe::Postgres(PostgresProbe { database: database.clone(), query }))
            }
            Self::Kafka(RawKafka { cluster, topic, produce }) => {
                target_name(&format!("{field}.kafka.cluster"), cluster, findings);
                text(&format!("{field}.kafka.topic"), topic, 249, findings);
                let (cluster, topic) = (cluster.clone(), topic.clone());
                Some(Probe::Kafka(KafkaProbe { cluster, topic, produce: *produce }))
            }
            Self::Prometheus(raw) => prometheus(&format!("{field}.prometheus"), raw, names, findings),
        }
    }
}

fn http(field: &str, raw: &RawHttp, findings: &mut Findings) -> HttpProbe {
    let of = |name: &str| format!("{field}.{name}");
    text(&of("url"), &raw.url, URL_BYTES, findings);
    let host = raw.url.strip_prefix("http://").or_else(|| raw.url.strip_prefix("https://"));
    let authority = host.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let visible = raw.url.bytes().all(|byte| (0x21..0x7f).contains(&byte));
    if !visible || authority.is_none_or(|name| name.is_empty() || name.contains('@')) {
        let found = raw.url.chars().take(64).collect();
        let expected = "http:// or https://, a host without a user, and a path in visible ASCII";
        findings.add(&of("url"), PlanRule::Form { found, expected });
    }
    let status = raw.status.clone().unwrap_or_else(|| vec![200]);
    if status.is_empty() {
        findings.add(&of("status"), PlanRule::Empty);
    } else if status.len() > STATUSES {
        findings.add(&of("status"), PlanRule::TooLong { limit: STATUSES });
    }
    for (index, code) in status.iter().enumerate() {
        findings.range(&format!("{field}.status[{index}]"), *code, 100, 599);
    }
    if let Some(needed) = &raw.body_contains {
        text(&of("body_contains"), needed, TEXT_BYTES, findings);
    }
    HttpProbe { url: raw.url.clone(), status, body_contains: raw.body_contains.clone() }
}

fn prometheus(field: &str, raw: &RawPrometheus, names: &Names<'_>, findings: &mut Findings) -> Option<Probe> {
    let target = raw.target.clone().unwrap_or_else(|| "main".to_owned());
    target_name(&format!("{field}.target"), &target, findings);
    let unhealthy = match (raw.above, raw.below) {
        (Some(above), None) if above.is_finite() => Some(Bound::Above(above)),
        (None, Some(below)) if below.is_finite() => Some(Bound::Below(below)),
        _ => {
            findings.add(field, PlanRule::OneOf { names: "`above` and `below`" });
            None
        }
    };
    let promql = promql(&format!("{field}.query"), &raw.query, names, findings);
    Some(Probe::Prometheus(PrometheusProbe { target, promql: promql?, unhealthy: unhealthy? }))
}

/// `HOST:PORT`.
fn address(field: &str, address: &str, findings: &mut Findings) {
    let (host, port) = address.rsplit_once(':').unwrap_or_default();
    let visible = host.bytes().all(|byte| (0x21..0x7f).contains(&byte) && !b"/@?#".contains(&byte));
    if host.is_empty() || host.len() > 253 || !visible || !port.parse::<u16>().is_ok_and(|port| port > 0) {
        let found = address.chars().take(64).collect();
        findings.add(field, PlanRule::Form { found, expected: "HOST:PORT" });
    }
}
