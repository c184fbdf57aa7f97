//! Many assignments in a short time cost no request, no VM and no count.

use std::time::Duration;

use serde_json::json;

use crate::support::assignment;
use crate::support::crowd::versions_of_users;
use crate::support::patrol::Patrol;
use crate::support::scene::{Stage, VM, accepted};

const PUSHES: u64 = 200;
const USERS: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_assignments_at_five_a_second_fail_no_request_and_lose_no_count() {
    let stage = Stage::open("storm", 2).await;
    let components: Vec<_> = (0..50)
        .map(|number| json!({"name": format!("c-{number}"), "matches": [{"path": {"prefix": format!("/c{number}")}}]}))
        .collect();
    let assignment = assignment::of_shop(300_000, &json!({"components": components}));
    stage.assign(&assignment).await;
    let admin = stage.envoy.admin();
    let address = stage.envoy.address();
    let expected = versions_of_users(address, "/home", USERS).await;
    let vms = admin.stat("wasm.wasm_vm_count").await.unwrap();
    let accepted_before = accepted(&stage.envoy).await;

    let patrol = Patrol::start(address, &expected, 1_000);
    let mut beat = tokio::time::interval(Duration::from_millis(200));
    for push in 0..PUSHES {
        beat.tick().await;
        let version = stage.stand_in.assign(VM, &stage.scene.filter, &assignment);
        assert_eq!(stage.stand_in.verdict(stage.node(), version).await, Ok(()));
        if push % 20 == 0 {
            // One more while a configuration is tried.
            let now = admin.stat("wasm.wasm_vm_count").await.unwrap();
            assert!((vms..=vms + 1).contains(&now), "{now} VMs, {vms} before");
        }
    }
    let findings = patrol.finish().await;
    findings.assert_clean();
    let requests = USERS as u64 + findings.asked;
    let totals = stage.stand_in.settled(requests).await;
    assert_eq!(totals.all().started, requests);
    assert_eq!(totals.all().finished(), requests);
    assert_eq!(totals.all().latencies, requests);
    assert_eq!(totals.violations, Vec::<String>::new());
    assert_eq!(totals.gaps, Default::default());
    // No VM was made anew, and each obeyed every assignment.
    assert_eq!(totals.vms.len(), stage.vms());
    assert_eq!(admin.stat("wasm.wasm_vm_count").await.unwrap(), vms);
    assert_eq!(admin.stat("wasm.serin.vm_reload").await.unwrap(), 0);
    assert_eq!(accepted(&stage.envoy).await - accepted_before, PUSHES * vms);
    let envoy_counts = admin.stat("http.ingress.downstream_rq_2xx").await.unwrap();
    assert_eq!(envoy_counts, requests);
}
