//! What the simulated Envoys see.

use anyhow::Result;
use serin_proto::fleet::v1::Stratum;

use super::SERVICE;
use crate::bench::counts::Counts;

/// Most components of a service.
pub(super) const COMPONENTS_MAX: i64 = 500;
/// Requests of an arm to one component on one Envoy in a second: the canary has 10 %.
const BASELINE: u64 = 9;
const CANARY: u64 = 1;
/// Share of requests that always fail, and of the canary's to the component at fault.
const USUAL: f64 = 0.001;
const FAULTY: f64 = 0.3;

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

/// The traffic of one Envoy.
pub(super) struct Traffic {
    counts: Counts,
    fault: Fault,
}

impl Traffic {
    pub(super) fn new(seed: u64, fault: Fault) -> Result<Self> {
        Ok(Self { counts: Counts::new(seed, BASELINE)?, fault })
    }

    /// What one second adds for the first `components`.
    pub(super) fn second(&mut self, second: u64, components: usize) -> impl Iterator<Item = Stratum> {
        (0..components).map(move |number| {
            let is_faulty = number == self.fault.component && second >= self.fault.from_second;
            let canary = if is_faulty { FAULTY } else { USUAL };
            let arms =
                vec![self.counts.arm("baseline", BASELINE, USUAL), self.counts.arm("canary", CANARY, canary)];
            Stratum { service: SERVICE.to_owned(), component: component(number), start_second: second, arms }
        })
    }
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
