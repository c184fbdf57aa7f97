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
    admin.hand_over(HandOverRequest { id, reason: reason.clone() }).await.unwrap();
    let stock = RollbackRequest { id: "stock".to_owned(), reason, ..RollbackRequest::default() };
    admin.rollback(stock).await.unwrap();

    // `old` was handed over, so it is not watched any more.
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

/// Lets the journal refuse every event of a rollout, or takes it again.
fn refuse(server: &Server, rollout: &str, refuses: bool) {
    let store = rusqlite::Connection::open(server.folder.path().join("serin.db")).unwrap();
    store.busy_timeout(PATIENCE).unwrap();
    let trigger = if refuses {
        format!(
            "CREATE TRIGGER refused BEFORE INSERT ON journal WHEN NEW.rollout_id = '{rollout}' \
             BEGIN SELECT raise(ABORT, 'the disk says no'); END"
        )
    } else {
        "DROP TRIGGER refused".to_owned()
    };
    store.execute_batch(&trigger).unwrap();
}

const TRAIN: &str = "
kind: train
name: sale
members:
- {service: cart, plan: cart.yaml}
- {service: till, plan: till.yaml, after: [cart]}
";

#[tokio::test]
async fn one_that_cannot_be_written_is_told_keeps_nobody_from_returning_and_returns_when_asked_again() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    for service in ["shop", "stock", "pay", "over"] {
        create(&mut admin, service).await;
    }
    let (id, reason) = ("over".to_owned(), "bad".to_owned());
    admin.rollback(RollbackRequest { id, reason, ..RollbackRequest::default() }).await.unwrap();
    let mut trains = crate::trains::trains(&server).await;
    let plans = ["cart", "till"].map(|service| (format!("{service}.yaml"), plan(service)));
    let request = CreateTrainRequest { train_yaml: TRAIN.to_owned(), plans: plans.into() };
    trains.create_train(request).await.unwrap();
    let stock = get(&mut admin, "stock").await;
    refuse(&server, &stock.id, true);

    let told = all(&mut admin, &[], &[]).await.unwrap();
    let (returned, already, failed) =
        (ReturnOutcome::Returned, ReturnOutcome::Already, ReturnOutcome::Failed);
    let expected = [
        ("shop", returned),
        ("stock", failed),
        ("pay", returned),
        ("over", already),
        ("cart", returned),
        ("till", returned),
    ];
    assert_eq!(outcomes(&told), expected);
    assert!(
        told[1].text.starts_with("not returned: ") && told[1].text.contains("the disk says no"),
        "{told:?}"
    );
    assert_eq!(get(&mut admin, "stock").await.weight_ppm, stock.weight_ppm, "it is as it was");
    let train = crate::trains::reaches(&mut trains, |train| !train.returning.is_empty()).await;
    assert!(train.members.iter().all(|member| member.phase() == Phase::RolledBack), "{train:?}");

    // Asked again, only what failed is done, and a third time nothing.
    let revision = get(&mut admin, "shop").await.revision;
    refuse(&server, &stock.id, false);
    let told = all(&mut admin, &[], &[]).await.unwrap();
    let outcome = |service: &str| told.iter().find(|one| one.service == service).unwrap().outcome();
    assert_eq!((outcome("stock"), outcome("shop"), outcome("cart")), (returned, already, already));
    let told = all(&mut admin, &[], &[]).await.unwrap();
    assert!(told.iter().all(|one| one.outcome() == already), "{told:?}");
    let server = server.restarted().await;
    let mut admin = server.admin().await;
    for service in ["shop", "stock", "pay", "over", "cart", "till"] {
        assert_eq!(get(&mut admin, service).await.phase(), Phase::RolledBack, "{service}");
    }
    assert!(get(&mut admin, "shop").await.revision >= revision);
}
