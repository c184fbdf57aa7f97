//! Prints a simulated history as comma-separated values: `deployments COUNT SEED`. It writes the table of the tests:
//! `cargo run -p serin-predictor --example deployments -- 2400 11 > control-plane/predictor/tests/fixtures/deployments.csv`
#![expect(clippy::print_stdout, reason = "it prints what it draws")]

use serin_predictor::simulate::{csv, deployments};

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|text| text.parse::<u64>().ok());
    let count = numbers.next().and_then(|count| usize::try_from(count).ok()).unwrap_or(2_400);
    let seed = numbers.next().unwrap_or(11);
    print!("{}", csv(&deployments(count, seed), false));
}
