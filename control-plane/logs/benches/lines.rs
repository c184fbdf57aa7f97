//! What a line costs: µs, the best of rounds, for a generated log and for one whose every line has a template of its own.
//!
//! One line of JSON for each: `cargo bench -p serin-logs --bench lines`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench reports on standard output, and may fail"
)]

use std::hint::black_box;
use std::time::Instant;

use serin_analysis::Arm;
use serin_evidence::mask::Masker;
use serin_logs::generate::{Scenario, generate};
use serin_logs::history::Labelled;
use serin_logs::mask::Masked;
use serin_logs::{LogLine, Templates};

const ROUNDS: usize = 9;
const LINES: u64 = 100_000;

/// A number in letters, so that no two lines share a template.
fn letters(mut number: u64) -> String {
    let mut text = String::new();
    for _ in 0..6 {
        text.push(char::from(b'a' + u8::try_from(number % 26).unwrap_or_default()));
        number /= 26;
    }
    text
}

fn distinct() -> Vec<Labelled> {
    let body = |number| {
        let word = letters(number);
        format!("{word} of {word}x with {word}y at {word}z ended after 12 ms")
    };
    (0..LINES).map(|number| Labelled { body: body(number), ..Labelled::default() }).collect()
}

fn microseconds(mut round: impl FnMut()) -> f64 {
    // The best one is that which others on the machine disturbed least.
    let times = (0..ROUNDS).map(|_| {
        let begin = Instant::now();
        round();
        begin.elapsed().as_secs_f64() * 1e6 / LINES as f64
    });
    times.fold(f64::INFINITY, f64::min)
}

fn main() {
    let usual = generate(&Scenario { lines: LINES, events: 200, ..Scenario::default() });
    let masker = Masker::new(true).unwrap();
    for (name, lines) in [("generated", usual), ("distinct", distinct())] {
        let mut masked = Masked::default();
        let masking = microseconds(|| lines.iter().for_each(|line| masked.read(black_box(&line.body))));
        let observing = microseconds(|| {
            let mut templates = Templates::new(masker.clone());
            for (number, line) in (0..).zip(&lines) {
                let line = LogLine { second: number / 10_000, ..line.line() };
                black_box(templates.observe(black_box(&line), Arm::Canary));
            }
        });
        println!("{{\"lines\":\"{name}\",\"mask_us\":{masking:.3},\"observe_us\":{observing:.3}}}");
    }
}
