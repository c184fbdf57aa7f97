//! Whether the canary exceeds the plan's limits beside the baseline, or gets too few requests.
//!
//! They compare the last minute, so they speak once the present weight has lasted for one.

use std::time::Duration;

use serin_analysis::chance::least_beyond;
use serin_proto::assignment::Weight;

use super::Change;
use crate::{ArmWindow, HoldReason, Judgement, Plan, State, UnixMillis};

/// The window of a judgement, and what reports take to arrive.
const SETTLED: Duration = Duration::from_secs(65);
const WINDOW_S: f64 = 60.0;

/// The first limit that is exceeded.
pub(super) fn exceeded(change: &Change<'_>, judgement: &Judgement) -> Option<HoldReason> {
    let (limits, min_requests) = (change.plan.beside(), change.plan.limits().min_requests);
    let Judgement { baseline, canary, .. } = judgement;
    let has_baseline = change.state.weight < Weight::FULL && baseline.requests >= min_requests;
    if has_baseline && canary.requests >= min_requests {
        if let Some(limit_thousandths) = limits.error_ratio_thousandths
            && fails_beyond(canary, baseline, limit_thousandths)
        {
            return Some(HoldReason::ErrorRatio { limit_thousandths });
        }
        if let Some(limit_thousandths) = limits.latency_ratio_thousandths
            && let (Some(least), Some(usual)) = (canary.latency_p99_least_us, baseline.latency_p99_us)
            && u128::from(least) * 1_000 > u128::from(usual) * u128::from(limit_thousandths)
        {
            return Some(HoldReason::LatencyRatio { limit_thousandths });
        }
    }
    throughput(change, judgement)
}

fn throughput(change: &Change<'_>, judgement: &Judgement) -> Option<HoldReason> {
    if change.now.since(change.state.changed_at) < SETTLED {
        return None;
    }
    let limits = change.plan.beside();
    let share = ratio(change.plan, &change.state, judgement, change.now);
    if let (Some(limit_ppm), Some(share)) = (limits.throughput_ratio, share)
        && share < f64::from(limit_ppm.ppm()) / 1e6
    {
        return Some(HoldReason::ThroughputRatio { limit_ppm });
    }
    let limit_millirps = limits.throughput_min_millirps?;
    let millirps = judgement.canary.requests as f64 / WINDOW_S * 1_000.0;
    (millirps < limit_millirps as f64).then_some(HoldReason::Throughput { limit_millirps })
}

/// The canary's requests, in times what its weight lets expect beside the baseline's. `None`: the weight has not lasted for a
/// minute, or it is not weights alone that split the traffic between two versions.
pub(super) fn ratio(plan: &Plan, state: &State, judgement: &Judgement, now: UnixMillis) -> Option<f64> {
    let ppm = f64::from(state.weight.ppm());
    let splits = state.weight > Weight::ZERO && state.weight < Weight::FULL && plan.splits_by_weight_alone();
    let is_known = splits && state.pinned.is_empty() && now.since(state.changed_at) >= SETTLED;
    let expected = judgement.baseline.requests as f64 * ppm / (1e6 - ppm);
    (is_known && expected > 0.0).then(|| judgement.canary.requests as f64 / expected)
}

/// Whether the canary fails beyond a multiple of the baseline's error rate by more than chance. One failure is granted to a
/// baseline that has none: else none would be allowed.
fn fails_beyond(canary: &ArmWindow, baseline: &ArmWindow, limit_thousandths: u32) -> bool {
    let rate = baseline.errors.max(1) as f64 / baseline.requests.max(1) as f64;
    let allowed = (rate * f64::from(limit_thousandths) / 1_000.0).min(1.0);
    canary.errors as f64 > allowed * canary.requests as f64
        && canary.errors >= least_beyond(canary.requests, allowed)
}
