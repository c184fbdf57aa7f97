//! Whose turn it is, where only so many rollouts may run at once.
//!
//! A rollout beyond that waits at no weight rather than being refused, and begins when another one ended, the oldest first; a train
//! does so as a whole. What it waits for is a fact of its journal, so a restart changes nothing. A person may let a rollout begin out
//! of turn.

use std::time::Instant;

use serin_rollout::train::{TrainFact, TrainPlan};
use serin_rollout::{
    AUTOMATIC, Command, Fact, Input, Order, Phase, Places, Plan, Rival, State, Transition, Turn, TurnLimits,
    UnixMillis, step,
};

use super::Acted;
use super::perform::Decision;
use super::task::Task;
use crate::clock;

/// Somebody who waits, by position in its list.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Waiting {
    Train(usize),
    Rollout(usize),
}

/// Who came earlier is smaller. What is created now comes last.
type Arrival = (UnixMillis, Waiting);

impl Task {
    /// Why a rollout by `plan` that was created at this time has to wait. `None`: it need not.
    pub(super) fn turn(&self, plan: &Plan, created_at: UnixMillis) -> Option<Turn> {
        self.turn_at(&Places::of_plan(plan)?, (created_at, Waiting::Rollout(self.tracked.len())))
    }

    /// Why a train that is created now has to wait. `None`: it need not.
    pub(super) fn turn_of_train(&self, plan: &TrainPlan, now: UnixMillis) -> Option<Turn> {
        self.turn_at(&Places::of_train(plan), (now, Waiting::Train(self.trains.len())))
    }

    fn turn_at(&self, own: &Places, arrival: Arrival) -> Option<Turn> {
        let running = self.tracked.iter().filter(|tracked| is_running(tracked.state()));
        let running = running.filter_map(|tracked| Places::of_plan(tracked.plan()));
        let rollouts: Vec<Places> = running.collect();
        let trains = self.trains.iter().enumerate().filter(|(_, train)| train.state.ended.is_none());
        let trains: Vec<(bool, Places)> = trains
            .filter_map(|(index, train)| {
                let waits = train.state.queued.is_some();
                let counts = !waits || (train.state.created_at, Waiting::Train(index)) < arrival;
                counts.then(|| (waits, Places::of_train(&train.plan)))
            })
            .collect();
        let trains = trains.iter().map(|(waits, places)| match waits {
            true => Rival::Waits(places),
            false => Rival::Runs(places),
        });
        let limits = TurnLimits { all: self.shared.limits.rollouts, per_group: self.shared.limits.per_group };
        own.turn(limits, rollouts.iter().map(Rival::Runs).chain(trains))
    }

    /// Lets those begin whose turn has come, in the order in which they were created.
    pub(super) async fn admit(&mut self) {
        for (created_at, waiting) in self.waiting() {
            match waiting {
                Waiting::Train(index) => self.admit_train(index).await,
                Waiting::Rollout(index) => self.admit_rollout(index, created_at).await,
            }
        }
    }

    fn waiting(&self) -> Vec<Arrival> {
        let rollouts =
            self.tracked.iter().enumerate().filter(|(_, tracked)| tracked.state().queued.is_some());
        let rollouts = rollouts.map(|(index, tracked)| (tracked.state().created_at, Waiting::Rollout(index)));
        let trains = self.trains.iter().enumerate().filter(|(_, train)| train.state.queued.is_some());
        let trains = trains.map(|(index, train)| (train.state.created_at, Waiting::Train(index)));
        let mut waiting: Vec<Arrival> = rollouts.chain(trains).collect();
        waiting.sort_unstable();
        waiting
    }

    async fn admit_train(&mut self, index: usize) {
        let Some(train) = self.trains.get(index) else { return };
        let arrival = (train.state.created_at, Waiting::Train(index));
        if self.turn_at(&Places::of_train(&train.plan), arrival).is_some() {
            return;
        }
        match self.record_train(index, TrainFact::TrainAdmitted, AUTOMATIC).await {
            Ok(()) => self.run_train(index).await,
            Err(error) => {
                tracing::error!(%error, "a train could not begin, and will when its turn comes again");
            }
        }
    }

    async fn admit_rollout(&mut self, index: usize, created_at: UnixMillis) {
        let Some(tracked) = self.tracked.get(index) else { return };
        if self.turn(tracked.plan(), created_at).is_some() {
            return;
        }
        let (now, decided) = (clock::now(), Instant::now());
        let Ok(transition) = step(tracked.plan(), tracked.state(), &Input::Admitted, now) else { return };
        let begun = begun(&transition, now);
        match self.perform(vec![Decision { index, transition }], now, decided).await {
            Ok(()) => begun.iter().for_each(|acted| self.recorders.act(acted)),
            Err(error) => {
                tracing::error!(%error, "a rollout could not begin, and will when its turn comes again");
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

/// It began, or does what stands before its start, and is not over. A member of a train takes no place of its own.
fn is_running(state: &State) -> bool {
    let began = state.began_at.is_some() || (state.waiting && state.phase == Phase::WarmingUp);
    began && state.train.is_none() && !state.experiment && state.is_current() && !state.phase.is_terminal()
}
