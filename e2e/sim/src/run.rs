//! One simulated rollout, watched by all methods at once.

use serin_analysis::ConfigError;
use serin_analysis::judge::JudgeDecision;

use crate::components::Component;
use crate::latency::Latencies;
use crate::method::{Method, Peer, Rollback, Serin};
use crate::scenario::{DURATION_S, Scenario, Scope, Truth};
use crate::world::{Second, World};

/// What one method made of one rollout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The method.
    pub method: Method,
    /// When it rolled back, in seconds from the start of the rollout. `None`: it did not.
    pub rolled_back_at: Option<u64>,
    /// Whether it named what is at fault.
    pub localised: bool,
    /// Canary requests that a fault had struck by then, or by the end.
    pub struck: u64,
}

/// A method at work.
struct Watcher {
    outcome: Outcome,
    mind: Mind,
    done: bool,
}

enum Mind {
    Serin(Box<Serin>),
    Peer(Peer),
}

/// Lets all methods watch run `run` of `scenario` under `seed`. It ends when all that can decide have, or after
/// [`DURATION_S`].
///
/// # Errors
/// [`ConfigError`] when the engine refuses the scenario's components.
pub fn run(
    scenario: &Scenario,
    latencies: &Latencies,
    seed: u64,
    run: u64,
) -> Result<Vec<Outcome>, ConfigError> {
    let mut world = World::new(scenario, latencies, seed, run);
    let mut watchers = Vec::new();
    for method in Method::all() {
        watchers.push(Watcher::new(method, scenario, &world)?);
    }
    let components = world.components().to_vec();
    let mut struck = 0;
    for second in 0..DURATION_S {
        let by_component =
            watchers.iter().any(|watcher| !watcher.done && watcher.outcome.method == Method::Serin);
        let happened = world.next(second, by_component);
        struck += happened.struck;
        for watcher in watchers.iter_mut().filter(|watcher| !watcher.done) {
            watcher.outcome.struck = struck;
            if watcher.outcome.method.is_in_time() {
                watcher.observe(second, &happened, scenario, &components);
            }
        }
        if watchers.iter().all(|watcher| watcher.done || !watcher.outcome.method.is_in_time()) {
            break;
        }
    }
    Ok(watchers.into_iter().map(|watcher| watcher.outcome).collect())
}

impl Watcher {
    fn new(method: Method, scenario: &Scenario, world: &World<'_>) -> Result<Self, ConfigError> {
        let mind = match method {
            Method::Serin => Mind::Serin(Box::new(Serin::new(world, scenario.warm_up_s)?)),
            Method::Peer(judge) => Mind::Peer(Peer::new(judge, world.start())),
        };
        let outcome = Outcome { method, rolled_back_at: None, localised: false, struck: 0 };
        Ok(Self { outcome, mind, done: false })
    }

    fn observe(&mut self, second: u64, happened: &Second, scenario: &Scenario, components: &[Component]) {
        let rollback = match &mut self.mind {
            Mind::Serin(serin) => {
                if scenario.weights.iter().any(|(from, _)| *from == second) {
                    serin.step_started(second);
                }
                serin.observe(second, happened)
            }
            Mind::Peer(_) if second < scenario.warm_up_s => None,
            Mind::Peer(peer) => match peer.observe(second, happened, scenario.weight_ppm(second)) {
                Some(JudgeDecision::Rollback) => Some(Rollback::Version),
                Some(JudgeDecision::Promote) => {
                    self.done = true;
                    None
                }
                Some(JudgeDecision::Hold) | None => None,
            },
        };
        if let Some(rollback) = rollback {
            self.done = true;
            self.outcome.rolled_back_at = Some(second + 1);
            self.outcome.localised = is_right(&rollback, &scenario.truth, components);
        }
    }
}

/// Whether only what is at fault was named.
fn is_right(rollback: &Rollback, truth: &Truth, components: &[Component]) -> bool {
    match (rollback, truth) {
        (Rollback::Version, Truth::Bad { scope: Scope::Version, .. }) => true,
        (Rollback::Components(names), Truth::Bad { scope: Scope::Routes(routes), .. }) => {
            let at_fault = |name: &String| {
                let named = components.iter().find(|component| component.name == *name);
                named.is_some_and(|component| component.routes.iter().all(|route| routes.contains(route)))
            };
            names.iter().all(at_fault)
        }
        (Rollback::Version | Rollback::Components(_), Truth::Good | Truth::Bad { .. }) => false,
    }
}
