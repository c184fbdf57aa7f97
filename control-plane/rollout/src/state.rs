//! Where a rollout stands. It changes by events alone: [`State::apply`] is the only writer, so the journal replayed
//! gives the live state.

mod arms;
mod hold;
mod phase;
mod pin;
mod replay;
mod returning;
pub(crate) mod salt;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serin_proto::assignment::{Salt, Weight};

use crate::event::{Event, Fact};
use crate::plan::{Omitted, Taken};
use crate::rollback::Rollback;
use crate::train::Membership;
use crate::{Approved, Cause, HookState, Plan, Turn, UnixMillis};

pub use hold::{Hold, HoldReason};
pub(crate) use hold::{predicted, read, used};
pub use phase::{ActivePhase, Phase};
pub use pin::{Pin, Restored};
pub use replay::{ReplayError, replay};
pub use returning::Returning;

/// Identifier of a rollout, unique for ever. Letters, digits, `.`, `_`, `-`, at most 64 bytes.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct RolloutId(pub String);

impl fmt::Display for RolloutId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Where a rollout stands.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct State {
    /// Identifier.
    pub id: RolloutId,
    /// Service that is rolled out.
    pub service: String,
    /// Version that carries the traffic before the rollout.
    pub baseline: String,
    /// Version on trial.
    pub canary: String,
    /// Key of the ring.
    #[serde(with = "salt")]
    pub salt: Salt,
    /// The phase.
    pub phase: Phase,
    /// Step of the plan, from 0.
    pub step: u32,
    /// Canary weight. In an experiment that of all arms that run together.
    #[serde(with = "crate::text::ppm", rename = "weight_ppm")]
    pub weight: Weight,
    /// Components that were returned to the baseline, by name. None ever leaves within a rollout.
    pub pinned: BTreeMap<String, Pin>,
    /// Components whose feature is switched off, by name. None is ever switched on again within a rollout.
    #[serde(default)]
    pub disabled: BTreeMap<String, Pin>,
    /// Blocks that were returned to a previous version, by name. None ever leaves within a rollout.
    #[serde(default)]
    pub blocks: BTreeMap<String, Restored>,
    /// True for an experiment: its arms have fixed weights, and none is promoted.
    #[serde(default)]
    pub experiment: bool,
    /// Arms of an experiment that were stopped, by name. None ever runs again.
    #[serde(default)]
    pub stopped: BTreeMap<String, Pin>,
    /// When it began to take requests. `None`: it waits for a person, or its journal is older than this field.
    #[serde(default)]
    pub began_at: Option<UnixMillis>,
    /// Why progress is stopped, other than by gathering evidence or a person.
    pub hold: Option<Hold>,
    /// Why the rollout ended in its terminal phase.
    pub cause: Option<Cause>,
    /// After the promotion: it is still judged, and returns by itself.
    #[serde(default)]
    pub watched: bool,
    /// What stands before the start is not done yet: it has no weight.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waiting: bool,
    /// Runs of hooks, in the order in which they were due.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<HookState>,
    /// Who allowed that schema changes lose data. `None`: nobody, though the plan may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_loss: Option<Approved>,
    /// A person told that nothing goes to the canary any more after the rollback.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drained: bool,
    /// What people were told of and is not over: triggers and health checks that decide nothing, and what says nothing, with when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub told: BTreeMap<String, UnixMillis>,
    /// The newer rollout that took over.
    pub superseded_by: Option<RolloutId>,
    /// The newest rollback of it, while it is carried out and afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When the phase, step or weight last changed.
    pub changed_at: UnixMillis,
    /// Since when the present step is evaluated. Evidence from before it must not speak for promotion.
    pub evaluating_since: UnixMillis,
    /// Number of events.
    pub revision: u64,
    /// The train that it is part of. `None`: it goes out alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<Membership>,
    /// Its plan would promote it; it waits for the other members of its train.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ready: bool,
    /// Tags that were taken when it was created, where its plan is silent ([`Plan::with_taken`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<Taken>,
    /// What was on offer then and not taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_taken: Vec<Omitted>,
    /// How the version returns in stages. `None`: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returning: Option<Returning>,
    /// Windows of the calendar that a person overrode, each until it closes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub overridden: BTreeMap<String, UnixMillis>,
    /// Why it waits for its turn. `None`: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued: Option<Turn>,
}

/// Under which name people are told that something says nothing: it may be told as unhealthy too.
pub(crate) fn silence(source: &str) -> String {
    format!("{SILENT}{source}")
}

/// Before the names of what says nothing.
pub(crate) const SILENT: &str = "silent ";

