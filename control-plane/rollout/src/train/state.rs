//! What was decided for a train, and the facts that it adds up from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{TRAIN_PREFIX, TrainErrors, TrainPlan};
use crate::text::list;
use crate::{RolloutId, Turn, UnixMillis};

/// Version of the JSON form of [`TrainEvent`]. Later versions read all earlier ones.
pub const TRAIN_FORMAT: u32 = 1;

/// That a rollout is part of a train.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Membership {
    /// Identifier of the train.
    pub train: String,
    /// It is promoted by the train, together with the others.
    #[serde(default)]
    pub together: bool,
}

/// One entry of a train's journal.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct TrainEvent {
    /// Version of this form: [`TRAIN_FORMAT`].
    pub format: u32,
    /// The train.
    pub train: String,
    /// Position among its events, from 1 and without gaps.
    pub revision: u64,
    /// When.
    pub at: UnixMillis,
    /// Who.
    pub actor: String,
    /// What.
    #[serde(flatten)]
    pub fact: TrainFact,
}

/// What happened to a train.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TrainFact {
    /// It was created.
    TrainCreated {
        /// As it was given (YAML).
        yaml: String,
        /// The plans that came with it, by name.
        files: BTreeMap<String, String>,
        /// Its rollouts, in the order of its members.
        members: Vec<MemberRun>,
        /// Why it waits for its turn. Absent: it need not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        turn: Option<Turn>,
    },
    /// Its turn has come: members may begin.
    TrainAdmitted,
    /// A gate opened, and stays so.
    GateOpened {
        /// The service of the member that it stands before, or `promotion`.
        before: String,
        /// As trains write it.
        when: String,
        /// Why.
        because: String,
    },
    /// Members return to the baseline.
    ReturnDecided {
        /// Their services, in the order in which they return.
        services: Vec<String>,
        /// Why.
        because: String,
    },
    /// All that was to be done is done.
    TrainEnded {
        /// How.
        end: TrainEnd,
    },
}

/// The rollout of a member.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct MemberRun {
    /// Its service.
    pub service: String,
    /// Identifier that was drawn for it.
    pub rollout: RolloutId,
}

/// How a train ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainEnd {
    /// All members were promoted.
    Promoted,
    /// Some were, and some returned.
    Partly,
    /// All returned.
    RolledBack,
}

/// An open gate.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Opened {
    /// As trains write it.
    pub when: String,
    /// Who opened it.
    pub actor: String,
    /// When.
    pub at: UnixMillis,
    /// Why.
    pub because: String,
}

/// What was decided for a train.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TrainState {
    /// Identifier: `train:`, its name and a number.
    pub id: String,
    /// Who created it.
    pub actor: String,
    /// When.
    pub created_at: UnixMillis,
    /// Number of events.
    pub revision: u64,
    /// Its rollouts, in the order of its members.
    pub members: Vec<MemberRun>,
    /// Open gates, by what they stand before.
    pub opened: BTreeMap<String, Vec<Opened>>,
    /// Services that return, in that order, each with the reason. None ever leaves.
    pub returning: Vec<(String, String)>,
    /// How it ended. `None`: it goes on.
    pub ended: Option<TrainEnd>,
    /// Why it waits for its turn, while no member begins. `None`: it does not.
    #[serde(default)]
    pub queued: Option<Turn>,
}

/// What a new train is given by the shell.
#[derive(Clone, Debug)]
pub struct TrainCreation {
    /// Identifier, never used before; begins with [`TRAIN_PREFIX`].
    pub id: String,
    /// Identifiers of its rollouts, in the order of its members.
    pub rollouts: Vec<RolloutId>,
    /// Who creates it.
    pub actor: String,
    /// Why it waits for its turn. `None`: it need not.
    pub turn: Option<Turn>,
}

/// Why the journal of a train does not give a state.
#[derive(Debug, thiserror::Error)]
pub enum TrainReplayError {
    /// The first event is another.
    #[error("the first event is not train_created")]
    NotCreated,
    /// An event is missing, given twice, of another train or a newer form.
    #[error("event {found} of format {format} follows event {before}")]
    Order {
        /// Position before.
        before: u64,
        /// Position found.
        found: u64,
        /// Its format.
        format: u32,
    },
    /// The train is not accepted any more.
    #[error("the train is refused: {0}")]
    Plan(#[from] TrainErrors),
}

impl TrainState {
    /// A train that begins, and its first event.
    #[must_use]
    pub fn create(plan: &TrainPlan, creation: TrainCreation, now: UnixMillis) -> (Self, TrainEvent) {
        let TrainCreation { id, rollouts, actor, turn } = creation;
        let runs = plan.members().iter().zip(rollouts);
        let members =
            runs.map(|(member, rollout)| MemberRun { service: member.service().to_owned(), rollout });
        let members: Vec<_> = members.collect();
        let (yaml, files) = (plan.source().to_owned(), plan.files().clone());
        let fact = TrainFact::TrainCreated { yaml, files, members, turn };
        let event = TrainEvent { format: TRAIN_FORMAT, train: id.clone(), revision: 1, at: now, actor, fact };
        let mut state = Self::empty(id);
        state.apply(&event);
        (state, event)
    }

