//! What a person does by hand, and who may not.

use serde_json::json;
use serin_e2e::browser::stage::{PATIENCE, PERSON, Stage, TOKEN};
use serin_e2e::browser::{Answer, Page, Window};
use serin_e2e::http;
use serin_e2e::workspace::Workspace;
use serin_proto::admin::v1::{Phase, Rollout};

use super::plans::{self, SOUND};
use super::sound;

const RATE: f64 = 200.0;
const ACTIONS: [&str; 5] = ["pause", "resume", "promote", "weight", "rollback"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_acts_through_confirmations_and_nobody_else_does() {
    let mut stage = Stage::set(&Workspace::locate().unwrap(), "dashboard-acts").await.unwrap();
    stage.send(RATE).unwrap();
    let id = stage.begin(&plans::shop("v1", "v2")).await.unwrap();
    stage.until("the warm-up ends", &id, is(Phase::Progressing)).await.unwrap();
    let url = stage.url(&format!("/rollouts/{id}"));
    let (page, _) = stage.browser.open("person", &url, Window::WIDE).await.unwrap();

    a_stranger_may_not(&stage, &page, &id).await;
    sign_in_by_keyboard(&page).await;
    another_site_may_not(&stage, &page, &id).await;
    by_hand(&stage, &page, &id).await;
    promote(&stage, &page).await;
    is_named(&stage, &id).await;
    sound::is_clean(&page, "acting").await;
    stage.clear().await.unwrap();
}

fn is(phase: Phase) -> impl Fn(&Rollout) -> bool {
    move |rollout| rollout.phase() == phase
}

/// Without a token nothing can be done, and nothing offers it.
async fn a_stranger_may_not(stage: &Stage, page: &Page<'_>, id: &str) {
    for action in ACTIONS {
        let offered = page.list(&format!("main a[href$='/{action}']")).await.unwrap();
        assert!(offered.is_empty(), "{action} is offered to a stranger: {offered:?}");
        let path = format!("/rollouts/{id}/{action}");
        let origin = stage.url("");
        let headers = [("origin", origin.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        let answer = http::post(stage.control_plane.http(), &path, &headers, "reason=none").await.unwrap();
        assert!([401, 403].contains(&answer.status()), "{action} by a stranger: {}", answer.status());
    }
    assert_eq!(stage.rollout(id).await.unwrap().phase(), Phase::Progressing);
    page.visit("/login").await.unwrap();
    page.fill("Token", "wrong-horse-battery-staple").await.unwrap();
    let refused = page.follow_first("main form button").await.unwrap();
    assert!(refused.status.is_some_and(|status| status >= 400), "{refused:?}");
    let told = page.read("[role=alert]").await.unwrap();
    assert!(told.len() > 10, "{told}");
    sound::is_sound(page, "a login that was refused").await;
}

async fn sign_in_by_keyboard(page: &Page<'_>) {
    page.visit("/login").await.unwrap();
    page.tab_to("Token").await.unwrap();
    page.enter(TOKEN).await.unwrap();
    page.press_and_follow("Enter").await.unwrap();
    page.sees("body", PERSON, PATIENCE).await.unwrap();
}

/// A page of another origin cannot act with this person's session, whether it is another site or another port of this one.
async fn another_site_may_not(stage: &Stage, page: &Page<'_>, id: &str) {
    let to = stage.url(&format!("/rollouts/{id}/rollback"));
    let back = format!("/rollouts/{id}");
    let port = stage.control_plane.http().port();
    for from in [format!("http://localhost:{port}/win"), "http://127.0.0.1:8081/win".to_owned()] {
        let answer = page.lure(&from, &to, &json!({"reason": "prize"})).await.unwrap();
        assert!(matches!(answer.status, Some(401 | 403)), "a form of {from}: {answer:?}");
        assert_eq!(stage.rollout(id).await.unwrap().phase(), Phase::Progressing);
    }
    page.visit(&back).await.unwrap();
}

/// Opens the confirmation, which tells the consequence, fills the fields and confirms.
async fn confirmed(page: &Page<'_>, id: &str, action: &str, fields: &[(&str, &str)], told: &str) -> Answer {
    page.visit(&format!("/rollouts/{id}")).await.unwrap();
    page.follow_first(&format!("main a[href*='/{action}']")).await.unwrap();
    let consequence = page.read("main").await.unwrap();
    assert!(consequence.contains(told), "{action}: {consequence}");
    sound::is_sound(page, &format!("the confirmation of {action}")).await;
    for (label, value) in fields {
        page.fill(label, value).await.unwrap();
    }
    page.follow_first("main form button").await.unwrap()
}

/// No mouse is touched from the page of the rollout to the confirmed pause.
async fn by_keyboard(page: &Page<'_>, id: &str) {
    page.visit(&format!("/rollouts/{id}")).await.unwrap();
    page.press("Tab").await.unwrap();
    let first = page.focused().await.unwrap().unwrap();
    assert_eq!(
        first.href.as_deref(),
        Some("#main"),
        "the first control skips what is on every page: {first:?}"
    );
    page.press("Enter").await.unwrap();
    page.tab_to("Pause…").await.unwrap();
    page.press_and_follow("Enter").await.unwrap();
    sound::is_sound(page, "the confirmation of a pause").await;
    page.tab_to("Reason").await.unwrap();
    page.enter("by keyboard alone").await.unwrap();
    page.press_and_follow("Enter").await.unwrap();
}

async fn by_hand(stage: &Stage, page: &Page<'_>, id: &str) {
    let reason = ("Reason", "tried by hand");
    by_keyboard(page, id).await;
    stage.until("it is paused", id, is(Phase::Paused)).await.unwrap();
    confirmed(page, id, "resume", &[reason], "25").await;
    stage.until("it goes on", id, is(Phase::Progressing)).await.unwrap();
    confirmed(page, id, "weight", &[("Weight", "40"), reason], "weight").await;
    stage.until("the weight is set", id, |rollout| rollout.weight_ppm == 400_000).await.unwrap();
    let component = format!("/rollouts/{id}/rollback?component={SOUND}");
    page.visit(&component).await.unwrap();
    sound::is_sound(page, "the confirmation of a rollback of a component").await;
    page.fill("Reason", "by hand").await.unwrap();
    page.follow_first("main form button").await.unwrap();
    let rolled_back = |rollout: &Rollout| {
        rollout.components.iter().any(|component| component.name == SOUND && component.rolled_back)
    };
    stage.until("the component is rolled back", id, rolled_back).await.unwrap();
    without_scripts(stage, id).await;
}

/// The whole version is rolled back by somebody whose browser runs no script.
async fn without_scripts(stage: &Stage, id: &str) {
    let window = Window::PHONE.without_scripts();
    let (page, _) = stage.browser.open("plain", &stage.url("/login"), window).await.unwrap();
    page.fill("Token", TOKEN).await.unwrap();
    page.follow_first("main form button").await.unwrap();
    page.visit(&format!("/rollouts/{id}/rollback")).await.unwrap();
    page.fill("Reason", "by hand, from a phone").await.unwrap();
    page.follow_first("main form button").await.unwrap();
    let ended = |rollout: &Rollout| rollout.phase() == Phase::RolledBack;
    stage.until("the version is rolled back", id, ended).await.unwrap();
    sound::is_clean(&page, "acting without scripts").await;
}

async fn promote(stage: &Stage, page: &Page<'_>) {
    let id = stage.begin(&plans::shop("v1", "v3")).await.unwrap();
    stage.until("the warm-up ends", &id, is(Phase::Progressing)).await.unwrap();
    confirmed(page, &id, "promote", &[("Reason", "it is good")], "100").await;
    stage.until("it is promoted", &id, is(Phase::Promoted)).await.unwrap();
}

/// The journal and the audit log name the person.
async fn is_named(stage: &Stage, id: &str) {
    let events = stage.events(id).await.unwrap();
    for kind in ["paused", "resumed", "weight_set", "components_rolled_back", "rolled_back"] {
        let event = events.iter().find(|event| event.kind == kind);
        let event = event.unwrap_or_else(|| panic!("no {kind} in the journal: {events:?}"));
        assert_eq!(event.actor, PERSON, "{kind}");
    }
}
