//! One simulated rollout, watched by all methods at once.

use anyhow::Result;
use serin_analysis::Learned;
use serin_analysis::judge::{JudgeDecision, NamedJudge};

use crate::components::Component;
use crate::latency::Latencies;
use crate::method::{Method, Peer};
use crate::scenario::{DURATION_S, Scenario, Scope, Truth};
use crate::serin::{Deeds, Serin};
use crate::world::{Second, UNEXPOSED_S, World};

/// Rollouts of the same service, which begin with what the same earlier rollout taught.
pub const RUNS_PER_SERVICE: u64 = 20;

/// What one method made of one rollout. Times are in seconds from the canary's first request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The method.
    pub method: Method,
    /// When it first rolled something back. `None`: it did not.
    pub rolled_back_at: Option<u64>,
    /// Whether all that it rolled back is at fault.
    pub localised: bool,
    /// Canary requests that a fault had struck by then, or by the end.
    pub struck: u64,
    /// When it first found the version healthy; only Serin says so.
    pub healthy_at: Option<u64>,
    /// Whether it held, and said so, before it rolled anything back; only Serin does.
    pub held: bool,
    /// When it first saw a limit about to be exceeded, before it rolled anything back; only Serin does.
    pub predicted_at: Option<u64>,
}

/// One rollout as all methods made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    /// By method.
    pub outcomes: Vec<Outcome>,
    /// Seconds that were simulated, until all that can decide had.
    pub seconds: u64,
}

/// A peer at work.
struct Watcher {
    outcome: Outcome,
    peer: Peer,
    done: bool,
}

/// Lets Serin and, if so wanted and if there is a baseline everywhere, its peers watch run `run` of `scenario` under `seed`; Serin begins with what was
/// `learned`. It ends when all that can decide have, or after [`DURATION_S`].
///
/// The weight follows Serin's plan while Serin's rollout lasts, and the scenario's times after that.
///
/// # Errors
/// When Serin refuses the scenario's plan.
pub fn run(
    scenario: &Scenario,
    latencies: &Latencies,
    learned: &Learned,
    peers: bool,
    (seed, run): (u64, u64),
) -> Result<Watched> {
    let mut world = World::new(scenario, latencies, seed, run);
    let components = world.components().to_vec();
    let mut serin = Serin::new(scenario, &world, learned)?;
    let mut watchers: Vec<_> = Method::peers()
        .filter(|_| peers && !scenario.is_alone())
        .map(|judge| Watcher::new(judge, world.start()))
        .collect();
    let mut is_watched = true;
    let mut seconds = 0;
    for second in 0..UNEXPOSED_S + DURATION_S {
        if second == UNEXPOSED_S {
            serin.resume(second)?;
        }
        seconds += 1;
        let elapsed = second.checked_sub(UNEXPOSED_S);
        let scheduled = elapsed.map_or(0, |elapsed| scenario.weight_ppm(elapsed));
        let weight_ppm = if is_watched { serin.weight_ppm() } else { scheduled };
        let mut happened = world.next(second, weight_ppm, is_watched);
        if is_watched {
            serin.observe(second, std::mem::take(&mut happened.deliveries), &happened.struck)?;
            is_watched = !is_done(serin.deeds(), serin.is_over(), &scenario.truth, &components);
        }
        if let Some(elapsed) = elapsed {
            watchers.iter_mut().for_each(|watcher| {
                watcher.observe(
                    elapsed,
                    &happened,
                    scenario,
                    if is_watched { weight_ppm } else { scheduled },
                );
            });
        }
        if !is_watched && watchers.iter().all(|watcher| watcher.done || !watcher.outcome.method.is_in_time())
        {
            break;
        }
    }
    let first = of_serin(serin.deeds(), &scenario.truth, &components);
    let outcomes = [first].into_iter().chain(watchers.into_iter().map(|watcher| watcher.outcome)).collect();
    Ok(Watched { outcomes, seconds })
}

impl Watcher {
    fn new(judge: NamedJudge, created: u64) -> Self {
        let outcome = Outcome {
            method: Method::Peer(judge),
            rolled_back_at: None,
            localised: false,
            struck: 0,
            healthy_at: None,
            held: false,
            predicted_at: None,
        };
        Self { outcome, peer: Peer::new(judge, created + UNEXPOSED_S), done: false }
    }

    fn observe(&mut self, elapsed: u64, happened: &Second, scenario: &Scenario, weight_ppm: u32) {
        if self.done {
            return;
        }
        self.outcome.struck += happened.struck.iter().sum::<u64>();
        if !self.outcome.method.is_in_time() || elapsed < scenario.warm_up_s {
            return;
        }
        match self.peer.observe(elapsed, happened, weight_ppm) {
            Some(JudgeDecision::Rollback) => {
                self.done = true;
                self.outcome.rolled_back_at = Some(elapsed + 1);
                self.outcome.localised = matches!(scenario.truth, Truth::Bad { scope: Scope::Version, .. });
            }
            Some(JudgeDecision::Promote) => self.done = true,
            Some(JudgeDecision::Hold) | None => {}
        }
    }
}

/// What Serin made of a rollout.
pub(crate) fn of_serin(deeds: &Deeds, truth: &Truth, components: &[Component]) -> Outcome {
    Outcome {
        method: Method::Serin,
        rolled_back_at: deeds.rolled_back_at,
        localised: is_right(deeds, truth, components),
        struck: deeds.struck,
        healthy_at: deeds.healthy_at,
        held: deeds.held,
        predicted_at: deeds.predicted_at,
    }
}

/// Whether all that is at fault was undone, or a version that is not at fault was.
pub(crate) fn is_done(deeds: &Deeds, is_over: bool, truth: &Truth, components: &[Component]) -> bool {
    match truth {
        _ if is_over => true,
        Truth::Good => deeds.rolled_back_at.is_some(),
        Truth::Bad { scope: Scope::Version, .. } => false,
        Truth::Bad { scope: Scope::Routes(routes), .. } => components
            .iter()
            .filter(|component| component.routes.iter().any(|route| routes.contains(route)))
            .all(|component| deeds.components.contains(&component.name)),
    }
}

/// Whether only what is at fault was undone, and the version if that is.
fn is_right(deeds: &Deeds, truth: &Truth, components: &[Component]) -> bool {
    match truth {
        Truth::Good => false,
        Truth::Bad { scope: Scope::Version, .. } => deeds.version,
        Truth::Bad { scope: Scope::Routes(routes), .. } => {
            let at_fault = |name: &String| {
                let named = components.iter().find(|component| component.name == *name);
                named.is_some_and(|component| component.routes.iter().all(|route| routes.contains(route)))
            };
            !deeds.version && deeds.components.iter().all(at_fault)
        }
    }
}