impl State {
    /// Before its first event.
    pub(crate) fn new(plan: &Plan, id: RolloutId, salt: Salt, now: UnixMillis) -> Self {
        Self {
            id,
            service: plan.service().to_owned(),
            baseline: plan.baseline().to_owned(),
            canary: plan.canary().to_owned(),
            salt,
            phase: Phase::WarmingUp,
            step: 0,
            weight: plan.first_weight(),
            pinned: BTreeMap::new(),
            disabled: BTreeMap::new(),
            blocks: BTreeMap::new(),
            experiment: plan.experiment().is_some(),
            stopped: BTreeMap::new(),
            began_at: None,
            hold: None,
            cause: None,
            watched: false,
            waiting: false,
            hooks: Vec::new(),
            data_loss: None,
            drained: false,
            told: BTreeMap::new(),
            superseded_by: None,
            rollback: None,
            created_at: now,
            changed_at: now,
            evaluating_since: now,
            revision: 0,
            train: None,
            ready: false,
            taken: Vec::new(),
            not_taken: Vec::new(),
            returning: None,
            overridden: BTreeMap::new(),
            queued: None,
        }
    }

    /// True when the filters must be told about this rollout: it is the newest of its service.
    #[must_use]
    pub const fn is_current(&self) -> bool {
        self.superseded_by.is_none()
    }

    /// The salt as 32 hexadecimal digits.
    #[must_use]
    pub fn salt_hex(&self) -> String {
        salt::format(self.salt)
    }

    /// True after a promotion, when the baseline's endpoint serves all users with the promoted version.
    #[must_use]
    pub fn is_handed_over(&self) -> bool {
        self.phase == Phase::Promoted && self.weight == Weight::ZERO
    }

    /// The train in which it waits for its turn, at no weight.
    #[must_use]
    pub fn waits_in(&self) -> Option<&str> {
        let waits = self.began_at.is_none() && matches!(self.phase, Phase::Paused { .. });
        self.train.as_ref().filter(|_| waits).map(|membership| membership.train.as_str())
    }

    /// True while evidence is gathered and judged.
    #[must_use]
    pub const fn runs(&self) -> bool {
        self.watched || !self.phase.is_terminal()
    }

    /// Takes an event over. Every event of this rollout is taken exactly once, in order of its revision.
    #[expect(clippy::too_many_lines, reason = "an arm for each fact")]
    pub fn apply(&mut self, event: &Event) {
        self.revision = event.revision;
        self.carry_out(event);
        match &event.fact {
            Fact::Created { paused, waits, taken, not_taken, train, .. } => {
                self.train.clone_from(train);
                self.taken.clone_from(taken);
                self.not_taken.clone_from(not_taken);
                self.waiting = *waits;
                if *waits {
                    self.weight = Weight::ZERO;
                }
                if *paused {
                    self.pause(Weight::ZERO, event.at);
                } else if !*waits {
                    self.began_at = Some(event.at);
                }
            }
            Fact::StepStarted { step, weight_ppm, .. } => {
                self.step = *step;
                self.enter(Phase::Progressing, *weight_ppm, event.at);
            }
            Fact::Held { reason, .. } => {
                self.ready = false;
                self.hold = Some(Hold { reason: reason.clone(), since: event.at });
            }
            Fact::Ready => self.ready = true,
            Fact::HoldLifted { reason } => self.lift(reason, event.at),
            Fact::ComponentsRolledBack { components, dependents, disabled, cause, .. } => {
                for component in components {
                    let needs = dependents.0.get(component).cloned().unwrap_or_default();
                    let pin = || Pin { needs, ..Pin::new(component, event, cause) };
                    self.pinned.entry(component.clone()).or_insert_with(pin);
                }
                for (component, needs) in &disabled.0 {
                    let pin = || Pin { needs: needs.clone(), ..Pin::new(component, event, cause) };
                    self.disabled.entry(component.clone()).or_insert_with(pin);
                }
            }
            Fact::BlocksRestored { component, blocks, cause, .. } => {
                for block in blocks {
                    let restored = || Restored::new(component, block, event, cause);
                    self.blocks.entry(block.0.clone()).or_insert_with(restored);
                }
                // What the canary runs from now on was not seen before.
                self.evaluating_since = event.at;
                self.ready = false;
            }
            Fact::ArmsStopped { arms, weight_ppm, cause, .. } => {
                self.stop_arms(arms, *weight_ppm, event, cause);
            }
            Fact::RolledBack { cause, .. } | Fact::ExperimentEnded { cause, .. } => {
                self.end(Phase::RolledBack, Weight::ZERO, cause, event.at)
            }
            Fact::RollbackBegan { weight_ppm, cause, evidence } => {
                let returning = Returning::new(cause, self.weight, evidence.as_deref(), event.at);
                self.enter(Phase::RollingBack, *weight_ppm, event.at);
                self.returning = Some(returning);
            }
            Fact::RollbackLowered { weight_ppm, .. } => self.stage(*weight_ppm, event.at),
            Fact::QuotaLowered { step, weight_ppm, .. } => {
                self.step = *step;
                self.enter(Phase::Progressing, *weight_ppm, event.at);
            }
            Fact::WindowsOverridden { until, .. } => self.overridden.extend(until.clone()),
            Fact::Queued { turn } => self.queued = Some(turn.clone()),
            Fact::Completing { .. } => self.enter(Phase::Completing, Weight::FULL, event.at),
            Fact::Promoted { watched, cause, .. } => {
                self.end(Phase::Promoted, Weight::FULL, cause, event.at);
                self.watched = *watched;
            }
            Fact::TriggerFired { trigger, .. } => _ = self.told.insert(trigger.clone(), event.at),
            Fact::TriggerCleared { trigger } => _ = self.told.remove(trigger),
            Fact::EvidenceMissing { source, .. } => _ = self.told.insert(silence(source), event.at),
            Fact::EvidenceReturned { source } => _ = self.told.remove(&silence(source)),
            Fact::WatchEnded => self.watched = false,
            Fact::WeightSet { weight_ppm, .. } => self.pause(*weight_ppm, event.at),
            Fact::Paused { .. } if self.experiment => self.pause(Weight::ZERO, event.at),
            Fact::Paused { .. } => self.pause(self.weight, event.at),
            Fact::Resumed { step, weight_ppm, .. } => {
                if !self.waiting {
                    self.began_at.get_or_insert(event.at);
                }
                self.resume(*step, *weight_ppm, event.at);
            }
            Fact::HandedOver { .. } => self.enter(Phase::Promoted, Weight::ZERO, event.at),
            Fact::RollbackStage { .. } | Fact::EvidenceIncomplete { .. } | Fact::DecisionMarked { .. } => {}
            Fact::Superseded { by } => self.supersede(by, event.at),
            Fact::Begun { weight_ppm } => {
                self.waiting = false;
                self.began_at.get_or_insert(event.at);
                self.enter(Phase::WarmingUp, *weight_ppm, event.at);
            }
            Fact::HookStarted(run) => self.start_hook(run, event.at),
            Fact::HookEnded(end) => self.end_hook(end, event.at),
            Fact::Approved { approval, run, reason } => {
                let (actor, reason) = (event.actor.clone(), reason.clone());
                self.approve(*approval, run.as_ref(), Approved { actor, reason, at: event.at });
            }
        }
    }

