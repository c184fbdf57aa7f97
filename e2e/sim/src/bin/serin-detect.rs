//! `serin-detect`: how early, and how rightly, Serin and its peers decide in simulated rollouts.

use std::io::Write as _;
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Parser;
use serin_analysis::Learned;
use serin_sim::latency::Latencies;
use serin_sim::report::Report;
#[cfg(feature = "fleet")]
use serin_sim::row::Row;
use serin_sim::rows;
use serin_sim::run::{RUNS_PER_SERVICE, Watched, run};
use serin_sim::scenario::{self, Scenario};
use serin_sim::serin::Serin;

const RUNS: u64 = 200;
#[cfg(feature = "fleet")]
const FLEET_RUNS: u64 = 10;
const FULL_RUNS: u64 = 2_000;

#[derive(Parser)]
#[command(about = "Measures how early and how rightly Serin and its peers decide in simulated rollouts")]
struct Arguments {
    /// Prints one JSON object as the last line, and no table.
    #[arg(long)]
    json: bool,
    /// Prints the table as Markdown.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// 2,000 rollouts of each scenario.
    #[arg(long, conflicts_with = "runs")]
    full: bool,
    /// Rollouts of each scenario. Default: 200, or 10 with --fleet.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    runs: Option<u64>,
    /// Seed of all draws.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// This scenario alone; may be repeated.
    #[arg(long, value_name = "ID")]
    scenario: Vec<String>,
    /// The scenarios in which no baseline runs beside the canary, which are left out of the others.
    #[arg(long, conflicts_with = "scenario")]
    alone: bool,
    /// A few scenarios request by request: real filters and ingest, on a calm network and on one with losses, restarts and
    /// crashes, beside what is drawn as counts.
    #[cfg(feature = "fleet")]
    #[arg(long, conflicts_with_all = ["alone", "full"])]
    fleet: bool,
    /// Serin alone, which takes half the time.
    #[arg(long)]
    without_peers: bool,
    /// Threads.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=64))]
    threads: u64,
}

