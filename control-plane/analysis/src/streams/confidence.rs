//! How much a finding is to be believed, by kind of stream and by how far the difference is beyond the default margin, as
//! experience says.
//!
//! A table rises with the difference and holds from a difference of 0 on, so it says something of every finding. What it says is how
//! often versions proved harmful whose evidence reached its threshold; so of a finding with less evidence the risk takes as much
//! less. It ranks and explains: the evidence that undoes a version knows nothing of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Kind;

/// Points of one kind at most.
pub const POINTS_MAX: usize = 8;
/// Difference, relative to what the default margin leaves, at which a point begins at most.
pub const FROM_MAX: f64 = 1_000.0;

/// What is believed from a difference on.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Point {
    /// Difference relative to what the default margin leaves: 1 is at the margin.
    pub from: f64,
    /// Probability that the version is harmful, 0 to 1.
    pub confidence: f64,
}

/// Why points are no table.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum PointsError {
    /// None.
    #[error("must not be empty")]
    None,
    /// Too many.
    #[error("exceeds the limit of {POINTS_MAX}")]
    TooMany,
    /// The first holds from another difference on.
    #[error("must begin at 0")]
    Begin,
    /// A difference that is no number, too large, or not above the one before.
    #[error("must be above the one before, and at most {FROM_MAX}")]
    From {
        /// Which point.
        at: usize,
    },
    /// A confidence that is no probability.
    #[error("must be between 0 and 1")]
    Confidence {
        /// Which point.
        at: usize,
    },
    /// A confidence that falls where the difference grows.
    #[error("must not be below the one before")]
    Falling {
        /// Which point.
        at: usize,
    },
}

/// What is believed of findings, by kind. Of a kind without points nothing is known.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Confidences(BTreeMap<Kind, Vec<Point>>);

impl Confidences {
    /// The same with these points for `kind`.
    ///
    /// # Errors
    /// The first rule that they break.
    pub fn with(mut self, kind: Kind, points: Vec<Point>) -> Result<Self, PointsError> {
        check(&points)?;
        self.0.insert(kind, points);
        Ok(self)
    }

    /// Probability that a version is harmful of which a finding of `kind` says that it is so far beyond its default margin. `None`:
    /// nothing is known, or `effect` is no difference.
    #[must_use]
    pub fn of(&self, kind: Kind, effect: f64) -> Option<f64> {
        let points = self.0.get(&kind)?;
        let point = points.iter().rfind(|point| effect >= point.from)?;
        Some(crate::risk::share(point.confidence))
    }

    /// The points of each kind.
    pub fn points(&self) -> impl Iterator<Item = (Kind, &[Point])> {
        self.0.iter().map(|(kind, points)| (*kind, points.as_slice()))
    }
}

fn check(points: &[Point]) -> Result<(), PointsError> {
    let first = points.first().ok_or(PointsError::None)?;
    if points.len() > POINTS_MAX {
        return Err(PointsError::TooMany);
    }
    if first.from != 0.0 {
        return Err(PointsError::Begin);
    }
    let mut before: Option<&Point> = None;
    for (at, point) in points.iter().enumerate() {
        let is_above = before.is_none_or(|before| point.from > before.from);
        if !is_above || !(0.0..=FROM_MAX).contains(&point.from) {
            return Err(PointsError::From { at });
        }
        if !(0.0..=1.0).contains(&point.confidence) {
            return Err(PointsError::Confidence { at });
        }
        if before.is_some_and(|before| point.confidence < before.confidence) {
            return Err(PointsError::Falling { at });
        }
        before = Some(point);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(points: &[(f64, f64)]) -> Result<Confidences, PointsError> {
        let points = points.iter().map(|(from, confidence)| Point { from: *from, confidence: *confidence });
        Confidences::default().with(Kind::SlowLoad, points.collect())
    }

    #[test]
    fn a_difference_has_the_confidence_of_the_last_point_that_it_reaches() {
        let table = table(&[(0.0, 0.2), (2.0, 0.7), (4.0, 1.0)]).unwrap();
        for (effect, said) in [
            (0.0, Some(0.2)),
            (1.999, Some(0.2)),
            (2.0, Some(0.7)),
            (1e300, Some(1.0)),
            (f64::INFINITY, Some(1.0)),
            (f64::NAN, None),
            (-1.0, None),
        ] {
            assert_eq!(table.of(Kind::SlowLoad, effect), said, "{effect}");
        }
        assert_eq!(table.of(Kind::Conversion, 2.0), None);
        assert_eq!(Confidences::default().of(Kind::SlowLoad, 2.0), None);
    }

    #[test]
    fn points_that_are_no_table_are_refused_with_their_place() {
        assert_eq!(table(&[]), Err(PointsError::None));
        assert_eq!(table(&[(0.5, 0.5)]), Err(PointsError::Begin));
        assert_eq!(table(&[(0.0, 0.5), (0.0, 0.6)]), Err(PointsError::From { at: 1 }));
        assert_eq!(table(&[(0.0, 0.5), (f64::NAN, 0.6)]), Err(PointsError::From { at: 1 }));
        assert_eq!(table(&[(0.0, 0.5), (FROM_MAX + 1.0, 0.6)]), Err(PointsError::From { at: 1 }));
        assert_eq!(table(&[(0.0, 1.5)]), Err(PointsError::Confidence { at: 0 }));
        assert_eq!(table(&[(0.0, f64::NAN)]), Err(PointsError::Confidence { at: 0 }));
        assert_eq!(table(&[(0.0, 0.5), (1.0, 0.4)]), Err(PointsError::Falling { at: 1 }));
        let rising: Vec<_> = (0..=POINTS_MAX).map(|at| (at as f64, 0.5)).collect();
        assert_eq!(table(&rising), Err(PointsError::TooMany));
        assert!(table(&rising[1..]).is_err() && table(&rising[..POINTS_MAX]).is_ok());
    }
}
