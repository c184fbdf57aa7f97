//! Labelled logs whose templates are known, for tests and for trying things out where no real ones may be had.
//!
//! The generative model. A service has events: a sentence of three to eight words with up to four values in it, a severity and maybe an
//! exception. How often events come falls as 1 / rank (Zipf). A share of the events is anomalous; their lines come in
//! bursts, as faults do, and make up a given share of all lines. Severity tells only in part: some anomalous events are written as
//! warnings, and some normal ones as errors. Everything is drawn from one seed (SplitMix64 of Steele, Lea and Flood, OOPSLA 2014).

mod event;

use crate::history::Labelled;

use event::Event;
use serin_random::Random;

/// Lines a second.
const LINES_PER_SECOND: u64 = 100;
/// Lines of one burst of anomalous ones.
const BURST: u64 = 20;

/// What is generated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Scenario {
    /// Everything follows from it.
    pub seed: u64,
    /// Lines.
    pub lines: u64,
    /// Distinct events; at least 2.
    pub events: u64,
    /// Share of the lines that is anomalous, about, in parts per thousand.
    pub anomalous_per_mille: u64,
    /// Unix second of the first line.
    pub begin: u64,
}

impl Default for Scenario {
    fn default() -> Self {
        Self { seed: 1, lines: 2_000, events: 60, anomalous_per_mille: 50, begin: 1_800_000_000 }
    }
}

/// Generates lines in the order of their time.
#[must_use]
pub fn generate(scenario: &Scenario) -> Vec<Labelled> {
    let mut random = Random::seeded(scenario.seed);
    let anomalous_events = (scenario.events / 6).max(1);
    let normal: Vec<Event> = (0..scenario.events.saturating_sub(anomalous_events).max(1))
        .map(|number| Event::new(number, false, &mut random))
        .collect();
    let anomalous: Vec<Event> = (0..anomalous_events)
        .map(|number| Event::new(normal.len() as u64 + number, true, &mut random))
        .collect();
    let (mut lines, mut left_of_burst) = (Vec::new(), 0);
    for number in 0..scenario.lines {
        // A burst begins so often that bursts make up the share.
        left_of_burst = match left_of_burst {
            0 if random.below(1_000 * BURST) < scenario.anomalous_per_mille => BURST,
            0 => 0,
            left => left - 1,
        };
        let events = if left_of_burst > 0 { &anomalous } else { &normal };
        let Some(event) = events.get(rank(&mut random, events.len())) else { continue };
        lines.push(event.line(scenario.begin + number / LINES_PER_SECOND, &mut random));
    }
    lines
}

/// A place below `count`, where each comes as often as 1 / (place + 1) says.
fn rank(random: &mut Random, count: usize) -> usize {
    let total: f64 = (1..=count).map(|rank| 1.0 / rank as f64).sum();
    let mut left = random.below(1 << 53) as f64 / (1_u64 << 53) as f64 * total;
    for rank in 1..count {
        left -= 1.0 / rank as f64;
        if left < 0.0 {
            return rank - 1;
        }
    }
    count.saturating_sub(1)
}

#[cfg(test)]
mod tests;