fn main() -> ExitCode {
    measure(&Arguments::parse()).map_or_else(
        |error| {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

fn measure(arguments: &Arguments) -> Result<()> {
    #[cfg(feature = "fleet")]
    if arguments.fleet {
        let runs = arguments.runs.unwrap_or(FLEET_RUNS);
        return print(arguments, &by_request(arguments, runs)?);
    }
    let runs = if arguments.full { FULL_RUNS } else { arguments.runs.unwrap_or(RUNS) };
    let scenarios = chosen(arguments)?;
    let latencies = Latencies::default();
    let mut report = Report { commit: commit(), seed: arguments.seed, runs, rows: Vec::new() };
    let (begin, mut speed) = (Instant::now(), Speed::default());
    let peers = !arguments.without_peers;
    for (place, scenario) in scenarios.iter().enumerate() {
        let watched = simulate(scenario, &latencies, arguments, runs, |learned, draws| {
            run(scenario, &latencies, learned, peers, draws)
        })?;
        speed.add(&watched);
        report.rows.extend(rows(scenario, &watched));
        progress((place + 1, scenarios.len()), begin, scenario.id)?;
    }
    speed.tell("")?;
    print(arguments, &report)
}

/// The scenarios of `--fleet`: each as counts, then request by request on either network.
#[cfg(feature = "fleet")]
fn by_request(arguments: &Arguments, runs: u64) -> Result<Report> {
    use serin_sim::fleet::watch::{self, Conditions};

    let scenarios = match arguments.scenario.as_slice() {
        [] => watch::SCENARIOS.iter().filter_map(|id| scenario::by_id(id)).collect(),
        [..] => chosen(arguments)?,
    };
    if let Some(alone) = scenarios.iter().find(|scenario| scenario.is_alone()) {
        bail!("{}: canaries without a baseline are not simulated request by request", alone.id);
    }
    let latencies = Latencies::default();
    let mut report = Report { commit: commit(), seed: arguments.seed, runs, rows: Vec::new() };
    let (begin, mut done, all) = (Instant::now(), 0, 3 * scenarios.len());
    let mut row = |name, scenario: &Scenario, watched: &[Watched]| -> Result<()> {
        report.rows.extend(rows(scenario, watched).into_iter().map(|row| Row { method: name, ..row }));
        done += 1;
        progress((done, all), begin, &format!("{} {name}", scenario.id))
    };
    let (mut counts, mut requests) = (Speed::default(), Speed::default());
    for scenario in scenarios {
        let cpu_s = cpu_s();
        let watched = simulate(scenario, &latencies, arguments, runs, |learned, draws| {
            run(scenario, &latencies, learned, false, draws)
        })?;
        counts.add(&watched);
        counts.spend(cpu_s);
        row("counts", scenario, &watched)?;
        for conditions in Conditions::ALL {
            let cpu_s = self::cpu_s();
            let watched = simulate(scenario, &latencies, arguments, runs, |learned, draws| {
                watch::run(scenario, &latencies, learned, conditions, draws)
            })?;
            requests.add(&watched);
            requests.spend(cpu_s);
            row(conditions.name(), scenario, &watched)?;
        }
    }
    counts.tell("as counts, with what was learned before: ")?;
    requests.tell("request by request, with the same: ")?;
    Ok(report)
}

fn progress((done, of): (usize, usize), begin: Instant, what: &str) -> Result<()> {
    let seconds = begin.elapsed().as_secs();
    writeln!(std::io::stderr(), "{done:>2}/{of} {seconds:>5} s  {what}")?;
    Ok(())
}

fn print(arguments: &Arguments, report: &Report) -> Result<()> {
    let mut out = std::io::stdout();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string(report)?)?;
    } else if arguments.markdown {
        write!(out, "{}", report.markdown())?;
    } else {
        write!(out, "{}", report.text())?;
    }
    Ok(())
}

/// How fast it goes.
#[derive(Default)]
struct Speed {
    simulated_s: u64,
    /// CPU time of this part of the program. `None`: all of it.
    #[cfg(feature = "fleet")]
    spent_s: Option<f64>,
}

impl Speed {
    fn add(&mut self, watched: &[Watched]) {
        self.simulated_s += watched.iter().map(|run| run.seconds).sum::<u64>();
    }

    /// Adds the CPU time since it was `before`.
    #[cfg(feature = "fleet")]
    fn spend(&mut self, before: Option<f64>) {
        let spent = before.zip(cpu_s()).map(|(before, now)| now - before);
        self.spent_s = spent.map(|spent| spent + self.spent_s.unwrap_or(0.0));
    }

    fn tell(&self, what: &str) -> Result<()> {
        let spent = cpu_s();
        #[cfg(feature = "fleet")]
        let spent = self.spent_s.or(spent);
        if let Some(cpu_s) = spent {
            let (minutes, cpu_minutes) = (self.simulated_s as f64 / 60.0, cpu_s / 60.0);
            let rate = minutes / cpu_minutes.max(1e-9);
            writeln!(
                std::io::stderr(),
                "{what}{minutes:.0} rollout-minutes in {cpu_minutes:.1} CPU-minutes: {rate:.0} a CPU-minute"
            )?;
        }
        Ok(())
    }
}

/// All runs of one scenario, in their order whichever thread made them. `run` makes one of them from what was learned
/// before, the seed and its number.
fn simulate(
    scenario: &Scenario,
    latencies: &Latencies,
    arguments: &Arguments,
    runs: u64,
    run: impl Fn(&Learned, (u64, u64)) -> Result<Watched> + Sync,
) -> Result<Vec<Watched>> {
    let services: Vec<u64> = (0..runs.div_ceil(RUNS_PER_SERVICE)).collect();
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let work = || -> Result<()> {
            while let Some(service) = services.get(next.fetch_add(1, Ordering::Relaxed)) {
                let learned = Serin::learned(scenario, latencies, arguments.seed, *service)?;
                let first = service * RUNS_PER_SERVICE;
                for index in first..(first + RUNS_PER_SERVICE).min(runs) {
                    let watched = run(&learned, (arguments.seed, index))?;
                    done.lock().map_err(|_| anyhow!("a thread failed"))?.push((index, watched));
                }
            }
            Ok(())
        };
        let threads: Vec<_> = (0..arguments.threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow!("a thread failed"))?)
    })
    .with_context(|| scenario.id.to_owned())?;
    let mut done = done.into_inner().map_err(|_| anyhow!("a thread failed"))?;
    done.sort_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, watched)| watched).collect())
}

fn chosen(arguments: &Arguments) -> Result<Vec<&'static Scenario>> {
    if arguments.scenario.is_empty() {
        return Ok(scenario::all()
            .iter()
            .filter(|scenario| scenario.is_alone() == arguments.alone)
            .collect());
    }
    let find = |id: &String| {
        let Some(scenario) = scenario::by_id(id) else {
            let known: Vec<_> = scenario::all().iter().map(|scenario| scenario.id).collect();
            bail!("no scenario {id:?}; there are {}", known.join(", "));
        };
        Ok(scenario)
    };
    arguments.scenario.iter().map(find).collect()
}

/// CPU time of this process, all threads, in seconds. `None`: the system does not tell it as Linux does.
fn cpu_s() -> Option<f64> {
    const TICKS_A_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in brackets, may hold blanks. User and system time are fields 14 and 15 of all.
    let fields = stat.rsplit_once(')')?.1.split_whitespace();
    let ticks: Vec<f64> = fields.skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    (ticks.len() == 2).then(|| ticks.iter().sum::<f64>() / TICKS_A_SECOND)
}

/// The commit of the working folder, marked where it was changed since.
fn commit() -> String {
    let output =
        Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]).output();
    let commit = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    commit.map_or("unknown".to_owned(), |bytes| String::from_utf8_lossy(&bytes).trim().to_owned())
}
