//! What the dashboard costs: how soon its pages are painted, and what those cost who look on.
//!
//! The release build of the control plane holds many rollouts. As many of them are live as one assignment has room for, and each
//! component of those gets a stratum with both arms every second; the others were rolled back before. Chromium opens the page
//! of the fleet and that of one rollout, with an empty cache each time. Then raw clients follow the stream that each page
//! names, in turns with nobody looking, so that what else runs on the machine strikes both alike.

mod feed;
mod report;
mod viewers;

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Deserialize;
use serde_json::json;
use serin_proto::admin::v1::{CreateRequest, RollbackRequest};
use serin_proto::assignment::bounds;
use tonic::transport::Endpoint;

use self::feed::{Feed, component, service};
use self::report::{Cost, Paint, Report, Shown};
use crate::browser::Browser;
use crate::control_plane::{AdminClient, ControlPlane};
use crate::workspace::Workspace;

/// How long the live rollouts get data before anything is measured.
const WARM_UP: Duration = Duration::from_secs(10);
/// How long one of so many rollouts may take to be created.
const CREATE_DEADLINE: Duration = Duration::from_secs(60);
/// How long a page may take to be painted before the bench gives up.
const PAINT_DEADLINE: Duration = Duration::from_secs(60);

/// How much is measured, and how it is shown.
#[derive(Args, Clone, Copy, Debug)]
pub struct Options {
    /// Prints one JSON object as the last line, and no table.
    #[arg(long)]
    json: bool,
    /// Measures the dev build, which costs more: what holds for it holds for the release build.
    #[arg(long)]
    dev: bool,
    /// Rollouts.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rollouts: u32,
    /// Components of each.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
    components: u32,
    /// Viewers.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    viewers: u32,
    /// How often each page is opened.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=50))]
    loads: u32,
    /// Turns with and without viewers.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    turns: u32,
    /// Length of a turn, in seconds.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u64).range(3..=60))]
    seconds: u64,
}

impl Options {
    /// Rollouts that are live: one for each service.
    fn live(&self) -> u32 {
        let room = bounds::COMPONENTS / self.components.max(1) as usize;
        self.rollouts.min(u32::try_from(room.min(bounds::SERVICES)).unwrap_or(u32::MAX))
    }
}

/// Runs the bench. Dropping it ends all that it started.
///
/// # Errors
/// When a part cannot be built or started, or a page cannot be opened.
pub async fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let binary = if options.dev {
        workspace.build_native()?;
        workspace.binary("serin-control-plane")?
    } else {
        workspace.build_release("serin-control-plane", "serin-control-plane")?
    };
    workspace.build_wasm()?;
    let folder = workspace.scratch("bench-dashboard")?;
    let browser = Browser::start(workspace, &folder).await?;
    let report = measure(workspace, options, &binary, &folder, &browser).await?;
    browser.stop().await?;
    let mut out = std::io::stdout();
    if options.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        write!(out, "{report}")?;
    }
    Ok(())
}

async fn measure(
    workspace: &Workspace,
    options: &Options,
    binary: &Path,
    folder: &Path,
    browser: &Browser,
) -> Result<Report> {
    let control_plane = ControlPlane::start_binary(binary, workspace, folder, Duration::from_secs(1)).await?;
    let admin = Endpoint::from_shared(format!("http://{}", control_plane.admin()))?.timeout(CREATE_DEADLINE);
    let ids = create(AdminClient::new(admin.connect_lazy()), options).await?;
    let feed = Feed::start(&control_plane, options.live(), options.components)?;
    tokio::time::sleep(WARM_UP).await;
    let first = ids.first().context("no rollout is live")?;
    let pages = [("fleet", vec!["/".to_owned()]), ("rollout", paths(&ids))];
    let mut shown = Vec::new();
    for (name, paths) in pages {
        let path = paths.first().context("no page")?;
        writeln!(std::io::stderr(), "the page of the {name}, {path}")?;
        let paint = paint(browser, &format!("http://{}{path}", control_plane.http()), options).await?;
        let cost: Cost = viewers::cost(&control_plane, &paths, options).await?;
        shown.push(Shown { page: name, paint, cost });
    }
    feed.ensure_running(first)?;
    control_plane.stop().await?;
    Ok(Report::new(options, shown))
}

fn paths(ids: &[String]) -> Vec<String> {
    ids.iter().map(|id| format!("/rollouts/{id}")).collect()
}

/// Creates all rollouts, each service's newest last, and gives the live ones.
async fn create(mut admin: AdminClient, options: &Options) -> Result<Vec<String>> {
    let live = options.live();
    let mut newest = Vec::new();
    for number in 0..options.rollouts {
        let last = number + live >= options.rollouts;
        let plan_yaml = plan(number % live, options.components);
        let created = admin.create(CreateRequest { plan_yaml, paused: false }).await;
        let rollout = created.context("the plan was refused")?.into_inner().rollout;
        let id = rollout.context("no rollout was created")?.id;
        if last {
            newest.push(id);
        } else {
            let reason = "one of many".to_owned();
            admin.rollback(RollbackRequest { id, reason, ..RollbackRequest::default() }).await?;
        }
    }
    Ok(newest)
}

fn plan(number: u32, components: u32) -> String {
    let service = service(number);
    let mut plan = format!(
        "service: {service}\nbaseline: v1\ncanary: v2\nhosts: [{service}.example]\nwarm_up: 0s\n\
         steps: [{{weight: 10%, bake: 1h}}, {{weight: 50%, bake: 1h}}]\ncomponents:\n"
    );
    for number in 0..components {
        let name = component(number);
        plan.push_str(&format!("  - {{name: {name}, matches: [{{path: {{prefix: /{name}}}}}]}}\n"));
    }
    plan
}

/// Opens a page as often as asked.
async fn paint(browser: &Browser, url: &str, options: &Options) -> Result<Paint> {
    #[derive(Deserialize)]
    struct Runs {
        runs: Vec<report::Load>,
    }
    let what = json!({"url": url, "loads": options.loads});
    let Runs { runs } = browser.ask("paint", what, PAINT_DEADLINE).await?;
    for run in &runs {
        ensure!(run.status == 200, "{url}: status {}", run.status);
        ensure!(run.foreign == 0, "{url} asks other origins");
    }
    Ok(Paint::of(&runs))
}
