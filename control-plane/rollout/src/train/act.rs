//! What is next for a train.

use std::collections::{BTreeMap, BTreeSet};

use serin_proto::assignment::Weight;

use super::{After, Gate, Member, Milestone, Reach, TrainEnd, TrainFact, TrainPlan, TrainState, When};
use crate::text::list;
use crate::{Phase, UnixMillis};

/// A member's rollout as it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Seen {
    /// Its phase.
    pub phase: Phase,
    /// Canary weight.
    pub weight: Weight,
    /// Step of its plan, from 0.
    pub step: u32,
    /// When it began to take requests. `None`: it waits for its turn.
    pub began_at: Option<UnixMillis>,
    /// Healthy by fresh evidence.
    pub healthy: bool,
    /// Its plan would promote it; it waits for the others.
    pub ready: bool,
    /// Promoted, and still judged.
    pub watched: bool,
    /// Back on the baseline: nobody is on its canary any more, as far as is waited for ([`crate::State::is_settled`]).
    pub settled: bool,
}

/// One thing to do. Doing it again changes nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Write this fact.
    Record(TrainFact),
    /// Create the rollout of a member, waiting at no weight.
    Create(String),
    /// Let a member begin.
    Begin(String),
    /// Promote these members, all at once.
    Promote(Vec<String>),
    /// Return a member to the baseline.
    Return {
        /// Its service.
        service: String,
        /// Why.
        because: String,
    },
}

/// What is next; nothing: wait. `seen` holds the rollouts that exist, by service.
#[must_use]
pub fn act(plan: &TrainPlan, state: &TrainState, seen: &BTreeMap<String, Seen>) -> Vec<Act> {
    if state.ended.is_some() {
        return Vec::new();
    }
    let view = View { plan, state, seen };
    if let Some(fact) = view.rollback() {
        return vec![Act::Record(fact)];
    }
    if let Some(waits) = view.returning() {
        return waits;
    }
    let acts: Vec<Act> = view.missing().chain(view.opening()).chain(view.beginning()).collect();
    if !acts.is_empty() {
        return acts;
    }
    let promotion = view.promotion().into_iter().chain(view.end());
    promotion.take(1).collect()
}

struct View<'a> {
    plan: &'a TrainPlan,
    state: &'a TrainState,
    seen: &'a BTreeMap<String, Seen>,
}

impl TrainState {
    /// Everybody returns, because a person says so. `None`: that was decided before.
    #[must_use]
    pub fn return_all(
        &self,
        plan: &TrainPlan,
        seen: &BTreeMap<String, Seen>,
        because: String,
    ) -> Option<TrainFact> {
        let all = plan.members().iter().map(|member| member.service().to_owned()).collect();
        View { plan, state: self, seen }.decision(all, because)
    }
}

