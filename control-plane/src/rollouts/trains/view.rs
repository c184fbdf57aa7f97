//! A train as everyone sees it.

use serin_rollout::train::{Gate, Member, Reach, TrainEnd, TrainPlan, TrainState};
use serin_rollout::{Phase, UnixMillis, summary};

use super::super::task::Task;
use crate::clock;

/// A train now.
#[derive(Clone, Debug)]
pub struct TrainView {
    /// Identifier.
    pub id: String,
    /// Name.
    pub name: String,
    /// How it ended. `None`: it goes on.
    pub ended: Option<TrainEnd>,
    /// Members, in the order of the document.
    pub members: Vec<MemberView>,
    /// Gates.
    pub gates: Vec<GateView>,
    /// How far a member's rollback reaches.
    pub reach: Reach,
    /// All members are promoted together.
    pub together: bool,
    /// Services that return or returned, in that order.
    pub returning: Vec<String>,
    /// Why it waits for its turn, in words. `None`: it does not.
    pub waits: Option<String>,
    /// When it was created.
    pub created_at: UnixMillis,
    /// Who created it.
    pub created_by: String,
}

/// A member now.
#[derive(Clone, Debug)]
pub struct MemberView {
    /// Service.
    pub service: String,
    /// Its rollout.
    pub rollout: String,
    /// Where it goes out.
    pub region: Option<String>,
    /// Where its rollout stands. `None`: it is not created yet, or not kept any more.
    pub phase: Option<Phase>,
    /// Canary weight in parts per million.
    pub weight_ppm: u32,
    /// Its turn came.
    pub begun: bool,
    /// What is happening, in one sentence.
    pub summary: String,
    /// What others must reach before it begins, in words.
    pub after: Vec<String>,
}

/// A gate now.
#[derive(Clone, Debug)]
pub struct GateView {
    /// What it stands before.
    pub before: String,
    /// What opens it.
    pub when: &'static str,
    /// Who opened it, and why. `None`: it is closed.
    pub opened: Option<String>,
}

impl Task {
    pub(super) fn view(&self, index: usize) -> Option<TrainView> {
        let train = self.trains.get(index)?;
        let (plan, state) = (&train.plan, &train.state);
        Some(TrainView {
            id: state.id.clone(),
            name: plan.name().to_owned(),
            ended: state.ended,
            members: plan.members().iter().map(|member| self.member(state, member)).collect(),
            gates: gates(plan, state),
            reach: plan.reach(),
            together: plan.together(),
            returning: state.returning.iter().map(|(service, _)| service.clone()).collect(),
            waits: state.queued.as_ref().map(ToString::to_string),
            created_at: state.created_at,
            created_by: state.actor.clone(),
        })
    }

    fn member(&self, state: &TrainState, member: &Member) -> MemberView {
        let id = state.rollout(member.service());
        let tracked = id.and_then(|id| self.position(id)).and_then(|index| self.tracked.get(index));
        let now = clock::now();
        let text = tracked.map(|one| summary(&one.plan, &one.state, one.judgement.as_ref(), now));
        MemberView {
            service: member.service().to_owned(),
            rollout: id.map(|id| id.0.clone()).unwrap_or_default(),
            region: member.region.clone(),
            phase: tracked.map(|one| one.state.phase),
            weight_ppm: tracked.map_or(0, |one| one.state.weight.ppm()),
            begun: tracked.is_some_and(|one| one.state.began_at.is_some()),
            summary: text.unwrap_or_else(|| "Not known: not created yet, or not kept any more".to_owned()),
            after: member.after.iter().map(|after| format!("{} {}", after.service, after.reaches)).collect(),
        }
    }
}

fn gates(plan: &TrainPlan, state: &TrainState) -> Vec<GateView> {
    let opened = |gate: &Gate| {
        let opened = state.opened.get(gate.place())?;
        let opened = opened.iter().find(|one| one.when == gate.when.name())?;
        Some(format!("{}: {}", opened.actor, opened.because))
    };
    let view = |gate: &Gate| GateView {
        before: gate.place().to_owned(),
        when: gate.when.name(),
        opened: opened(gate),
    };
    plan.gates().iter().map(view).collect()
}
