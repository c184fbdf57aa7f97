//! What is played while the pictures are taken.

use std::time::Duration;

use anyhow::{Context, Result};
use serin_proto::admin::v1::Phase;

use super::{Album, SCREEN};
use crate::browser::stage::{DECISION, PATIENCE, PERSON, Stage, TOKEN};
use crate::browser::{Page, Window};
use crate::load::{Load, Plan, Target};
use crate::sample::fault::{Faults, Kind};
use crate::sample::{ROUTES, components};

/// The service whose route breaks, one that is on its way, and one whose version was promoted.
const BAD: &str = "shop";
const OTHER: &str = "payments";
const GOOD: &str = "catalog";
/// What cannot do without what: so there is a graph to see, and something that returns with what breaks.
const NEEDS: [(&str, &str); 3] =
    [("orders", "checkout"), ("checkout", "{component: cart, on_rollback: stay}"), ("cart", "products")];
/// The route that breaks, and its component.
const ROUTE: (&str, &str) = ("/checkout", "checkout");
/// Part of its requests that fail then.
const FAILING: f64 = 0.2;
/// Requests a second of all services together.
const RATE: f64 = 300.0;
/// How long evidence gathers before pictures of it are taken.
const GATHER: Duration = Duration::from_secs(25);

/// Plays it, and gives back what still runs.
pub(super) async fn play(mut stage: Stage, album: &Album) -> Result<Stage> {
    let envoy = stage.envoy.as_ref().context("no Envoy runs")?.address();
    let targets = [BAD, OTHER, GOOD].into_iter().flat_map(targets).collect();
    stage.load = Some(Load::start(Plan { targets, ..Plan::of_shop(envoy, RATE) })?);

    let good = stage.begin(&plan(GOOD, "v41", "v42")).await?;
    let other = stage.begin(&plan(OTHER, "v7", "v8")).await?;
    let bad = stage.begin(&plan(BAD, "v118", "v119")).await?;
    tokio::time::sleep(GATHER).await;

    let (page, _) = stage.browser.open("person", &stage.url("/login"), SCREEN).await?;
    album.take(&page, "login").await?;
    sign_in(&page).await?;
    page.visit(&format!("/rollouts/{good}/promote")).await?;
    page.fill("Reason", "errors and latency are as before").await?;
    album.take(&page, "confirm-promotion").await?;
    page.follow_first("main form button").await?;
    stage.until("the good version is promoted", &good, |rollout| rollout.phase() == Phase::Promoted).await?;
    before(&page, album, &bad, &other).await?;

    page.visit(&format!("/rollouts/{bad}")).await?;
    stage.canary.set_faults(Faults::one(ROUTE.0, FAILING, Kind::Status(503)));
    page.sees("#rollback", ROUTE.1, DECISION).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    album.take(&page, "rollback").await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    after(&page, album, &bad, &good).await?;
    Ok(stage)
}

/// While all goes well.
async fn before(page: &Page<'_>, album: &Album, bad: &str, other: &str) -> Result<()> {
    for (name, path) in [
        ("fleet", "/".to_owned()),
        ("rollout", format!("/rollouts/{bad}")),
        ("component", format!("/rollouts/{bad}/components/{}", ROUTE.1)),
        ("confirm-rollback", format!("/rollouts/{bad}/rollback")),
        ("confirm-pause", format!("/rollouts/{other}/pause")),
        ("nodes", "/nodes".to_owned()),
    ] {
        shown(page, album, name, &path).await?;
    }
    Ok(())
}

/// Once the route was rolled back.
async fn after(page: &Page<'_>, album: &Album, bad: &str, good: &str) -> Result<()> {
    for (name, path) in [
        ("component-rolled-back", format!("/rollouts/{bad}/components/{}", ROUTE.1)),
        ("graph", format!("/rollouts/{bad}/graph")),
        ("decisions", "/decisions".to_owned()),
        ("history", "/history".to_owned()),
        ("compare", format!("/compare?left={good}&right={bad}")),
    ] {
        shown(page, album, name, &path).await?;
    }
    page.visit("/decisions").await?;
    page.follow_first("main a[href^='/decisions/']").await?;
    album.take(page, "decision").await?;

    page.resize(SCREEN.dark()).await?;
    shown(page, album, "rollout-dark", &format!("/rollouts/{bad}")).await?;
    for (name, window) in [("rollout-phone", Window::PHONE), ("fleet-phone", Window::PHONE.dark())] {
        page.resize(window).await?;
        let path = if name == "fleet-phone" { "/".to_owned() } else { format!("/rollouts/{bad}") };
        shown(page, album, name, &path).await?;
    }
    Ok(())
}

/// Takes a picture of a page once its heading is there.
async fn shown(page: &Page<'_>, album: &Album, name: &str, path: &str) -> Result<()> {
    let answer = page.visit(path).await?;
    anyhow::ensure!(answer.status == Some(200), "{path}: status {:?}", answer.status);
    page.sees("h1", "", PATIENCE).await?;
    album.take(page, name).await
}

async fn sign_in(page: &Page<'_>) -> Result<()> {
    page.fill("Token", TOKEN).await?;
    page.follow_first("main form button").await?;
    page.sees("body", PERSON, PATIENCE).await?;
    Ok(())
}

/// A plan that judges at once and takes no step by itself.
fn plan(service: &str, baseline: &str, canary: &str) -> String {
    let components = components(|name| {
        let needed = NEEDS.iter().find(|(needing, _)| *needing == name);
        needed.map(|(_, needed)| format!(", depends_on: [{needed}]")).unwrap_or_default()
    });
    format!(
        "service: {service}\nhosts: [{service}.example.com]\nbaseline: {baseline}\ncanary: {canary}\n\
         identity: {{user: [{{header: x-user-id}}]}}\nwarm_up: 1s\n\
         steps: [{{weight: 20%, bake: 1h}}, {{weight: 50%, bake: 1h}}, {{weight: 100%, bake: 1h}}]\n\
         components:\n{components}"
    )
}

/// The routes of a service, evenly; the broken one is asked of one service alone.
fn targets(service: &str) -> Vec<Target> {
    let routes = ROUTES.iter().filter(|route| service == BAD || **route != ROUTE.0);
    routes.map(|route| Target::get(route).header("host", &format!("{service}.example.com"))).collect()
}
