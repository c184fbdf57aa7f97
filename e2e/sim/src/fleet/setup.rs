//! The fleet, its network, and what goes wrong with them.

use crate::random::Random;
use crate::scenario::DURATION_S;
use crate::world::UNEXPOSED_S;

/// Mean seconds from one restart of an Envoy to the next, from one crash of the control plane to the next, and from one
/// time in which an Envoy is cut off to the next, where there is trouble.
const ENVOY_RESTARTS_S: f64 = 300.0;
const CRASHES_S: f64 = 400.0;
const CUTS_S: f64 = 400.0;

/// How a fleet is made, and what happens to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// Envoys.
    pub envoys: usize,
    /// Workers of each. An Envoy has one VM more, on its main thread, which serves nobody.
    pub workers: usize,
    /// Users; a tenth of them send half of the requests.
    pub users: u64,
    /// Share of the requests without a user id.
    pub anonymous: f64,
    /// What lies between Envoys and control plane.
    pub network: Network,
    /// What goes wrong, by second since the rollout's creation.
    pub troubles: Vec<(u64, Trouble)>,
}

/// What may happen to a message between Envoys and control plane, one way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// Share that is lost. Of these calls a half is known to have failed; for the others the deadline passes.
    pub lost: f64,
    /// Share that comes twice, the second time up to three seconds late.
    pub repeated: f64,
    /// Share that takes up to a second longer.
    pub late: f64,
    /// Mean delay beyond one millisecond, in ms.
    pub delay_ms: f64,
}

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trouble {
    /// An Envoy dies with what it has not reported, and is back after `down_s`.
    EnvoyRestarts {
        /// Its position.
        envoy: usize,
        /// Seconds.
        down_s: u64,
    },
    /// The control plane dies with what it has not written, and is back after `down_s`.
    ControlPlaneCrashes {
        /// Seconds.
        down_s: u64,
    },
    /// Nothing passes between an Envoy and the control plane for `for_s`.
    CutOff {
        /// Its position. `None`: all Envoys.
        envoy: Option<usize>,
        /// Seconds.
        for_s: u64,
    },
}

impl Setup {
    /// Three Envoys of two workers on a network that loses nothing.
    #[must_use]
    pub fn calm() -> Self {
        Self {
            envoys: 3,
            workers: 2,
            users: 50_000,
            anonymous: 0.05,
            network: Network { lost: 0.0, repeated: 0.0, late: 0.0, delay_ms: 2.0 },
            troubles: Vec::new(),
        }
    }

    /// The same with 5 % of the messages lost, 5 % repeated and 5 % late, each way; an Envoy that restarts, a control
    /// plane that crashes and an Envoy that is cut off, each every few minutes, as `random` has it.
    #[must_use]
    pub fn troubled(random: &mut Random) -> Self {
        let calm = Self::calm();
        let mut troubles = Vec::new();
        for (mean_s, kind) in [(ENVOY_RESTARTS_S, 0), (CRASHES_S, 1), (CUTS_S, 2)] {
            let mut at = random.exponential(mean_s) as u64;
            while at < UNEXPOSED_S + DURATION_S {
                let envoy = usize::try_from(random.below(calm.envoys as u64)).unwrap_or(0);
                let trouble = match kind {
                    0 => Trouble::EnvoyRestarts { envoy, down_s: 1 + random.below(5) },
                    1 => Trouble::ControlPlaneCrashes { down_s: 1 + random.below(5) },
                    _ => Trouble::CutOff { envoy: Some(envoy), for_s: 5 + random.below(26) },
                };
                troubles.push((at, trouble));
                at += 1 + random.exponential(mean_s) as u64;
            }
        }
        Self { troubles, ..calm.losing(0.05) }
    }

    /// The same with this share of the messages lost, repeated and late, each.
    #[must_use]
    pub fn losing(mut self, share: f64) -> Self {
        self.network = Network { lost: share, repeated: share, late: share, ..self.network };
        self
    }
}
