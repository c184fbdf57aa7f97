//! One simulated rollout of a scenario, request by request.

use anyhow::Result;
use serin_analysis::Learned;

use super::Fleet;
use super::setup::Setup;
use crate::components::components;
use crate::latency::Latencies;
use crate::plan;
use crate::random::Random;
use crate::run::{Watched, is_done, of_serin};
use crate::scenario::{DURATION_S, Scenario};
use crate::world::{UNEXPOSED_S, fingerprint};

/// Seconds after the last decision, until all Envoys obey.
const SETTLING_S: u64 = 2;
/// Scenarios that are simulated request by request unless others are asked for.
pub const SCENARIOS: [&str; 6] = [
    "aa_a3_100rps",
    "aa_a4_1000rps",
    "errors_5pct_100rps_w5",
    "errors_30pct_100rps_w5",
    "d7_crash_w1",
    "d17_hangs_one_route",
];

/// What lies between Envoys and control plane, and what happens to them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Conditions {
    /// [`Setup::calm`].
    Calm,
    /// [`Setup::troubled`].
    Troubled,
}

impl Conditions {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Calm, Self::Troubled];

    /// What stands in the place of the method in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calm => "requests",
            Self::Troubled => "with-losses",
        }
    }
}

/// The plan of `scenario`, by which users keep their version.
#[must_use]
pub fn yaml(scenario: &Scenario) -> String {
    let identity = "identity: {user: [{header: x-user-id}]}\n";
    plan::yaml(scenario, &components(scenario)) + identity
}

/// Run `run` of `scenario` under `seed` as [`crate::run::run`] has it, with a fleet in the place of counts. Struck requests
/// are counted until the decision is obeyed.
///
/// # Errors
/// When a part of the product refuses what another one says.
pub fn run(
    scenario: &Scenario,
    latencies: &Latencies,
    learned: &Learned,
    conditions: Conditions,
    (seed, run): (u64, u64),
) -> Result<Watched> {
    let setup = match conditions {
        Conditions::Calm => Setup::calm(),
        Conditions::Troubled => Setup::troubled(&mut Random::new(
            seed,
            fingerprint(scenario.id).wrapping_add(run) ^ TROUBLE_STREAM,
        )),
    };
    let mut fleet = Fleet::new(scenario, latencies, setup, &yaml(scenario), learned, (seed, run))?;
    let components = fleet.components().to_vec();
    let (mut resumed, mut end) = (false, UNEXPOSED_S + DURATION_S);
    let mut second = 0;
    while second < end {
        if !resumed && second >= UNEXPOSED_S && fleet.state().is_some() {
            fleet.resume()?;
            resumed = true;
        }
        second += 1;
        fleet.run_until(second)?;
        if is_done(fleet.deeds(), fleet.is_over(), &scenario.truth, &components) {
            end = end.min(second + SETTLING_S);
        }
    }
    let outcome = of_serin(fleet.deeds(), &scenario.truth, &components);
    Ok(Watched { outcomes: vec![outcome], seconds: second })
}

/// Sets the stream of what goes wrong apart from the others of a run.
const TROUBLE_STREAM: u64 = 0x5bd1_e995_0000_0003;