    /// The plan and the state that a journal leads to.
    ///
    /// # Errors
    /// Names the event and what is wrong with it.
    pub fn replay<'a>(
        events: impl IntoIterator<Item = &'a TrainEvent>,
    ) -> Result<(TrainPlan, Self), TrainReplayError> {
        let mut events = events.into_iter();
        let first = events.next().ok_or(TrainReplayError::NotCreated)?;
        let TrainFact::TrainCreated { yaml, files, .. } = &first.fact else {
            return Err(TrainReplayError::NotCreated);
        };
        let plan = TrainPlan::parse(yaml, files)?;
        let mut state = Self::empty(first.train.clone());
        for event in std::iter::once(first).chain(events) {
            let (before, found, format) = (state.revision, event.revision, event.format);
            if found != before + 1 || event.train != state.id || format > TRAIN_FORMAT {
                return Err(TrainReplayError::Order { before, found, format });
            }
            state.apply(event);
        }
        Ok((plan, state))
    }

    fn empty(id: String) -> Self {
        Self {
            id,
            actor: String::new(),
            created_at: UnixMillis(0),
            revision: 0,
            members: Vec::new(),
            opened: BTreeMap::new(),
            returning: Vec::new(),
            ended: None,
            queued: None,
        }
    }

    /// The event that `fact` is next.
    #[must_use]
    pub fn event(&self, fact: TrainFact, actor: &str, now: UnixMillis) -> TrainEvent {
        TrainEvent {
            format: TRAIN_FORMAT,
            train: self.id.clone(),
            revision: self.revision.saturating_add(1),
            at: now,
            actor: actor.to_owned(),
            fact,
        }
    }

    /// Takes an event over, once, in order.
    pub fn apply(&mut self, event: &TrainEvent) {
        self.revision = event.revision;
        match &event.fact {
            TrainFact::TrainCreated { members, turn, .. } => {
                self.queued.clone_from(turn);
                self.members.clone_from(members);
                self.created_at = event.at;
                self.actor.clone_from(&event.actor);
            }
            TrainFact::GateOpened { before, when, because } => {
                let (actor, at) = (event.actor.clone(), event.at);
                let opened = Opened { when: when.clone(), actor, at, because: because.clone() };
                self.opened.entry(before.clone()).or_default().push(opened);
            }
            TrainFact::ReturnDecided { services, because } => {
                let known: Vec<String> = self.returning.iter().map(|(service, _)| service.clone()).collect();
                let new = services.iter().filter(|service| !known.contains(service));
                let new: Vec<_> = new.map(|service| (service.clone(), because.clone())).collect();
                self.returning.extend(new);
            }
            TrainFact::TrainAdmitted => self.queued = None,
            TrainFact::TrainEnded { end } => (self.ended, self.queued) = (Some(*end), None),
        }
    }

    /// Whether a member was told to return.
    #[must_use]
    pub fn returns(&self, service: &str) -> bool {
        self.returning.iter().any(|(returning, _)| returning == service)
    }

    /// Its name, without the number.
    #[must_use]
    pub fn name(&self) -> &str {
        let bare = self.id.strip_prefix(TRAIN_PREFIX).unwrap_or(&self.id);
        bare.rsplit_once('-').map_or(bare, |(name, _)| name)
    }

    /// The rollout of a member.
    #[must_use]
    pub fn rollout(&self, service: &str) -> Option<&RolloutId> {
        self.members.iter().find(|run| run.service == service).map(|run| &run.rollout)
    }
}

impl TrainFact {
    /// In snake case.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::TrainCreated { .. } => "train_created",
            Self::TrainAdmitted => "train_admitted",
            Self::GateOpened { .. } => "gate_opened",
            Self::ReturnDecided { .. } => "return_decided",
            Self::TrainEnded { .. } => "train_ended",
        }
    }

    /// One sentence for people.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::TrainCreated { members, turn, .. } => {
                let services: Vec<String> = members.iter().map(|run| run.service.clone()).collect();
                let waits = turn.as_ref().map(|turn| format!("; waiting for its turn: {turn}"));
                format!("Train of {} created{}", list(&services), waits.unwrap_or_default())
            }
            Self::TrainAdmitted => "Its turn has come".to_owned(),
            Self::GateOpened { before, because, .. } => format!("The gate before {before} opened: {because}"),
            Self::ReturnDecided { services, because } => {
                format!("{} return to the baseline, in this order: {because}", list(services))
            }
            Self::TrainEnded { end: TrainEnd::Promoted } => "All members were promoted".to_owned(),
            Self::TrainEnded { end: TrainEnd::Partly } => {
                "Some members were promoted, others returned".to_owned()
            }
            Self::TrainEnded { end: TrainEnd::RolledBack } => {
                "All members returned to the baseline".to_owned()
            }
        }
    }
}
