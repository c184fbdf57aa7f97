//! What the filter costs: CPU time of Envoy per proxied request, beside what an operator could use instead.
//!
//! Every variant is an Envoy of its own with one worker; all serve 50 routes and the same requests, and (but for the one
//! without canary) send 10 % to the canary. They are measured in slices of a fixed number of requests, one after the other
//! in an order that rotates; a slice takes a fraction of a second, so what the machine does meanwhile falls on all alike. A
//! round adds up several slices of each, so that the filter's reports, one a second, weigh what they weigh in service. A few
//! requests before each slice are not measured: they find the caches filled by the variant before, which no variant would in
//! service. Ratios are taken within a round, and their median is reported. CPU time is what the kernel accounts to the process; upstream
//! and load generator are other processes and are not counted.
//!
//! A variant that does not do its work is refused: the split of each is checked against Envoy's cluster counters, and the
//! ones that count must have counted every request.

mod driver;
mod report;
mod sink;
mod variant;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use self::driver::{Connections, Driver};
pub use self::report::Report;
use self::sink::Sink;
use self::variant::{Parts, Variant};
use crate::bootstrap::{Bootstrap, static_route};
use crate::envoy::{Envoy, Settings};
use crate::workspace::{self, WASM_TARGET, Workspace};

/// Routes of the service.
const ROUTES: usize = 50;
/// Part of the traffic that the canary takes.
const CANARY_PERCENT: u32 = 10;
/// What every upstream answers.
const BODY: &str = "ok";
/// Requests of each variant before the first slice.
const WARM_UP: u64 = 4_000;
/// Requests of one slice.
const SLICE: u64 = 2_000;
/// Requests before each slice that are not measured.
const LEAD_IN: u64 = 200;
/// How long the last report of the filter may take to arrive.
const REPORT_DEADLINE: Duration = Duration::from_secs(10);

/// How long is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Rounds.
    pub rounds: usize,
    /// Requests of each variant in a round.
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
    let mut bench = Bench { subjects: BTreeMap::new(), driver: Driver::new(), effort };
    for variant in Variant::ALL {
        let bootstrap = variant.bootstrap(workspace, &parts)?;
        let envoy = Envoy::start(workspace, &Settings::named(variant.name()), bootstrap, &folder).await?;
        let connections = Connections::open(envoy.address()).await?;
        bench.subjects.insert(variant, Subject { envoy, connections, served: 0 });
    }
    bench.pin(&upstream)?;
    let report = bench.measure().await?;
    bench.check_work(&sink).await?;
    Ok(report)
}

/// An Envoy that is measured, and the connections to it.
struct Subject {
    envoy: Envoy,
    connections: Connections,
    /// Requests that it has answered.
    served: u64,
}

struct Bench {
    subjects: BTreeMap<Variant, Subject>,
    driver: Driver,
    effort: Effort,
}

impl Bench {
    async fn measure(&mut self) -> Result<Report> {
        for variant in Variant::ALL {
            self.slice(variant, WARM_UP).await?;
        }
        let mut rounds = Vec::with_capacity(self.effort.rounds);
        for _ in 0..self.effort.rounds {
            rounds.push(self.round().await?);
        }
        Report::new(&rounds, self.effort)
    }

    /// CPU time of Envoy per request, by variant.
    async fn round(&mut self) -> Result<BTreeMap<Variant, Duration>> {
        let mut costs = BTreeMap::<_, Duration>::new();
        let mut rest = self.effort.requests;
        let mut order = Variant::ALL;
        while rest > 0 {
            let requests = rest.min(SLICE);
            for variant in order {
                *costs.entry(variant).or_default() += self.slice(variant, requests).await?;
            }
            rest -= requests;
            order.rotate_left(1);
        }
        costs.values_mut().for_each(|cost| *cost = cost.div_f64(self.effort.requests as f64));
        Ok(costs)
    }

    /// CPU time that Envoy takes for some requests.
    async fn slice(&mut self, variant: Variant, requests: u64) -> Result<Duration> {
        let subject =
            self.subjects.get_mut(&variant).with_context(|| format!("{} is not running", variant.name()))?;
        self.driver.run(&mut subject.connections, LEAD_IN).await?;
        let before = subject.envoy.cpu_time()?;
        self.driver.run(&mut subject.connections, requests).await?;
        subject.served += LEAD_IN + requests;
        Ok(subject.envoy.cpu_time()? - before)
    }

    /// Fails if a variant saved the work that it is measured for.
    async fn check_work(&self, sink: &Sink) -> Result<()> {
        for (variant, Subject { envoy, served, .. }) in &self.subjects {
            let canary = envoy.admin().stat("cluster.canary.upstream_rq_total").await?;
            let share = canary as f64 / *served as f64;
            let expected = if variant.splits() { f64::from(CANARY_PERCENT) / 100.0 } else { 0.0 };
            ensure!(
                (share - expected).abs() < 0.02,
                "{}: {share:.3} of the requests went to the canary",
                variant.name()
            );
        }
        for variant in [Variant::LuaCounting, Variant::LuaCountingLean] {
            let Subject { envoy, served, .. } = self.subject(variant)?;
            let counted: u64 = envoy.admin().stats("rollout_requests").await?.values().sum();
            ensure!(counted == *served, "{} counted {counted} of {served} requests", variant.name());
        }
        let served = self.subject(Variant::Serin)?.served;
        let end = tokio::time::Instant::now() + REPORT_DEADLINE;
        while sink.requests() < served && tokio::time::Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let counted = sink.requests();
        ensure!(counted == served, "Serin reported {counted} of {served} requests");
        Ok(())
    }

    fn subject(&self, variant: Variant) -> Result<&Subject> {
        self.subjects.get(&variant).with_context(|| format!("{} is not running", variant.name()))
    }

    /// Puts the Envoys on one CPU, and upstream and load generator on the others. Best effort: a machine with one CPU, or
    /// one that refuses, measures without.
    fn pin(&self, upstream: &Envoy) -> Result<()> {
        let cpus = std::thread::available_parallelism()?.get();
        if cpus < 2 {
            return Ok(());
        }
        for subject in self.subjects.values() {
            pin(subject.envoy.id(), 0..1);
        }
        pin(upstream.id(), 1..cpus);
        pin(std::process::id(), 1..cpus);
        Ok(())
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
