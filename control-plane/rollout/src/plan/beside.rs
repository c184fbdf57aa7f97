//! Limits of the canary relative to the baseline beside it, and of its throughput.
//!
//! They speak of the last minute, as the absolute limits do, and only hold: what is worse than the margins is shown by evidence.

use serin_proto::assignment::Weight;

use super::check::Findings;
use super::raw;

/// Limits beside the baseline. `None`: there is none.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Beside {
    /// Highest error rate, in thousandths of the baseline's.
    pub error_ratio_thousandths: Option<u32>,
    /// Highest 99th percentile of latency, in thousandths of the baseline's.
    pub latency_ratio_thousandths: Option<u32>,
    /// Lowest part of the requests that the weight lets expect.
    pub throughput_ratio: Option<Weight>,
    /// Fewest requests in a thousand seconds.
    pub throughput_min_millirps: Option<u64>,
}

pub(super) fn check(raw: &raw::Limits, findings: &mut Findings) -> Beside {
    let mut ratio = |field: &str, given: Option<f64>| {
        let value = given.map(|ratio| findings.range(field, ratio, 1.0, 1_000.0))?;
        Some((value * 1_000.0).round() as u32)
    };
    Beside {
        error_ratio_thousandths: ratio("limits.error_ratio", raw.error_ratio),
        latency_ratio_thousandths: ratio("limits.latency_ratio", raw.latency_ratio),
        throughput_ratio: raw
            .throughput_ratio
            .as_ref()
            .map(|given| findings.weight("limits.throughput_ratio", Some(given), 0, (1, 1_000_000))),
        throughput_min_millirps: raw
            .throughput_min
            .as_ref()
            .map(|given| findings.rate("limits.throughput_min", given)),
    }
}
