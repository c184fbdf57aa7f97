//! What is simulated: a service, its surroundings, and what is wrong with the canary.

mod alone;
mod harmful;
mod harmless;

use std::sync::LazyLock;

/// Seconds of a rollout.
pub const DURATION_S: u64 = 1_800;
/// Routes of the service, unless a scenario says otherwise.
const ROUTES: usize = 50;

/// One simulated situation.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Name on the command line and in tables.
    pub id: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Requests a second of the whole service, in the mean over a day.
    pub rps: f64,
    /// How the requests fall on the routes.
    pub popularity: Popularity,
    /// Canary weight in ppm from each second on, as the plan has it. The first is from second 0, in which the canary
    /// gets its first requests.
    pub weights: Vec<(u64, u32)>,
    /// What happens to both arms.
    pub surroundings: Surroundings,
    /// What is different about the canary, if anything.
    pub faults: Vec<Fault>,
    /// What a right decision is.
    pub truth: Truth,
    /// Warm-up of the plan in seconds.
    pub warm_up_s: u64,
    /// Where the canary has a baseline.
    pub baseline: Baseline,
}

/// Where the canary has a baseline.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Baseline {
    /// On all routes.
    Everywhere,
    /// On all but these, by rank from 0: only the canary has them.
    ExceptOn(Vec<usize>),
    /// Nowhere: it is the first deployment.
    Nowhere,
}

/// How the requests fall on the routes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Popularity {
    /// The n-th of so many routes gets a share in proportion to 1/n.
    Zipf(usize),
    /// So many routes get the same share.
    Even(usize),
}

/// What happens to both arms alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surroundings {
    /// Part by which load swings about its mean, with a period of half an hour.
    pub diurnal: f64,
    /// Deviation of the common logarithmic slow-down.
    pub noise: f64,
    /// Its correlation from one second to the next.
    pub noise_correlation: f64,
    /// Share of requests that fail anyway.
    pub error_rate: f64,
    /// Bursts that strike both arms.
    pub bursts: Option<Bursts>,
    /// Upstream hosts of both arms together.
    pub hosts: usize,
    /// Deviation of each host's own logarithmic slow-down, with a correlation of 0.95 from second to second.
    pub jitter: f64,
    /// Failures come in clusters of this mean size: a failing call is tried again.
    pub cluster: f64,
    /// Error rate and latency grow with the canary's weight, as they would if weight and time of day rose together.
    pub follows_weight: bool,
}

/// Short times in which everything is worse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bursts {
    /// How many times slower requests are.
    pub slow_down: f64,
    /// Share of further requests that fail.
    pub errors: f64,
}

/// Something that is different about some requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The routes, by rank from 0. `None`: all.
    pub routes: Option<Vec<usize>>,
    /// Strikes the baseline too.
    pub both_arms: bool,
    /// First second.
    pub from: u64,
    /// What happens.
    pub effect: Effect,
}

/// What a fault does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    /// A further share of the requests fails.
    Errors(f64),
    /// One in so many users fails at a share of its requests.
    ErrorsOfSome {
        /// 50 for 2 % of the users.
        one_in: u32,
        /// The share.
        share: f64,
    },
    /// A share of the requests takes `factor` times as long.
    Slow {
        /// The share.
        share: f64,
        /// The factor.
        factor: f64,
    },
    /// Latency rises steadily by `by` until `over_s` seconds after the fault began, and stays there.
    Ramp {
        /// 0.6 for 60 %.
        by: f64,
        /// Seconds.
        over_s: u64,
    },
    /// Latency is higher by `by` at first and normalises with time constant `tau_s`.
    ColdStart {
        /// 0.4 for 40 %.
        by: f64,
        /// Seconds.
        tau_s: f64,
    },
    /// Only this share of the canary's requests arrives.
    Share(f64),
    /// A share of the requests never ends.
    Hang(f64),
    /// Latency rises to twice itself over 900 s, then the hosts run out of memory: for 20 s of each 120 s no
    /// connection can be made.
    OutOfMemory,
    /// One account, which sticks to one arm, sends so many requests a second, all of which fail.
    BrokenAccount(f64),
}

/// What a right decision is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Truth {
    /// The canary is as good as the margins ask: a rollback is false.
    Good,
    /// The canary is bad from second `onset` on.
    Bad {
        /// When it begins.
        onset: u64,
        /// What should be named.
        scope: Scope,
    },
}

/// What should be named.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Scope {
    /// The version.
    Version,
    /// Routes, by rank from 0.
    Routes(Vec<usize>),
}

impl Default for Surroundings {
    /// As measured by the prototype of the engine: see docs/simulation.md.
    fn default() -> Self {
        Self {
            diurnal: 0.4,
            noise: 0.05,
            noise_correlation: 0.95,
            error_rate: 0.001,
            bursts: Some(Bursts { slow_down: 2.5, errors: 0.02 }),
            hosts: 10,
            jitter: 0.0,
            cluster: 1.0,
            follows_weight: false,
        }
    }
}

