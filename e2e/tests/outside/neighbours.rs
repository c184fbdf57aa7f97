//! Hostile neighbours of hooks, queries and health checks: decisions are made on time, nothing inside is reached, and nothing is
//! undone or promoted by what they say.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use serin_e2e::servers::receiver::{Mode, Receiver};
use serin_e2e::workspace::Workspace;
use serin_proto::admin::v1::{Phase, Rollout};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::plane::{Plane, reading, ticks_are_in_time};

const PATIENCE: Duration = Duration::from_secs(40);

/// A neighbour, and what is said of it.
struct Neighbour {
    name: &'static str,
    url: String,
    receiver: Option<Receiver>,
    /// Of a query.
    query: &'static str,
    /// Of a health check by HTTP.
    check: &'static str,
    /// Of a hook.
    hook: &'static str,
}

impl Neighbour {
    async fn new(name: &'static str, mode: Mode, said: [&'static str; 3]) -> Self {
        let receiver = Receiver::start().await.unwrap();
        receiver.set(mode);
        let [query, check, hook] = said;
        Self { name, url: receiver.url("/"), receiver: Some(receiver), query, check, hook }
    }

    /// Where it is, as far as it listens.
    fn address(&self) -> Option<SocketAddr> {
        self.receiver.as_ref().map(Receiver::address)
    }
}

/// Ends TLS with a certificate that nobody vouches for.
async fn self_signed() -> SocketAddr {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let acceptor =
        TlsAcceptor::from(Arc::new(config.with_single_cert(vec![made.cert.der().clone()], key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Whoever trusts it is told nothing and waits.
            let accepting = acceptor.accept(stream);
            tokio::spawn(async move { accepting.await.is_ok() && std::future::pending().await });
        }
    });
    address
}

/// One of each kind.
async fn neighbours(inside: &Receiver) -> Vec<Neighbour> {
    let late = "no answer within 1s";
    let to = Mode::Redirect;
    let redirected = ["it answered 307 and nothing of Prometheus", "it answered 307", "307"];
    let tls = Neighbour {
        name: "bad-tls",
        url: format!("https://localhost:{}/", self_signed().await.port()),
        receiver: None,
        query: "certificate",
        check: "certificate",
        hook: "certificate",
    };
    let blocked = "link-local and not in outside.permit";
    let link_local = Neighbour {
        name: "link-local",
        url: "https://169.254.169.254/".to_owned(),
        receiver: None,
        query: blocked,
        check: blocked,
        hook: blocked,
    };
    vec![
        Neighbour::new("hang", Mode::Hang, [late; 3]).await,
        Neighbour::new("drip", Mode::Drip, [late; 3]).await,
        Neighbour::new("fails", Mode::Status(500), ["it answered 500", "it answered 500", "500"]).await,
        Neighbour::new("huge", Mode::Huge, ["exceeds", "exceeds", "exceeds"]).await,
        Neighbour::new("close", Mode::Close, ["the exchange failed"; 3]).await,
        Neighbour::new("loopback", to(inside.url("/secret")), redirected).await,
        Neighbour::new("metadata", to("http://169.254.169.254/latest/meta-data/".to_owned()), redirected)
            .await,
        tls,
        link_local,
    ]
}

/// A configuration in which plans may name all of them, also as databases and brokers.
fn named(neighbours: &[Neighbour]) -> Value {
    let mut targets: Map<String, Value> = Map::new();
    let mut put = |kind: &str, name: &str, target: Value| {
        targets
            .entry(kind)
            .or_insert_with(|| json!({}))
            .as_object_mut()
            .unwrap()
            .insert(name.to_owned(), target);
    };
    for one in neighbours {
        put("webhooks", one.name, json!({"url": one.url}));
        put("prometheus", one.name, json!({"url": one.url}));
        if let Some(address) = one.address() {
            let database = json!({"host": "127.0.0.1", "port": address.port(), "user": "a", "dbname": "b", "tls": false});
            put("databases", one.name, database);
            put("kafka", one.name, json!({"brokers": [address]}));
        }
    }
    json!({"outside": {"permit": ["127.0.0.1/32", "::1/128"], "timeout": "1s"}, "targets": targets})
}

