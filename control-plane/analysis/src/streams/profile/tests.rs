use super::*;
use crate::increment::Arm;
use crate::noise::Noise;
use crate::risk::SourceWeights;
use crate::streams::{Sources, StreamCounts, StreamId, Streams};

const BEGIN: u64 = 1_000_000;
/// Shares of page views with each trait, in the order of `Kind::OF_PAGE_VIEWS`.
const USUAL: [f64; TRAITS] = [0.01, 0.01, 0.16, 0.08, 0.05, 0.3, 0.04, 0.08];
/// By how much each is more frequent for troubled users and in slow views: traits come together.
const TROUBLED: [f64; TRAITS] = [3.0, 3.0, 1.5, 2.0, 0.6, 0.8, 2.0, 1.5];

/// Seconds for which a person stays, and views in them.
const SHORT: (u64, f64) = (60, 6.0);
const LONG: (u64, f64) = (400, 20.0);

/// Views of people that stay with their arm, come back again and again, and are alike in their troubles.
struct People {
    random: Noise,
    /// Of each: whether it is on the canary, whether it is troubled, and its last second.
    here: Vec<(bool, bool, u64)>,
    /// Views a second.
    rate: f64,
    stay: (u64, f64),
}

impl People {
    fn new(seed: u64, (rate, stay): (f64, (u64, f64))) -> Self {
        Self { random: Noise::new(seed), here: Vec::new(), rate, stay }
    }

    /// Counts of one second, where the canary's shares are `factors` of the usual, and the weight is the canary's.
    fn second(
        &mut self,
        second: u64,
        weight: f64,
        storm: f64,
        factors: [f64; TRAITS],
    ) -> [(ByArm<u64>, ByArm<u64>); TRAITS] {
        let (random, (stays_s, views)) = (&mut self.random, self.stay);
        let mut new = self.rate / views;
        while new > 0.0 {
            if random.uniform() < new {
                self.here.push((random.uniform() < weight, random.uniform() < 0.2, second + stays_s));
            }
            new -= 1.0;
        }
        self.here.retain(|(_, _, last)| *last > second);
        let mut counts = [(ByArm::default(), ByArm::default()); TRAITS];
        for (is_canary, is_troubled, _) in &self.here {
            if random.uniform() >= views / stays_s as f64 {
                continue;
            }
            let arm = if *is_canary { Arm::Canary } else { Arm::Baseline };
            let is_slow = random.uniform() < 0.15;
            for (at, (events, exposures)) in counts.iter_mut().enumerate() {
                let own = if *is_canary { factors[at] } else { 1.0 };
                let troubles = [*is_troubled, is_slow].map(|is| if is { TROUBLED[at] } else { 1.0 });
                let share = USUAL[at] * own * troubles[0] * troubles[1] * storm;
                *exposures.of_mut(arm) += 1;
                *events.of_mut(arm) += u64::from(random.uniform() < share);
            }
        }
        counts
    }
}

/// Whether it is told of people whose shares are `factors` of the usual on the canary.
fn is_told(
    seed: u64,
    people: (f64, (u64, f64)),
    seconds: u64,
    weight: impl Fn(u64) -> f64,
    factors: [f64; TRAITS],
) -> bool {
    let (mut people, mut profile) = (People::new(seed, people), Profile::default());
    for after in 0..seconds {
        // Both arms suffer from time to time.
        let storm = if after % 400 < 40 { 2.0 } else { 1.0 };
        let counts = people.second(BEGIN + after, weight(after), storm, factors);
        profile.close(BEGIN + after, counts);
    }
    profile.finding().is_some()
}

#[test]
fn page_views_that_are_alike_are_told_no_more_often_than_it_says() {
    const RUNS: u64 = 1_000;
    let ramp = |after: u64| if after < 500 { 0.05 } else { 0.5 };
    let steady = |weight: f64| move |_: u64| weight;
    let told = |of: &dyn Fn(u64) -> bool| (0..RUNS).filter(|seed| of(*seed)).count();
    let alike = [1.0; TRAITS];
    for (world, told) in [
        ("30 %", told(&|seed| is_told(seed, (20.0, SHORT), 1_300, steady(0.3), alike))),
        ("5 %", told(&|seed| is_told(seed, (20.0, SHORT), 1_300, steady(0.05), alike))),
        ("few views", told(&|seed| is_told(seed, (3.0, SHORT), 1_300, steady(0.5), alike))),
        ("a step", told(&|seed| is_told(seed, (20.0, SHORT), 1_300, ramp, alike))),
        ("long visits", told(&|seed| is_told(seed, (20.0, LONG), 1_300, steady(0.3), alike))),
    ] {
        assert!(told as f64 <= ALPHA * RUNS as f64, "{world}, seeds 0 to {RUNS}: {told} are told");
    }
}

