//! The three granularities: of one release a block of code fails, then a route, then all of it.
//!
//! Each is undone at its level by the control plane alone, and the next fault begins only after the last one was seen to be
//! gone. The release stays at one weight, so a user who gets another version was moved by a rollback.

mod report;

use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, ensure};
use serin_proto::admin::v1::{Phase, Rollout};

pub(super) use self::report::Report;
use self::report::{Level, Undone};
use super::applied::Applied;
use super::bad::{component_of, milliseconds_between};
use super::control::Event;
use super::{Scene, Screen, Shop, Stage, Theatre, is_not_of_the_service, shop, stage};
use crate::load::{Load, Summary};
use crate::sample::ROUTES;
use crate::sample::fault::{EVERY_ROUTE, Fault, Faults, Kind};
use crate::workspace::Workspace;

/// Its plan, and the versions in it.
const PLAN: &str = include_str!("../../demo/granularity.yaml");
const BASELINE: &str = "v2";
const CANARY: &str = "v3";
/// The block that fails, its route and its faulty version, as in the plan.
const BLOCK: &str = "tax";
const BLOCK_ROUTE: &str = "/checkout";
const BLOCK_VERSION: &str = "v7";
/// The route that fails.
const ROUTE: &str = "/search";
/// Part of the requests that fail.
const SHARE: f64 = 0.3;
/// How long the canary serves without a new fault before the next.
const HEALTHY_FOR: Duration = Duration::from_secs(10);
/// How long the warm-up, and a recovery, may take.
const PREPARE_DEADLINE: Duration = Duration::from_secs(30);
/// How long a decision is waited for.
const DECISION_DEADLINE: Duration = Duration::from_secs(30);
/// How long a decision may take to reach every worker.
const APPLY_DEADLINE: Duration = Duration::from_secs(10);
/// How long what was undone is watched.
const WATCH: Duration = Duration::from_secs(8);

/// Plays all three with what was built, and tells what was observed.
pub(super) async fn play(workspace: &Workspace, screen: &Screen) -> Result<(Report, Theatre)> {
    let shop = Shop::open(BASELINE, CANARY).await?;
    let (mut stage, control) = Stage::set(workspace, &shop).await?;
    super::introduce(screen, &stage, &stage.load_plan(), "ten routes");
    // Before the first request, so that whoever gets another version later was moved by a rollback.
    control.create(PLAN).await?;
    control.until_applied(1, APPLY_DEADLINE).await?;
    let load = Load::start(stage.load_plan())?;
    let (began, start) = (SystemTime::now(), Instant::now());
    let scene = Scene { screen, stage: &stage, control: &control, load: &load, began, services: super::SHOP };
    let played = super::shown(scene, faults(scene, &shop)).await;
    let mut report = played.map_err(|error| error.context(stage.tails()))?;
    let summary = load.stop().await?;
    report.seconds = start.elapsed().as_secs_f64();
    report.requests = summary.total(|_| true);
    report.requests_failed_by_serin = summary.total(is_not_of_the_service);
    report.commit = super::commit();
    report.envoy_version = stage::envoy_version(&stage.envoy).await?;
    report.ok = report.failures().is_empty();
    super::close(screen, &report.table(), &report.failures());
    let plan = stage.load_plan();
    Ok((report, Theatre { stage, control, plan, services: super::SHOP, _set: Box::new(shop) }))
}

async fn faults(scene: Scene<'_>, shop: &Shop) -> Result<Report> {
    let Scene { screen, control, .. } = scene;
    let progressing = |rollout: &Rollout| rollout.phase() == Phase::Progressing;
    ensure!(control.until(PREPARE_DEADLINE, progressing).await?.is_some(), "the warm-up does not end");
    let mut faults = Vec::new();
    let mut fault = |route: &str, kind: Kind| {
        faults.push(Fault { route: route.to_owned(), share: SHARE, kind });
        Faults { faults: faults.clone() }
    };
    let block = Kind::Block { name: BLOCK.to_owned(), version: BLOCK_VERSION.to_owned(), status: 500 };
    screen.line("\nFault 1: a block of code of one route.");
    let fine = undo(scene, shop, Level::Fine, fault(BLOCK_ROUTE, block)).await?;
    screen.line("\nFault 2: a route.");
    let medium = undo(scene, shop, Level::Medium, fault(ROUTE, Kind::Status(500))).await?;
    screen.line("\nFault 3: the whole version.");
    let coarse = undo(scene, shop, Level::Coarse, fault(EVERY_ROUTE, Kind::Status(500))).await?;
    Ok(Report { fine, medium, coarse, ..Report::default() })
}

