//! The demo: what Serin is for, with every part real.
//!
//! A sample service of ten routes runs behind Envoy under a steady load. In the first act a good version is promoted by
//! the control plane alone. In the second, one route of the next version begins to fail while it is on trial; that route
//! is rolled back, and the other nine go on. Another scenario shows the three granularities of a rollback, one after the
//! other; a third lets three services go out as one release, with a schema change, and return; a fourth catches what requests do
//! not tell, or not yet. Everything told at the end was observed in this run: by the clients, by the service's own counts, by the journal and the metrics of the control plane.
//!
//! Every wait has a deadline. When the run ends, however it ends, nothing is left behind.

mod applied;
mod bad;
mod control;
mod good;
mod granularity;
mod live;
mod operations;
mod predictive;
mod report;
mod screen;
mod share;
mod shop;
mod stage;

use std::convert::Infallible;
use std::io::Write as _;
use std::process::Command;
use std::time::{Instant, SystemTime};

use anyhow::{Result, bail};
use clap::ValueEnum;
use serde::Serialize;

use self::control::Control;
pub use self::report::{Bad, Good, Report};
pub use self::screen::Screen;
use self::shop::Shop;
use self::stage::Stage;
use crate::envoy::binary;
use crate::load::{Key, Load, Plan, Status, Summary};
use crate::workspace::Workspace;

/// How the demo is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Print one JSON object as the last line of stdout, and everything else to stderr.
    pub json: bool,
    /// Keep everything running after the acts, until interrupted.
    pub hold: bool,
    /// What is played.
    pub scenario: Scenario,
}

/// What the demo plays.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Scenario {
    /// A good version is promoted, and one bad route of the next is rolled back alone.
    #[default]
    Acts,
    /// A bad block of code, a bad route and a bad version, each undone at its level.
    Granularity,
    /// Three services go out as one release with a schema change; the second regresses, and everything moves back.
    Operations,
    /// A leak, an exception and a page that no longer sells, each undone by another source before requests could tell.
    Predictive,
}

/// What the acts and the live view look at.
#[derive(Clone, Copy)]
struct Scene<'a> {
    screen: &'a Screen,
    stage: &'a Stage,
    control: &'a Control,
    load: &'a Load,
    began: SystemTime,
    /// Whose rollouts are looked at.
    services: &'static [&'static str],
}

/// The one service of the acts.
const SHOP: &[&str] = &[control::SERVICE];

/// Runs the demo as the command does. Dropping it ends all that it started and removes its files.
///
/// # Errors
/// When something promised did not hold, or the run broke off.
pub async fn run(workspace: &Workspace, options: Options) -> Result<()> {
    let screen = Screen::new(options.json);
    prepare(workspace, &screen)?;
    match options.scenario {
        Scenario::Acts => {
            let (report, theatre) = play(workspace, &screen).await?;
            finish(&report, report.failures(), theatre, &screen, options).await
        }
        Scenario::Granularity => {
            let (report, theatre) = granularity::play(workspace, &screen).await?;
            finish(&report, report.failures(), theatre, &screen, options).await
        }
        Scenario::Operations => {
            let (report, theatre) = operations::play(workspace, &screen).await?;
            finish(&report, report.failures(), theatre, &screen, options).await
        }
        Scenario::Predictive => {
            let (report, theatre) = predictive::play(workspace, &screen).await?;
            finish(&report, report.failures(), theatre, &screen, options).await
        }
    }
}

/// Tells the report to programs, holds what runs if that was asked for, and clears it.
async fn finish(
    report: &impl Serialize,
    failures: Vec<String>,
    theatre: Theatre,
    screen: &Screen,
    options: Options,
) -> Result<()> {
    if options.json {
        writeln!(std::io::stdout(), "{}", serde_json::to_string(report)?)?;
    }
    if options.hold {
        screen.line("\nEverything keeps running until Ctrl-C.");
        match theatre.hold(screen).await? {}
    }
    theatre.stage.clear().await?;
    ensure_held(&failures)
}

/// Runs the acts without a word, as a check, with the native binaries that are there.
///
/// # Errors
/// As [`run`].
pub async fn check(workspace: &Workspace) -> Result<()> {
    checked(workspace, || async {
        let (report, theatre) = play(workspace, &Screen::silent()).await?;
        theatre.stage.clear().await?;
        Ok(report.failures())
    })
    .await
}

/// Plays the three granularities without a word, as a check, with the native binaries that are there.
///
/// # Errors
/// As [`run`].
pub async fn check_granularity(workspace: &Workspace) -> Result<()> {
    checked(workspace, || async {
        let (report, theatre) = granularity::play(workspace, &Screen::silent()).await?;
        theatre.stage.clear().await?;
        Ok(report.failures())
    })
    .await
}

/// Plays the release of three services without a word, as a check, with the native binaries that are there.
///
/// # Errors
/// As [`run`].
pub async fn check_operations(workspace: &Workspace) -> Result<()> {
    checked(workspace, || async {
        let (report, theatre) = operations::play(workspace, &Screen::silent()).await?;
        theatre.stage.clear().await?;
        Ok(report.failures())
    })
    .await
}

/// How long a decision takes depends on chance: on which requests fail. A run in which that alone did not hold is played once
/// more, and that is told.
async fn checked<F>(workspace: &Workspace, play: impl Fn() -> F) -> Result<()>
where
    F: Future<Output = Result<Vec<String>>>,
{
    prepare_envoy(workspace)?;
    let failures = play().await?;
    if failures.is_empty() || !failures.iter().all(|failure| failure.contains(report::LATE)) {
        return ensure_held(&failures);
    }
    writeln!(std::io::stderr(), "played again: {}", failures.join("; "))?;
    ensure_held(&play().await?)
}

