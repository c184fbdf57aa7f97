use super::*;
use crate::sample::fault::{Faults, Kind};
use crate::sample::{Sample, Settings};

async fn sample() -> Sample {
    let settings = Settings { version: "v1".to_owned(), seed: 1, median_latency: Duration::ZERO };
    Sample::start_anywhere(settings).await.unwrap()
}

#[tokio::test]
async fn a_load_sends_what_its_plan_says_and_counts_what_the_service_counts() {
    let sample = sample().await;
    sample.set_faults(Faults::one("/cart", 0.5, Kind::Status(503)));
    let start = Instant::now();
    let plan = Plan::of_shop(sample.address(), 1_000.0).at_most(600);
    let summary = Load::start(plan).unwrap().finish().await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(590), "{:?}", start.elapsed());
    assert_eq!((summary.total(|_| true), summary.not_sent), (600, 0));
    for count in sample.stats().requests {
        let counted = summary.total(|key| {
            key.route == count.key.route
                && matches!(key.status, Status::Http(status) if status.to_string() == count.key.status)
        });
        assert_eq!(counted, count.requests, "{:?}", count.key);
    }
    assert!(summary.counts.keys().all(|key| key.version.as_deref() == Some("v1")));
    assert!(summary.total(|key| key.status.is_failure()) > 10);
    assert!(summary.latency_of_all(0.5) < Some(Duration::from_secs(1)));
}

#[tokio::test]
async fn answers_that_break_or_never_come_are_counted_as_such_and_bounded() {
    let sample = sample().await;
    let mut plan = Plan::of_shop(sample.address(), 500.0).at_most(30);
    plan.timeout = Duration::from_millis(100);
    plan.max_in_flight = 10;
    plan.targets = vec![Target::get("/home")];
    for (kind, status) in [(Kind::Reset, Status::Broken), (Kind::Hang, Status::TimedOut)] {
        sample.set_faults(Faults::one("/home", 1.0, kind));
        let summary = Load::start(plan.clone()).unwrap().finish().await.unwrap();
        assert_eq!(summary.total(|key| key.status == status) + summary.not_sent, 30);
        assert_eq!(summary.unanswered(|key| key.status == Status::TimedOut) > 0, status == Status::Broken);
    }
    sample.set_faults(Faults::one("/home", 1.0, Kind::CloseMidBody));
    let summary = Load::start(plan).unwrap().finish().await.unwrap();
    assert_eq!(
        summary.total(|key| key.version.is_some() && key.status == Status::Broken) + summary.not_sent,
        30
    );
}

#[tokio::test]
async fn a_stopped_load_waits_for_what_is_under_way() {
    let sample = sample().await;
    sample.set_faults(Faults::one("*", 1.0, Kind::LatencyMs(100)));
    let load = Load::start(Plan::of_shop(sample.address(), 200.0)).unwrap();
    tokio::time::sleep(Duration::from_millis(150)).await;
    let summary = load.stop().await.unwrap();
    assert_eq!(summary.total(|_| true), sample.stats().total(|_| true));
    assert!(summary.total(|_| true) > 10 && summary.unanswered(|_| false) == 0);
}
