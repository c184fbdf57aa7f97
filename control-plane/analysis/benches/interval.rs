//! What it costs to compare an arm of an experiment with the control: µs a call, the median of many.
//!
//! One line of JSON for each size of the arms: `cargo bench -p serin-analysis --bench interval`.

#![expect(clippy::print_stdout, reason = "a bench reports on standard output")]

#[path = "../tests/traffic/requests.rs"]
mod requests;

use std::hint::black_box;
use std::time::Instant;

use serin_analysis::interval::compare;
use serin_analysis::{ArmTotals, LatencyHistogram, Overdispersion};

use requests::Random;

const CALLS: usize = 2_000;
const ALPHA: f64 = 0.05;

/// With failures at 1 %.
fn totals(random: &mut Random, requests: u64) -> ArmTotals {
    let (mut totals, mut latency) = (ArmTotals::default(), LatencyHistogram::new());
    (0..requests - requests / 100).for_each(|_| latency.record(random.latency_us()));
    totals.add_counts(requests, requests / 100, &latency);
    totals
}

fn main() {
    let mut random = Random::new();
    for requests in [1_000, 30_000, 1_000_000] {
        let (control, arm) = (totals(&mut random, requests), totals(&mut random, requests));
        let mut times: Vec<f64> = (0..CALLS)
            .map(|_| {
                let begin = Instant::now();
                black_box(compare(black_box(&control), black_box(&arm), ALPHA, Overdispersion::NONE));
                begin.elapsed().as_secs_f64() * 1e6
            })
            .collect();
        times.sort_unstable_by(f64::total_cmp);
        let median = times.get(CALLS / 2).copied().unwrap_or(0.0);
        println!(r#"{{"requests":{requests},"compare_us":{median:.1}}}"#);
    }
}
