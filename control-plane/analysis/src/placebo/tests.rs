use super::*;
use crate::noise::Noise;

const CONFIGURED: Phi = Phi { errors: 2.0, firsts: 1.0, latency: 4.0 };

fn poisson(noise: &mut Noise, mean: f64) -> u64 {
    let (floor, mut product, mut count) = ((-mean).exp(), noise.uniform(), 0);
    while product > floor {
        product *= noise.uniform();
        count += 1;
    }
    count
}

/// Failures in clusters of geometric size with this mean; the size biased mean, 2 m - 1, is the overdispersion.
fn clustered(noise: &mut Noise, clusters: u64, mean: f64) -> u64 {
    (0..clusters)
        .map(|_| {
            let mut size = 1;
            while mean > 1.0 && noise.uniform() > 1.0 / mean {
                size += 1;
            }
            size
        })
        .sum()
}

fn learned(seed: u64, blocks: u64, cluster: f64, one_in: u32) -> Dispersion {
    let (mut noise, mut dispersion) = (Noise::new(seed), Dispersion::default());
    for _ in 0..blocks {
        let mut block = Block::default();
        for host in 0..9 {
            let requests = 20_000;
            let clusters = poisson(&mut noise, 20.0 * 10.0 / cluster);
            let failed = clustered(&mut noise, clusters, cluster);
            let keep = 1.0 / f64::from(one_in);
            let sampled_failed = (0..failed).filter(|_| noise.uniform() < keep).count() as u64;
            let sample = HostSample {
                component: crate::ComponentIndex(0),
                start_second: 0,
                arm: Arm::Baseline,
                host,
                one_in,
                requests: requests / u64::from(one_in),
                failed: sampled_failed,
                latency: None,
            };
            block.add(&sample);
        }
        dispersion.learn(&block);
    }
    dispersion
}

#[test]
fn clusters_of_failures_are_measured_whether_all_requests_are_sampled_or_few() {
    for (cluster, one_in, slack) in [(1.0, 1, 0.15), (3.0, 1, 0.5), (1.0, 16, 0.8), (3.0, 16, 1.2)] {
        let mean = (0..20).map(|seed| learned(seed, 100, cluster, one_in).errors.mean).sum::<f64>() / 20.0;
        let truth = 2.0 * cluster - 1.0;
        assert!(
            (mean - truth).abs() < slack,
            "clusters of {cluster}, 1 in {one_in}: {mean} instead of {truth}"
        );
    }
}

#[test]
fn what_is_measured_outweighs_what_is_configured_as_it_grows_more_precise() {
    let phi = |blocks, one_in| learned(1, blocks, 3.0, one_in).phi(CONFIGURED).errors;
    assert_eq!(phi(0, 1), 2.0);
    assert!((phi(20, 1) - 5.0).abs() < 1.0, "{}", phi(20, 1));
    assert!(phi(1, 16) < 3.5, "one block of a sample says little: {}", phi(1, 16));
    assert!((learned(1, 20, 1.0, 1).phi(CONFIGURED).errors - 1.0).abs() < 0.25);
}

#[test]
fn few_hosts_or_failures_say_nothing() {
    let check = |hosts: &[(f64, f64)]| assert!(pearson(hosts.iter().copied()).is_none(), "{hosts:?}");
    check(&[]);
    check(&[(1.0, 10.0), (5.0, 10.0), (9.0, 10.0)]);
    check(&[(1.0, 10.0), (5.0, 10.0), (9.0, 10.0), (0.0, 0.0)]);
    check(&[(0.0, 10.0); 5]);
    check(&[(10.0, 10.0); 5]);
}

/// scipy.stats.chi2_contingency([[3, 5, 9, 2, 6], [97, 95, 191, 98, 94]], correction=False).statistic / 4
#[test]
fn the_statistic_is_pearsons() {
    let hosts = [(3.0, 100.0), (5.0, 100.0), (9.0, 200.0), (2.0, 100.0), (6.0, 100.0)];
    let phi = pearson(hosts.into_iter()).unwrap().phi;
    assert!((phi - 0.646_956_521_739_130_4).abs() < 1e-12, "{phi}");
}

#[test]
fn the_hosts_that_are_kept_do_not_depend_on_the_order() {
    let sample = |host, requests| HostSample {
        component: crate::ComponentIndex(0),
        start_second: 5,
        arm: Arm::Baseline,
        host,
        one_in: 1,
        requests,
        failed: 1,
        latency: None,
    };
    let samples: Vec<_> = (0..80_u64).map(|at| sample(at * 7919 % 61, at)).collect();
    let mut placebos = [Placebo::default(), Placebo::default()];
    samples.iter().for_each(|sample| placebos[0].add(sample, None));
    samples.iter().rev().for_each(|sample| placebos[1].add(sample, None));
    assert_eq!(placebos[0], placebos[1]);
    assert_eq!(placebos[0].blocks[&0].hosts.baseline.len(), MOST_HOSTS);
}

#[test]
fn stored_numbers_that_make_no_sense_count_as_not_learned() {
    let broken = Estimate { precision: f64::INFINITY, mean: 3.0 };
    let dispersion = Dispersion {
        errors: broken,
        firsts: Estimate { precision: -1.0, mean: 1.0 },
        latency: [Estimate { precision: 1.0, mean: f64::NAN }; 3],
    };
    assert_eq!(dispersion.checked(), Dispersion::default());
}
