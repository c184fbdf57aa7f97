//! What to do, as rows of data: the first row that fits decides.

use serde::{Deserialize, Serialize};

use crate::forecast::alarm::Outlook;

/// What to do with a rollout or a scope of it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Go on.
    #[default]
    Continue,
    /// Keep the weight as it is.
    Hold,
    /// Keep the weight, and call a human.
    HoldAndPage,
    /// Undo the scope.
    Rollback,
}

/// What the forecast sees coming.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Prediction {
    /// Nothing.
    #[default]
    Quiet,
    /// A threshold will be crossed within the horizon.
    Ahead,
    /// It will be crossed within two minutes with probability 0.95.
    Imminent,
}

impl Prediction {
    /// What `outlook` says, where two minutes are `two_minutes` of its steps.
    pub fn of(outlook: &Outlook, two_minutes: u32) -> Self {
        match (outlook.fires, outlook.time.latest) {
            (true, Some(latest)) if latest <= two_minutes => Self::Imminent,
            (true, Some(_) | None) => Self::Ahead,
            (false, Some(_) | None) => Self::Quiet,
        }
    }
}

/// What is known about a scope.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Situation {
    /// Its risk, 0 to 100.
    pub risk: f64,
    /// Natural logarithm of the evidence against it.
    pub log_evidence: f64,
    /// The same at which it is proved: ln(1/α).
    pub log_threshold: f64,
    /// What the forecast sees.
    pub prediction: Prediction,
}

impl Situation {
    /// Whether the evidence alone is enough.
    pub fn is_proved(&self) -> bool {
        self.log_threshold > 0.0 && self.log_evidence >= self.log_threshold
    }
}

/// How much evidence a row asks for.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// None.
    #[default]
    Any,
    /// At least these odds to 1.
    Odds(f64),
    /// The threshold.
    Proof,
}

impl Evidence {
    fn met(self, situation: &Situation) -> bool {
        match self {
            Self::Any => true,
            Self::Odds(odds) => situation.log_evidence >= odds.ln(),
            Self::Proof => situation.is_proved(),
        }
    }
}

/// One row: what it asks for, all of it, and what is done.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Least risk, 0 to 100.
    #[serde(default)]
    pub risk: f64,
    /// Least evidence.
    #[serde(default)]
    pub evidence: Evidence,
    /// Least that the forecast sees.
    #[serde(default)]
    pub prediction: Prediction,
    /// What is done.
    pub action: Action,
}

/// The rows in their order. Where none fits, the rollout goes on.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub struct DecisionTable(pub Vec<Row>);

impl Default for DecisionTable {
    fn default() -> Self {
        use Prediction::{Ahead, Imminent, Quiet};
        const SOME: Evidence = Evidence::Odds(20.0);
        let row = |risk, evidence, prediction, action| Row { risk, evidence, prediction, action };
        Self(vec![
            row(0.0, Evidence::Proof, Quiet, Action::Rollback),
            row(0.0, Evidence::Any, Imminent, Action::Rollback),
            row(0.0, SOME, Ahead, Action::Rollback),
            row(70.0, SOME, Quiet, Action::HoldAndPage),
            row(0.0, Evidence::Any, Ahead, Action::Hold),
            row(40.0, Evidence::Any, Quiet, Action::Hold),
        ])
    }
}

impl DecisionTable {
    /// What is to be done in `situation`.
    pub fn decide(&self, situation: &Situation) -> Action {
        let fits = |row: &&Row| {
            // A risk that is no number is none.
            let risk = if situation.risk.is_nan() { 0.0 } else { situation.risk };
            risk >= row.risk && row.evidence.met(situation) && situation.prediction >= row.prediction
        };
        self.0.iter().find(fits).map_or(Action::Continue, |row| row.action)
    }
}
