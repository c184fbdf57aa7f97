//! What one rollout teaches is there for the next one, whenever the process was killed in between.

use std::path::Path;

use serin_analysis::Learned;
use serin_proto::admin::v1::{CreateRequest, RollbackRequest};
use serin_proto::fleet::v1::HostCounts;
use serin_rollout::Evaluation;

use crate::crash::Process;
use crate::support::*;

/// What the stored evidence of a rollout has learned, once it is anything.
async fn learned(folder: &Path, id: &str) -> Learned {
    let connection = rusqlite::Connection::open(folder.join("data/serin.db")).unwrap();
    let stored = || {
        let query = "SELECT evidence FROM rollouts WHERE rollout_id = ?1";
        let evidence: Option<Vec<u8>> = connection.query_row(query, [id], |row| row.get(0)).unwrap();
        let mut learned = serde_json::from_slice::<Evaluation>(&evidence?).unwrap().learned();
        Some((learned.components.remove("route-1")?, learned.histories.remove("route-1")?))
    };
    let nothing = Learned::default().version;
    let polling = async {
        loop {
            if let Some((component, history)) = stored().filter(|(component, _)| *component != nothing) {
                assert_ne!(history, serin_analysis::History::default(), "what is usual is handed on too");
                let components = [("route-1".to_owned(), component)].into();
                return Learned { components, ..Learned::default() };
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, polling).await.unwrap_or_else(|_| panic!("{id} learned nothing"))
}

/// The baseline of two minutes: of its four hosts one fails more than chance explains.
async fn teach(fleet: &mut Fleet) {
    let now = now_second();
    let strata = (now - 115..now).map(|second| {
        let hosts = [0, 0, 0, second % 2 * 8].into_iter().enumerate().map(|(index, errors)| HostCounts {
            address: format!("10.0.0.{index}:80"),
            requests: 25,
            errors,
            latency_hdr: Vec::new(),
        });
        let mut arm = arm("baseline", 100, second % 2 * 8);
        arm.hosts = hosts.collect();
        stratum("shop", "route-1", second, vec![arm])
    });
    fleet.report(report("envoy-1", 1, strata.collect())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_pods_taught_survives_a_kill_and_passes_to_the_next_rollout() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), None);
    let create = |version: &str| {
        let plan_yaml = plan("shop").replace("canary: v2", &format!("canary: {version}"));
        CreateRequest { plan_yaml, paused: true }
    };
    let mut client = admin(process.addresses).await;
    let first = client.create(create("v2")).await.unwrap().into_inner().rollout.unwrap().id;
    teach(&mut fleet(process.addresses).await).await;
    let taught = learned(folder.path(), &first).await;
    drop(process);

    let process = Process::start(folder.path(), None);
    let mut client = admin(process.addresses).await;
    let rollback = RollbackRequest { id: first, reason: "done".to_owned(), ..RollbackRequest::default() };
    client.rollback(rollback).await.unwrap();
    let second = client.create(create("v3")).await.unwrap().into_inner().rollout.unwrap().id;
    drop(process);

    let _process = Process::start(folder.path(), None);
    assert_eq!(learned(folder.path(), &second).await, taught);
}

/// An experiment teaches nothing of its own, and what was known before passes by it.
#[tokio::test(flavor = "multi_thread")]
async fn what_pods_taught_passes_by_an_experiment_and_a_restart_to_the_next_rollout() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), None);
    let mut client = admin(process.addresses).await;
    let create = |plan_yaml: String| CreateRequest { plan_yaml, paused: true };
    let first = client.create(create(plan("shop"))).await.unwrap().into_inner().rollout.unwrap().id;
    teach(&mut fleet(process.addresses).await).await;
    let taught = learned(folder.path(), &first).await;
    let end = |id: String| RollbackRequest { id, reason: "done".to_owned(), ..RollbackRequest::default() };
    client.rollback(end(first)).await.unwrap();
    let arms = "kind: experiment\narms: [{name: a, version: v2, weight: 10%}]";
    let experiment = format!("service: shop\nhosts: [shop.example.com]\nbaseline: v1\n{arms}\n");
    let experiment = client.create(create(experiment)).await.unwrap().into_inner().rollout.unwrap().id;
    let stored = async {
        let connection = rusqlite::Connection::open(folder.path().join("data/serin.db")).unwrap();
        let query = "SELECT evidence IS NOT NULL FROM rollouts WHERE rollout_id = ?1";
        while !connection.query_row(query, [&experiment], |row| row.get::<_, bool>(0)).unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, stored).await.unwrap();
    drop(process);

    let process = Process::start(folder.path(), None);
    let mut client = admin(process.addresses).await;
    client.rollback(end(experiment)).await.unwrap();
    let third = client.create(create(plan("shop"))).await.unwrap().into_inner().rollout.unwrap().id;
    assert_eq!(learned(folder.path(), &third).await, taught);
}
