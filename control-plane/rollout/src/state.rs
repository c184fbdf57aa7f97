//! Where a rollout stands. It changes by events alone: [`State::apply`] is the only writer, so the journal replayed
//! gives the live state.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serin_proto::assignment::{Salt, Weight};

use crate::event::{EVENT_FORMAT, Event, Fact};
use crate::plan::{Plan, PlanErrors};
use crate::text::{Percent, Time};
use crate::{Cause, UnixMillis};

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
    /// Canary weight.
    #[serde(with = "crate::text::ppm", rename = "weight_ppm")]
    pub weight: Weight,
    /// Components that were returned to the baseline, by name. None ever leaves within a rollout.
    pub pinned: BTreeMap<String, Pin>,
    /// Why progress is stopped, other than by gathering evidence or a person.
    pub hold: Option<Hold>,
    /// Why the rollout ended in its terminal phase.
    pub cause: Option<Cause>,
    /// The newer rollout that took over.
    pub superseded_by: Option<RolloutId>,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When the phase, step or weight last changed.
    pub changed_at: UnixMillis,
    /// Since when the present step is evaluated. Evidence from before it must not speak for promotion.
    pub evaluating_since: UnixMillis,
    /// Number of events.
    pub revision: u64,
}

/// A phase.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Canary at its first weight; nothing is decided for promotion yet.
    WarmingUp,
    /// Walking through the steps.
    Progressing,
    /// Held by a person.
    Paused {
        /// What goes on at [`crate::Order::Resume`].
        from: ActivePhase,
    },
    /// At full weight, watched before completion.
    Completing,
    /// Terminal: the canary carries all traffic. A person may still roll back.
    Promoted,
    /// Terminal: the baseline carries all traffic.
    RolledBack,
    /// Terminal: it could not be carried on; the baseline carries all traffic.
    Failed,
}

/// A phase that goes on by itself.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivePhase {
    /// [`Phase::WarmingUp`]
    WarmingUp,
    /// [`Phase::Progressing`]
    Progressing,
    /// [`Phase::Completing`]
    Completing,
}

impl Phase {
    /// Promoted, rolled back or failed.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Promoted | Self::RolledBack | Self::Failed => true,
            Self::WarmingUp | Self::Progressing | Self::Paused { .. } | Self::Completing => false,
        }
    }

    /// The phase that goes on by itself; for a paused rollout the one before. `None`: terminal.
    #[must_use]
    pub const fn active(self) -> Option<ActivePhase> {
        match self {
            Self::WarmingUp => Some(ActivePhase::WarmingUp),
            Self::Progressing => Some(ActivePhase::Progressing),
            Self::Completing => Some(ActivePhase::Completing),
            Self::Paused { from } => Some(from),
            Self::Promoted | Self::RolledBack | Self::Failed => None,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::WarmingUp => "warming up",
            Self::Progressing => "progressing",
            Self::Paused { .. } => "paused",
            Self::Completing => "completing",
            Self::Promoted => "promoted",
            Self::RolledBack => "rolled back",
            Self::Failed => "failed",
        })
    }
}

/// A component that was returned to the baseline.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Pin {
    /// Why.
    pub cause: Cause,
    /// Who.
    pub actor: String,
    /// When.
    pub at: UnixMillis,
}

/// Why progress is stopped, and since when.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Hold {
    /// The reason.
    pub reason: HoldReason,
    /// Since when.
    pub since: UnixMillis,
}

/// Why progress is stopped.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum HoldReason {
    /// No fresh evidence.
    MissingData,
    /// The canary answers too few requests.
    SuccessRate {
        /// The plan's limit.
        #[serde(with = "crate::text::ppm")]
        limit_ppm: Weight,
    },
    /// Too many of the canary's requests fail.
    ErrorRate {
        /// The plan's limit.
        #[serde(with = "crate::text::ppm")]
        limit_ppm: Weight,
    },
    /// The canary is too slow.
    Latency {
        /// The plan's limit of the 99th percentile in milliseconds.
        limit_ms: u64,
    },
    /// Something regressed and automatic rollback is off.
    Regressed {
        /// The components. Empty: the whole version.
        components: Vec<String>,
    },
}

impl HoldReason {
    /// True for the plan's limits.
    #[must_use]
    pub const fn is_limit(&self) -> bool {
        match self {
            Self::SuccessRate { .. } | Self::ErrorRate { .. } | Self::Latency { .. } => true,
            Self::MissingData | Self::Regressed { .. } => false,
        }
    }

    /// True when going from one to the other is not worth a word: equal, or both a limit.
    pub(crate) fn is_same_kind(&self, other: &Self) -> bool {
        self == other || (self.is_limit() && other.is_limit())
    }
}

impl fmt::Display for HoldReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingData => formatter.write_str("no fresh evidence arrives"),
            Self::SuccessRate { limit_ppm } => {
                write!(formatter, "the canary's success rate is below {}", Percent(*limit_ppm))
            }
            Self::ErrorRate { limit_ppm } => {
                write!(formatter, "the canary's error rate is above {}", Percent(*limit_ppm))
            }
            Self::Latency { limit_ms } => {
                let limit = Time(std::time::Duration::from_millis(*limit_ms));
                write!(formatter, "the canary's 99th percentile of latency is above {limit}")
            }
            Self::Regressed { components } if components.is_empty() => {
                formatter.write_str("the canary regressed and automatic rollback is off")
            }
            Self::Regressed { components } => {
                write!(formatter, "{} regressed and automatic rollback is off", crate::text::list(components))
            }
        }
    }
}

