//! One order that returns many rollouts to the baseline.

use serin_proto::admin::v1::*;
use tonic::Code;

use crate::support::*;

const EXPERIMENT: &str = "
kind: experiment
service: buttons
hosts: [buttons.example.com]
baseline: v1
arms: [{name: blue, version: v2, weight: 30%}]
duration: 10m
components: [{name: pay, matches: [{path: {exact: /pay}}], owner: payments}]
";

async fn all(
    admin: &mut Admin,
    owners: &[&str],
    matches: &[&str],
) -> Result<Vec<ReturnedRollout>, tonic::Status> {
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    let (reason, owners, matches) = ("all is on fire".to_owned(), texts(owners), texts(matches));
    let answer = admin.rollback_all(RollbackAllRequest { reason, owners, matches }).await?;
    Ok(answer.into_inner().rollouts)
}

fn outcomes(rollouts: &[ReturnedRollout]) -> Vec<(&str, ReturnOutcome)> {
    rollouts.iter().map(|one| (one.service.as_str(), one.outcome())).collect()
}

#[tokio::test]
async fn one_order_returns_all_under_one_generation_and_repeating_it_changes_nothing() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    for service in ["shop-eu", "shop-us", "stock", "old"] {
        create(&mut admin, service).await;
    }
    let request = CreateRequest { plan_yaml: EXPERIMENT.to_owned(), paused: false };
    admin.create(request).await.unwrap();
    let (id, reason) = ("old".to_owned(), "good".to_owned());
    admin.promote(PromoteRequest { id: id.clone(), reason: reason.clone() }).await.unwrap();
    let stock = RollbackRequest { id: "stock".to_owned(), reason, ..RollbackRequest::default() };
    admin.rollback(stock).await.unwrap();

    // The plan of `old` has no rollback window, so what was promoted is not watched.
    let some = all(&mut admin, &[], &["shop-*", "old"]).await.unwrap();
    let (returned, left) = (ReturnOutcome::Returned, ReturnOutcome::Left);
    assert_eq!(outcomes(&some), [("shop-eu", returned), ("shop-us", returned), ("old", left)]);
    assert_eq!(some[0].generation, some[1].generation);
    let owned = all(&mut admin, &["payments"], &[]).await.unwrap();
    assert_eq!(outcomes(&owned), [("buttons", returned)]);

    let again = all(&mut admin, &[], &[]).await.unwrap();
    let already = ReturnOutcome::Already;
    let expected =
        [("shop-eu", already), ("shop-us", already), ("stock", already), ("old", left), ("buttons", already)];
    assert_eq!(outcomes(&again), expected);
    assert_eq!(again[0].generation, some[0].generation);
    let server = server.restarted().await;
    let mut admin = server.admin().await;
    for service in ["shop-eu", "shop-us", "buttons"] {
        assert_eq!(get(&mut admin, service).await.phase(), Phase::RolledBack, "{service}");
    }
    assert_eq!(get(&mut admin, "old").await.phase(), Phase::Promoted);
}

#[tokio::test]
async fn an_order_without_reason_or_that_means_nobody_is_refused() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    assert_eq!(all(&mut admin, &[], &[]).await.unwrap(), []);
    create(&mut admin, "shop").await;
    let unknown = all(&mut admin, &["nobody"], &[]).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let empty = all(&mut admin, &[], &[""]).await.unwrap_err();
    assert_eq!(
        (empty.code(), empty.message()),
        (Code::InvalidArgument, "matches[0]: must be 1 to 256 bytes")
    );
    let silent = admin.rollback_all(RollbackAllRequest::default()).await.unwrap_err();
    assert_eq!((silent.code(), silent.message()), (Code::InvalidArgument, "reason: must not be empty"));
    assert_eq!(get(&mut admin, "shop").await.phase(), Phase::WarmingUp);
}
