//! What the filter costs: CPU time of Envoy per proxied request, beside what an operator could use instead.
//!
//! Every variant is an Envoy of its own with one worker; all serve 50 routes and the same requests, and (but for the one
//! without canary) send 10 % to the canary. They are measured in slices of a fixed number of requests, one after the other
//! in an order that rotates from round to round. Ratios are taken within a round, so what the machine does meanwhile falls
//! on all alike; their median is reported. CPU time is what the kernel accounts to the process (10 ms resolution, hence
//! long slices); upstream and load generator are other processes and are not counted.
//!
//! A variant that does not do its work is refused: the split of each is checked against Envoy's cluster counters, and the
//! two that count must have counted every request.

mod driver;
mod report;
mod sink;
mod variant;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use self::driver::Driver;
pub use self::report::Report;
use self::sink::Sink;
use self::variant::{Parts, Variant};
use crate::bootstrap::{Bootstrap, static_route};
use crate::envoy::{Envoy, Settings};
use crate::http;
use crate::workspace::{self, WASM_TARGET, Workspace};

/// Routes of the service.
const ROUTES: usize = 50;
/// Part of the traffic that the canary takes.
const CANARY_PERCENT: u32 = 10;
/// What every upstream answers.
const BODY: &str = "ok";
/// Requests of each variant before the first slice.
const WARM_UP: u64 = 4_000;
/// How long the last report of the filter may take to arrive.
const REPORT_DEADLINE: Duration = Duration::from_secs(10);

/// How long is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Slices of each variant.
    pub rounds: usize,
    /// Requests of a slice.
    pub requests: u64,
}

/// Runs the bench.
///
/// # Errors
/// When a part cannot be built or started, a request fails, or a variant does not do its work.
pub async fn run(workspace: &Workspace, effort: Effort) -> Result<Report> {
    ensure!(effort.rounds > 0 && effort.requests > 0, "at least one round of one request is needed");
    let folder = workspace.scratch("bench-filter")?;
    let sink = Sink::start().await?;
    let upstream = upstream(workspace, &folder).await?;
    let parts = Parts {
        upstream: upstream.address(),
        sink: sink.address(),
        serin: workspace.build_wasm()?,
        empty: build_empty(workspace, &folder)?,
        lua: workspace.root().join("e2e").join("bench"),
    };
    let mut bench = Bench { envoys: BTreeMap::new(), driver: Driver::new(), effort };
    for variant in Variant::ALL {
        let bootstrap = variant.bootstrap(workspace, &parts)?;
        let envoy = Envoy::start(workspace, &Settings::named(variant.name()), bootstrap, &folder).await?;
        bench.envoys.insert(variant, envoy);
    }
    bench.pin(&upstream)?;
    let report = bench.measure().await?;
    bench.check_work(&sink).await?;
    Ok(report)
}

struct Bench {
    envoys: BTreeMap<Variant, Envoy>,
    driver: Driver,
    effort: Effort,
}

impl Bench {
    async fn measure(&self) -> Result<Report> {
        for variant in Variant::ALL {
            self.driver.run(self.envoy(variant)?.address(), WARM_UP).await?;
        }
        let mut rounds = Vec::with_capacity(self.effort.rounds);
        for round in 0..self.effort.rounds {
            let mut costs = BTreeMap::new();
            for place in 0..Variant::ALL.len() {
                let Some(variant) = Variant::ALL.get((round + place) % Variant::ALL.len()) else { continue };
                costs.insert(*variant, self.slice(*variant).await?);
            }
            rounds.push(costs);
        }
        Report::new(&rounds, self.effort)
    }

    /// CPU time of Envoy per request of one slice.
    async fn slice(&self, variant: Variant) -> Result<Duration> {
        let envoy = self.envoy(variant)?;
        let before = envoy.cpu_time()?;
        self.driver.run(envoy.address(), self.effort.requests).await?;
        Ok((envoy.cpu_time()? - before).div_f64(self.effort.requests as f64))
    }

    /// Fails if a variant saved the work that it is measured for.
    async fn check_work(&self, sink: &Sink) -> Result<()> {
        let sent = WARM_UP + self.effort.rounds as u64 * self.effort.requests;
        for (variant, envoy) in &self.envoys {
            let canary = envoy.admin().stat("cluster.canary.upstream_rq_total").await?;
            let share = canary as f64 / sent as f64;
            let expected = if variant.splits() { f64::from(CANARY_PERCENT) / 100.0 } else { 0.0 };
            ensure!(
                (share - expected).abs() < 0.02,
                "{}: {share:.3} of the requests went to the canary",
                variant.name()
            );
        }
        let told = http::get(self.envoy(Variant::LuaCounting)?.address(), "/_counts", &[]).await?.text();
        let counted: u64 = told.lines().filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum();
        ensure!(counted == sent, "the counting Lua filter counted {counted} of {sent} requests");
        let end = tokio::time::Instant::now() + REPORT_DEADLINE;
        while sink.requests() < sent && tokio::time::Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let counted = sink.requests();
        ensure!(counted == sent, "Serin reported {counted} of {sent} requests");
        Ok(())
    }

    /// Puts the Envoys on one CPU, and upstream and load generator on the others. Best effort: a machine with one CPU, or
    /// one that refuses, measures without.
    fn pin(&self, upstream: &Envoy) -> Result<()> {
        let cpus = std::thread::available_parallelism()?.get();
        if cpus < 2 {
            return Ok(());
        }
        for envoy in self.envoys.values() {
            pin(envoy.id(), 0..1);
        }
        pin(upstream.id(), 1..cpus);
        pin(std::process::id(), 1..cpus);
        Ok(())
    }

    fn envoy(&self, variant: Variant) -> Result<&Envoy> {
        self.envoys.get(&variant).with_context(|| format!("{} is not running", variant.name()))
    }
}

/// The service behind all variants: an Envoy that answers by itself.
async fn upstream(workspace: &Workspace, folder: &Path) -> Result<Envoy> {
    let bootstrap =
        Bootstrap::shipped(workspace)?.filters(Vec::new())?.routes(vec![static_route("/", 200, BODY)])?;
    Envoy::start(workspace, &Settings::named("upstream"), bootstrap, folder).await
}

/// Compiles the empty filter.
fn build_empty(workspace: &Workspace, folder: &Path) -> Result<PathBuf> {
    let wasm = folder.join("empty.wasm");
    let mut rustc = std::process::Command::new("rustc");
    rustc
        .current_dir(workspace.root())
        .args(["--edition", "2024", "--crate-type", "cdylib", "--target", WASM_TARGET])
        .args(["-C", "opt-level=3", "-C", "panic=abort", "-C", "strip=symbols", "e2e/bench/empty.rs", "-o"])
        .arg(&wasm);
    workspace::run(&mut rustc, "build of the empty filter")?;
    Ok(wasm)
}

/// Binds all threads of a process to some CPUs.
fn pin(process: u32, cpus: std::ops::Range<usize>) {
    let mut set = rustix::thread::CpuSet::new();
    cpus.for_each(|cpu| set.set(cpu));
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten();
    for thread in threads.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()) {
        // A thread that has just ended needs no CPU.
        let _ = rustix::thread::sched_setaffinity(rustix::process::Pid::from_raw(thread), &set);
    }
}
