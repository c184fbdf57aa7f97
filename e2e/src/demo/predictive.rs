//! What requests do not tell, or not yet: a leak is undone before its limit is crossed, a page that no longer sells while every
//! request succeeds, and an exception that no answer shows.
//!
//! One service runs behind Envoy, with users that open pages, whose browsers tell what became of these, and with log files that
//! `serin logs ship` follows. Three versions go on trial, one after the other; each is undone by another source.

mod logs;
mod report;
mod visitors;

use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use serin_proto::admin::v1::{Phase, Rollout};

use self::logs::Shipped;
pub(super) use self::report::Report;
use self::report::{Caught, Share};
use self::visitors::{Habits, Visitors};
use super::bad::milliseconds_between;
use super::control::Event;
use super::stage::Folder;
use super::{Scene, Screen, Shop, Stage, Theatre, is_not_of_the_service, shop, stage};
use crate::bootstrap::{BASELINE_CLUSTER, Bootstrap, CANARY_CLUSTER};
use crate::load::{Load, Plan};
use crate::ports::Port;
use crate::sample::fault::{EVERY_ROUTE, Faults, Kind};
use crate::workspace::Workspace;

/// Its plan, and the versions in it.
const PLAN: &str = include_str!("../../demo/predictive/plan.yaml");
const BASELINE: &str = "v1";
const LEAKING: &str = "v2";
const COMPLAINING: &str = "v3";
const UNWANTED: &str = "v4";
/// Rate of the load.
const REQUESTS_PER_SECOND: f64 = 300.0;
/// How long both versions take for an answer, in milliseconds.
const ANSWER_MS: u64 = 40;
/// How much longer the leaking one takes at the limit of the plan's forecast: 30 %.
const LIMIT_MS: u64 = 12;
/// How long it takes to become one millisecond slower.
const LEAK_STEP: Duration = Duration::from_secs(12);
/// How long a version serves without a fault.
const HEALTHY_FOR: Duration = Duration::from_secs(40);
/// How long the warm-up may take.
const PREPARE_DEADLINE: Duration = Duration::from_secs(30);
/// Longer than an answer takes.
const DRAIN: Duration = Duration::from_secs(2);
/// How long a decision about logs or users is waited for.
const DECISION_DEADLINE: Duration = Duration::from_secs(90);

/// Plays all three with what was built, and tells what was observed.
pub(super) async fn play(workspace: &Workspace, screen: &Screen) -> Result<(Report, Theatre)> {
    let mut shop = Shop::open(BASELINE, LEAKING).await?;
    let folder = Folder::make(workspace)?;
    let (path, otlp) = (folder.path().to_owned(), Port::reserve()?);
    let before = |bootstrap: Bootstrap| {
        bootstrap
            .cluster_at(BASELINE_CLUSTER, shop.baseline().address())?
            .cluster_at(CANARY_CLUSTER, shop.canary().address())
    };
    let more = json!({"listeners": {"otlp": {"address": otlp.address()}}});
    let (mut stage, control) = Stage::build(workspace, folder, more, before).await?;
    let plan = Plan::of_shop(stage.envoy.address(), REQUESTS_PER_SECOND);
    super::introduce(screen, &stage, &plan, "ten routes");
    let load = Load::start(plan.clone())?;
    let (began, start) = (SystemTime::now(), Instant::now());
    let scene = Scene { screen, stage: &stage, control: &control, load: &load, began, services: super::SHOP };
    let shipped = Shipped::start(workspace, &path, otlp.address(), [BASELINE, COMPLAINING])?;
    let visitors = Visitors::start(stage.envoy.address());
    let acts = acts(scene, &mut shop, &shipped, &visitors);
    let played = super::shown(scene, acts).await;
    let mut report = played.map_err(|error| error.context(stage.tails()))?;
    report.views_told = visitors.stop();
    report.lines_written = shipped.stop().await?;
    let summary = load.stop().await?;
    report.seconds = start.elapsed().as_secs_f64();
    report.requests = summary.total(|_| true);
    report.requests_failed = shop.total(shop::is_failure);
    report.requests_failed_by_serin = summary.total(is_not_of_the_service);
    report.commit = super::commit();
    report.envoy_version = stage::envoy_version(&stage.envoy).await?;
    report.ok = report.failures().is_empty();
    super::close(screen, &report.table(), &report.failures());
    Ok((report, Theatre { stage, control, plan, services: super::SHOP, _set: Box::new(shop) }))
}

