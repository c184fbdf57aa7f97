//! A year, month by month.

use serde::Serialize;

use super::law::{PERSONS, SERVICES, Shares};
use super::marks::marked;
use super::rollout::{Rollout, play};
use super::{BEGIN, MONTH_S, MONTHS, ROLLOUTS};
use crate::document::Document;
use crate::outcome::{Decided, Outcome, Outcomes, Truth};
use crate::retrain::{Verdict, retrain};
use crate::tuning::Tuning;
use serin_random::Random;

/// Digits of a version that tables show.
pub const SHOWN_DIGITS: usize = 6;
/// Outcomes are learned from for so long.
const REMEMBERED_S: u64 = 12 * MONTH_S;

/// What one tuning did with rollouts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Harmless versions that were undone.
    pub false_rollbacks: u32,
    /// Harmful versions that were promoted.
    pub missed: u32,
    /// Seconds until harmful versions were undone, together.
    pub seconds_to_rollback: u64,
}

impl Totals {
    fn count(&mut self, decided: Decided, seconds: u64, truth: Truth) {
        match (decided, truth) {
            (Decided::RolledBack, Truth::Harmless) => self.false_rollbacks += 1,
            (Decided::Promoted, Truth::Harmful) => self.missed += 1,
            (Decided::RolledBack, Truth::Harmful) => self.seconds_to_rollback += seconds,
            (Decided::Promoted, Truth::Harmless) => {}
        }
    }

    fn add(&mut self, other: Self) {
        self.false_rollbacks += other.false_rollbacks;
        self.missed += other.missed;
        self.seconds_to_rollback += other.seconds_to_rollback;
    }
}

/// What retraining at the end of a month came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Retrained {
    /// A version was adopted.
    Adopted {
        /// Which.
        version: String,
    },
    /// The candidate was refused.
    Refused {
        /// Why.
        reasons: Vec<String>,
    },
}

/// One month.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Month {
    /// Its number, from 1.
    pub number: u32,
    /// The version in force. `None`: the defaults.
    pub in_force: Option<String>,
    /// Harmless versions that went out.
    pub harmless: u32,
    /// Harmful ones.
    pub harmful: u32,
    /// With the default tuning.
    pub fixed: Totals,
    /// With the one in force.
    pub learned: Totals,
    /// What was learned at its end.
    pub retrained: Retrained,
}

/// A year.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Year {
    /// Where its random numbers begin.
    pub seed: u64,
    /// Its months.
    pub months: Vec<Month>,
    /// The last version adopted.
    #[serde(skip)]
    pub document: Option<Document>,
    /// What was learned from, as it is known at the end.
    #[serde(skip)]
    pub outcomes: Outcomes,
}

impl Year {
    /// Months that a learned version was in force in.
    pub fn held_out(&self) -> impl Iterator<Item = &Month> {
        self.months.iter().filter(|month| month.in_force.is_some())
    }

    /// Harmless versions, harmful ones, and what both tunings did with them, in months that a learned version was in force in.
    #[must_use]
    pub fn totals(&self) -> (u32, u32, Totals, Totals) {
        let mut sums = (0, 0, Totals::default(), Totals::default());
        for month in self.held_out() {
            sums.0 += month.harmless;
            sums.1 += month.harmful;
            sums.2.add(month.fixed);
            sums.3.add(month.learned);
        }
        sums
    }
}

/// Draws and plays a year. The same seed gives the same one.
#[must_use]
pub fn year(seed: u64) -> Year {
    played(seed, None)
}

/// The same year, in which one of the six people calls whatever is undone of their two services a false alarm, at once, and nobody
/// notices what is missed there.
#[must_use]
pub fn poisoned(seed: u64) -> Year {
    played(seed, PERSONS.first().copied())
}

fn played(seed: u64, poisoner: Option<&str>) -> Year {
    let mut random = Random::new(seed, 0);
    let services = SERVICES.map(|name| {
        let requests = (2_000.0 * libm::exp(0.5 * random.normal())).clamp(600.0, 8_000.0) as u64;
        (name, Shares::of_service(&mut random), requests)
    });
    let mut told = Random::new(seed, 2);
    let (mut current, mut document) = (Tuning::default(), None::<Document>);
    let (mut months, mut outcomes) = (Vec::new(), Vec::<Outcome>::new());
    for number in 0..MONTHS {
        let begin = BEGIN + u64::from(number) * MONTH_S;
        let mut month = Month {
            number: number + 1,
            in_force: document.as_ref().map(|document| document.version().to_owned()),
            harmless: 0,
            harmful: 0,
            fixed: Totals::default(),
            learned: Totals::default(),
            retrained: Retrained::Refused { reasons: Vec::new() },
        };
        for at in 0..ROLLOUTS {
            let service = services.get(random.index(services.len())).copied();
            let Some(service) = service else { continue };
            let begins_at = begin + at as u64 * (MONTH_S / ROLLOUTS as u64);
            let rollout = Rollout::draw(format!("{}-{at:02}", number + 1), service, begins_at, &mut random);
            let outcome = month.play(&rollout, &current);
            outcomes.push(marked(outcome, rollout.difference.truth(), poisoner, &mut told));
        }
        let now = begin + MONTH_S;
        outcomes.retain(|outcome| outcome.ended_at + REMEMBERED_S >= now);
        let known = Outcomes::of(outcomes.iter().cloned());
        let parent = document.as_ref().map(Document::version);
        month.retrained = match retrain(&known, &current, parent, now) {
            Verdict::Adopt(adopted) => {
                current = adopted.tuning().clone();
                let version = adopted.version().to_owned();
                document = Some(*adopted);
                Retrained::Adopted { version }
            }
            Verdict::Refuse { reasons, .. } => {
                Retrained::Refused { reasons: reasons.iter().map(ToString::to_string).collect() }
            }
        };
        months.push(month);
    }
    Year { seed, months, document, outcomes: Outcomes::of(outcomes) }
}

impl Month {
    /// Plays a rollout with both tunings; gives what became of it with the one in force.
    fn play(&mut self, rollout: &Rollout, current: &Tuning) -> Outcome {
        let truth = rollout.difference.truth();
        match truth {
            Truth::Harmless => self.harmless += 1,
            Truth::Harmful => self.harmful += 1,
        }
        let learned = play(rollout, current);
        let by_default = Tuning::default();
        let fixed = if *current == by_default { learned.clone() } else { play(rollout, &by_default) };
        self.fixed.count(fixed.decided, fixed.seconds, truth);
        self.learned.count(learned.decided, learned.seconds, truth);
        learned.outcome
    }
}
