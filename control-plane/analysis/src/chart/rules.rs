//! Run rules: shapes in the last values that chance seldom makes. Western Electric's four (1956) and Nelson's eight
//! (1984), each to be chosen. Every rule adds false signals: Western Electric's four together raise one every 92 values, the
//! first alone every 370 (Champ and Woodall 1987).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// One rule. σ is the standard deviation of the series.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// One value beyond 3 σ (Western Electric 1, Nelson 1).
    OneBeyondThree,
    /// Two of three beyond 2 σ on one side (Western Electric 2, Nelson 5).
    TwoOfThreeBeyondTwo,
    /// Four of five beyond 1 σ on one side (Western Electric 3, Nelson 6).
    FourOfFiveBeyondOne,
    /// Eight in a row on one side (Western Electric 4).
    EightOnOneSide,
    /// Nine in a row on one side (Nelson 2).
    NineOnOneSide,
    /// Six in a row, each above the one before, or each below it (Nelson 3).
    SixMonotone,
    /// Fourteen in a row, alternately up and down (Nelson 4).
    FourteenAlternating,
    /// Fifteen in a row within 1 σ (Nelson 7).
    FifteenWithinOne,
    /// Eight in a row beyond 1 σ on both sides (Nelson 8).
    EightBeyondOne,
}

impl Rule {
    /// Western Electric's zone rules.
    pub const WESTERN_ELECTRIC: [Self; 4] =
        [Self::OneBeyondThree, Self::TwoOfThreeBeyondTwo, Self::FourOfFiveBeyondOne, Self::EightOnOneSide];

    /// Nelson's rules, in his order.
    pub const NELSON: [Self; 8] = [
        Self::OneBeyondThree,
        Self::NineOnOneSide,
        Self::SixMonotone,
        Self::FourteenAlternating,
        Self::TwoOfThreeBeyondTwo,
        Self::FourOfFiveBeyondOne,
        Self::FifteenWithinOne,
        Self::EightBeyondOne,
    ];

    /// Its name in interfaces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneBeyondThree => "one_beyond_three",
            Self::TwoOfThreeBeyondTwo => "two_of_three_beyond_two",
            Self::FourOfFiveBeyondOne => "four_of_five_beyond_one",
            Self::EightOnOneSide => "eight_on_one_side",
            Self::NineOnOneSide => "nine_on_one_side",
            Self::SixMonotone => "six_monotone",
            Self::FourteenAlternating => "fourteen_alternating",
            Self::FifteenWithinOne => "fifteen_within_one",
            Self::EightBeyondOne => "eight_beyond_one",
        }
    }

    /// Whether it is broken by values on one side of the centre, or that go one way: what a change for the worse looks like.
    #[must_use]
    pub const fn is_one_sided(self) -> bool {
        match self {
            Self::OneBeyondThree
            | Self::TwoOfThreeBeyondTwo
            | Self::FourOfFiveBeyondOne
            | Self::EightOnOneSide
            | Self::NineOnOneSide
            | Self::SixMonotone => true,
            Self::FourteenAlternating | Self::FifteenWithinOne | Self::EightBeyondOne => false,
        }
    }

    /// Whether the values, the latest last, break the rule.
    fn broken(self, values: &VecDeque<f32>) -> bool {
        let latest = |count: usize| values.iter().skip(values.len().saturating_sub(count)).copied();
        let full = |count: usize| values.len() >= count;
        let beyond = |count: usize, limit: f32, least: usize| {
            let last = values.back().copied().unwrap_or_default();
            let above = latest(count).filter(|value| *value > limit).count();
            let below = latest(count).filter(|value| *value < -limit).count();
            (above >= least && last > limit) || (below >= least && last < -limit)
        };
        let steps =
            |count: usize| latest(count).zip(latest(count).skip(1)).map(|(before, after)| after - before);
        match self {
            Self::OneBeyondThree => beyond(1, 3.0, 1),
            Self::TwoOfThreeBeyondTwo => beyond(3, 2.0, 2),
            Self::FourOfFiveBeyondOne => beyond(5, 1.0, 4),
            Self::EightOnOneSide => beyond(8, 0.0, 8),
            Self::NineOnOneSide => beyond(9, 0.0, 9),
            Self::SixMonotone => {
                full(6) && (steps(6).all(|step| step > 0.0) || steps(6).all(|step| step < 0.0))
            }
            Self::FourteenAlternating => {
                full(14) && steps(14).zip(steps(14).skip(1)).all(|(before, after)| before * after < 0.0)
            }
            Self::FifteenWithinOne => full(15) && latest(15).all(|value| value.abs() < 1.0),
            Self::EightBeyondOne => {
                let both = latest(8).any(|value| value > 0.0) && latest(8).any(|value| value < 0.0);
                full(8) && both && latest(8).all(|value| value.abs() > 1.0)
            }
        }
    }
}

/// Which rules are watched beside the EWMA and the CUSUM.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleSet {
    /// None.
    #[default]
    None,
    /// [`Rule::WESTERN_ELECTRIC`].
    WesternElectric,
    /// [`Rule::NELSON`].
    Nelson,
}

impl RuleSet {
    /// Its rules.
    #[must_use]
    pub const fn rules(self) -> &'static [Rule] {
        match self {
            Self::None => &[],
            Self::WesternElectric => &Rule::WESTERN_ELECTRIC,
            Self::Nelson => &Rule::NELSON,
        }
    }
}

/// The last values, watched for broken rules.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub struct RunRules(VecDeque<f32>);

impl RunRules {
    const LONGEST: usize = 15;

    /// Takes in a distance in standard deviations; names those of `rules` that are broken with it.
    pub fn observe(&mut self, distance: f64, rules: &[Rule]) -> Vec<Rule> {
        if distance.is_nan() || rules.is_empty() {
            return Vec::new();
        }
        if self.0.len() == Self::LONGEST {
            self.0.pop_front();
        }
        self.0.push_back(distance as f32);
        rules.iter().copied().filter(|rule| rule.broken(&self.0)).collect()
    }
}
