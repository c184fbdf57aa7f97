//! Which part of its source's evidence a stream has.
//!
//! A weighted sum of e-processes is one as long as the weights are settled before a stream counts and sum to 1 at most. Templates come
//! one after the other, so the nth gets 6/(π² n²). What users do is known beforehand: each kind gets a fifth, one half of it for the
//! version as a whole, a quarter for its components, which come one after the other, an eighth for the two classes of devices, and an
//! eighth for [`COUNTRIES_MAX`] countries alike.

use super::{Source, StreamId};
use crate::behaviour::{Cohort, Device};

/// Countries of one kind of stream at most. Events of further ones count with the version and its components only.
pub const COUNTRIES_MAX: usize = 16;
/// `6 / π²`: the reciprocal squares times this sum to 1.
const RECIPROCAL_SQUARES: f64 = 0.607_927_101_854_026_6;
const DEVICES: usize = [Device::Desktop, Device::Phone].len();

/// Streams of one kind that share one part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    Templates,
    Version,
    Components,
    Devices,
    Countries,
}

impl Part {
    pub(super) fn of(id: &StreamId) -> Self {
        match (id.kind.source(), id.component.is_empty(), id.name.is_empty()) {
            (Source::Logs, _, _) => Self::Templates,
            (Source::Behaviour, true, true) => Self::Version,
            (Source::Behaviour, false, _) => Self::Components,
            (Source::Behaviour, true, false) => match Cohort::parse(&id.name) {
                Ok(Cohort::Device(_)) => Self::Devices,
                Ok(Cohort::Country(_)) | Err(_) => Self::Countries,
            },
        }
    }

    /// Streams that share it at most. `None`: they are bounded with all others.
    pub(super) const fn most(self) -> Option<usize> {
        match self {
            Self::Templates | Self::Version | Self::Components => None,
            Self::Devices => Some(DEVICES),
            Self::Countries => Some(COUNTRIES_MAX),
        }
    }

    /// Logarithm of what a stream gets after `before` others.
    pub(super) fn log_weight(self, before: usize) -> f64 {
        let number = before as f64 + 1.0;
        let in_turn = RECIPROCAL_SQUARES / (number * number);
        let of_kind = 1.0 / super::Kind::OF_BEHAVIOUR;
        let weight = match self {
            Self::Templates => in_turn,
            Self::Version => of_kind / 2.0,
            Self::Components => of_kind / 4.0 * in_turn,
            Self::Devices => of_kind / 8.0 / DEVICES as f64,
            Self::Countries => of_kind / 8.0 / COUNTRIES_MAX as f64,
        };
        weight.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::Kind;

    fn part(kind: Kind, component: &str, name: &str) -> Part {
        Part::of(&StreamId { kind, component: component.to_owned(), name: name.to_owned() })
    }

    #[test]
    fn parts_go_by_what_a_stream_is_about() {
        assert_eq!(part(Kind::LogTemplate, "", "phone"), Part::Templates);
        assert_eq!(part(Kind::Conversion, "", ""), Part::Version);
        assert_eq!(part(Kind::Conversion, "cart", ""), Part::Components);
        assert_eq!(part(Kind::Conversion, "cart", "phone"), Part::Components);
        assert_eq!(part(Kind::Conversion, "", "phone"), Part::Devices);
        assert_eq!(part(Kind::Conversion, "", "NL"), Part::Countries);
        assert_eq!(part(Kind::Conversion, "", "what a recording says"), Part::Countries);
    }

    #[test]
    fn the_weights_of_a_source_sum_to_one_at_most() {
        let sum = |part: Part, most: usize| -> f64 {
            (0..part.most().unwrap_or(most)).map(|before| part.log_weight(before).exp()).sum()
        };
        assert!(sum(Part::Templates, 100_000) <= 1.0);
        let of_kind = sum(Part::Version, 1)
            + sum(Part::Components, 100_000)
            + sum(Part::Devices, 0)
            + sum(Part::Countries, 0);
        assert!(of_kind * Kind::OF_BEHAVIOUR <= 1.0 + 1e-9, "{of_kind}");
        assert!(of_kind * Kind::OF_BEHAVIOUR > 0.999);
    }
}
