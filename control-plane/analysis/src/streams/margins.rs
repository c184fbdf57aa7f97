//! How much worse the canary may be before a difference counts, by kind, as experience sets it.
//!
//! A margin is part of what is tested, so it is settled before a rollout begins and the error budget holds for it as it is: a canary
//! within its margins is undone with at most that probability, whatever they were learned from. What a wider margin costs is power
//! against small harms, so each kind has bounds ([`Kind::rooms`]) that no experience moves.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::evalue::{Counts, Margin, log_e, log_sum};
use crate::increment::ByArm;
use crate::onset::StartPrior;

/// Seconds after the start in which [`projected`] lets the harm begin.
const BEGINS_WITHIN_S: u64 = 30;

/// Factors of the room that default margins leave, by kind; 1 is the default.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Margins([f64; Kind::ALL.len()]);

impl Default for Margins {
    fn default() -> Self {
        Self([1.0; Kind::ALL.len()])
    }
}

impl Margins {
    /// The same with this room for `kind`, brought within its bounds; what is no number is 1.
    #[must_use]
    pub fn with_room(mut self, kind: Kind, room: f64) -> Self {
        let rooms = kind.rooms();
        if let Some(own) = self.0.get_mut(kind as usize) {
            *own = if room.is_nan() { 1.0 } else { room.clamp(*rooms.start(), *rooms.end()) };
        }
        self
    }

    /// The room of `kind`.
    #[must_use]
    pub fn room(&self, kind: Kind) -> f64 {
        self.0.get(kind as usize).copied().unwrap_or(1.0)
    }

    /// What the canary's share of events may be, where a plan asks for the part `least_conversion` of conversions.
    #[must_use]
    pub fn margin(&self, kind: Kind, least_conversion: f64) -> Margin {
        let (room, Margin { ratio, absolute }) = (self.room(kind), kind.margin());
        match kind {
            // Of a line that only the canary writes the ratio says nothing; of the others it stays.
            Kind::LogTemplate => Margin { ratio, absolute: absolute * room },
            Kind::ScriptError
            | Kind::RageClick
            | Kind::Abandonment
            | Kind::SlowLoad
            | Kind::UsedFeature
            | Kind::SlowInteraction
            | Kind::UnstableLayout
            | Kind::Profile => Margin { ratio: 1.0 + (ratio - 1.0) * room, absolute: absolute * room },
            Kind::Conversion => {
                Margin { ratio: (1.0 - (1.0 - least_conversion) * room).clamp(0.0, 1.0), absolute }
            }
        }
    }
}

impl Kind {
    /// Within which the room of a margin may be set: half of the default at least, twice of it at most, and five times, which is one
    /// request in a thousand, for lines of logs.
    #[must_use]
    pub const fn rooms(self) -> RangeInclusive<f64> {
        match self {
            Self::LogTemplate => 0.5..=5.0,
            Self::ScriptError | Self::RageClick | Self::Abandonment | Self::SlowLoad | Self::Conversion => {
                0.5..=2.0
            }
            Self::UsedFeature | Self::SlowInteraction | Self::UnstableLayout | Self::Profile => 1.0..=1.0,
        }
    }
}

/// What one stream has counted, whether it shows anything or not.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Observed {
    /// What is counted.
    pub kind: Kind,
    /// A harm by itself.
    pub is_harmful: bool,
    /// Its part of the source's evidence, above 0, at most 1.
    pub share: f64,
    /// Natural logarithm of the evidence that the canary is beyond its margin. 0 while there is none.
    pub log_evidence: f64,
    /// Events since it was first seen.
    pub events: ByArm<u64>,
    /// Requests or page views since then.
    pub exposures: ByArm<u64>,
}

/// Natural logarithm of the evidence that a stream of `kind` with these counts, evenly from the first seconds on, would have at
/// `margin`, where a harm is expected to begin within `horizon_s`: what another margin would have said of a rollout that is over.
#[must_use]
pub fn projected(kind: Kind, margin: Margin, counts: &Counts, horizon_s: u64) -> f64 {
    let mut prior = StartPrior::new(horizon_s);
    prior.step_started(0);
    // A stream counts only after the second that shows it first.
    let before = prior.mass_at(0);
    let mass: f64 = (1..BEGINS_WITHIN_S).map(|second| prior.mass_at(second)).sum();
    let bets = kind.bets();
    let log_bet_weight = -(bets.len() as f64).ln();
    let gains = bets.into_iter().map(|psi| log_e(counts, psi, margin) / kind.overdispersion());
    log_sum(gains) + log_bet_weight + mass.min(1.0 - before).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::LEAST_CONVERSION;

    #[test]
    fn a_room_stays_within_the_bounds_of_its_kind() {
        for kind in Kind::ALL {
            for (asked, told) in [(f64::NAN, 1.0), (0.0, 0.5), (1e9, *kind.rooms().end()), (1.5, 1.5)] {
                assert_eq!(Margins::default().with_room(kind, asked).room(kind), told, "{kind:?}, {asked}");
            }
            assert_eq!(Margins::default().margin(kind, LEAST_CONVERSION), kind.margin(), "{kind:?}");
        }
        let wide = Margins::default().with_room(Kind::Conversion, 2.0).with_room(Kind::SlowLoad, 2.0);
        let near = |value: f64, expected: f64| assert!((value - expected).abs() < 1e-12, "{value}");
        near(wide.margin(Kind::Conversion, 0.95).ratio, 0.9);
        near(wide.margin(Kind::Conversion, 0.1).ratio, 0.0);
        near(wide.margin(Kind::SlowLoad, 0.95).ratio, 1.2);
        near(wide.margin(Kind::SlowLoad, 0.95).absolute, 0.01);
        near(wide.margin(Kind::LogTemplate, 0.95).absolute, 0.0002);
    }

    #[test]
    fn a_wider_margin_lets_counts_say_less() {
        let of = |baseline, canary| ByArm { baseline, canary };
        let slow = Counts { events: of(700.0, 420.0), exposures: of(7_000.0, 3_000.0) };
        let said = [0.5, 1.0, 1.5, 2.0].map(|room| {
            let margin = Margins::default().with_room(Kind::SlowLoad, room).margin(Kind::SlowLoad, 0.95);
            projected(Kind::SlowLoad, margin, &slow, 1_800)
        });
        assert!(said.is_sorted_by(|narrow, wide| narrow > wide), "{said:?}");
    }
}
