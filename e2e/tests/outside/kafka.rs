//! The health check of Kafka against a real broker.
//!
//! The broker is tansu 0.6: it answers metadata and takes records as rskafka asks for them.

use std::time::Duration;

use serde_json::json;
use serin_e2e::servers::kafka::Kafka;
use serin_e2e::workspace::Workspace;
use serin_proto::admin::v1::{Phase, Rollout};

use crate::plane::{Plane, reading};

const PATIENCE: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_knows_the_topic_and_takes_a_record_is_healthy_until_it_is_gone() {
    let workspace = Workspace::locate().unwrap();
    let scratch = workspace.scratch("kafka").unwrap();
    let mut broker = Kafka::start(&workspace, &scratch).await.unwrap();
    broker.create_topic("orders").unwrap();
    let more = json!({
        "outside": {"permit": ["127.0.0.1/32"]},
        "targets": {"kafka": {"main": {"brokers": [broker.address()]}}},
    });
    let plane = Plane::start(&workspace, &scratch.join("plane"), &more).await;
    let check = |name: &str, topic: &str, produce: bool| {
        let probe = json!({"kafka": {"cluster": "main", "topic": topic, "produce": produce}});
        json!({"name": name, "canary": probe, "action": "hold"})
    };
    let id = plane
        .create(
            "shop",
            &json!({"health": {
                "interval": "1s", "timeout": "2s", "unhealthy_after": 2, "healthy_after": 1,
                "checks": [check("topic", "orders", false), check("record", "orders", true), check("absent", "returns", false)],
            }}),
        )
        .await;
    let reporting = plane.report("shop", false).await;
    let is = |rollout: &Rollout, name: &str, state: &str| {
        reading(rollout, "health_check", name).is_some_and(|one| one.state == state)
    };
    let known = |one: &Rollout| {
        is(one, "topic", "healthy") && is(one, "record", "healthy") && is(one, "absent", "unhealthy")
    };
    let rollout = plane.until_rollout(&id, PATIENCE, known).await;
    let absent = reading(&rollout, "health_check", "absent").unwrap();
    assert!(absent.text.contains("there is no topic returns"), "{}", absent.text);

    broker.kill();
    let gone = |one: &Rollout| is(one, "topic", "unhealthy") && is(one, "record", "unhealthy");
    let rollout = plane.until_rollout(&id, PATIENCE, gone).await;
    assert_ne!(rollout.phase(), Phase::RolledBack, "{}", rollout.summary);
    assert!(rollout.weight_ppm == 200_000 && rollout.summary.contains("Holding"), "{}", rollout.summary);
    reporting.abort();
}