async fn acts(scene: Scene<'_>, shop: &mut Shop, shipped: &Shipped, visitors: &Visitors) -> Result<Report> {
    let slow = |ms: u64| Faults::one(EVERY_ROUTE, 1.0, Kind::LatencyMs(ms));
    shop.baseline().set_faults(slow(ANSWER_MS));
    shop.canary().set_faults(slow(ANSWER_MS));
    let mut report = Report::default();
    scene.screen.line("\nFirst version: it leaks, and becomes a little slower all the time.");
    begin(scene, LEAKING).await?;
    report.leak = leak(scene, shop).await?;
    drained(scene).await?;
    shop.replace_canary(COMPLAINING).await?;
    shop.canary().set_faults(slow(ANSWER_MS));
    scene
        .screen
        .line("\nSecond version: every request succeeds; some of them leave an exception in the log.");
    begin(scene, COMPLAINING).await?;
    report.exception = caught(scene, || shipped.complain(COMPLAINING)).await?;
    drained(scene).await?;
    shop.replace_canary(UNWANTED).await?;
    shop.canary().set_faults(slow(ANSWER_MS));
    scene.screen.line("\nThird version: every request succeeds; half of those who bought do not any more.");
    begin(scene, UNWANTED).await?;
    report.conversion = caught(scene, || visitors.set(UNWANTED, Habits { converting: 0.1 })).await?;
    Ok(report)
}

/// Waits until nothing is under way to a canary that was undone: its process is about to be replaced.
async fn drained(scene: Scene<'_>) -> Result<()> {
    scene.control.until_applied(1, PREPARE_DEADLINE).await?;
    tokio::time::sleep(DRAIN).await;
    Ok(())
}

/// Puts a version on trial, and lets it serve without a fault.
async fn begin(scene: Scene<'_>, version: &str) -> Result<()> {
    let Scene { control, .. } = scene;
    control.create(&PLAN.replace("canary: v2", &format!("canary: {version}"))).await?;
    let progressing = |rollout: &Rollout| rollout.phase() == Phase::Progressing;
    let ready = control.until(PREPARE_DEADLINE, progressing).await?;
    ensure!(ready.is_some(), "the warm-up of {version} does not end");
    tokio::time::sleep(HEALTHY_FOR).await;
    Ok(())
}

/// Lets the canary become slower, and watches whether it is undone before it is too slow.
async fn leak(scene: Scene<'_>, shop: &Shop) -> Result<Caught> {
    let (sequence, began) = (scene.control.last_sequence().await?, SystemTime::now());
    let crosses_at = began + LEAK_STEP * u32::try_from(LIMIT_MS).unwrap_or(u32::MAX);
    let leaking = async {
        for slower in 1..=LIMIT_MS {
            tokio::time::sleep(LEAK_STEP).await;
            shop.canary().set_faults(Faults::one(EVERY_ROUTE, 1.0, Kind::LatencyMs(ANSWER_MS + slower)));
        }
        anyhow::Ok(())
    };
    let decided = tokio::select! {
        decided = scene.control.event(sequence, LEAK_STEP * 20, is_rollback) => decided?,
        Err(error) = async { leaking.await?; std::future::pending::<Result<()>>().await } => return Err(error),
    };
    let mut caught = observed(scene, began, decided).await?;
    let lead = caught.decided_at.and_then(|at| crosses_at.duration_since(at).ok());
    caught.lead_s = lead.map(|lead| lead.as_secs_f64());
    Ok(caught)
}

/// Begins a fault, and watches what is undone for it.
async fn caught(scene: Scene<'_>, fault: impl FnOnce()) -> Result<Caught> {
    let (sequence, began) = (scene.control.last_sequence().await?, SystemTime::now());
    fault();
    let decided = scene.control.event(sequence, DECISION_DEADLINE, is_rollback).await?;
    observed(scene, began, decided).await
}

async fn observed(scene: Scene<'_>, began: SystemTime, decided: Option<Event>) -> Result<Caught> {
    let Some(event) = decided else {
        // The next version needs the place.
        scene.control.roll_back("nothing was undone in time").await?;
        return Ok(Caught::default());
    };
    let rollout = scene.control.rollout().await.context("the rollout that was undone")?;
    let sources = rollout.sources.into_iter().map(|source| {
        (source.source, Share { weight: source.weight, risk: source.risk, share: source.share })
    });
    let finding = rollout.findings.into_iter().next();
    Ok(Caught {
        why: Some(event.text),
        decided_at: Some(event.at),
        fault_to_decision_s: milliseconds_between(began, event.at).map(|ms| ms as f64 / 1_000.0),
        sources: sources.collect(),
        finding: finding.as_ref().map(|finding| finding.text.clone()),
        samples: finding.map(|finding| finding.samples).unwrap_or_default(),
        lead_s: None,
    })
}

fn is_rollback(event: &Event) -> bool {
    ["components_rolled_back", "rolled_back"].contains(&event.kind.as_str())
}
