//! Whether what was counted meets the condition of a trigger.
//!
//! A condition must hold in every part of the time that it is asked for, and over all of it by more than chance: so a burst is no
//! state, and a few requests are none either. Where the baseline is as bad, it is not the canary that undoing would help.

use serin_analysis::chance::least_beyond;
use serin_analysis::{ByArm, LatencyHistogram};

use super::ring::{Counts, Sum, Window};
use crate::outside::TriggerState;
use crate::plan::{Bound, Condition, Trigger};
use crate::text::{Count, Percent};

/// Standard deviations by which requests may be fewer than expected by chance.
const SPREADS: f64 = 3.0;
/// The baseline is as bad from so much of the canary's share on.
const ALIKE: f64 = 2.0 / 3.0;

/// What a trigger sees.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) state: TriggerState,
    pub(super) value: Option<f64>,
    pub(super) text: String,
}

impl Seen {
    pub(super) fn inconclusive(why: &str) -> Self {
        Self { state: TriggerState::Inconclusive, value: None, text: why.to_owned() }
    }

    fn idle(why: &str) -> Self {
        Self { state: TriggerState::Idle, value: None, text: why.to_owned() }
    }
}

/// One condition on counts.
struct Judged {
    /// What is compared with the limit, over all of the window.
    value: f64,
    text: String,
    /// It holds over all of the window, beyond chance.
    is_beyond: bool,
    /// The baseline alone meets it too.
    is_shared: bool,
}

pub(super) fn seen(trigger: &Trigger, window: &Window, at_full_weight: bool) -> Seen {
    let ByArm { baseline, canary } = &window.total.arms;
    let compares = matches!(
        trigger.condition,
        Condition::ErrorRatio { .. } | Condition::LatencyRatio { .. } | Condition::ThroughputRatio { .. }
    );
    if compares && at_full_weight {
        return Seen::idle("no baseline runs beside the canary");
    }
    if let Condition::ThroughputRatio { below } = trigger.condition {
        return throughput(trigger, window, below);
    }
    let few = |name: &str, arm: &Counts| {
        let (of, least) = (Count(arm.started), Count(trigger.min_requests));
        Seen::inconclusive(&format!("{of} requests of the {name}, and it needs {least}"))
    };
    if canary.started < trigger.min_requests {
        return few("canary", canary);
    }
    if compares && baseline.started < trigger.min_requests {
        return few("baseline", baseline);
    }
    let judged = match trigger.condition {
        Condition::ErrorRatio { above, floor } => error_ratio(&window.total, above, floor),
        Condition::LatencyRatio { quantile, above } => {
            let Some(judged) = latency_ratio(&window.total, quantile, above) else {
                return Seen::inconclusive("no latency was measured");
            };
            judged
        }
        Condition::SuccessRate { below } => success_rate(&window.total, below, trigger.min_requests),
        Condition::Overload { above } => return overload(&window.within(), above),
        Condition::ThroughputRatio { .. } | Condition::Query { .. } => {
            return Seen::idle("it is not counted");
        }
    };
    let holds = |part: &Sum| match trigger.condition {
        Condition::ErrorRatio { above, floor } => error_ratio_holds(part, above, floor),
        Condition::LatencyRatio { quantile, above } => {
            latency_ratio(part, quantile, above).is_some_and(|judged| judged.value > above)
        }
        Condition::SuccessRate { below } => {
            let canary = &part.arms.canary;
            canary.started > 0 && failing(canary) > 1.0 - below
        }
        Condition::ThroughputRatio { .. } | Condition::Overload { .. } | Condition::Query { .. } => false,
    };
    settle(window, judged, holds)
}

fn settle(window: &Window, judged: Judged, holds: impl Fn(&Sum) -> bool) -> Seen {
    let holding = window.parts.iter().rev().take_while(|part| holds(part)).count();
    let state = if holding == 0 {
        TriggerState::Quiet
    } else if holding < window.parts.len() || !window.is_whole || !judged.is_beyond {
        TriggerState::Pending
    } else if judged.is_shared {
        TriggerState::Shared
    } else {
        TriggerState::Fired
    };
    Seen { state, value: Some(judged.value), text: judged.text }
}

fn failing(counts: &Counts) -> f64 {
    counts.failed.min(counts.started) as f64 / counts.started.max(1) as f64
}

/// A share of requests, for people.
fn share(value: f64) -> Percent {
    let ppm = (value.clamp(0.0, 1.0) * 1e4).round() as u32 * 100;
    Percent(serin_proto::assignment::Weight::from_ppm(ppm).unwrap_or(serin_proto::assignment::Weight::FULL))
}