/// Lets the canary serve for a while, makes it fail, and watches what is undone for that.
async fn undo(scene: Scene<'_>, shop: &Shop, level: Level, faults: Faults) -> Result<Undone> {
    let Scene { control, load, .. } = scene;
    let recovered = |rollout: &Rollout| rollout.components.iter().all(|component| !component.recovering);
    ensure!(control.until(PREPARE_DEADLINE, recovered).await?.is_some(), "a component does not recover");
    tokio::time::sleep(HEALTHY_FOR).await;
    let sequence = control.last_sequence().await?;
    let (before, fault_at) = (load.snapshot(), SystemTime::now());
    let failed_before = shop.canary().stats().total(shop::is_failure);
    shop.canary().set_faults(faults);
    let workers = Applied::default();
    let decided = tokio::select! {
        decided = control.event(sequence, DECISION_DEADLINE, is_rollback) => decided?,
        Err(error) = workers.follow(scene.stage.envoy.admin()) => return Err(error),
    };
    let mut undone = Undone { expected: level, ..Undone::default() };
    let Some(event) = decided else { return Ok(undone) };
    undone.level = Level::of(&event);
    undone.component = event.components.first().cloned();
    undone.block = event.blocks.first().cloned();
    undone.fault_to_decision_ms = milliseconds_between(fault_at, event.at);
    tokio::select! {
        applied = control.until_applied(event.sequence, APPLY_DEADLINE) => applied?,
        Err(error) = workers.follow(scene.stage.envoy.admin()) => return Err(error),
    }
    workers.look(scene.stage.envoy.admin()).await?;
    let complete = workers.complete_at(event.at, control.vms().await?);
    undone.decision_to_all_workers_ms = complete.and_then(|at| milliseconds_between(event.at, at));
    // What was under way when the decision came may still fail.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let start = load.snapshot();
    tokio::time::sleep(WATCH).await;
    let end = load.snapshot();
    undone.canary_requests_failed = shop.canary().stats().total(shop::is_failure) - failed_before;
    undone.canary_failures_after = failures(&end) - failures(&start);
    undone.untouched_requests_moved = moved(&end, level) - moved(&before, level);
    undone.canary_kept_the_component = keeps_canary(&start, &end, undone.component.as_deref());
    let others = control.events_after(event.sequence).await?;
    undone.others =
        others.iter().filter(|event| is_rollback(event)).map(|event| event.text.clone()).collect();
    Ok(undone)
}

fn is_rollback(event: &Event) -> bool {
    ["blocks_restored", "components_rolled_back", "rolled_back"].contains(&event.kind.as_str())
}

impl Level {
    fn of(event: &Event) -> Option<Self> {
        match event.kind.as_str() {
            "blocks_restored" => Some(Self::Fine),
            "components_rolled_back" => Some(Self::Medium),
            "rolled_back" => Some(Self::Coarse),
            _ => None,
        }
    }

    /// Routes whose users stay where they are when that level is undone.
    fn untouched(self) -> impl Iterator<Item = &'static str> {
        ROUTES.into_iter().filter(move |route| match self {
            Self::Fine => true,
            Self::Medium => *route != ROUTE,
            Self::Coarse => false,
        })
    }
}

/// Failing answers of the canary.
fn failures(summary: &Summary) -> u64 {
    summary.total(|key| key.version.as_deref() == Some(CANARY) && key.status.is_failure())
}

fn moved(summary: &Summary, level: Level) -> u64 {
    level.untouched().filter_map(|route| summary.moved.get(route)).sum()
}

/// Whether the canary answered requests of the component between the two.
fn keeps_canary(start: &Summary, end: &Summary, component: Option<&str>) -> bool {
    let answers = |summary: &Summary| {
        summary.total(|key| {
            key.version.as_deref() == Some(CANARY)
                && component.is_some_and(|name| component_of(&key.route) == name)
        })
    };
    answers(end) > answers(start)
}
