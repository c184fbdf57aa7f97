//! The filter itself is replaced while requests run.

use std::time::Duration;

use serde_json::json;

use crate::support::assignment;
use crate::support::crowd::versions_of_users;
use crate::support::patrol::Patrol;
use crate::support::scene::Stage;
use crate::support::{PATIENCE, eventually};

const USERS: usize = 1_000;
const UPGRADES: u64 = 10;
const RATE: u32 = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_filters_under_load_fail_no_request_and_lose_only_what_was_not_reported_yet() {
    let stage = Stage::open("upgrade", 2).await;
    let assignment = assignment::of_shop(300_000, &json!({}));
    stage.assign(&assignment).await;
    let address = stage.envoy.address();
    let expected = versions_of_users(address, "/home", USERS).await;
    let patrol = Patrol::start(address, &expected, RATE);
    for number in 0..UPGRADES {
        tokio::time::sleep(Duration::from_millis(700)).await;
        // A new file and a new name of the VM, as an upgrade comes.
        let code = stage.scene.folder.join(format!("filter-{number}.wasm"));
        std::fs::copy(&stage.scene.filter, &code).unwrap();
        let known = stage.stand_in.totals().vms.len();
        let version = stage.stand_in.assign(&format!("upgrade-{number}"), &code, &assignment);
        assert_eq!(stage.stand_in.verdict(stage.node(), version).await, Ok(()));
        eventually("all VMs are new and report", PATIENCE, async || {
            (stage.stand_in.totals().vms.len() >= known + stage.vms()).then_some(())
        })
        .await;
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    let findings = patrol.finish().await;
    findings.assert_clean();

    let requests = USERS as u64 + findings.asked;
    assert_eq!(stage.envoy.admin().stat("http.ingress.downstream_rq_2xx").await.unwrap(), requests);
    let totals = stage.stand_in.settled(requests - 1).await;
    assert_eq!(totals.violations, Vec::<String>::new());
    assert_eq!(totals.vms.len() as u64, (UPGRADES + 1) * stage.vms() as u64);
    let counted = totals.all().finished() + totals.gaps.unseen_requests;
    assert!(counted <= requests, "{counted} counted of {requests}");
    // A VM takes with it what it has not reported: the time between two reports with jitter, a tick and what is on its way.
    let unreported = Duration::from_millis(u64::from(assignment::REPORT_MS) * 11 / 10 + 100 + 300);
    let bound = UPGRADES * u64::from(RATE) * u64::try_from(unreported.as_millis()).unwrap() / 1_000;
    assert!(requests - counted <= bound, "{} of {requests} lost, more than {bound}", requests - counted);
    assert_eq!(stage.envoy.admin().stat("wasm.serin.vm_reload").await.unwrap(), 0);
}
