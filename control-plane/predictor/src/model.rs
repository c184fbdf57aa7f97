//! The models: random forest, gradient boosting, logistic regression. They learn from the same rows and answer alike.

mod bins;
mod boosting;
mod forest;
mod grow;
mod logistic;
mod tree;

use serde::{Deserialize, Serialize};

use crate::matrix::Matrix;

pub use boosting::{Boosting, BoostingSettings};
pub use forest::{Forest, ForestSettings};
pub use logistic::{Logistic, LogisticSettings};

/// What a model says of one deployment.
pub trait Predict {
    /// The probability that it is rolled back, 0 to 1, as the model has it: not calibrated.
    fn probability(&self, row: &[f64]) -> f64;

    /// What each feature adds: `base` and `parts` add up to the prediction, on the scale that [`Contributions`] names.
    fn contributions(&self, row: &[f64]) -> Contributions;
}

/// The scale on which contributions add up.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// The probability itself.
    Probability,
    /// The logarithm of the odds.
    LogOdds,
}

/// What led to a prediction.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Contributions {
    /// The scale of the numbers.
    pub scale: Scale,
    /// What is said of a deployment of which nothing is known.
    pub base: f64,
    /// What each feature adds, in the order of the features.
    pub parts: Vec<f64>,
}

impl Contributions {
    /// Base and parts together.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.base + self.parts.iter().sum::<f64>()
    }
}

/// Which model.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Random forest (Breiman, 2001).
    Forest,
    /// Gradient boosting (Friedman, 2001).
    Boosting,
    /// Logistic regression.
    Logistic,
}

impl Kind {
    /// All of them, the default first.
    pub const ALL: [Self; 3] = [Self::Forest, Self::Boosting, Self::Logistic];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Forest => "forest",
            Self::Boosting => "boosting",
            Self::Logistic => "logistic",
        }
    }

    /// The model of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// How each kind of model learns.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Of the random forest.
    pub forest: ForestSettings,
    /// Of gradient boosting.
    pub boosting: BoostingSettings,
    /// Of logistic regression.
    pub logistic: LogisticSettings,
    /// Let the rarer outcome weigh as much as the other: each row counts `n / (2 n_outcome)`.
    pub balance: bool,
}

impl Settings {
    /// A model of this kind that has learned from these rows.
    #[must_use]
    pub fn learn(&self, kind: Kind, rows: &Matrix, labels: &[bool]) -> Model {
        let weights = weights(labels, self.balance);
        match kind {
            Kind::Forest => Model::Forest(Forest::learn(rows, labels, &weights, &self.forest)),
            Kind::Boosting => Model::Boosting(Boosting::learn(rows, labels, &weights, &self.boosting)),
            Kind::Logistic => Model::Logistic(Logistic::learn(rows, labels, &weights, &self.logistic)),
        }
    }
}

/// The weight of each row.
fn weights(labels: &[bool], balance: bool) -> Vec<f64> {
    let bad = labels.iter().filter(|label| **label).count();
    let (all, bad, good) = (labels.len() as f64, bad as f64, (labels.len() - bad) as f64);
    let of = |label: &bool| if *label { all / (2.0 * bad) } else { all / (2.0 * good) };
    if balance { labels.iter().map(of).collect() } else { vec![1.0; labels.len()] }
}

/// A model that has learned.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// A random forest.
    Forest(Forest),
    /// Gradient boosting.
    Boosting(Boosting),
    /// Logistic regression.
    Logistic(Logistic),
}

impl Model {
    /// Which kind it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Forest(_) => Kind::Forest,
            Self::Boosting(_) => Kind::Boosting,
            Self::Logistic(_) => Kind::Logistic,
        }
    }

    fn inner(&self) -> &dyn Predict {
        match self {
            Self::Forest(forest) => forest,
            Self::Boosting(boosting) => boosting,
            Self::Logistic(logistic) => logistic,
        }
    }

    /// The probabilities of all rows.
    #[must_use]
    pub fn probabilities(&self, rows: &Matrix) -> Vec<f64> {
        rows.rows().map(|row| self.probability(row)).collect()
    }

    /// How much each feature was used to tell outcomes apart, as parts of 1: the mean decrease of impurity in trees (Gini), the
    /// size of standardised coefficients otherwise. It favours features with many values; see [`crate::importance`].
    #[must_use]
    pub fn usage(&self, width: usize) -> Vec<f64> {
        let raw = match self {
            Self::Forest(forest) => forest.usage(width),
            Self::Boosting(boosting) => boosting.usage(width),
            Self::Logistic(logistic) => logistic.usage(),
        };
        let total: f64 = raw.iter().sum();
        if total > 0.0 { raw.iter().map(|part| part / total).collect() } else { raw }
    }

    /// Checks that a model that was read can be asked about rows of this width.
    pub(crate) fn check(&self, width: usize) -> Result<(), &'static str> {
        match self {
            Self::Forest(forest) => forest.check(width),
            Self::Boosting(boosting) => boosting.check(width),
            Self::Logistic(logistic) => logistic.check(width),
        }
    }
}

impl Predict for Model {
    fn probability(&self, row: &[f64]) -> f64 {
        self.inner().probability(row)
    }

    fn contributions(&self, row: &[f64]) -> Contributions {
        self.inner().contributions(row)
    }
}

/// `1 / (1 + e^-x)`.
pub(crate) fn sigmoid(log_odds: f64) -> f64 {
    if log_odds >= 0.0 {
        1.0 / (1.0 + libm::exp(-log_odds))
    } else {
        let odds = libm::exp(log_odds);
        odds / (1.0 + odds)
    }
}

/// `ln(p / (1 - p))`, for `p` within a millionth of its ends.
pub(crate) fn logit(probability: f64) -> f64 {
    let bounded = probability.clamp(1e-6, 1.0 - 1e-6);
    libm::log(bounded) - libm::log1p(-bounded)
}

#[cfg(test)]
mod tests;
