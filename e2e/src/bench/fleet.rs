//! What a fleet costs the control plane: many simulated Envoys report through the real gRPC port of its release build.
//!
//! Each Envoy has a connection of its own, as in service, and reports once a second, at its own part of the second, what it
//! saw of every component in both arms: counts drawn at random and encoded histograms. Halfway, 30 % of the canary's
//! requests to one component begin to fail on all of them. Measured are the control plane's CPU time and memory, how long
//! reports wait for their acknowledgement, and when the rollback is decided; and every request that was reported must have
//! been counted, exactly once. The Envoys share the machine with the control plane, so times are upper bounds.

mod envoy;
mod report;
mod traffic;

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serin_proto::admin::v1::{CreateRequest, GetRequest};
use tokio::task::JoinSet;

use self::envoy::{Envoy, Sent};
use self::report::Report;
use self::traffic::{COMPONENTS_MAX, Fault, component};
use crate::bench::now;
use crate::control_plane::{AdminClient, ControlPlane};
use crate::process::{cpu_time, peak_memory};
use crate::workspace::Workspace;

/// Name of the service.
const SERVICE: &str = "shop";
/// How long the Envoys report before anything is measured, so that all are connected and known.
const WARM_UP: Duration = Duration::from_secs(5);
/// How often the rollout is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// The component that breaks.
const BROKEN: usize = 7;

/// How much is simulated, and how it is shown.
#[derive(Args, Clone, Copy, Debug)]
pub struct Options {
    /// Prints one JSON object as the last line, and no table.
    #[arg(long)]
    json: bool,
    /// Envoys.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    envoys: u32,
    /// Components of the service, each with traffic on every Envoy.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(8..=COMPONENTS_MAX))]
    components: u32,
    /// How long is measured, in seconds.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(10..=600))]
    seconds: u64,
}

/// What the control plane used.
struct Used {
    cpu: Duration,
    elapsed: Duration,
}

/// Runs the bench. Dropping it ends all that it started.
///
/// # Errors
/// When a part cannot be built or started, a request is not counted exactly once, or the wrong component is rolled back.
pub async fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let binary = workspace.build_release("serin-control-plane", "serin-control-plane")?;
    workspace.build_wasm()?;
    crate::process::allow_many_files(u64::from(options.envoys) + 512)?;
    let folder = workspace.scratch("bench-fleet")?;
    let interval = Duration::from_secs(1);
    let control_plane = ControlPlane::start_binary(&binary, workspace, &folder, interval).await?;
    let mut admin = control_plane.client()?;
    let created = CreateRequest { plan_yaml: plan(options.components), paused: false };
    let id = admin.create(created).await?.into_inner().rollout.context("no rollout was created")?.id;

    let begins = now().as_secs() + WARM_UP.as_secs();
    let fault = Fault { component: BROKEN, from_second: begins + options.seconds / 2 };
    let ends = begins + options.seconds;
    let mut fleet = JoinSet::new();
    for number in 0..options.envoys {
        let envoy = Envoy::new(control_plane.fleet(), number, *options, fault)?;
        fleet.spawn(envoy.report_until(ends));
    }
    sleep_until(Duration::from_secs(begins)).await;
    let process = control_plane.process().id();
    let (before, since) = (cpu_time(process)?, Instant::now());
    let decided = decision(&mut admin, &id, fault, ends).await?;
    sleep_until(Duration::from_secs(ends)).await;
    let used = Used { cpu: cpu_time(process)? - before, elapsed: since.elapsed() };
    let mut sent = Sent::default();
    while let Some(envoy) = fleet.join_next().await {
        sent.add(envoy??);
    }
    let memory_bytes = peak_memory(process)?;
    let counted = counted(&control_plane).await?;
    control_plane.stop().await?;
    ensure!(counted == sent.requests, "{} requests were reported and {counted} were counted", sent.requests);
    show(options, &Report::new(options, sent, &used, memory_bytes, decided))
}

fn show(options: &Options, report: &Report) -> Result<()> {
    let mut out = std::io::stdout();
    if options.json {
        writeln!(out, "{}", serde_json::to_string(report)?)?;
    } else {
        write!(out, "{report}")?;
    }
    Ok(())
}

/// How long after the fault's first second the component was rolled back. `None`: not before the end.
async fn decision(admin: &mut AdminClient, id: &str, fault: Fault, ends: u64) -> Result<Option<Duration>> {
    while now().as_secs() < ends {
        let request = GetRequest { id: id.to_owned() };
        let rollout = admin.get(request).await?.into_inner().rollout.context("the rollout is gone")?;
        let pinned: Vec<&str> =
            rollout.components.iter().filter(|one| one.rolled_back).map(|one| one.name.as_str()).collect();
        if pinned == [component(fault.component)] {
            return Ok(Some(now().saturating_sub(Duration::from_secs(fault.from_second))));
        }
        if !pinned.is_empty() {
            bail!("{} was rolled back: {}", pinned.join(", "), rollout.summary);
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(None)
}

/// Requests that the control plane counted.
async fn counted(control_plane: &ControlPlane) -> Result<u64> {
    let text = crate::http::get(control_plane.http(), "/metrics", &[]).await?.text();
    let values = text.lines().filter(|line| line.starts_with("serin_requests_finished_total{"));
    let values = values.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts below 2^53")]
    Ok(values.sum::<f64>() as u64)
}

fn plan(components: u32) -> String {
    let mut plan = format!(
        "service: {SERVICE}\nbaseline: v1\ncanary: v2\nhosts: [shop.example]\nwarm_up: 0s\n\
         steps: [{{weight: 10%, bake: 1h}}]\ncomponents:\n"
    );
    for number in 0..components as usize {
        let name = component(number);
        plan.push_str(&format!(
            "  - name: {name}\n    granularity: medium\n    matches: [{{path: {{prefix: /{name}}}}}]\n"
        ));
    }
    plan
}

async fn sleep_until(time: Duration) {
    tokio::time::sleep(time.saturating_sub(now())).await;
}
