//! What to do, as a table: the first row that fits decides.

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
#[derive(Clone, Copy)]
enum Evidence {
    /// None.
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
struct Row {
    /// Least risk, 0 to 100.
    risk: f64,
    /// Least evidence.
    evidence: Evidence,
    /// Least that the forecast sees.
    prediction: Prediction,
    /// What is done.
    action: Action,
}

/// The rows in their order.
const TABLE: [Row; 6] = {
    use Prediction::{Ahead, Imminent, Quiet};
    const SOME: Evidence = Evidence::Odds(20.0);
    const fn row(risk: f64, evidence: Evidence, prediction: Prediction, action: Action) -> Row {
        Row { risk, evidence, prediction, action }
    }
    [
        row(0.0, Evidence::Proof, Quiet, Action::Rollback),
        row(0.0, Evidence::Any, Imminent, Action::Rollback),
        row(0.0, SOME, Ahead, Action::Rollback),
        row(70.0, SOME, Quiet, Action::HoldAndPage),
        row(0.0, Evidence::Any, Ahead, Action::Hold),
        row(40.0, Evidence::Any, Quiet, Action::Hold),
    ]
};

/// What is to be done in `situation`. Where no row fits, the rollout goes on.
pub fn decide(situation: &Situation) -> Action {
    let fits = |row: &&Row| {
        // A risk that is no number is none.
        let risk = if situation.risk.is_nan() { 0.0 } else { situation.risk };
        risk >= row.risk && row.evidence.met(situation) && situation.prediction >= row.prediction
    };
    TABLE.iter().find(fits).map_or(Action::Continue, |row| row.action)
}
