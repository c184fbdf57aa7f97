//! A canary without a baseline beside it, through the real server.

use serin_proto::admin::v1::{BaselineUsed, CreateRequest, Reason, Verdict};

use crate::support::*;

/// All traffic at once.
fn at_once(service: &str) -> String {
    let steps = "steps: [{weight: 20%, bake: 2s}, {weight: 50%, bake: 2s}]\nwarm_up: 1s\npromotion: 2s";
    let at_once = "steps: [{weight: 100%, bake: 1h}]\nwarm_up: 0s\nlimits: {sustained: 6s, error_rate: 5%}";
    let plan = plan(service).replace(steps, at_once);
    assert!(plan.contains(at_once));
    plan
}

/// Reports each second what a canary without baseline does, of which one route fails, until the task is aborted.
async fn report_canary(mut fleet: Fleet, bad: &str) {
    for seq in 1.. {
        let second = now_second();
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let strata = (0..10).map(|route| {
            let route = format!("route-{route}");
            let errors = if route == bad { 12 } else { 0 };
            stratum("shop", &route, second, vec![arm("canary", 40, errors)])
        });
        if fleet.report(report("envoy-1", seq, strata.collect())).await.is_err() {
            return;
        }
    }
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
    let reporting = tokio::spawn(report_canary(server.fleet().await, "route-3"));
    let rollout = eventually(&mut admin, &id, |rollout| {
        let mut components = rollout.components.iter();
        components.any(|component| component.rolled_back) && rollout.weight_ppm == 1_000_000
    })
    .await;
    reporting.abort();
    let returned: Vec<_> = rollout.components.iter().filter(|component| component.rolled_back).collect();
    assert_eq!(returned.iter().map(|component| component.name.as_str()).collect::<Vec<_>>(), ["route-3"]);
    let because = &returned[0].rolled_back_because;
    assert!(because.contains("5.00 % allowed: worse than allowed"), "{because}");
    for component in rollout.components.iter().filter(|component| component.name == "route-0") {
        assert_eq!(errors(&component.reasons).baseline_used(), BaselineUsed::Thresholds);
        assert_ne!(component.verdict(), Verdict::Regressed);
    }
    assert_eq!(errors(&rollout.reasons).baseline_used(), BaselineUsed::Thresholds);
}