/// Everything that a plan can ask of a neighbour: with a deadline of a second, and with the longest one.
fn asks(one: &Neighbour) -> Value {
    let hook = |timeout: &str, attempts: u32| {
        json!([{
            "name": timeout, "webhook": {"target": one.name}, "timeout": timeout, "attempts": attempts, "on_failure": "continue",
        }])
    };
    let query =
        |timeout: &str| json!({"promql": "up", "prometheus": one.name, "every": "1s", "timeout": timeout});
    let check = |name: &str, canary: Value| json!({"name": name, "canary": canary, "action": "notify"});
    let mut checks = vec![
        check("http", json!({"http": {"url": one.url}})),
        check("prometheus", json!({"prometheus": {"target": one.name, "query": "up", "above": 0}})),
    ];
    if let Some(address) = one.address() {
        checks.extend([
            check("grpc", json!({"grpc": {"address": address}})),
            check("postgres", json!({"postgres": {"database": one.name}})),
            check("kafka", json!({"kafka": {"cluster": one.name, "topic": "orders", "produce": true}})),
        ]);
    }
    json!({
        "hooks": {"before_start": hook("1s", 2), "on_failure": hook("1m", 10)},
        "queries": {"short": query("1s"), "long": query("1m")},
        "triggers": {"memory": {"query": "short"}, "data_integrity": {"query": "long"}},
        "health": {"interval": "1s", "timeout": "1s", "unhealthy_after": 2, "checks": checks},
    })
}

/// What it says of a neighbour is true, and it holds.
fn check(one: &Neighbour, rollout: &Rollout) {
    let name = one.name;
    assert_ne!(rollout.phase(), Phase::RolledBack, "{name}: {}", rollout.summary);
    assert_eq!(rollout.weight_ppm, 200_000, "{name}: {}", rollout.summary);
    assert!(!rollout.components.iter().any(|component| component.rolled_back), "{name}: {rollout:#?}");
    let text = |kind: &str, of: &str| reading(rollout, kind, of).unwrap().text.clone();
    assert!(text("query", "short").contains(one.query), "{name}: {}", text("query", "short"));
    assert!(text("health_check", "http").contains(one.check), "{name}: {}", text("health_check", "http"));
    for trigger in ["memory", "data_integrity"] {
        assert_eq!(reading(rollout, "trigger", trigger).unwrap().state, "inconclusive", "{name}");
    }
    let healthy = rollout.outside.iter().find(|one| one.kind == "health_check" && one.state == "healthy");
    assert!(healthy.is_none(), "{name}: {healthy:?}");
    let hook = rollout.hooks.iter().find(|hook| hook.name == "1s").unwrap();
    assert!(hook.state == "failed" && hook.said.contains(one.hook), "{name}: {hook:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_neighbours_of_hooks_queries_and_checks_delay_no_tick_and_reach_nothing_inside() {
    let workspace = Workspace::locate().unwrap();
    let scratch = workspace.scratch("neighbours").unwrap();
    let inside = Receiver::start().await.unwrap();
    let neighbours = neighbours(&inside).await;
    let (plane, twin) = (
        Plane::start(&workspace, &scratch.join("plane"), &named(&neighbours)).await,
        Plane::start(&workspace, &scratch.join("twin"), &json!({})).await,
    );
    let (mut ids, mut reporting) = (Vec::new(), Vec::new());
    for one in &neighbours {
        ids.push(plane.create(one.name, &asks(one)).await);
        twin.create(one.name, &json!({})).await;
        reporting.extend([plane.report(one.name, false).await, twin.report(one.name, false).await]);
    }
    // From here on all of it goes on at the same time: the hooks with long deadlines follow the failure of the short ones.
    for id in &ids {
        let known = |one: &Rollout| {
            one.weight_ppm == 200_000
                && one.hooks.iter().any(|hook| hook.name == "1m")
                && one
                    .outside
                    .iter()
                    .filter(|one| one.kind == "health_check")
                    .all(|one| one.text != "no answer yet")
                && reading(one, "query", "short").is_some_and(|one| one.text != "no value comes")
        };
        plane.until_rollout(id, PATIENCE, known).await;
    }
    ticks_are_in_time(&plane, &twin).await;
    for (one, id) in neighbours.iter().zip(&ids) {
        let said = |rollout: &Rollout| !reading(rollout, "query", "short").unwrap().text.is_empty();
        check(one, &plane.until_rollout(id, PATIENCE, said).await);
    }
    assert!(inside.received().is_empty(), "a redirect was followed");
    for one in neighbours.iter().filter_map(|one| one.receiver.as_ref()) {
        let asked = one.received();
        assert!(asked.iter().any(|one| one.path == "/api/v1/query?query=up"), "{asked:#?}");
        assert!(asked.iter().any(|one| one.header("idempotency-key").is_some()), "{asked:#?}");
    }
    reporting.into_iter().for_each(|task| task.abort());
}
