//! What the engine costs: µs per component-second and KiB per component-arm, at steady traffic.
//!
//! One line of JSON per run, so that runs of two builds can be interleaved and compared by their medians:
//! `cargo bench -p serin-analysis --bench engine`. Each time is
//! the median over blocks of 5 s, the period of the engine's rarer work; memory is the growth of the resident set, with what
//! the allocator wastes. Linux only.

#![expect(clippy::print_stdout, reason = "a bench reports on standard output")]

#[path = "../tests/traffic/requests.rs"]
mod requests;

use std::time::{Duration, Instant};

use serin_analysis::{
    Arm, ComponentIndex, ComponentSpec, Engine, EngineConfig, Increment, LatencyHistogram, Outcomes,
    UserMasks,
};

use requests::Random;

const COMPONENTS: usize = 500;
/// Long enough to fill the summaries and to learn cells twice.
const WARM_UP_S: u64 = 90;
const MEASURED_S: u64 = 60;
const BLOCK_S: usize = 5;
const START: u64 = 1_000_000;
/// Different seconds of one arm, shared by all components.
const SAMPLES: usize = 2_000;

/// What one arm of one component saw in some second, with 0.1 % errors.
fn sample(random: &mut Random, requests: u64) -> (Outcomes, LatencyHistogram) {
    let (mut outcomes, mut latency) = (Outcomes::default(), LatencyHistogram::new());
    for _ in 0..requests {
        if random.unit() < 0.001 {
            outcomes.server_error += 1;
        } else {
            outcomes.ok += 1;
            latency.record(random.latency_us());
        }
    }
    (outcomes, latency)
}

#[derive(Default)]
struct Cost {
    /// One entry for each measured second.
    merge: Vec<Duration>,
    advance: Vec<Duration>,
    kib_per_arm: f64,
}

fn run(rps: [u64; 2]) -> Cost {
    let mut random = Random::new();
    let pools = rps.map(|requests| (0..SAMPLES).map(|_| sample(&mut random, requests)).collect::<Vec<_>>());
    drop(increments(START, &pools));
    let before = resident_kib();
    let specs: Vec<_> =
        (0..COMPONENTS).map(|index| ComponentSpec::new(format!("component-{index}"))).collect();
    let Ok(mut engine) = Engine::new(EngineConfig::default(), &specs) else { return Cost::default() };
    let mut cost = Cost::default();
    for second in START..START + WARM_UP_S + MEASURED_S {
        let measured = second >= START + WARM_UP_S;
        let increments = increments(second, &pools);
        let begin = Instant::now();
        increments.iter().for_each(|increment| engine.merge(increment));
        let merged = Instant::now();
        engine.source_progress(1, second + 1, second + 1);
        std::hint::black_box(engine.advance(second + 1));
        if measured {
            cost.merge.push(merged - begin);
            cost.advance.push(merged.elapsed());
        }
    }
    cost.kib_per_arm = (resident_kib() - before) / (2 * COMPONENTS) as f64;
    cost
}

fn increments(second: u64, pools: &[Vec<(Outcomes, LatencyHistogram)>; 2]) -> Vec<Increment> {
    let arms = [Arm::Baseline, Arm::Canary].into_iter().zip(pools);
    let of_arm = |(arm, pool): (Arm, &Vec<(Outcomes, LatencyHistogram)>)| {
        (0..COMPONENTS)
            .filter_map(move |component| {
                let (outcomes, latency) =
                    pool.get((component * 131 + second as usize * 17) % SAMPLES)?.clone();
                let started = outcomes.finished();
                let (component, start_second) = (ComponentIndex(component), second);
                Some(Increment {
                    component,
                    start_second,
                    arm,
                    source: 1,
                    started,
                    outcomes,
                    latency: Some(latency),
                    users: UserMasks::default(),
                })
            })
            .collect::<Vec<_>>()
    };
    arms.flat_map(of_arm).collect()
}

fn resident_kib() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<f64>().ok());
    pages.unwrap_or(0.0) * 4.0
}

/// Each traffic in a process of its own, so that none finds memory that another has left.
fn main() -> std::io::Result<()> {
    if let Some(rps) =
        std::env::args().find_map(|argument| argument.strip_prefix("--rps=").map(str::to_owned))
    {
        let (baseline, canary) = rps.split_once('+').unwrap_or(("90", "10"));
        report([baseline, canary].map(|rps| rps.parse().unwrap_or(1)));
        return Ok(());
    }
    for rps in ["90+10", "9+1", "900+100"] {
        std::process::Command::new(std::env::current_exe()?).arg(format!("--rps={rps}")).status()?;
    }
    Ok(())
}

fn report(rps: [u64; 2]) {
    let cost = run(rps);
    let per_component = |times: &[Duration]| {
        let mut blocks: Vec<f64> =
            times.chunks(BLOCK_S).map(|block| block.iter().map(Duration::as_secs_f64).sum()).collect();
        blocks.sort_unstable_by(f64::total_cmp);
        blocks.get(blocks.len() / 2).map_or(0.0, |time| time * 1e6 / (BLOCK_S * COMPONENTS) as f64)
    };
    let (merge, advance) = (per_component(&cost.merge), per_component(&cost.advance));
    println!(
        r#"{{"components":{COMPONENTS},"rps":[{},{}],"merge_us":{:.2},"advance_us":{:.2},"kib_per_component_arm":{:.1}}}"#,
        rps[0], rps[1], merge, advance, cost.kib_per_arm
    );
}
