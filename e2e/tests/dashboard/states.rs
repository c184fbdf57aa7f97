//! What a page says when what it shows is old.

use std::time::Duration;

use serin_e2e::browser::Window;
use serin_e2e::browser::stage::{DECISION, Stage};
use serin_e2e::workspace::Workspace;
use serin_proto::admin::v1::Phase;

use super::{plans, sound};

const RATE: f64 = 200.0;
/// How soon a page tells that nothing reaches it any more, and that it is live again.
const TOLD_WITHIN: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_says_since_when_it_is_stale_and_for_how_long_no_data_came() {
    let mut stage = Stage::set(&Workspace::locate().unwrap(), "dashboard-states").await.unwrap();
    stage.send(RATE).unwrap();
    let id = stage.begin(&plans::shop("v1", "v2")).await.unwrap();
    let progressing = |rollout: &serin_proto::admin::v1::Rollout| rollout.phase() == Phase::Progressing;
    stage.until("the warm-up ends", &id, progressing).await.unwrap();
    let url = stage.url(&format!("/rollouts/{id}"));
    let (page, _) = stage.browser.open("rollout", &url, Window::PHONE).await.unwrap();
    page.sees("[role=status]", "Live", TOLD_WITHIN).await.unwrap();

    stage.control_plane.kill();
    page.sees("[role=status]", "Stale since", TOLD_WITHIN).await.unwrap();
    sound::is_sound(&page, "a stale page").await;
    stage.control_plane.restart().await.unwrap();
    page.sees("[role=status]", "Live", TOLD_WITHIN).await.unwrap();
    let is_fresh = |rollout: &serin_proto::admin::v1::Rollout| rollout.data_age_s.is_some_and(|age| age < 10);
    stage.until("requests are seen again", &id, is_fresh).await.unwrap();

    stage.load = None;
    stage.envoy.take().unwrap().stop().await.unwrap();
    page.sees("#silence", "No data for", DECISION).await.unwrap();
    assert!(page.read("#silence").await.unwrap().contains("holding"));
    sound::is_sound(&page, "a page without data").await;
    stage.clear().await.unwrap();
}
