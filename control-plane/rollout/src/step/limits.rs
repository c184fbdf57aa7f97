//! Whether the canary exceeds the plan's absolute limits.
//!
//! Its last minute is compared as it is where it holds enough requests to tell, and beyond chance where it does not: else one
//! failure of sixty requests would hold a good version.

use serin_analysis::chance::least_beyond;
use serin_proto::assignment::Weight;

use crate::plan::Limits;
use crate::{ArmWindow, HoldReason};

/// The first limit that is exceeded in `window`.
pub(crate) fn exceeded(limits: &Limits, window: &ArmWindow) -> Option<HoldReason> {
    if window.requests < limits.min_requests {
        return None;
    }
    let failing = Weight::FULL.ppm() - limits.success_rate.ppm();
    if is_beyond(window, failing) {
        Some(HoldReason::SuccessRate { limit_ppm: limits.success_rate })
    } else if is_beyond(window, limits.error_rate.ppm()) {
        Some(HoldReason::ErrorRate { limit_ppm: limits.error_rate })
    } else if window.latency_p99_least_us.is_some_and(|p99| u128::from(p99) > limits.latency_p99.as_micros())
    {
        let limit_ms = u64::try_from(limits.latency_p99.as_millis()).unwrap_or(u64::MAX);
        Some(HoldReason::Latency { limit_ms })
    } else {
        None
    }
}

/// Whether more requests fail than `ppm` parts per million of them.
pub(super) fn is_beyond(window: &ArmWindow, ppm: u32) -> bool {
    let whole = u128::from(Weight::FULL.ppm());
    u128::from(window.errors) * whole > u128::from(ppm) * u128::from(window.requests)
        && window.errors >= least_beyond(window.requests, f64::from(ppm) / 1e6)
}
