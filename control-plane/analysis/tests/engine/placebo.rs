//! Pods that differ and retries that cluster: measured on the baseline's hosts, they are no regression.

use serin_analysis::{
    Arm, ComponentIndex, ComponentSpec, Engine, EngineConfig, HostSample, Increment, LatencyHistogram,
    Learned, Outcomes, RawEngineConfig, UserMasks,
};

use super::world::{Random, START};

const HOSTS: usize = 10;
const REQUESTS_PER_HOST: f64 = 25.0;

/// A component on ten hosts, the last of which is the canary's.
struct Pods {
    random: Random,
    /// Standard deviation of a host's own logarithmic slow-down, with a correlation of 0.95 from second to second.
    jitter: f64,
    /// Mean size of the clusters that failures come in.
    cluster: f64,
    slow: [f64; HOSTS],
}

impl Pods {
    fn new(seed: u64, jitter: f64, cluster: f64) -> Self {
        let mut random = Random::new(seed);
        let slow = [(); HOSTS].map(|()| jitter * random.normal());
        Self { random, jitter, cluster, slow }
    }

    fn second(
        &mut self,
        second: u64,
        one_in: u32,
        slow_down: f64,
        mut take: impl FnMut(Increment, HostSample),
    ) {
        for host in 0..HOSTS {
            self.slow[host] =
                0.95 * self.slow[host] + self.jitter * (1.0_f64 - 0.95 * 0.95).sqrt() * self.random.normal();
            let arm = if host == HOSTS - 1 { Arm::Canary } else { Arm::Baseline };
            let factor = self.slow[host].exp() * if arm == Arm::Canary { slow_down } else { 1.0 };
            let started = self.random.poisson(REQUESTS_PER_HOST);
            let mut failed = 0;
            for _ in 0..self.random.poisson(started as f64 * 0.003 / self.cluster) {
                failed += 1;
                while self.cluster > 1.0 && self.random.chance(1.0 - 1.0 / self.cluster) {
                    failed += 1;
                }
            }
            let failed = failed.min(started);
            let (mut latency, mut sampled) = (LatencyHistogram::new(), LatencyHistogram::new());
            let keep = 1.0 / f64::from(one_in);
            for _ in failed..started {
                let us = (50_000.0 * factor * (0.6 * self.random.normal()).exp()) as u64;
                latency.record(us);
                if self.random.chance(keep) {
                    sampled.record(us);
                }
            }
            let sampled_failed = (0..failed).filter(|_| self.random.chance(keep)).count() as u64;
            let component = ComponentIndex(0);
            take(
                Increment {
                    component,
                    start_second: second,
                    arm,
                    source: 1,
                    started,
                    outcomes: Outcomes { ok: started - failed, server_error: failed, ..Outcomes::default() },
                    latency: Some(latency),
                    users: UserMasks::default(),
                },
                HostSample {
                    component,
                    start_second: second,
                    arm,
                    host: host as u64,
                    one_in,
                    requests: sampled.count() + sampled_failed,
                    failed: sampled_failed,
                    latency: Some(sampled),
                },
            );
        }
    }
}

/// Runs a rollout that begins with `learned`, until an alarm; gives when that was, and the engine. Without `learned` all
/// requests are taken to be independent.
fn rollout(
    pods: &mut Pods,
    learned: Option<&Learned>,
    one_in: u32,
    slow_down: f64,
    seconds: u64,
) -> (Option<u64>, Engine) {
    let config = match learned {
        Some(_) => RawEngineConfig::default(),
        None => RawEngineConfig { phi_errors: 1.0, phi_latency: 1.0, ..RawEngineConfig::default() },
    };
    let config = EngineConfig::try_from(config).unwrap();
    let mut engine = Engine::new(config, &[ComponentSpec::new("all")]).unwrap();
    engine.step_started(START);
    if let Some(learned) = learned {
        engine.recall(learned);
    }
    for second in START..START + seconds {
        pods.second(second, one_in, slow_down, |increment, sample| {
            engine.merge(&increment);
            if learned.is_some() {
                engine.merge_host(&sample);
            }
        });
        engine.source_progress(1, second + 1, second + 1);
        if engine.advance(second + 1).alarm.is_some() {
            return (Some(second - START), engine);
        }
    }
    (None, engine)
}

/// What ten minutes before the rollouts teach. As the next rollout finds it: from its stored form.
fn history(jitter: f64, cluster: f64, one_in: u32, seconds: u64) -> Learned {
    let mut pods = Pods::new(99, jitter, cluster);
    let (_, engine) = rollout(&mut pods, Some(&Learned::default()), one_in, 1.0, seconds);
    serde_json::from_str(&serde_json::to_string(&engine.learned(false)).unwrap()).unwrap()
}

#[test]
fn pods_that_differ_and_retry_storms_undo_no_good_build() {
    for (jitter, cluster, one_in, history_s) in
        [(0.05, 1.0, 1, 600), (0.2, 1.0, 1, 600), (0.2, 1.0, 16, 1_800), (0.0, 3.0, 1, 600)]
    {
        let learned = history(jitter, cluster, one_in, history_s);
        let alarms: Vec<u64> = (0..100)
            .filter(|seed| {
                rollout(&mut Pods::new(1_000 + seed, jitter, cluster), Some(&learned), one_in, 1.0, 300)
                    .0
                    .is_some()
            })
            .collect();
        assert!(alarms.len() <= 1, "jitter {jitter}, clusters of {cluster}, 1 in {one_in}: {alarms:?}");
    }
}

#[test]
fn were_requests_taken_to_be_independent_pods_that_differ_would_undo_good_builds() {
    let alarms =
        (0..30).filter(|seed| rollout(&mut Pods::new(1_000 + seed, 0.2, 1.0), None, 1, 1.0, 300).0.is_some());
    let alarms = alarms.count();
    assert!(alarms >= 10, "the test above would prove nothing: {alarms}");
}

#[test]
fn a_slow_canary_is_found_among_pods_that_differ_and_sooner_where_they_do_not() {
    let delay = |jitter| {
        let learned = history(jitter, 1.0, 1, 600);
        let mut delays: Vec<u64> = (0..20)
            .map(|seed| {
                rollout(&mut Pods::new(seed, jitter, 1.0), Some(&learned), 1, 2.0, 300).0.unwrap_or(u64::MAX)
            })
            .collect();
        delays.sort_unstable();
        delays[10]
    };
    let (alike, different) = (delay(0.0), delay(0.1));
    assert!(alike <= 5 && different <= 60 && alike < different, "{alike} s, {different} s");
}
