//! Of several components that regress together the one that the others call is named and returned first.

#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::wildcard_enum_match_arm, reason = "a test")]

use serin_analysis::{Arm, Increment, LatencyHistogram, Outcomes, UserMasks};
use serin_rollout::{Creation, Fact, Plan, RolloutId, Salt, Trial, UnixMillis};

const START: u64 = 1_800_000_000;
const ONSET: u64 = START + 40;
const PLAN: &str = "
service: shop
baseline: v1
canary: v2
warm_up: 5s
steps: [{weight: 20%, bake: 10m}]
escalation: 100%
components:
- {name: stock, matches: [{path: {prefix: /stock}}]}
- {name: cart, matches: [{path: {prefix: /cart}}], depends_on: [{component: stock, on_rollback: stay}]}
- {name: checkout, matches: [{path: {prefix: /checkout}}], depends_on: [{component: cart, on_rollback: stay}]}
- {name: home, matches: [{path: {exact: /}}]}
- {name: search, matches: [{path: {prefix: /search}}]}
";
/// Components with the part of the canary's requests that fail once stock does.
const FAILING: [(&str, f64); 5] =
    [("stock", 0.2), ("cart", 0.18), ("checkout", 0.15), ("home", 0.001), ("search", 0.001)];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((value ^ (value >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn binomial(&mut self, trials: u64, share: f64) -> u64 {
        (0..trials).filter(|_| self.unit() < share).count() as u64
    }
}

/// What is undone first in one run.
fn first_rollback(plan: &Plan, seed: u64) -> Vec<String> {
    let creation =
        Creation { id: RolloutId("r".to_owned()), salt: Salt(1), actor: "test".to_owned(), paused: false };
    let mut trial = Trial::begin(plan.clone(), creation, UnixMillis(START * 1_000)).unwrap();
    let mut random = Random(seed);
    for second in START..ONSET + 120 {
        let at = UnixMillis((second + 1) * 1_000);
        for (name, share) in FAILING {
            for (arm, trials) in [(Arm::Baseline, 80), (Arm::Canary, 20)] {
                let started = random.binomial(trials * 2, 0.5);
                let is_bad = second >= ONSET && arm == Arm::Canary;
                let server_error = random.binomial(started, if is_bad { share } else { 0.001 });
                let mut latency = LatencyHistogram::new();
                latency.record_n(20_000, started - server_error);
                let component = trial.evaluation().index(name).unwrap();
                trial.evaluation().merge(&Increment {
                    component,
                    start_second: second,
                    arm,
                    source: 1,
                    started,
                    outcomes: Outcomes { ok: started - server_error, server_error, ..Outcomes::default() },
                    latency: Some(latency),
                    users: UserMasks::default(),
                });
            }
        }
        trial.evaluation().progress(1, second + 1, at);
        for event in trial.judge(at).unwrap() {
            match event.fact {
                Fact::ComponentsRolledBack { components, .. } => return components,
                Fact::RolledBack { .. } => return vec!["the version".to_owned()],
                _ => {}
            }
        }
    }
    Vec::new()
}

#[test]
fn the_root_of_a_shared_dependency_is_named_in_at_least_95_of_100_runs() {
    let plan = Plan::parse(PLAN).unwrap();
    let runs = 1_000;
    let mut others = std::collections::BTreeMap::<Vec<String>, u32>::new();
    for seed in 0..runs {
        *others.entry(first_rollback(&plan, seed)).or_default() += 1;
    }
    println!("{others:?}");
    let root = others.remove(&vec!["stock".to_owned()]).unwrap_or_default();
    assert!(root >= 950, "{root} of {runs}; else {others:?}");
}
