//! Asks one thing once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serin_outside::{CallError, HttpClient, Roots, RootsError, Url};
use serin_rollout::outside::{CheckAnswer, QueryAnswer};
use serin_rollout::plan::{Probe, QuerySource};
use tokio::time::timeout;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{Targets, grpc, http, kafka, postgres, prometheus};

/// Why something is not healthy.
pub(crate) enum Trouble {
    /// It was asked, and this speaks against it.
    Failed(String),
    /// It could not be asked: that says nothing of it.
    NotAsked(String),
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Blocked(_) => Self::NotAsked(error.to_string()),
            CallError::Resolve { .. }
            | CallError::Connect(_)
            | CallError::Exchange(_)
            | CallError::Deadline { .. }
            | CallError::TooLarge { .. } => Self::Failed(error.to_string()),
        }
    }
}

/// Asks services, databases and Prometheus servers.
#[derive(Clone)]
pub struct Prober {
    pub(crate) http: HttpClient,
    pub(crate) targets: Arc<Targets>,
    pub(crate) database_tls: MakeRustlsConnect,
    pub(crate) grpc_tls: Arc<rustls::ClientConfig>,
}

impl std::fmt::Debug for Prober {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Prober").field("targets", &self.targets).finish_non_exhaustive()
    }
}

impl Prober {
    /// Asks `targets` and addresses by the policy of `http`, believing `roots`.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(http: HttpClient, roots: &Roots, targets: Targets) -> Result<Self, RootsError> {
        let database_tls = MakeRustlsConnect::new(roots.tls()?);
        let mut grpc_tls = roots.tls()?;
        grpc_tls.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self { http, targets: Arc::new(targets), database_tls, grpc_tls: Arc::new(grpc_tls) })
    }

    /// Asks one arm. Answers within `within`, whatever the other side does.
    pub async fn check(&self, probe: &Probe, within: Duration) -> CheckAnswer {
        let began = Instant::now();
        let asked = async {
            match probe {
                Probe::Http(probe) => http::check(self, probe, within).await,
                Probe::Grpc(probe) => grpc::check(self, probe, within).await,
                Probe::Tcp(probe) => {
                    let (host, port) = host_and_port(&probe.address)?;
                    self.http.policy().connect(host, port, within).await.map(|_| ()).map_err(Trouble::from)
                }
                Probe::Postgres(probe) => postgres::check(self, probe, within).await,
                Probe::Kafka(probe) => kafka::check(self, probe, within).await,
                Probe::Prometheus(probe) => prometheus::check(self, probe, within).await,
            }
        };
        match timeout(within, asked).await {
            Ok(Ok(())) => {
                let latency_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                CheckAnswer::Passed { latency_ms }
            }
            Ok(Err(Trouble::Failed(reason))) => CheckAnswer::Failed { reason },
            Ok(Err(Trouble::NotAsked(reason))) => CheckAnswer::NotAsked { reason },
            Err(_late) => CheckAnswer::Failed { reason: format!("no answer within {within:?}") },
        }
    }

    /// Asks for a value. `None`: this source is told, and not asked.
    pub async fn query(&self, source: &QuerySource, within: Duration) -> Option<QueryAnswer> {
        let QuerySource::Prometheus { target, promql } = source else { return None };
        let asked = prometheus::value(self, target, promql, within);
        Some(match timeout(within, asked).await {
            Ok(Ok(value)) => QueryAnswer::Value { value },
            Ok(Err(Trouble::Failed(reason) | Trouble::NotAsked(reason))) => QueryAnswer::Nothing { reason },
            Err(_late) => QueryAnswer::Nothing { reason: format!("no answer within {within:?}") },
        })
    }
}

/// Who is asked by a probe: the name of a target, or a host with its port.
#[must_use]
pub fn target_of_probe(probe: &Probe) -> String {
    match probe {
        Probe::Http(probe) => probe
            .url
            .parse::<Url>()
            .map_or_else(|_| probe.url.clone(), |url| format!("{}:{}", url.host(), url.port())),
        Probe::Grpc(probe) => probe.address.clone(),
        Probe::Tcp(probe) => probe.address.clone(),
        Probe::Postgres(probe) => format!("database {}", probe.database),
        Probe::Kafka(probe) => format!("kafka {}", probe.cluster),
        Probe::Prometheus(probe) => prometheus_target(&probe.target),
    }
}

/// Who is asked for a value. `None`: nobody, it is sent.
#[must_use]
pub fn target_of_query(source: &QuerySource) -> Option<String> {
    match source {
        QuerySource::Prometheus { target, .. } => Some(prometheus_target(target)),
        // What services sent is at hand.
        QuerySource::Otlp(query) => Some(format!("metric {}", query.metric)),
        QuerySource::Webhook | QuerySource::Alert { .. } => None,
    }
}

fn prometheus_target(name: &str) -> String {
    format!("prometheus {name}")
}

pub(crate) fn host_and_port(address: &str) -> Result<(&str, u16), Trouble> {
    let split = address.rsplit_once(':');
    let parsed = split.and_then(|(host, port)| Some((host.trim_matches(['[', ']']), port.parse().ok()?)));
    parsed.ok_or_else(|| Trouble::NotAsked(format!("{address} is not HOST:PORT")))
}

#[cfg(test)]
mod tests {
    use serin_rollout::plan::{HttpProbe, TcpProbe};

    use super::*;

    #[test]
    fn one_server_is_one_target_whatever_is_asked_of_it() {
        let http = |url: &str| {
            let (url, status, body_contains) = (url.to_owned(), vec![200], None);
            target_of_probe(&Probe::Http(HttpProbe { url, status, body_contains }))
        };
        let tcp = Probe::Tcp(TcpProbe { address: "shop:80".to_owned() });
        for url in ["http://shop/healthz", "http://shop:80/other?x=1"] {
            assert_eq!(http(url), target_of_probe(&tcp), "{url}");
        }
        assert_ne!(http("https://shop/healthz"), target_of_probe(&tcp));
        let query = QuerySource::Prometheus { target: "main".to_owned(), promql: "up".to_owned() };
        assert_eq!(target_of_query(&query).as_deref(), Some("prometheus main"));
        assert_eq!(target_of_query(&QuerySource::Webhook), None);
    }
}