/// Why a journal does not give a state.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReplayError {
    /// There is no event.
    #[error("the journal of this rollout is empty")]
    Empty,
    /// The first event is another.
    #[error("the first event is {kind}, not created")]
    NotCreated {
        /// Its kind.
        kind: &'static str,
    },
    /// Written by a later version.
    #[error("event {revision} has format {format}; this version reads up to {EVENT_FORMAT}")]
    Format {
        /// Its position.
        revision: u64,
        /// Its format.
        format: u32,
    },
    /// An event is missing, given twice or of another rollout.
    #[error("expected event {expected} of rollout {rollout}, found event {found} of rollout {other}")]
    Order {
        /// The rollout.
        rollout: RolloutId,
        /// Next position.
        expected: u64,
        /// Position found.
        found: u64,
        /// Rollout found.
        other: RolloutId,
    },
    /// The salt is not 32 hexadecimal digits.
    #[error("the salt is not 32 hexadecimal digits")]
    Salt,
    /// The plan is not accepted any more.
    #[error("the plan of the journal is refused: {0}")]
    Plan(#[from] PlanErrors),
}

/// The plan and the state that a journal leads to. `events` are all of one rollout, in order.
///
/// # Errors
/// Names the event and what is wrong with it.
pub fn replay<'a>(events: impl IntoIterator<Item = &'a Event>) -> Result<(Plan, State), ReplayError> {
    let mut events = events.into_iter();
    let first = events.next().ok_or(ReplayError::Empty)?;
    let Fact::Created { plan, salt } = &first.fact else {
        return Err(ReplayError::NotCreated { kind: first.fact.kind() });
    };
    let salt = salt::parse(salt).ok_or(ReplayError::Salt)?;
    let plan = Plan::parse(plan)?;
    let mut state = State::new(&plan, first.rollout.clone(), salt, first.at);
    state.check_order(first)?;
    state.apply(first);
    for event in events {
        state.check_order(event)?;
        state.apply(event);
    }
    Ok((plan, state))
}

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
            hold: None,
            cause: None,
            superseded_by: None,
            created_at: now,
            changed_at: now,
            evaluating_since: now,
            revision: 0,
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

    /// Takes an event over. Every event of this rollout is taken exactly once, in order of its revision.
    pub fn apply(&mut self, event: &Event) {
        self.revision = event.revision;
        match &event.fact {
            Fact::Created { .. } => {}
            Fact::StepStarted { step, weight_ppm, .. } => {
                self.step = *step;
                self.enter(Phase::Progressing, *weight_ppm, event.at);
            }
            Fact::Held { reason, .. } => self.hold = Some(Hold { reason: reason.clone(), since: event.at }),
            Fact::HoldLifted { reason } => self.lift(reason, event.at),
            Fact::ComponentsRolledBack { components, cause, .. } => {
                for component in components {
                    let pin = Pin { cause: cause.clone(), actor: event.actor.clone(), at: event.at };
                    self.pinned.entry(component.clone()).or_insert(pin);
                }
            }
            Fact::RolledBack { cause, .. } => self.end(Phase::RolledBack, Weight::ZERO, cause, event.at),
            Fact::Completing { .. } => self.enter(Phase::Completing, Weight::FULL, event.at),
            Fact::Promoted { cause, .. } => self.end(Phase::Promoted, Weight::FULL, cause, event.at),
            Fact::WeightSet { weight_ppm, .. } => self.pause(*weight_ppm, event.at),
            Fact::Paused { .. } => self.pause(self.weight, event.at),
            Fact::Resumed { step, weight_ppm, .. } => self.resume(*step, *weight_ppm, event.at),
            Fact::Superseded { by } => self.supersede(by, event.at),
        }
    }

    fn enter(&mut self, phase: Phase, weight: Weight, at: UnixMillis) {
        self.phase = phase;
        self.weight = weight;
        self.hold = None;
        self.changed_at = at;
        self.evaluating_since = at;
    }

    fn end(&mut self, phase: Phase, weight: Weight, cause: &Cause, at: UnixMillis) {
        self.enter(phase, weight, at);
        self.cause = Some(cause.clone());
    }

    /// What was seen while a limit was exceeded does not count towards the time of the step.
    fn lift(&mut self, reason: &HoldReason, at: UnixMillis) {
        self.hold = None;
        if *reason != HoldReason::MissingData {
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
        if !self.phase.is_terminal() {
            self.enter(Phase::Failed, Weight::ZERO, at);
        }
    }

    fn check_order(&self, event: &Event) -> Result<(), ReplayError> {
        if event.format > EVENT_FORMAT {
            return Err(ReplayError::Format { revision: event.revision, format: event.format });
        }
        let expected = self.revision.saturating_add(1);
        if event.revision == expected && event.rollout == self.id {
            return Ok(());
        }
        let (rollout, other) = (self.id.clone(), event.rollout.clone());
        Err(ReplayError::Order { rollout, expected, found: event.revision, other })
    }
}

/// A salt in JSON: 32 hexadecimal digits.
pub(crate) mod salt {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use serin_proto::assignment::Salt;

    pub(crate) fn format(salt: Salt) -> String {
        format!("{:032x}", salt.0)
    }

    pub(crate) fn parse(text: &str) -> Option<Salt> {
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        u128::from_str_radix(text, 16).ok().filter(|_| digits).map(Salt)
    }

    pub(crate) fn serialize<S: Serializer>(salt: &Salt, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format(*salt))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Salt, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).ok_or_else(|| D::Error::custom("a salt is 32 hexadecimal digits"))
    }
}
