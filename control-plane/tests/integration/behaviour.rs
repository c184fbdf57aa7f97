//! Page views of reports, as evidence: what only some people meet undoes the version, and is told as theirs.

use std::time::Duration;

use serin_proto::admin::v1::{CreateRequest, Phase};
use serin_proto::fleet::v1::{BehaviourCounts, Device};

use crate::support::*;

/// Reports each second requests that all succeed, and page views of which three in ten convert; on phones of the canary, which are one in
/// twenty, one in fifty.
async fn report_views(mut fleet: Fleet) {
    for seq in 1.. {
        let second = now_second();
        let arms = vec![arm("baseline", 400, 0), arm("canary", 400, 0)];
        let mut request = report("envoy-1", seq, vec![stratum("shop", "unmatched", second, arms)]);
        let views = |arm: &str, device: Device, views: u64, converted: u64| BehaviourCounts {
            service: "shop".to_owned(),
            component: "unmatched".to_owned(),
            arm: arm.to_owned(),
            second,
            device: device.into(),
            country: "NL".to_owned(),
            views,
            converted,
            ..BehaviourCounts::default()
        };
        request.batch.as_mut().unwrap().behaviour = vec![
            views("baseline", Device::Desktop, 1_900, 570),
            views("baseline", Device::Phone, 100, 30),
            views("canary", Device::Desktop, 1_900, 570),
            views("canary", Device::Phone, 100, 2),
        ];
        if fleet.report(request).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conversions_that_only_phones_lose_undo_the_version_and_say_so() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let plan_yaml = "service: shop\nbaseline: v1\ncanary: v2\nsteps: [{weight: 50%, bake: 10m}]\nwarm_up: 1s\n\
        behaviour: {novelty: 0s}\nimpact: [{cohort: phone, share: 50%}]\n";
    let request = CreateRequest { plan_yaml: plan_yaml.to_owned(), paused: false };
    let id = admin.create(request).await.unwrap().into_inner().rollout.unwrap().id;
    let reporting = tokio::spawn(report_views(server.fleet().await));
    let undone = eventually(&mut admin, &id, |rollout| phase(rollout) == Phase::RolledBack).await;
    reporting.abort();
    assert!(undone.summary.contains("page views that converted, on a phone: 2.00 %"), "{}", undone.summary);
    let regressed: Vec<_> = undone
        .findings
        .iter()
        .filter(|one| one.log_evidence >= one.log_threshold)
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(regressed, ["phone"], "{:?}", undone.findings);
    let of_users = undone.sources.iter().find(|source| source.source == "behaviour").unwrap();
    assert!(of_users.share > 0.9 && of_users.risk > 0.0, "{:?}", undone.sources);
}
