//! A rollback, seen while it happens, and every page of it.

use std::time::{Duration, SystemTime};

use serin_e2e::browser::stage::{DECISION, Stage, time_of};
use serin_e2e::browser::{Page, Window};
use serin_e2e::sample::fault::{Faults, Kind};
use serin_e2e::workspace::Workspace;
use serin_proto::admin::v1::Phase;

use super::plans::{self, BROKEN};
use super::sound;

/// Requests a second.
const RATE: f64 = 250.0;
/// How much later than the decision a page may show it.
const SEEN_WITHIN: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_is_seen_live_on_every_screen_and_every_page_is_sound() {
    let mut stage = Stage::set(&Workspace::locate().unwrap(), "dashboard-live").await.unwrap();
    empty(&stage).await;
    stage.send(RATE).unwrap();
    let id = stage.begin(&plans::shop("v1", "v2")).await.unwrap();
    let progressing = |rollout: &serin_proto::admin::v1::Rollout| rollout.phase() == Phase::Progressing;
    stage.until("the warm-up ends", &id, progressing).await.unwrap();
    rollback(&stage, &id).await;
    every_page(&stage, &id).await;
    stage.clear().await.unwrap();
}

/// Pages before anything is rolled out, and one that is not there.
async fn empty(stage: &Stage) {
    let (page, answer) = stage.browser.open("empty", &stage.url("/"), Window::WIDE).await.unwrap();
    assert_eq!(answer.status, Some(200));
    sound::is_sound(&page, "/ without rollouts").await;
    for path in ["/decisions", "/history", "/nodes", "/login"] {
        assert_eq!(page.visit(path).await.unwrap().status, Some(200), "{path}");
        sound::is_sound(&page, &format!("{path} without rollouts")).await;
    }
    for path in ["/nowhere", "/rollouts/nothing", "/decisions/nothing"] {
        assert_eq!(page.visit(path).await.unwrap().status, Some(404), "{path}");
        sound::is_sound(&page, path).await;
    }
}

/// One looks on a wide screen, another on a phone, when a route begins to fail.
async fn rollback(stage: &Stage, id: &str) {
    let url = stage.url(&format!("/rollouts/{id}"));
    let (wide, _) = stage.browser.open("wide", &url, Window::WIDE).await.unwrap();
    let (phone, _) = stage.browser.open("phone", &url, Window::PHONE).await.unwrap();
    // Who reads by keyboard stays where they are while the page changes around them.
    wide.tab_to(BROKEN.1).await.unwrap();
    stage.canary.set_faults(Faults::one(BROKEN.0, 0.5, Kind::Status(503)));
    let (event, on_wide, on_phone) = tokio::join!(
        stage.event(id, "components_rolled_back"),
        wide.sees("#rollback", BROKEN.1, DECISION),
        phone.sees("#rollback", BROKEN.1, DECISION),
    );
    let decided = time_of(&event.unwrap()).unwrap();
    for (what, seen) in [("the wide screen", on_wide), ("the phone", on_phone)] {
        let seen = seen.unwrap();
        let later = seen.duration_since(decided).unwrap_or(Duration::ZERO);
        println!("{what} shows the rollback {} ms after the decision", later.as_millis());
        assert!(later <= SEEN_WITHIN, "{what} shows it {later:?} after the decision");
    }
    let focused = wide.focused().await.unwrap().unwrap();
    assert_eq!(focused.name, BROKEN.1, "the focus was lost: {focused:?}");
    reason(&wide).await;
    reason(&phone).await;
}

/// From the page of the rollout to the component, where the reason is read.
async fn reason(page: &Page<'_>) {
    page.follow("link", BROKEN.1).await.unwrap();
    let text = page.read("main").await.unwrap();
    assert!(text.contains("on the baseline"), "{text}");
    assert!(text.contains("error"), "no reason: {text}");
    let fit = page.fit().await.unwrap();
    assert!(fit.scroll_width <= fit.width, "{fit:?}");
    sound::is_clean(page, "the page of the component").await;
}

/// Every page of a rollout with a rollback.
async fn every_page(stage: &Stage, id: &str) {
    let (page, _) = stage.browser.open("all", &stage.url("/"), Window::WIDE).await.unwrap();
    let began = SystemTime::now();
    let mut paths: Vec<String> = ["/", "/decisions", "/history", "/nodes"].map(str::to_owned).to_vec();
    paths.push(format!("/compare?left={id}&right={id}"));
    for rest in ["", "/components/checkout", "/components/cart", "/graph"] {
        paths.push(format!("/rollouts/{id}{rest}"));
    }
    page.visit("/decisions").await.unwrap();
    let decisions = page.list("main a[href^='/decisions/']").await.unwrap();
    paths.push(decisions[0].href.clone().unwrap());
    for path in &paths {
        assert_eq!(page.visit(path).await.unwrap().status, Some(200), "{path}");
        sound::is_sound(&page, path).await;
        sound::is_walked_by_keyboard(&page, path).await;
    }
    println!("{} pages in {:?}", paths.len(), began.elapsed().unwrap());
    without_scripts(stage, &paths).await;
}

/// What is read without scripts is the same.
async fn without_scripts(stage: &Stage, paths: &[String]) {
    let window = Window::PHONE.without_scripts();
    let (page, _) = stage.browser.open("plain", &stage.url("/"), window).await.unwrap();
    for path in paths {
        page.visit(path).await.unwrap();
        let text = page.read("main").await.unwrap();
        assert!(text.len() > 100, "{path}: {text}");
        let fit = page.fit().await.unwrap();
        assert!(fit.scroll_width <= fit.width, "{path}: {fit:?}");
    }
    sound::is_clean(&page, "without scripts").await;
}
