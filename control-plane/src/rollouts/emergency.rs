//! One order for many rollouts: all users return to the baseline.
//!
//! They return in one transaction, under one generation, so that every Envoy moves all of them at once. When that transaction fails,
//! each is tried alone: one that cannot be written keeps no other from returning, and is told.

use std::time::Instant;

use serin_rollout::emergency::{Fate, Wanted};
use serin_rollout::{Command, Input, Order, RollbackScope, UnixMillis, step};

use super::perform::Decision;
use super::task::Task;
use super::{Acted, CommandError};
use crate::clock;

/// What became of a rollout.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Returned {
    /// Its identifier.
    pub rollout: String,
    /// Its service.
    pub service: String,
    /// What.
    pub outcome: Outcome,
    /// The same in words.
    pub text: String,
    /// Generation of the assignment that carries its last change.
    pub generation: u64,
}

/// What became of a rollout, in one word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Its users returned.
    Returned,
    /// They were there already.
    Already,
    /// It was left as it is.
    Left,
    /// It could not be returned.
    Failed,
}

impl Task {
    /// Returns what is wanted, and says what became of each.
    pub(super) async fn return_all(
        &mut self,
        wanted: &Wanted,
        actor: String,
        reason: String,
        decided: Instant,
    ) -> Result<Vec<Returned>, CommandError> {
        let command = Command { order: Order::Rollback { scope: RollbackScope::Version }, actor, reason };
        command.check_reason()?;
        let meant = |index: &usize| {
            let tracked = self.tracked.get(*index);
            tracked.is_some_and(|one| one.state.is_current() && wanted.takes(&one.plan, &one.state))
        };
        let meant: Vec<usize> = (0..self.tracked.len()).filter(meant).collect();
        if meant.is_empty() && !wanted.is_all() {
            return Err(CommandError::NoneLike);
        }
        let fates: Vec<(usize, Fate)> = meant.into_iter().filter_map(|index| self.fate(index)).collect();
        let now = clock::now();
        let returning = fates.iter().filter(|(_, fate)| *fate == Fate::Returns).map(|(index, _)| *index);
        let failures = self.return_together(returning.collect(), &command, (now, decided)).await;
        let returned = |(index, fate): (usize, Fate)| {
            let failure = failures.iter().find(|(failed, _)| *failed == index).map(|(_, error)| error);
            self.returned(index, fate, failure)
        };
        Ok(fates.into_iter().filter_map(returned).collect())
    }

    fn fate(&self, index: usize) -> Option<(usize, Fate)> {
        Some((index, Fate::of(&self.tracked.get(index)?.state)))
    }

    /// All at once, else one by one. Returns those that failed.
    async fn return_together(
        &mut self,
        indexes: Vec<usize>,
        command: &Command,
        (now, decided): (UnixMillis, Instant),
    ) -> Vec<(usize, CommandError)> {
        let all: Result<Vec<Decision>, _> =
            indexes.iter().filter_map(|index| self.rollback_of(*index, command, now)).collect();
        let together = match all {
            Ok(decisions) => self.perform(decisions, now, decided).await,
            Err(refused) => Err(refused),
        };
        let mut failures = Vec::new();
        if let Err(error) = together {
            tracing::error!(%error, "rollouts could not return together; each is tried alone");
            for index in &indexes {
                let alone = match self.rollback_of(*index, command, now) {
                    Some(Ok(decision)) if !self.lost => self.perform(vec![decision], now, decided).await,
                    Some(Ok(_)) => Err(CommandError::Busy),
                    Some(Err(refused)) => Err(refused),
                    None => Ok(()),
                };
                failures.extend(alone.err().map(|error| (*index, error)));
            }
        }
        for index in indexes.iter().filter(|index| failures.iter().all(|(failed, _)| failed != *index)) {
            if let Some(tracked) = self.tracked.get(*index) {
                let rollout = tracked.state.id.0.clone();
                self.recorders.act(&Acted { rollout, at: now, command: command.clone() });
            }
        }
        failures
    }

    /// The rollback of one. `None`: there is no such rollout.
    fn rollback_of(
        &self,
        index: usize,
        command: &Command,
        now: UnixMillis,
    ) -> Option<Result<Decision, CommandError>> {
        let tracked = self.tracked.get(index)?;
        let seen = tracked.judgement.clone().map(Box::new);
        let input = Input::Commanded { command: command.clone(), seen };
        let transition = step(&tracked.plan, &tracked.state, &input, now);
        Some(transition.map(|transition| Decision { index, transition }).map_err(CommandError::from))
    }

    fn returned(&self, index: usize, fate: Fate, failure: Option<&CommandError>) -> Option<Returned> {
        let tracked = self.tracked.get(index)?;
        let (outcome, text) = match (failure, fate) {
            (Some(error), _) => (Outcome::Failed, format!("not returned: {error}")),
            (None, Fate::Returns) => (Outcome::Returned, fate.to_string()),
            (None, Fate::Already) => (Outcome::Already, fate.to_string()),
            (None, Fate::Left) => (Outcome::Left, fate.to_string()),
        };
        let (rollout, service) = (tracked.state.id.0.clone(), tracked.state.service.clone());
        Some(Returned { rollout, service, outcome, text, generation: tracked.generation })
    }
}
