//! The dialog before an act: it takes the reason, and the weight where one is set. It acts on nothing: what it gives is an
//! [`Act`] that somebody confirmed.

use super::model::{Act, Model, Order, is_under_way};
use crate::arguments::{Weight, reason};
use crate::model::{Phase, Rollout};

/// Bytes that a field takes; what is typed beyond is left out.
const REASON_BYTES: usize = 1_000;
const WEIGHT_BYTES: usize = 16;

/// A dialog that is open.
#[derive(Debug)]
pub(super) struct Dialog {
    pub(super) kind: Kind,
    /// As typed.
    pub(super) weight: String,
    /// As typed.
    pub(super) reason: String,
    /// The weight is typed, and not the reason.
    pub(super) is_at_weight: bool,
    /// What is wrong with what was typed.
    pub(super) problem: Option<String>,
}

/// What is asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Pause,
    Resume,
    Promote,
    SetWeight,
    /// With `is_whole` everything, else the row of this name.
    RollBack {
        row: Option<String>,
        is_whole: bool,
    },
}

impl Kind {
    /// The word for it.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Promote => "promote",
            Self::SetWeight => "set weight",
            Self::RollBack { .. } => "roll back",
        }
    }

    /// Why the rollout cannot do that now. `None`: it can.
    pub(super) fn refused(&self, rollout: &Rollout) -> Option<String> {
        let phase = rollout.phase;
        let possible = match self {
            Self::SetWeight | Self::Promote if rollout.experiment.is_some() => {
                return Some(format!(
                    "an experiment has fixed weights and promotes nothing: {} is not for it",
                    self.word()
                ));
            }
            Self::Pause if phase == Phase::Paused => {
                return Some("it is paused already: r resumes it".to_owned());
            }
            Self::Resume if phase != Phase::Paused => {
                return Some("it is not paused: there is nothing to resume".to_owned());
            }
            Self::Pause | Self::Resume | Self::SetWeight | Self::Promote => is_under_way(phase),
            Self::RollBack { .. } => !matches!(phase, Phase::RolledBack | Phase::Failed),
        };
        (!possible).then(|| format!("it is {}: {} does nothing any more", phase.label(), self.word()))
    }
}

impl Dialog {
    pub(super) fn new(kind: Kind) -> Self {
        let is_at_weight = kind == Kind::SetWeight;
        Self { kind, weight: String::new(), reason: String::new(), is_at_weight, problem: None }
    }

    pub(super) fn write(&mut self, character: char) {
        self.problem = None;
        let (field, most) = if self.is_at_weight {
            (&mut self.weight, WEIGHT_BYTES)
        } else {
            (&mut self.reason, REASON_BYTES)
        };
        if character.is_control() {
            return;
        }
        if field.len().saturating_add(character.len_utf8()) > most {
            self.problem = Some(format!("at most {most} bytes"));
            return;
        }
        field.push(character);
    }

    pub(super) fn erase(&mut self) {
        self.problem = None;
        if self.is_at_weight {
            self.weight.pop();
        } else {
            self.reason.pop();
        }
    }

    /// The other field, or the other part that is rolled back.
    pub(super) fn switch(&mut self) {
        match &mut self.kind {
            Kind::SetWeight => self.is_at_weight = !self.is_at_weight,
            Kind::RollBack { row: Some(_), is_whole } => *is_whole = !*is_whole,
            Kind::RollBack { row: None, .. } | Kind::Pause | Kind::Resume | Kind::Promote => {}
        }
    }

    /// The weight, once it can be read.
    pub(super) fn ppm(&self) -> Result<u32, String> {
        let text = self.weight.trim();
        if text.is_empty() {
            return Err("write a weight, for example 25% or 0.5%".to_owned());
        }
        // A number alone is meant as percent.
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let text = if is_number { format!("{text}%") } else { text.to_owned() };
        text.parse::<Weight>().map(|weight| weight.ppm)
    }

    /// What is confirmed. `None`: something is missing, which the dialog then says.
    pub(super) fn confirm(&mut self, rollout: &Rollout) -> Option<Act> {
        match self.act(rollout) {
            Ok(act) => act,
            Err(problem) => {
                self.problem = Some(problem);
                None
            }
        }
    }

    fn act(&mut self, rollout: &Rollout) -> Result<Option<Act>, String> {
        if let Some(refused) = self.kind.refused(rollout) {
            return Err(refused);
        }
        let order = match &self.kind {
            Kind::Pause => Order::Pause,
            Kind::Resume => Order::Resume,
            Kind::Promote => Order::Promote,
            Kind::SetWeight => {
                let ppm = self.ppm()?;
                if self.is_at_weight {
                    self.is_at_weight = false;
                    return Ok(None);
                }
                Order::SetWeight { ppm }
            }
            Kind::RollBack { row: Some(row), is_whole: false } if rollout.experiment.is_some() => {
                Order::RollBack { component: String::new(), arm: row.clone() }
            }
            Kind::RollBack { row: Some(row), is_whole: false } => {
                Order::RollBack { component: row.clone(), arm: String::new() }
            }
            Kind::RollBack { .. } => Order::RollBack { component: String::new(), arm: String::new() },
        };
        let reason = reason(&self.reason)
            .map_err(|_| "write why: it is kept in the journal, for those who ask later".to_owned())?;
        Ok(Some(Act { id: rollout.id.clone(), order, reason }))
    }
}

impl Model {
    /// The dialog for what a key asks for, or why there is none.
    pub(super) fn dialog_for(&self, kind: Kind) -> Result<Dialog, String> {
        let rollout = self.rollout.as_ref().ok_or("nothing is known of the rollout yet")?;
        if let Some(word) = self.acting {
            return Err(format!("one moment: {word} is not answered yet"));
        }
        kind.refused(rollout).map_or_else(|| Ok(Dialog::new(kind)), Err)
    }
}
