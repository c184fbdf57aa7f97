//! What the gathering batch could not keep.

use serin_proto::fleet::v1 as wire;

/// What could not be kept.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Gaps {
    /// Records dropped with their second.
    pub dropped_records: u64,
    /// Requests counted in them.
    pub dropped_requests: u64,
    /// Requests recorded as overflow.
    pub overflow_requests: u64,
    /// Requests that ended without having been seen.
    pub unseen_requests: u64,
    /// Batches that the control plane refused.
    pub refused_batches: u64,
    /// Blocks that responses named and that their component does not have.
    pub unknown_blocks: u64,
    /// Sampled requests whose route could not be told.
    pub untold_routes: u64,
    /// Beacons that break a rule.
    pub malformed_beacons: u64,
    /// Beacons that are no person's.
    pub bot_beacons: u64,
    /// Beacons of nobody whose arm is known.
    pub unattributed_beacons: u64,
    /// Beacons beyond a bound.
    pub dropped_beacons: u64,
}

impl From<Gaps> for wire::Gaps {
    fn from(gaps: Gaps) -> Self {
        Self {
            dropped_strata: gaps.dropped_records,
            dropped_requests: gaps.dropped_requests,
            overflow_requests: gaps.overflow_requests,
            unseen_requests: gaps.unseen_requests,
            refused_batches: gaps.refused_batches,
            unknown_blocks: gaps.unknown_blocks,
            untold_routes: gaps.untold_routes,
            malformed_beacons: gaps.malformed_beacons,
            bot_beacons: gaps.bot_beacons,
            unattributed_beacons: gaps.unattributed_beacons,
            dropped_beacons: gaps.dropped_beacons,
        }
    }
}
