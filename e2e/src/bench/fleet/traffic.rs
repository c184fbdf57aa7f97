//! What the simulated Envoys see.

use anyhow::Result;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2Serializer};
use serin_proto::fleet::v1::{ArmCounts, OutcomeCounts, Stratum};

use super::SERVICE;
use crate::draws::Draws;

/// Most components of a service.
pub(super) const COMPONENTS_MAX: i64 = 500;
/// Requests of an arm to one component on one Envoy in a second: the canary has 10 %.
const BASELINE: u64 = 9;
const CANARY: u64 = 1;
/// Share of requests that always fail, and of the canary's to the component at fault.
const USUAL: f64 = 0.001;
const FAULTY: f64 = 0.3;
/// Encoded histograms of each count to draw from.
const VARIANTS: usize = 16;

/// When which component of the canary begins to fail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) component: usize,
    pub(super) from_second: u64,
}

/// Name of a component.
pub(super) fn component(number: usize) -> String {
    format!("route-{number}")
}

/// The traffic of one Envoy: its draws, and encoded histograms of 1, 2, … latencies.
pub(super) struct Traffic {
    draws: Draws,
    histograms: Vec<Vec<Vec<u8>>>,
    fault: Fault,
}

impl Traffic {
    pub(super) fn new(seed: u64, fault: Fault) -> Result<Self> {
        let mut draws = Draws::new(seed);
        let mut histograms = Vec::new();
        for count in 0..=BASELINE {
            let variants = (0..VARIANTS).map(|_| histogram(count, &mut draws)).collect::<Result<_>>()?;
            histograms.push(variants);
        }
        Ok(Self { draws, histograms, fault })
    }

    /// What one second adds for the first `components`.
    pub(super) fn second(&mut self, second: u64, components: usize) -> impl Iterator<Item = Stratum> {
        (0..components).map(move |number| {
            let is_faulty = number == self.fault.component && second >= self.fault.from_second;
            let canary = if is_faulty { FAULTY } else { USUAL };
            let arms = vec![self.arm("baseline", BASELINE, USUAL), self.arm("canary", CANARY, canary)];
            Stratum { service: SERVICE.to_owned(), component: component(number), start_second: second, arms }
        })
    }

    fn arm(&mut self, name: &str, requests: u64, failing: f64) -> ArmCounts {
        let failed = (0..requests).filter(|_| self.draws.share() < failing).count() as u64;
        let ok = requests - failed;
        let variant = self.draws.bits() as usize % VARIANTS;
        let latency = self.histograms.get(ok as usize).and_then(|variants| variants.get(variant));
        ArmCounts {
            arm: name.to_owned(),
            started: requests,
            outcomes: Some(OutcomeCounts { ok, server_error: failed, ..OutcomeCounts::default() }),
            latency_hdr: latency.cloned().unwrap_or_default(),
            ..ArmCounts::default()
        }
    }
}

/// `count` latencies around 20 ms, encoded. Empty for none.
fn histogram(count: u64, draws: &mut Draws) -> Result<Vec<u8>> {
    let mut encoded = Vec::new();
    if count > 0 {
        let mut histogram = Histogram::<u64>::new(2)?;
        for _ in 0..count {
            // The sum of twelve uniform draws is nearly normal.
            let normal = (0..12).map(|_| draws.share()).sum::<f64>() - 6.0;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 1 s")]
            histogram.record((20_000.0 * (0.5 * normal).exp()) as u64)?;
        }
        V2Serializer::new().serialize(&histogram, &mut encoded)?;
    }
    Ok(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canary_of_one_component_fails_from_the_fault_on() {
        let mut traffic = Traffic::new(1, Fault { component: 2, from_second: 1_000 }).unwrap();
        let mut failed = |second: u64, number: usize| -> u64 {
            let rounds = (0..1_000).map(|_| {
                let strata: Vec<Stratum> = traffic.second(second, 4).collect();
                strata[number].arms[1].outcomes.unwrap().server_error
            });
            rounds.sum()
        };
        assert!(failed(999, 2) < 10);
        assert!((250..350).contains(&failed(1_000, 2)));
        assert!(failed(1_000, 3) < 10);
    }
}