/// The streams of a rollout whose canary has a little more of five traits.
fn streams(seed: u64, factors: [f64; TRAITS]) -> Streams {
    let mut streams = Streams::new(Sources::new(0.01, SourceWeights::default(), true, false), 1_800);
    streams.step_started(BEGIN);
    let mut people = People::new(seed, (60.0, SHORT));
    for second in BEGIN..BEGIN + 1_320 {
        let counts = people.second(second, 0.3, 1.0, factors);
        for (kind, (events, exposures)) in Kind::OF_PAGE_VIEWS.into_iter().zip(counts) {
            for arm in [Arm::Baseline, Arm::Canary] {
                streams.merge(&StreamCounts {
                    id: StreamId { kind, component: String::new(), name: String::new() },
                    second,
                    arm,
                    events: *events.of(arm),
                    exposures: Some(*exposures.of(arm)),
                    is_harmful: true,
                    samples: Vec::new(),
                });
            }
        }
        streams.advance(second);
    }
    streams
}

#[test]
fn small_shifts_of_five_traits_are_told_where_no_stream_finds_anything() {
    let runs = 30;
    let factors = [1.0, 1.0, 1.08, 1.08, 1.0, 0.94, 1.1, 1.1];
    let (mut told, mut found_alone) = (0, 0);
    for seed in 0..runs {
        let streams = streams(seed, factors);
        assert_eq!(streams.crossed().count(), 0, "seed {seed}");
        assert!(!streams.is_doubtful(), "seed {seed}");
        let findings = streams.findings();
        found_alone += findings.iter().filter(|finding| finding.kind != Kind::Profile).count();
        let profile = findings.iter().find(|finding| finding.kind == Kind::Profile);
        told += usize::from(profile.is_some());
        if let Some(finding) = profile {
            assert!(!finding.is_harmful && finding.verdict == Verdict::Inconclusive);
            assert!(finding.log_evidence >= finding.log_threshold);
            assert!(finding.sentence().ends_with("no harm by itself"), "{}", finding.sentence());
        }
    }
    assert!(told * 10 >= runs as usize * 7, "seeds 0 to {runs}: {told} are told");
    assert!(found_alone <= 3, "seeds 0 to {runs}: {found_alone} are found alone");
}

#[test]
fn the_traits_that_differ_are_named_first() {
    let mut factors = [1.0; TRAITS];
    factors[6] = 1.6;
    let streams = streams(7, factors);
    let finding = streams.findings().into_iter().find(|finding| finding.kind == Kind::Profile).unwrap();
    let peculiarity = finding.peculiarity.as_ref().unwrap();
    assert_eq!(peculiarity.traits[0].kind, Kind::SlowInteraction, "{peculiarity:?}");
    assert!(peculiarity.traits[0].part > 0.7 && peculiarity.probability < 1e-4, "{peculiarity:?}");
    let parts: f64 = peculiarity.traits.iter().map(|one| one.part).sum();
    assert!((parts - 1.0).abs() < 1e-9, "{parts}");
    let said = finding.sentence();
    assert!(said.contains("(most of it are page views with slow interactions: "), "{said}");
}

#[test]
fn what_is_kept_is_bounded_and_goes_on_after_a_restart() {
    let (mut people, mut profile) = (People::new(3, (10.0, SHORT)), Profile::default());
    let mut restarted = Profile::default();
    for after in 0..3_000 {
        let counts = people.second(BEGIN + after, 0.3, 1.0, [1.0; TRAITS]);
        profile.close(BEGIN + after, counts);
        restarted.close(BEGIN + after, counts);
        if after % 97 == 0 {
            let text = serde_json::to_vec(&restarted).unwrap();
            assert!(text.len() < 40_000, "{} bytes", text.len());
            restarted = serde_json::from_slice(&text).unwrap();
        }
        assert!(profile.blocks.len() < BLOCKS);
    }
    assert_eq!(profile, restarted);
    assert!(profile.looks >= 4 && profile.doublings >= 4, "{} looks", profile.looks);
}

#[test]
fn without_views_of_both_arms_there_is_no_look() {
    let (mut people, mut profile) = (People::new(5, (20.0, SHORT)), Profile::default());
    for after in 0..2_000 {
        profile.close(BEGIN + after, people.second(BEGIN + after, 1.0, 1.0, [1.0; TRAITS]));
    }
    assert_eq!((profile.looks, profile.finding()), (0, None));
}

#[test]
fn events_are_shared_out_as_the_hypergeometric_distribution_says() {
    let of = |baseline, canary| ByArm { baseline, canary };
    // scipy.stats.hypergeom(M=100, n=9, N=30): mean 2.7, variance 1.7372727272727273.
    let beyond = Tally { events: of(4, 5), exposures: of(70, 30) }.beyond();
    assert!((beyond.sum - 2.3).abs() < 1e-12, "{beyond:?}");
    assert!((beyond.variance - 1.737_272_727_272_727_3).abs() < 1e-12, "{beyond:?}");
    assert_eq!(Tally { events: of(0, 5), exposures: of(0, 30) }.beyond(), Beyond::default());
    assert_eq!(Tally { events: of(1, 1), exposures: of(1, 1) }.beyond().variance, 0.0);
}