impl Popularity {
    /// Routes.
    pub fn routes(self) -> usize {
        match self {
            Self::Zipf(routes) | Self::Even(routes) => routes,
        }
    }

    /// Share of each route; the sum is 1.
    pub fn shares(self) -> Vec<f64> {
        let raw = |rank: usize| match self {
            Self::Zipf(_) => 1.0 / (rank as f64 + 1.0),
            Self::Even(_) => 1.0,
        };
        let sum: f64 = (0..self.routes()).map(raw).sum();
        (0..self.routes()).map(|rank| raw(rank) / sum).collect()
    }
}

impl Scenario {
    /// A service of 50 routes with the prototype's surroundings and a canary that is as good as the baseline.
    fn new(id: &'static str, about: &'static str, rps: f64, weight_percent: u32) -> Self {
        Self {
            id,
            about,
            rps,
            popularity: Popularity::Zipf(ROUTES),
            weights: vec![(0, weight_percent * 10_000)],
            surroundings: Surroundings::default(),
            faults: Vec::new(),
            truth: Truth::Good,
            warm_up_s: 0,
            baseline: Baseline::Everywhere,
        }
    }

    /// With no baseline, or one that lacks some routes.
    fn beside(mut self, baseline: Baseline) -> Self {
        self.baseline = baseline;
        self
    }

    /// Whether a baseline runs beside the canary on all of `routes` while its weight lets it.
    pub fn has_baseline(&self, routes: &[usize]) -> bool {
        match &self.baseline {
            Baseline::Everywhere => true,
            Baseline::ExceptOn(lacking) => !routes.iter().any(|route| lacking.contains(route)),
            Baseline::Nowhere => false,
        }
    }

    /// Whether the canary runs alone, somewhere at least: nobody can tell by comparison.
    pub fn is_alone(&self) -> bool {
        self.baseline != Baseline::Everywhere || self.first_ppm() == 1_000_000
    }

    /// The canary is bad in `routes` from `onset` on.
    fn broken(mut self, routes: Option<Vec<usize>>, onset: u64, effect: Effect) -> Self {
        let scope = routes.clone().map_or(Scope::Version, Scope::Routes);
        self.truth = Truth::Bad { onset, scope };
        self.faults.push(Fault { routes, both_arms: false, from: onset, effect });
        self
    }

    /// The canary differs in a way that does not count.
    fn tolerable(mut self, effect: Effect) -> Self {
        self.faults.push(Fault { routes: None, both_arms: false, from: 0, effect });
        self
    }

    fn surrounded(mut self, surroundings: Surroundings) -> Self {
        self.surroundings = surroundings;
        self
    }

    /// Canary weight in ppm at first.
    pub fn first_ppm(&self) -> u32 {
        self.weights.first().map_or(0, |(_, ppm)| *ppm)
    }

    /// Canary weight in ppm in `second`.
    pub fn weight_ppm(&self, second: u64) -> u32 {
        self.weights.iter().rev().find(|(from, _)| *from <= second).map_or(0, |(_, ppm)| *ppm)
    }

    /// When the harm begins. `None`: there is none.
    pub fn onset(&self) -> Option<u64> {
        match self.truth {
            Truth::Good => None,
            Truth::Bad { onset, .. } => Some(onset),
        }
    }
}

/// All scenarios: those without harm first.
pub fn all() -> &'static [Scenario] {
    static ALL: LazyLock<Vec<Scenario>> = LazyLock::new(|| {
        let mut all = harmless::scenarios();
        all.extend(harmful::scenarios());
        all.extend(alone::scenarios());
        all
    });
    &ALL
}

/// The scenario of that name.
pub fn by_id(id: &str) -> Option<&'static Scenario> {
    all().iter().find(|scenario| scenario.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_say_whether_there_is_harm() {
        let ids: BTreeSet<_> = all().iter().map(|scenario| scenario.id).collect();
        assert_eq!(ids.len(), all().len());
        for scenario in all() {
            let shared = ["d22_shared_dependency", "d23_canary_harms_baseline"].contains(&scenario.id);
            let good = scenario.id.starts_with("aa_") || shared;
            assert_eq!(good, scenario.truth == Truth::Good, "{}", scenario.id);
            assert_eq!(by_id(scenario.id), Some(scenario));
        }
        for number in 1..=18 {
            let prefix = format!("aa_a{number}_");
            assert!(ids.iter().any(|id| id.starts_with(&prefix)), "{prefix}");
        }
        for number in 1..=23 {
            let prefix = format!("d{number}_");
            assert!(ids.iter().any(|id| id.starts_with(&prefix)), "{prefix}");
        }
    }

    #[test]
    fn shares_of_routes_sum_to_one() {
        for popularity in [Popularity::Zipf(50), Popularity::Even(10)] {
            assert!((popularity.shares().iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }
}