    /// The next stage of the way back.
    fn stage(&mut self, weight: Weight, at: UnixMillis) {
        self.weight = weight;
        self.changed_at = at;
        if let Some(returning) = &mut self.returning {
            returning.stage_since = at;
        }
    }

    fn enter(&mut self, phase: Phase, weight: Weight, at: UnixMillis) {
        self.phase = phase;
        self.watched = false;
        self.returning = None;
        self.queued = None;
        self.ready = false;
        self.weight = weight;
        self.hold = None;
        self.changed_at = at;
        self.evaluating_since = at;
    }

    fn end(&mut self, phase: Phase, weight: Weight, cause: &Cause, at: UnixMillis) {
        self.enter(phase, weight, at);
        self.cause = Some(cause.clone());
    }

    /// What was seen while a limit was exceeded does not count towards the time of the step. A window of time says nothing
    /// about what was seen.
    fn lift(&mut self, reason: &HoldReason, at: UnixMillis) {
        self.hold = None;
        // What was seen meanwhile is as good as what was seen before.
        let counts =
            reason.is_silence() || matches!(reason, HoldReason::Hook { .. } | HoldReason::Window { .. });
        if !counts {
            self.evaluating_since = at;
        }
    }

    fn pause(&mut self, weight: Weight, at: UnixMillis) {
        if let Some(from) = self.phase.active() {
            let stays = self.weight == weight;
            let hold =
                self.hold.take().filter(|hold| !hold.reason.is_limit() || (stays && weight == Weight::FULL));
            self.enter(Phase::Paused { from }, weight, at);
            self.hold = hold;
        }
    }

    fn resume(&mut self, step: u32, weight: Weight, at: UnixMillis) {
        let phase = match self.phase.active() {
            Some(ActivePhase::WarmingUp) => Phase::WarmingUp,
            Some(_) if weight == Weight::FULL => Phase::Completing,
            Some(ActivePhase::Progressing | ActivePhase::Completing) => Phase::Progressing,
            None => return,
        };
        self.step = step;
        self.enter(phase, weight, at);
    }

    fn supersede(&mut self, by: &RolloutId, at: UnixMillis) {
        self.superseded_by = Some(by.clone());
        self.watched = false;
        if !self.phase.is_terminal() {
            self.enter(Phase::Failed, Weight::ZERO, at);
        }
    }
}
