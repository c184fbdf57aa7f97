//! Whose turn it is, where only so many rollouts may run at once.
//!
//! A rollout beyond that waits at no weight rather than being refused, and begins when another one ended, the oldest first. What
//! it waits for is a fact of its journal, so a restart changes nothing. A person may let it begin out of turn.

use std::time::Instant;

use serin_rollout::{
    AUTOMATIC, Command, Fact, Input, Order, Phase, Plan, Transition, Turn, UnixMillis, step,
};

use super::Acted;
use super::perform::Decision;
use super::task::Task;
use super::tracked::Tracked;
use crate::clock;
use crate::config::Concurrency;

impl Task {
    /// Why a rollout by `plan` has to wait. `None`: it need not.
    pub(super) fn turn(&self, plan: &Plan) -> Option<Turn> {
        turn(self.shared.limits, plan, &self.tracked)
    }

    /// Lets those begin whose turn has come.
    pub(super) async fn admit(&mut self) {
        for index in 0..self.tracked.len() {
            let Some(tracked) = self.tracked.get(index).filter(|tracked| tracked.state().queued.is_some())
            else {
                continue;
            };
            if self.turn(tracked.plan()).is_some() {
                continue;
            }
            let (now, decided) = (clock::now(), Instant::now());
            let Ok(transition) = step(tracked.plan(), tracked.state(), &Input::Admitted, now) else {
                continue;
            };
            let begun = begun(&transition, now);
            match self.perform(vec![Decision { index, transition }], now, decided).await {
                Ok(()) => begun.iter().for_each(|acted| self.recorders.act(acted)),
                Err(error) => {
                    tracing::error!(%error, "a rollout could not begin, and will when its turn comes again");
                }
            }
        }
    }
}

/// For a recording, as if somebody had let it begin. `None`: a window of time keeps it waiting.
fn begun(transition: &Transition, now: UnixMillis) -> Option<Acted> {
    let reason = transition.events().iter().find_map(|event| {
        let Fact::Resumed { reason, .. } = &event.fact else { return None };
        Some(reason.clone())
    })?;
    let command = Command { order: Order::Resume, actor: AUTOMATIC.to_owned(), reason };
    Some(Acted { rollout: transition.state.id.0.clone(), at: now, command })
}

/// One of the server's limits and of the plan's own that is reached.
fn turn(limits: Concurrency, plan: &Plan, all: &[Tracked]) -> Option<Turn> {
    if plan.experiment().is_some() {
        return None;
    }
    let running = || all.iter().filter(|tracked| is_running(tracked));
    let reached = |max: u32, count: usize| count >= usize::try_from(max).unwrap_or(usize::MAX);
    if let Some(max) = limits.rollouts.filter(|max| reached(*max, running().count())) {
        return Some(Turn { group: None, max });
    }
    let own = plan.concurrency()?;
    let max = own.max.into_iter().chain(limits.per_group).min()?;
    let of_group =
        |tracked: &&Tracked| tracked.plan().concurrency().is_some_and(|other| other.group == own.group);
    reached(max, running().filter(of_group).count()).then(|| Turn { group: Some(own.group.clone()), max })
}

/// It began, or does what stands before its start, and is not over.
fn is_running(tracked: &Tracked) -> bool {
    let state = tracked.state();
    let began = state.began_at.is_some() || (state.waiting && state.phase == Phase::WarmingUp);
    began && !state.experiment && state.is_current() && !state.phase.is_terminal()
}
