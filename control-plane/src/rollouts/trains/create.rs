//! A new train, and the rollouts of its members.

use std::collections::BTreeMap;
use std::time::Instant;

use serin_proto::assignment::Salt;
use serin_rollout::train::{Membership, TRAIN_PREFIX, TrainCreation, TrainPlan, TrainState};
use serin_rollout::{AUTOMATIC, Creation, RolloutId, UnixMillis, may_follow};

use super::super::CommandError;
use super::super::orders::random;
use super::super::task::Task;
use super::{TRAINS_MAX, Train, TrainRefusal};
use crate::clock;

impl Task {
    pub(super) async fn create_train(
        &mut self,
        yaml: &str,
        files: &BTreeMap<String, String>,
        actor: String,
    ) -> Result<Vec<usize>, CommandError> {
        let plan = TrainPlan::parse(yaml, files).map_err(TrainRefusal::from)?;
        self.admit().await;
        let now = clock::now();
        self.may_create(&plan, now)?;
        let number = || Ok::<_, CommandError>(random()? & 0xffff_ffff);
        let id = format!("{TRAIN_PREFIX}{}-{:08x}", plan.name(), number()?);
        let rollouts: Result<Vec<RolloutId>, _> =
            plan.members().iter().map(|member| self.new_id(member.service())).collect();
        let creation = TrainCreation { id, rollouts: rollouts?, actor, turn: self.turn_of_train(&plan, now) };
        let (state, event) = TrainState::create(&plan, creation, now);
        self.write_train(&plan, &state, &event).await?;
        self.trains.push(Train { plan, state });
        self.forget_trains();
        let index = self.trains.len() - 1;
        self.run_train(index).await;
        Ok(vec![index])
    }

    fn may_create(&self, plan: &TrainPlan, now: UnixMillis) -> Result<(), CommandError> {
        let active = self.trains.iter().filter(|train| train.state.ended.is_none());
        if let Some(train) = active.clone().find(|train| train.plan.name() == plan.name()) {
            let (name, id) = (plan.name().to_owned(), train.state.id.clone());
            return Err(TrainRefusal::Active { name, id }.into());
        }
        if active.count() >= TRAINS_MAX {
            return Err(TrainRefusal::TooMany.into());
        }
        let mut assignment = self.assignment(0, None);
        for member in plan.members() {
            let before = self.current.get(member.service()).and_then(|index| self.tracked.get(*index));
            if let Some(tracked) = before.filter(|tracked| !tracked.state.phase.is_terminal()) {
                let (service, id) = (tracked.state.service.clone(), tracked.state.id.0.clone());
                return Err(CommandError::Active { service, id });
            }
            self.check_free(member.service())?;
            if let Some(tracked) = before {
                may_follow(&member.plan, true, &tracked.state)?;
            }
            let (id, actor) = (RolloutId("new".to_owned()), AUTOMATIC.to_owned());
            let creation = Creation { id, salt: Salt(0), actor, paused: true };
            let state = serin_rollout::create(&member.plan, creation, now).state;
            assignment.services.retain(|service| service.name != member.service());
            assignment.services.push(member.plan.service_assignment(&state));
        }
        assignment.check().map_err(CommandError::Assignment)
    }

    pub(super) async fn create_member(&mut self, index: usize, service: &str) -> Result<(), CommandError> {
        let Some(train) = self.trains.get(index) else { return Ok(()) };
        let found = train.plan.member(service).zip(train.state.rollout(service));
        let Some((member, id)) = found else { return Ok(()) };
        let (train_id, together) = (train.state.id.clone(), train.plan.together());
        let membership = Membership { train: train_id, together };
        let (plan, id, actor) = (member.plan.clone(), id.clone(), train.state.actor.clone());
        let creation = Creation { id, salt: Salt(random()?), actor, paused: true };
        self.create_as(plan, creation, Some(membership), Instant::now()).await.map(|_| ())
    }
}
