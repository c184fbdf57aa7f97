//! The sample of upstream hosts, as the filter takes it: each request is in it with a chance of 1 in 16.

use serin_analysis::{Arm, ComponentIndex, HostSample, LatencyHistogram};

use crate::random::Random;

/// As the server tells the filters when its configuration says nothing else.
const ONE_IN: u32 = 16;
/// Logarithm of the chance not to be taken: `ln(15 / 16)`.
const LOG_PASSED_OVER: f64 = -0.064_538_521_137_571_18;

/// Samples the requests of one component and arm at a time.
#[derive(Clone, Debug)]
pub(super) struct Sampler {
    /// Requests that are passed over before the next one is taken.
    skip: u64,
    hosts: Vec<Sampled>,
    any: bool,
}

#[derive(Clone, Debug, Default)]
struct Sampled {
    requests: u64,
    failed: u64,
    latency: LatencyHistogram,
}

impl Sampler {
    pub(super) fn new(hosts: usize, random: &mut Random) -> Self {
        Self { skip: draw(random), hosts: vec![Sampled::default(); hosts], any: false }
    }

    /// Whether the next request is taken.
    pub(super) fn takes(&mut self, random: &mut Random) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.skip = draw(random);
        true
    }

    /// A request that was taken succeeded.
    pub(super) fn succeed(&mut self, host: usize, us: u64) {
        if let Some(sampled) = self.hosts.get_mut(host) {
            sampled.requests += 1;
            sampled.latency.record(us);
            self.any = true;
        }
    }

    /// So many requests of `host` fail.
    pub(super) fn fail(&mut self, host: usize, mut requests: u64, random: &mut Random) {
        while self.skip < requests {
            requests -= self.skip + 1;
            self.skip = draw(random);
            if let Some(sampled) = self.hosts.get_mut(host) {
                sampled.requests += 1;
                sampled.failed += 1;
                self.any = true;
            }
        }
        self.skip -= requests;
    }

    /// Hands out what was sampled and begins anew.
    pub(super) fn take(&mut self, component: ComponentIndex, arm: Arm, start_second: u64) -> Vec<HostSample> {
        if !std::mem::take(&mut self.any) {
            return Vec::new();
        }
        let hosts = self.hosts.iter_mut().zip(0..).filter(|(sampled, _)| sampled.requests > 0);
        let samples = hosts.map(|(sampled, host)| {
            let Sampled { requests, failed, latency } = std::mem::take(sampled);
            let latency = (!latency.is_empty()).then_some(latency);
            HostSample { component, start_second, arm, host, one_in: ONE_IN, requests, failed, latency }
        });
        samples.collect()
    }
}

/// Requests to be passed over: geometric.
fn draw(random: &mut Random) -> u64 {
    (random.unit().ln() / LOG_PASSED_OVER) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_sixteen_of_good_and_of_failing_requests_is_sampled_and_counted_once() {
        let mut random = Random::new(5, 0);
        let mut sampler = Sampler::new(2, &mut random);
        let (mut requests, mut failed, mut slow) = (0, 0, 0);
        for second in 0..4_000 {
            for request in 0..40 {
                if sampler.takes(&mut random) {
                    sampler.succeed(request % 2, 1_000);
                }
            }
            (0..10).for_each(|_| sampler.fail(1, 4, &mut random));
            for sample in sampler.take(ComponentIndex(0), Arm::Baseline, second) {
                requests += sample.requests;
                failed += sample.failed;
                slow += sample.latency.map_or(0, |latency| latency.count());
                assert!(sample.failed == 0 || sample.host == 1);
            }
        }
        assert_eq!(slow + failed, requests);
        for (count, of) in [(slow, 160_000.0), (failed, 160_000.0)] {
            let deviations = (count as f64 - of / 16.0) / (of / 16.0 * (15.0 / 16.0)).sqrt();
            assert!(deviations.abs() < 4.5, "{count} of {of}");
        }
    }
}
