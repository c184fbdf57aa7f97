//! The second act: one route of a version begins to fail, and that route alone is rolled back.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use anyhow::{Result, ensure};
use serin_proto::admin::v1::{Phase, Rollout};

use super::Scene;
use super::applied::Applied;
use super::control::Event;
use super::report::Bad;
use super::share::Window;
use super::shop::{self, Shop};
use super::stage::Stage;
use crate::load::{Key, Summary};
use crate::sample::ROUTES;
use crate::sample::fault::{Faults, Kind};

/// Its plan.
const PLAN: &str = include_str!("../../demo/v3.yaml");
/// The version on trial, as in the plan.
const CANARY: &str = "v3";
/// The route that begins to fail,
const ROUTE: &str = "/checkout";
/// and the part of its requests that do, with this status.
const FAULT: (f64, Kind) = (0.3, Kind::Status(500));
/// How long the canary serves without a fault before that.
const HEALTHY_FOR: Duration = Duration::from_secs(10);
/// How long the steps before the fault may take.
const PREPARE_DEADLINE: Duration = Duration::from_secs(20);
/// How long a decision is waited for.
const DECISION_DEADLINE: Duration = Duration::from_secs(30);
/// How long a decision may take to reach every worker.
const APPLY_DEADLINE: Duration = Duration::from_secs(10);
/// How long the other routes are watched after the decision.
const WATCH: Duration = Duration::from_secs(8);

/// Plays the act. What the shop serves at the end is the bad version, with its fault.
pub(super) async fn play(scene: Scene<'_>, shop: &mut Shop) -> Result<Bad> {
    let Scene { screen, control, .. } = scene;
    hand_over(scene, shop).await?;
    let progressing = |rollout: &Rollout| rollout.phase() == Phase::Progressing;
    ensure!(control.until(PREPARE_DEADLINE, progressing).await?.is_some(), "the warm-up does not end");
    tokio::time::sleep(HEALTHY_FOR).await;

    let begun =
        Begun { weight_ppm: control.rollout().await?.weight_ppm, sequence: control.last_sequence().await? };
    let acknowledged = control.observed("decision_to_acknowledged").await?;
    let applied = control.observed("decision_to_applied").await?;
    let (share, kind) = FAULT;
    let fault_at = SystemTime::now();
    shop.canary().set_faults(Faults::one(ROUTE, share, kind));
    screen.line(&format!(
        "          {:.0} % of {CANARY}'s answers on {ROUTE} are errors from now on",
        share * 100.0
    ));

    let workers = Applied::default();
    let decided = tokio::select! {
        decided = control.event(begun.sequence, DECISION_DEADLINE, is_rollback) => decided?,
        Err(error) = workers.follow(scene.stage.envoy.admin()) => return Err(error),
    };
    let mut bad = Bad {
        outcome: outcome(decided.as_ref()).to_owned(),
        component: decided.as_ref().and_then(|event| event.components.first().cloned()),
        component_at_fault: component_of(ROUTE).to_owned(),
        fault_share: share,
        weight_ppm: begun.weight_ppm,
        ..Bad::default()
    };
    if let Some(event) = &decided {
        bad.fault_to_decision_ms = milliseconds_between(fault_at, event.at);
        tokio::select! {
            reported = control.next_observation("decision_to_applied", applied, APPLY_DEADLINE) =>
                bad.decision_to_reported_ms = reported?,
            Err(error) = workers.follow(scene.stage.envoy.admin()) => return Err(error),
        }
        bad.decision_to_acknowledged_ms =
            control.next_observation("decision_to_acknowledged", acknowledged, APPLY_DEADLINE).await?;
        workers.look(scene.stage.envoy.admin()).await?;
        let complete = workers.complete_at(event.at, control.vms().await?);
        bad.decision_to_all_workers_ms = complete.and_then(|at| milliseconds_between(event.at, at));
    }
    after(scene, shop, &begun, decided.as_ref(), &mut bad).await?;
    Ok(bad)
}

/// Where the control plane stood when the fault began.
struct Begun {
    weight_ppm: u32,
    sequence: u64,
}

/// After a promotion the canary's endpoint carries everything. As an operator would: the baseline's is brought to the
/// promoted version, which is handed over to it, the canary's is brought to the next version, and its rollout begins.
async fn hand_over(scene: Scene<'_>, shop: &mut Shop) -> Result<()> {
    let Scene { screen, stage, control, .. } = scene;
    let promoted = control.rollout().await?.canary_version;
    control.until_applied(1, APPLY_DEADLINE).await?;
    quiet(stage, "baseline").await?;
    shop.replace_baseline(&promoted).await?;
    screen
        .line(&format!("          the baseline's endpoint is upgraded to {promoted}, without traffic on it"));
    control.hand_over(&format!("it runs {promoted} as well")).await?;
    control.until_applied(1, APPLY_DEADLINE).await?;
    quiet(stage, "canary").await?;
    shop.replace_canary(CANARY).await?;
    screen.line(&format!("          the canary's endpoint is upgraded to {CANARY}, without traffic on it"));
    control.create(PLAN).await?;
    Ok(())
}