impl View<'_> {
    fn is_back(&self, service: &str) -> bool {
        self.seen.get(service).is_some_and(|seen| matches!(seen.phase, Phase::RolledBack | Phase::Failed))
    }

    /// Members that were not told to return.
    fn staying(&self) -> impl Iterator<Item = &Member> {
        self.plan.members().iter().filter(|member| !self.state.returns(member.service()))
    }

    /// A member that returned without having been told takes along what the train's reach says.
    fn rollback(&self) -> Option<TrainFact> {
        let cause = self.staying().find(|member| self.is_back(member.service()))?.service();
        self.decision(self.closure(cause), format!("{cause} returned to the baseline"))
    }

    /// Who returns when `service` does.
    fn closure(&self, service: &str) -> BTreeSet<String> {
        let mut closure = BTreeSet::from([service.to_owned()]);
        match self.plan.reach() {
            Reach::Alone => {}
            Reach::All => {
                closure.extend(self.plan.members().iter().map(|member| member.service().to_owned()))
            }
            Reach::Dependents => {
                let mut next = vec![service.to_owned()];
                while let Some(service) = next.pop() {
                    let new = self.plan.dependents(&service).filter(|name| !closure.contains(*name));
                    let new: Vec<String> = new.map(str::to_owned).collect();
                    closure.extend(new.iter().cloned());
                    next.extend(new);
                }
            }
        }
        closure
    }

    /// Those that began last return first; those that never did have nobody to return and come before all.
    fn decision(&self, services: BTreeSet<String>, because: String) -> Option<TrainFact> {
        let began = |service: &String| self.seen.get(service).and_then(|seen| seen.began_at);
        let place = |service: &String| self.plan.members().iter().position(|one| one.service() == service);
        let mut services: Vec<String> =
            services.into_iter().filter(|service| !self.state.returns(service)).collect();
        services.sort_by_key(|service| (began(service).is_some(), began(service), place(service)));
        let unbegun = services.iter().take_while(|service| began(service).is_none()).count();
        if let Some(begun) = services.get_mut(unbegun..) {
            begun.reverse();
        }
        (!services.is_empty()).then_some(TrainFact::ReturnDecided { services, because })
    }

    /// The next member to return, once the one before has. `None`: all have.
    fn returning(&self) -> Option<Vec<Act>> {
        for (service, because) in &self.state.returning {
            match self.seen.get(service) {
                // It was never created, and is not any more.
                None => {}
                Some(seen) if self.is_back(service) && seen.settled => {}
                Some(_) if self.is_back(service) => return Some(Vec::new()),
                // Its users are on the baseline's endpoint, which runs the promoted version: there is nothing to return to.
                Some(seen) if seen.phase == Phase::Promoted && seen.weight == Weight::ZERO => {}
                Some(_) => {
                    return Some(vec![Act::Return { service: service.clone(), because: because.clone() }]);
                }
            }
        }
        None
    }

    fn missing(&self) -> impl Iterator<Item = Act> {
        let missing = self.staying().filter(|member| !self.seen.contains_key(member.service()));
        missing.map(|member| Act::Create(member.service().to_owned()))
    }

    /// Gates that open by themselves.
    fn opening(&self) -> impl Iterator<Item = Act> {
        let due = |gate: &&Gate| gate.when == When::AllHealthy && !self.is_open(gate) && self.all_healthy();
        self.plan.gates().iter().filter(due).map(|gate| {
            Act::Record(TrainFact::GateOpened {
                before: gate.place().to_owned(),
                when: gate.when.name().to_owned(),
                because: format!("healthy: {}", list(&self.begun())),
            })
        })
    }

    fn begun(&self) -> Vec<String> {
        let begun =
            |member: &&Member| self.seen.get(member.service()).is_some_and(|one| one.began_at.is_some());
        self.staying().filter(begun).map(|member| member.service().to_owned()).collect()
    }

    fn all_healthy(&self) -> bool {
        let begun = self.begun();
        let healthy = |seen: &Seen| seen.healthy || (seen.phase == Phase::Promoted && !seen.watched);
        !begun.is_empty() && begun.iter().all(|service| self.seen.get(service).is_some_and(healthy))
    }

    fn is_open(&self, gate: &Gate) -> bool {
        let opened = self.state.opened.get(gate.place());
        opened.is_some_and(|opened| opened.iter().any(|one| one.when == gate.when.name()))
    }

    fn is_approved(&self, service: &str) -> bool {
        let opened = self.state.opened.get(service);
        opened.is_some_and(|opened| opened.iter().any(|one| one.when == When::Approval.name()))
    }

    fn beginning(&self) -> impl Iterator<Item = Act> {
        let may = |member: &&Member| {
            let service = member.service();
            let waits = self
                .seen
                .get(service)
                .is_some_and(|seen| seen.began_at.is_none() && matches!(seen.phase, Phase::Paused { .. }));
            let gates = self.plan.gates().iter().filter(|gate| gate.before.as_deref() == Some(service));
            let mut gates = gates;
            waits
                && self.state.queued.is_none()
                && gates.all(|gate| self.is_open(gate))
                && member.after.iter().all(|after| self.reached(member, after))
        };
        self.staying().filter(may).map(|member| Act::Begin(member.service().to_owned()))
    }

    /// A member that returned is waited for no more once a person approves the one that waits.
    fn reached(&self, member: &Member, after: &After) -> bool {
        if self.state.returns(&after.service) {
            return self.is_approved(member.service());
        }
        let Some(seen) = self.seen.get(&after.service) else { return false };
        let (at_full, is_promoted) = (seen.phase == Phase::Completing, seen.phase == Phase::Promoted);
        match after.reaches {
            Milestone::Promotion => is_promoted,
            Milestone::Weight(weight) => is_promoted || (seen.began_at.is_some() && seen.weight >= weight),
            Milestone::Step(step) => {
                at_full || is_promoted || (seen.phase == Phase::Progressing && seen.step >= step)
            }
        }
    }

    /// All members that stay are ready, and the gate before their promotion is open.
    fn promotion(&self) -> Option<Act> {
        let mut gates = self.plan.gates().iter().filter(|gate| gate.before.is_none());
        if !self.plan.together() || !gates.all(|gate| self.is_open(gate)) {
            return None;
        }
        let seen = |member: &Member| self.seen.get(member.service());
        let is_promoted = |member: &Member| seen(member).is_some_and(|one| one.phase == Phase::Promoted);
        let is_ready = |member: &Member| seen(member).is_some_and(|one| one.ready);
        let all = self.staying().all(|member| is_promoted(member) || is_ready(member));
        let waiting = self.staying().filter(|member| !is_promoted(member));
        let waiting: Vec<String> = waiting.map(|member| member.service().to_owned()).collect();
        (all && !waiting.is_empty()).then_some(Act::Promote(waiting))
    }

    fn end(&self) -> Option<Act> {
        let over = |member: &Member| {
            self.state.returns(member.service())
                || self
                    .seen
                    .get(member.service())
                    .is_some_and(|one| one.phase == Phase::Promoted && !one.watched)
        };
        if !self.plan.members().iter().all(over) {
            return None;
        }
        let (stay, all) = (self.staying().count(), self.plan.members().len());
        let end = match stay {
            0 => TrainEnd::RolledBack,
            stay if stay == all => TrainEnd::Promoted,
            _ => TrainEnd::Partly,
        };
        Some(Act::Record(TrainFact::TrainEnded { end }))
    }
}
