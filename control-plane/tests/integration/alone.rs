//! A canary without a baseline beside it, through the real server.

use serin_proto::admin::v1::{BaselineUsed, CreateRequest, Reason, Verdict};

use crate::support::*;

/// All traffic at once.
fn at_once(service: &str) -> String {
    let steps = "steps: [{weight: 20%, bake: 2s}, {weight: 50%, bake: 2s}]\nwarm_up: 1s\npromotion: 2s";
    plan(service).replace(steps, "steps: [{weight: 100%, bake: 1h}]\nwarm_up: 0s")
}

fn errors(reasons: &[Reason]) -> &Reason {
    reasons.iter().find(|reason| reason.signal == "error_rate").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_deployment_is_judged_by_the_limits_of_its_plan_and_says_so() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let request = CreateRequest { plan_yaml: at_once("shop"), paused: false };
    let id = admin.create(request).await.unwrap().into_inner().rollout.unwrap().id;
    let now = now_second();
    let strata = (now - 110..now).flat_map(|second| {
        (0..10).map(move |route| {
            let failed = if route == 3 { 6 } else { 0 };
            stratum("shop", &format!("route-{route}"), second, vec![arm("canary", 20, failed)])
        })
    });
    server.fleet().await.report(report("envoy-1", 1, strata.collect())).await.unwrap();
    let rollout = eventually(&mut admin, &id, |rollout| {
        let mut components = rollout.components.iter();
        components.any(|component| component.rolled_back) && rollout.weight_ppm == 1_000_000
    })
    .await;
    let returned: Vec<_> = rollout.components.iter().filter(|component| component.rolled_back).collect();
    assert_eq!(returned.iter().map(|component| component.name.as_str()).collect::<Vec<_>>(), ["route-3"]);
    let because = &returned[0].rolled_back_because;
    assert!(because.contains("1.00 % allowed, mostly server errors: worse than allowed"), "{because}");
    for component in rollout.components.iter().filter(|component| component.name == "route-0") {
        assert_eq!(errors(&component.reasons).baseline_used(), BaselineUsed::Thresholds);
        assert_ne!(component.verdict(), Verdict::Regressed);
    }
    assert_eq!(errors(&rollout.reasons).baseline_used(), BaselineUsed::Thresholds);
}