/// Waits until Envoy has no request under way to a cluster and none came for half a second.
async fn quiet(stage: &Stage, cluster: &str) -> Result<()> {
    let admin = stage.envoy.admin();
    let (active, total) =
        (format!("cluster.{cluster}.upstream_rq_active"), format!("cluster.{cluster}.upstream_rq_total"));
    let mut before = None;
    let end = tokio::time::Instant::now() + APPLY_DEADLINE;
    loop {
        let now = (admin.stat(&active).await?, admin.stat(&total).await?);
        if now.0 == 0 && before == Some(now.1) {
            return Ok(());
        }
        ensure!(tokio::time::Instant::now() < end, "requests still go to the {cluster}");
        before = Some(now.1);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn is_rollback(event: &Event) -> bool {
    ["components_rolled_back", "rolled_back"].contains(&event.kind.as_str())
}

fn outcome(decided: Option<&Event>) -> &'static str {
    match decided.map(|event| event.kind.as_str()) {
        Some("components_rolled_back") => "rolled_back",
        Some(_) => "version_rolled_back",
        None => "undecided",
    }
}

/// Watches the other routes, then adds up what clients and service saw.
async fn after(
    scene: Scene<'_>,
    shop: &Shop,
    begun: &Begun,
    decided: Option<&Event>,
    bad: &mut Bad,
) -> Result<()> {
    let Scene { control, load, .. } = scene;
    let (start, mut weight_ppm) = (load.snapshot(), control.rollout().await?.weight_ppm);
    let end = tokio::time::Instant::now() + WATCH;
    while tokio::time::Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(500)).await;
        weight_ppm = weight_ppm.min(control.rollout().await?.weight_ppm);
    }
    let now = load.snapshot();
    let watched = Watched { start: &start, end: &now, weight_ppm, users: scene.stage.load_plan().users };
    bad.canary_answers_after = watched.canary(ROUTE);
    let events = control.events_after(begun.sequence).await?;
    let rolled_back: BTreeSet<&str> = events
        .iter()
        .filter(|event| is_rollback(event))
        .flat_map(|event| event.components.iter().map(String::as_str))
        .collect();
    let others = ROUTES.iter().filter(|route| **route != ROUTE);
    let affected = others.filter(|route| rolled_back.contains(component_of(route)) || watched.lost(route));
    bad.others = affected.map(|route| component_of(route).to_owned()).collect();
    bad.other_components_affected = bad.others.len() as u64;
    bad.canary_requests_failed = shop.canary().stats().total(shop::is_failure);
    bad.weight_after_ppm = weight_ppm;
    if let Some(event) = decided {
        let seen = Answers::of(&load.snapshot());
        bad.first_failure_to_decision_ms =
            seen.first_failure.and_then(|first| milliseconds_between(first, event.at));
        bad.decision_to_last_canary_answer_ms = seen.last.map(|last| signed_milliseconds(event.at, last));
    }
    Ok(())
}

/// The load's answers within the window after the decision.
struct Watched<'a> {
    start: &'a Summary,
    end: &'a Summary,
    weight_ppm: u32,
    users: u64,
}

impl Watched<'_> {
    fn count(&self, wanted: impl Fn(&Key) -> bool) -> u64 {
        self.end.total(&wanted).saturating_sub(self.start.total(&wanted))
    }

    fn canary(&self, route: &str) -> u64 {
        self.count(|key| key.route == route && key.version.as_deref() == Some(CANARY))
    }

    /// Whether the route's canary lost its traffic. A window that could not tell counts as lost: nothing is assumed.
    fn lost(&self, route: &str) -> bool {
        let window = Window {
            requests: self.count(|key| key.route == route),
            canary: self.canary(route),
            weight: f64::from(self.weight_ppm) / 1e6,
            users: self.users,
        };
        window.lost_its_canary() || !window.can_tell()
    }
}

/// When clients saw answers of the bad version on its bad route.
struct Answers {
    first_failure: Option<SystemTime>,
    last: Option<SystemTime>,
}

impl Answers {
    fn of(summary: &Summary) -> Self {
        let there = || {
            summary
                .seen
                .iter()
                .filter(|(key, _)| key.route == ROUTE && key.version.as_deref() == Some(CANARY))
        };
        Self {
            first_failure: there()
                .filter(|(key, _)| key.status.is_failure())
                .map(|(_, seen)| seen.first)
                .min(),
            last: there().map(|(_, seen)| seen.last).max(),
        }
    }
}

/// Name of a route's component in the plan: its first segment.
pub(super) fn component_of(route: &str) -> &str {
    route.trim_start_matches('/').split('/').next().unwrap_or_default()
}

pub(super) fn milliseconds_between(from: SystemTime, to: SystemTime) -> Option<u64> {
    to.duration_since(from).ok().and_then(|span| u64::try_from(span.as_millis()).ok())
}

/// Below 0 when `to` is before `from`.
fn signed_milliseconds(from: SystemTime, to: SystemTime) -> i64 {
    let clamped = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    to.duration_since(from).map_or_else(|error| -clamped(error.duration()), clamped)
}