fn error_ratio_holds(part: &Sum, above: f64, floor: f64) -> bool {
    let ByArm { baseline, canary } = &part.arms;
    canary.started > 0 && baseline.started > 0 && failing(canary) > above * failing(baseline).max(floor)
}

fn error_ratio(total: &Sum, above: f64, floor: f64) -> Judged {
    let ByArm { baseline, canary } = &total.arms;
    let (theirs, ours) = (failing(baseline), failing(canary));
    // Were the canary's share just so many times the baseline's, its part of all failures would be this.
    let (weighted, beside) = (above * canary.started as f64, baseline.started as f64);
    let part = weighted / (weighted + beside).max(1.0);
    let failed = canary.failed.saturating_add(baseline.failed);
    let beside_baseline = canary.failed >= least_beyond(failed, part);
    let beside_floor = canary.failed >= least_beyond(canary.started, (above * floor).min(1.0));
    Judged {
        value: ours / theirs.max(floor),
        text: format!(
            "{} of {} requests of the canary fail, and {} of the baseline's",
            share(ours),
            Count(canary.started),
            share(theirs)
        ),
        is_beyond: beside_baseline && beside_floor,
        is_shared: false,
    }
}

fn latency_ratio(total: &Sum, quantile: f64, above: f64) -> Option<Judged> {
    let ByArm { baseline, canary } = &total.arms;
    let (theirs, ours) = (baseline.latency.quantile_us(quantile)?, canary.latency.quantile_us(quantile)?);
    let value = ours as f64 / theirs.max(1) as f64;
    let least = least_us(&canary.latency, quantile)? as f64;
    let name = quantile * 100.0;
    Some(Judged {
        value,
        text: format!(
            "the {name} % quantile of the canary's latency is {:.1} ms, of the baseline's {:.1} ms",
            ours as f64 / 1e3,
            theirs as f64 / 1e3
        ),
        is_beyond: least > above * theirs.max(1) as f64,
        is_shared: false,
    })
}

/// What a quantile is at the least, but for chance.
fn least_us(latency: &LatencyHistogram, quantile: f64) -> Option<u64> {
    let timed = latency.count();
    let rank = timed as f64 + 0.5 - least_beyond(timed, 1.0 - quantile) as f64;
    latency.quantile_us((rank / timed.max(1) as f64).clamp(0.0, 1.0))
}

fn success_rate(total: &Sum, below: f64, min_requests: u64) -> Judged {
    let ByArm { baseline, canary } = &total.arms;
    let allowed = 1.0 - below;
    let ours = failing(canary);
    Judged {
        value: 1.0 - ours,
        text: format!("{} of {} requests of the canary succeed", share(1.0 - ours), Count(canary.started)),
        is_beyond: canary.failed >= least_beyond(canary.started, allowed),
        is_shared: baseline.started >= min_requests && failing(baseline) > allowed.max(ours * ALIKE),
    }
}

fn overload(total: &Sum, above: u64) -> Seen {
    let ByArm { baseline, canary } = &total.arms;
    let rate = |counts: &Counts| counts.overload as f64 / counts.started.max(1) as f64;
    let state = if canary.overload <= above {
        TriggerState::Quiet
    } else if baseline.started > 0 && rate(baseline) >= ALIKE * rate(canary) {
        TriggerState::Shared
    } else {
        TriggerState::Fired
    };
    let (refused, of) = (Count(canary.overload), Count(canary.started));
    let text = format!("{refused} of {of} requests of the canary were refused for load");
    Seen { state, value: Some(canary.overload as f64), text }
}

fn throughput(trigger: &Trigger, window: &Window, below: f64) -> Seen {
    let (total, canary) = (&window.total, &window.total.arms.canary);
    if total.unsplit {
        return Seen::idle("weights alone do not split the requests, or did not for all of its time");
    }
    if total.expected < trigger.min_requests as f64 {
        let (expected, least) = (total.expected, Count(trigger.min_requests));
        return Seen::inconclusive(&format!("{expected:.0} requests are expected, and it needs {least}"));
    }
    let allowed = below * total.expected;
    let judged = Judged {
        value: canary.started as f64 / total.expected,
        text: format!(
            "the canary got {} requests where its weight lets expect {:.0}",
            Count(canary.started),
            total.expected
        ),
        is_beyond: (canary.started as f64) < allowed - SPREADS * allowed.sqrt(),
        is_shared: false,
    };
    settle(window, judged, |part| {
        part.expected > 0.0 && (part.arms.canary.started as f64) < below * part.expected
    })
}

/// The value of a query beside its limit.
pub(super) fn of_query(query: &str, value: f64, bound: Bound) -> String {
    match bound {
        Bound::Above(limit) => format!("{query} is {value}, limit {limit}"),
        Bound::Below(limit) => format!("{query} is {value}, at least {limit}"),
    }
}
