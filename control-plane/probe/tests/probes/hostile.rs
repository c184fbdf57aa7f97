//! Servers that hang, flood, redirect and lie: each gives an answer by the deadline.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serin_outside::Url;
use serin_probe::{Kafka, Prometheus, Targets};
use serin_rollout::outside::{CheckAnswer, QueryAnswer};
use serin_rollout::plan::{Bound, HttpProbe, KafkaProbe, Probe, PrometheusProbe, QuerySource};

use crate::server::{Manner, http, serve};
use crate::{local, prober};

const WITHIN: Duration = Duration::from_millis(500);

fn get(url: String) -> Probe {
    Probe::Http(HttpProbe { url, status: vec![200], body_contains: None })
}

fn prometheus(url: &str) -> Targets {
    let main = Prometheus { url: url.parse::<Url>().unwrap(), token: Some("hunter2".to_owned()) };
    Targets { prometheus: BTreeMap::from([("main".to_owned(), main)]), ..Targets::default() }
}

fn source() -> QuerySource {
    QuerySource::Prometheus { target: "main".to_owned(), promql: "up".to_owned() }
}

#[tokio::test]
async fn every_hostile_manner_is_a_failure_by_the_deadline() {
    let long = "x".repeat(10 * 1024 * 1024);
    let manners = [
        Manner::Hangs,
        Manner::Floods,
        Manner::Closes,
        http("200 OK", "", &long),
        http("500 Internal Server Error", "", ""),
        http("302 Found", "location: http://169.254.169.254/latest/meta-data\r\n", ""),
        Manner::Says(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()),
        Manner::Says(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nless".to_vec()),
    ];
    for manner in manners {
        let shown = format!("{manner:?}").chars().take(60).collect::<String>();
        let address = serve(manner).await;
        let (began, prober) = (Instant::now(), local(prometheus(&format!("http://{address}"))));
        let answer = prober.check(&get(format!("http://{address}/")), WITHIN).await;
        assert!(matches!(answer, CheckAnswer::Failed { .. }), "{shown}: {answer:?}");
        assert!(began.elapsed() < WITHIN + Duration::from_millis(200), "{shown}: {:?}", began.elapsed());
        // A query that fails says nothing, and a check by a query was not asked.
        let answer = prober.query(&source(), WITHIN).await.unwrap();
        let QueryAnswer::Nothing { reason } = &answer else { panic!("{shown}: {answer:?}") };
        assert!(!reason.contains("hunter2"), "{reason}");
        let bound = Bound::Above(0.0);
        let (target, promql) = ("main".to_owned(), "up".to_owned());
        let check = Probe::Prometheus(PrometheusProbe { target, promql, unhealthy: bound });
        let answer = prober.check(&check, WITHIN).await;
        assert!(!matches!(answer, CheckAnswer::Passed { .. }), "{shown}: {answer:?}");
    }
}

#[tokio::test]
async fn what_may_not_be_called_is_not_asked_and_says_nothing() {
    let address = serve(http("200 OK", "", "")).await;
    let prober = prober(&[], prometheus(&format!("http://{address}")));
    let answer = prober.check(&get(format!("http://{address}/")), WITHIN).await;
    let CheckAnswer::NotAsked { reason } = &answer else { panic!("{answer:?}") };
    assert!(reason.contains("127.0.0.1"), "{reason}");
    let answer = prober.query(&source(), WITHIN).await;
    assert!(matches!(answer, Some(QueryAnswer::Nothing { .. })), "{answer:?}");
    for target in ["nowhere", "main"] {
        let cluster = target.to_owned();
        let probe = Probe::Kafka(KafkaProbe { cluster, topic: "orders".to_owned(), produce: false });
        assert!(matches!(prober.check(&probe, WITHIN).await, CheckAnswer::NotAsked { .. }));
    }
}

#[tokio::test]
async fn a_broker_that_hangs_or_speaks_something_else_is_a_failure_by_the_deadline() {
    for manner in [Manner::Hangs, Manner::Closes, Manner::Floods] {
        let address = serve(manner.clone()).await;
        let brokers = vec![(address.ip().to_string(), address.port())];
        let kafka = BTreeMap::from([("main".to_owned(), Kafka { brokers })]);
        let prober = local(Targets { kafka, ..Targets::default() });
        let (cluster, topic) = ("main".to_owned(), "orders".to_owned());
        let began = Instant::now();
        let answer = prober.check(&Probe::Kafka(KafkaProbe { cluster, topic, produce: true }), WITHIN).await;
        assert!(matches!(answer, CheckAnswer::Failed { .. }), "{manner:?}: {answer:?}");
        assert!(began.elapsed() < WITHIN + Duration::from_millis(200), "{manner:?}");
    }
}
