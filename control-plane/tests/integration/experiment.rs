//! An experiment through the real server: guarded, shown, and kept over restarts.

use serin_proto::admin::v1::record_request::Target;
use serin_proto::admin::v1::*;
use tonic::Code;

use crate::http::text;
use crate::support::*;

const PLAN: &str = "
service: shop
kind: experiment
baseline: v1
control: plain
arms:
- {name: good, version: v2, weight: 30%}
- {name: bad, version: v3, weight: 30%}
components: [{name: cart, matches: [{path: {prefix: /cart}}]}]
warm_up: 1s
";

/// Reports each second what the control and two arms do, one of which fails.
async fn report_arms(mut fleet: Fleet, first_seq: u64) {
    for seq in first_seq.. {
        let second = now_second();
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let arms = vec![arm("baseline", 80, 0), arm("good", 60, 0), arm("bad", 60, 20)];
        if fleet.report(report("envoy-1", seq, vec![stratum("shop", "cart", second, arms)])).await.is_err() {
            return;
        }
    }
}

fn experiment(rollout: &Rollout) -> &Experiment {
    rollout.experiment.as_ref().unwrap()
}

fn arm_of<'a>(rollout: &'a Rollout, name: &str) -> &'a ExperimentArm {
    experiment(rollout).arms.iter().find(|arm| arm.name == name).unwrap()
}

/// What is shown of an arm in the component.
fn result<'a>(rollout: &'a Rollout, name: &str) -> &'a ArmResult {
    let cart = experiment(rollout).results.iter().find(|result| result.component == "cart").unwrap();
    cart.arms.iter().find(|arm| arm.arm == name).unwrap()
}

fn counted(rollout: &Rollout, name: &str) -> u64 {
    result(rollout, name).totals.unwrap().requests
}

#[tokio::test(flavor = "multi_thread")]
async fn an_arm_that_harms_is_stopped_and_what_was_counted_survives_restarts_and_the_end() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let request = CreateRequest { plan_yaml: PLAN.to_owned(), paused: false };
    let created = admin.create(request).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!((created.canary_version.as_str(), created.weight_ppm), ("", 600_000));
    assert_eq!(experiment(&created).control_weight_ppm, 400_000);

    let reporting = tokio::spawn(report_arms(server.fleet().await, 1));
    eventually(&mut admin, "shop", |rollout| {
        !arm_of(rollout, "bad").stopped_because.is_empty() && counted(rollout, "good") > 300
    })
    .await;
    let stopped =
        eventually(&mut admin, "shop", |rollout| result(rollout, "good").error_rate.is_some()).await;
    reporting.abort();
    assert_eq!((phase(&stopped), stopped.weight_ppm), (Phase::Progressing, 300_000));
    let (good, bad) = (arm_of(&stopped, "good"), arm_of(&stopped, "bad"));
    assert_eq!((good.weight_ppm, good.stopped_because.as_str(), bad.weight_ppm), (300_000, "", 0));
    assert!(bad.stopped_because.contains("cart"), "{}", bad.stopped_because);
    let difference = result(&stopped, "good").error_rate.unwrap();
    assert!(difference.low <= 0.0 && 0.0 <= difference.high && difference.low < difference.high);
    assert_eq!(difference.conclusion(), Conclusion::Undecided);
    let told = admin.get_assignment(GetAssignmentRequest::default()).await.unwrap().into_inner();
    let told: serde_json::Value = serde_json::from_str(&told.assignment_json).unwrap();
    let split = told["services"][0]["split"].as_array().unwrap();
    let split: Vec<_> = split.iter().map(|share| share["arm"].as_str().unwrap()).collect();
    assert_eq!(split, ["good", "baseline"]);

    for name in ["plain", "good", "bad"] {
        let page = text(server.addresses().http, &format!("/rollouts/{}", stopped.id)).await.1;
        assert!(page.contains(name), "the page of the rollout lacks {name}");
    }
    assert!(text(server.addresses().http, "/api/rollouts").await.1.contains("\"control\":\"plain\""));

    let (reason, id) = ("because".to_owned(), stopped.id.clone());
    let promote = PromoteRequest { id: id.clone(), reason: reason.clone() };
    assert_eq!(admin.promote(promote).await.unwrap_err().code(), Code::FailedPrecondition);
    let target = Some(Target::RolloutId(id.clone()));
    let recording = admin.record(RecordRequest { target, duration: None }).await.unwrap_err();
    assert!(recording.message().contains("is an experiment"), "{}", recording.message());

    let before = (counted(&stopped, "good"), counted(&stopped, "bad"));
    let server = server.restarted().await;
    let mut admin = server.admin().await;
    let restarted = get(&mut admin, &id).await;
    assert!(counted(&restarted, "good") >= before.0 && counted(&restarted, "bad") >= before.1);
    assert_eq!(arm_of(&restarted, "bad").stopped_because, bad.stopped_because);

    let stop = |arm: &str| RollbackRequest {
        id: id.clone(),
        reason: reason.clone(),
        arm: arm.to_owned(),
        ..RollbackRequest::default()
    };
    let unknown = admin.rollback(stop("nowhere")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::InvalidArgument, "{}", unknown.message());
    let ended = admin.rollback(stop("good")).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!((phase(&ended), ended.weight_ppm), (Phase::RolledBack, 0));
    assert_eq!(ended.summary, "Ended: all arms were stopped");

    let server = server.restarted().await;
    let shown = get(&mut server.admin().await, &id).await;
    assert_eq!(counted(&shown, "good"), counted(&ended, "good"));
    assert_eq!(result(&shown, "good").error_rate, result(&ended, "good").error_rate);
}
