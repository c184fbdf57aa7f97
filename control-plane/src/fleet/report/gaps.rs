//! What a VM could not keep, after every bound was checked.

use serin_proto::fleet::v1 as wire;

use super::{ReportError, count};

/// What a VM lost since its previous batch.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Gaps {
    /// Requests in dropped strata.
    pub dropped_requests: u64,
    /// Requests recorded under `overflow`.
    pub overflow_requests: u64,
    /// Requests that the filter never saw.
    pub unseen_requests: u64,
    /// Batches that were refused.
    pub refused_batches: u64,
    /// Names of blocks in responses that their component does not have.
    pub unknown_blocks: u64,
    /// Sampled requests whose route could not be told.
    pub untold_routes: u64,
    /// Beacons of page views that counted nothing.
    pub beacons: LostBeacons,
}

/// Beacons of page views that counted nothing, by reason.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LostBeacons {
    /// They break a rule of their form.
    pub malformed: u64,
    /// They are no person's.
    pub bot: u64,
    /// The arm of the page is not known.
    pub unattributed: u64,
    /// They are beyond a bound of the filter.
    pub dropped: u64,
}

impl Gaps {
    /// Requests that are missing from the strata.
    #[must_use]
    pub fn requests_lost(&self) -> u64 {
        self.dropped_requests + self.unseen_requests
    }
}

impl TryFrom<wire::Gaps> for Gaps {
    type Error = ReportError;

    fn try_from(wire: wire::Gaps) -> Result<Self, ReportError> {
        count("batch.gaps.dropped_strata", wire.dropped_strata)?;
        Ok(Self {
            dropped_requests: count("batch.gaps.dropped_requests", wire.dropped_requests)?,
            overflow_requests: count("batch.gaps.overflow_requests", wire.overflow_requests)?,
            unseen_requests: count("batch.gaps.unseen_requests", wire.unseen_requests)?,
            refused_batches: count("batch.gaps.refused_batches", wire.refused_batches)?,
            unknown_blocks: count("batch.gaps.unknown_blocks", wire.unknown_blocks)?,
            untold_routes: count("batch.gaps.untold_routes", wire.untold_routes)?,
            beacons: LostBeacons {
                malformed: count("batch.gaps.malformed_beacons", wire.malformed_beacons)?,
                bot: count("batch.gaps.bot_beacons", wire.bot_beacons)?,
                unattributed: count("batch.gaps.unattributed_beacons", wire.unattributed_beacons)?,
                dropped: count("batch.gaps.dropped_beacons", wire.dropped_beacons)?,
            },
        })
    }
}