fn ensure_held(failures: &[String]) -> Result<()> {
    match failures {
        [] => Ok(()),
        failures => bail!("the demo did not hold: {}", failures.join("; ")),
    }
}

/// Installs and builds what is missing.
///
/// # Errors
/// When Envoy or the WASM target cannot be fetched, or a build fails.
pub fn prepare(workspace: &Workspace, screen: &Screen) -> Result<()> {
    screen.line("Building the filter, the control plane and the command line (the first time takes minutes)");
    workspace.build_native()?;
    prepare_envoy(workspace)
}

fn prepare_envoy(workspace: &Workspace) -> Result<()> {
    workspace.build_wasm()?;
    binary::locate(workspace)?;
    Ok(())
}

/// Everything that still runs after the acts, without load. Dropping it ends all of it.
pub struct Theatre {
    stage: Stage,
    control: Control,
    plan: Plan,
    services: &'static [&'static str],
    _set: Box<dyn Send>,
}

impl Theatre {
    /// Starts the load again and shows what happens from now on.
    async fn hold(&self, screen: &Screen) -> Result<Infallible> {
        let after = self.control.last_sequence().await?;
        let load = Load::start(self.plan.clone())?;
        let (began, services) = (SystemTime::now(), self.services);
        let scene =
            Scene { screen, stage: &self.stage, control: &self.control, load: &load, began, services };
        live::show(scene, after).await
    }
}

/// Plays both acts with what [`prepare`] made, and tells what was observed.
///
/// # Errors
/// When a part cannot be started or breaks off. That something promised did not hold is no error: see
/// [`Report::failures`].
pub async fn play(workspace: &Workspace, screen: &Screen) -> Result<(Report, Theatre)> {
    let mut shop = Shop::open("v1", "v2").await?;
    let (mut stage, control) = Stage::set(workspace, &shop).await?;
    introduce(screen, &stage, &stage.load_plan(), "ten routes");
    let load = Load::start(stage.load_plan())?;
    let (began, start) = (SystemTime::now(), Instant::now());
    let scene = Scene { screen, stage: &stage, control: &control, load: &load, began, services: SHOP };
    let played = shown(scene, acts(scene, &mut shop)).await;
    let mut report = played.map_err(|error| error.context(stage.tails()))?;
    let summary = load.stop().await?;
    report.seconds = start.elapsed().as_secs_f64();
    count(&summary, &shop, &mut report);
    close(screen, &report.table(), &report.failures());
    let plan = stage.load_plan();
    Ok((report, Theatre { stage, control, plan, services: SHOP, _set: Box::new(shop) }))
}

fn introduce(screen: &Screen, stage: &Stage, plan: &Plan, over: &str) {
    screen.line(&format!("Envoy        http://{}/", stage.envoy.address()));
    screen.line(&format!("Dashboard    http://{}/", stage.control_plane.http()));
    screen.line(&format!(
        "Load         {} requests a second over {over}, from {} users",
        plan.requests_per_second, plan.users
    ));
}

async fn acts(scene: Scene<'_>, shop: &mut Shop) -> Result<Report> {
    let Scene { screen, stage, control, .. } = scene;
    let plan = stage.load_plan();
    let mut report = Report {
        requests_per_second: plan.requests_per_second,
        users: plan.users,
        seed: plan.seed,
        envoy_workers: stage::WORKERS,
        envoy_version: stage::envoy_version(&stage.envoy).await?,
        commit: commit(),
        ..Report::default()
    };
    screen.line("\nAct 1: v2 is good. Nobody touches anything.");
    report.good = good::play(control, shop).await?;
    if report.good.outcome == "promoted" {
        screen.line("\nAct 2: v3 has a route that is about to fail.");
        report.bad = bad::play(scene, shop).await?;
    } else {
        "not_played".clone_into(&mut report.bad.outcome);
    }
    Ok(report)
}

/// Compares what clients saw with what the service counted, once nothing is under way any more.
fn count(summary: &Summary, shop: &Shop, report: &mut Report) {
    report.requests = summary.total(|_| true);
    report.requests_not_sent = summary.not_sent;
    report.requests_failed_by_serin = summary.total(is_not_of_the_service);
    report.failures_seen = summary.total(|key| key.status.is_failure() && !is_not_of_the_service(key));
    report.failures_served = shop.total(shop::is_failure);
}

/// The service did not answer so: no version on it, or no whole answer.
fn is_not_of_the_service(key: &Key) -> bool {
    key.version.is_none() || matches!(key.status, Status::Broken | Status::TimedOut)
}

/// Shows what happens while the acts are played.
async fn shown<R>(scene: Scene<'_>, acts: impl Future<Output = Result<R>>) -> Result<R> {
    tokio::select! {
        played = acts => played,
        Err(error) = live::show(scene, 0) => Err(error),
    }
}

fn close(screen: &Screen, table: &[String], failures: &[String]) {
    screen.line("");
    table.iter().for_each(|row| screen.line(row));
    failures.iter().for_each(|failure| screen.line(&format!("  did not hold: {failure}")));
}

/// The commit that is checked out; with `-dirty` when tracked files differ from it.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok().filter(|out| out.status.success())?;
        String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() { commit } else { format!("{commit}-dirty") })
}
