//! What other services' rollbacks mean for a rollout.
//!
//! Asked after every judgement from the states as they are, not from events, so that a crash between the one rollback and the
//! other loses nothing, and a rollout that begins later follows too.

use std::collections::BTreeSet;
use std::time::Instant;

use serin_rollout::{Input, Phase, State, step};

use super::perform::Decision;
use super::task::Task;
use super::tracked::Tracked;
use crate::clock;

impl Task {
    /// Takes along what cannot work without what is on the baseline of other services.
    pub(super) async fn follow(&mut self) {
        for index in 0..self.tracked.len() {
            let Some(tracked) = self.tracked.get(index).filter(|tracked| tracked.state.is_current()) else {
                continue;
            };
            let returned = self.returned_elsewhere(tracked);
            if returned.is_empty() {
                continue;
            }
            let (now, decided) = (clock::now(), Instant::now());
            let input = Input::OtherServices { returned };
            let Ok(transition) = step(tracked.plan(), tracked.state(), &input, now) else { continue };
            if let Err(error) = self.perform(vec![Decision { index, transition }], now, decided).await {
                tracing::error!(%error, "what another service's rollback asks for will be tried again");
            }
        }
    }

    /// Components that the newest rollouts of the services that `tracked` needs have returned.
    fn returned_elsewhere(&self, tracked: &Tracked) -> BTreeSet<String> {
        let services = tracked.plan().needed_services().iter();
        let others = services.filter_map(|service| self.tracked.get(*self.current.get(service)?));
        others.flat_map(|other| on_baseline(other.plan(), other.state())).collect()
    }
}

/// Components on the baseline, as `SERVICE/COMPONENT`.
fn on_baseline(plan: &serin_rollout::Plan, state: &State) -> Vec<String> {
    let named = |name: &str| format!("{}/{name}", state.service);
    match state.phase {
        // The end of an experiment undoes nothing that others were built on.
        Phase::RolledBack if state.experiment => Vec::new(),
        Phase::RolledBack => plan.components().map(|component| named(component.name)).collect(),
        Phase::WarmingUp
        | Phase::Progressing
        | Phase::Paused { .. }
        | Phase::Completing
        | Phase::RollingBack
        | Phase::Promoted
        | Phase::Failed => state.pinned.keys().map(|name| named(name)).collect(),
    }
}
