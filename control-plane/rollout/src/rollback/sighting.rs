//! What is seen of a rollback at one moment, and what it says of the stage that is due.

use serin_proto::assignment::Weight;

use super::{Rollback, Stage, StageOutcome, StageRecord};
use crate::plan::Limits;
use crate::step::exceeded;
use crate::text::{Percent, Time};
use crate::{ArmWindow, HoldReason, UnixMillis};

/// Whole seconds without a request after which the canary has drained.
const QUIET_S: u64 = 3;
/// Seconds of the baseline's requests by which it is seen whether it is well, at the least.
pub const WINDOW_S: u64 = 10;

/// What is seen of a rollback at one moment after it was decided.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sighting {
    /// VMs of proxies that live.
    pub vms: u32,
    /// Of these, those that obey the rollback.
    pub applied: u32,
    /// Whole seconds since the last request to what was returned, about which all living VMs have reported. `None`: nothing is
    /// reported.
    pub quiet_s: Option<u64>,
    /// Requests to what was returned since the decision.
    pub late_requests: u64,
    /// Seconds that `baseline` covers, all of them after the last request to what was returned.
    pub window_s: u64,
    /// Requests of the baseline in them.
    pub baseline: ArmWindow,
    /// Hooks of the rollback that have not ended.
    pub hooks_pending: u32,
    /// Hooks of the rollback that failed, by name.
    pub hooks_failed: Vec<String>,
}

/// What the present stage has come to.
enum Finding {
    /// It lasts.
    Lasts(String),
    /// There is too little to see to tell.
    Unseen(String),
    /// What it waits for is seen.
    Done(String),
    /// It has ended otherwise.
    Failed(String),
}

/// What follows for the present stage. `None`: nothing new.
pub(crate) fn find(
    rollback: &Rollback,
    limits: &Limits,
    seen: &Sighting,
    now: UnixMillis,
) -> Option<StageRecord> {
    let stage = rollback.stage?;
    let took = now.since(rollback.stage_since);
    let (outcome, detail) = match finding(stage, limits, seen) {
        Finding::Done(detail) => (StageOutcome::Done, detail),
        Finding::Failed(detail) => (StageOutcome::Failed, detail),
        Finding::Lasts(detail) if took >= stage.end() => (StageOutcome::Failed, detail),
        Finding::Lasts(detail) if took >= stage.deadline() && !rollback.is_late() => {
            (StageOutcome::Late, detail)
        }
        Finding::Unseen(detail) if took >= stage.end() => (StageOutcome::Unknown, detail),
        Finding::Lasts(_) | Finding::Unseen(_) => return None,
    };
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    Some(StageRecord { stage, outcome, took_ms, detail })
}

fn finding(stage: Stage, limits: &Limits, seen: &Sighting) -> Finding {
    match stage {
        Stage::Acknowledge => match (seen.applied, seen.vms) {
            (_, 0) => Finding::Lasts("no proxy reports".to_owned()),
            (applied, vms) if applied >= vms => Finding::Done(format!("all {vms} VMs obey")),
            (applied, vms) => Finding::Lasts(format!("{applied} of {vms} VMs obey")),
        },
        Stage::Drain => drained(seen),
        Stage::Hooks if seen.hooks_pending > 0 => {
            Finding::Lasts(format!("{} have not ended", seen.hooks_pending))
        }
        Stage::Hooks if seen.hooks_failed.is_empty() => Finding::Done("none is left to run".to_owned()),
        Stage::Hooks => Finding::Failed(format!("{} failed", crate::text::list(&seen.hooks_failed))),
        Stage::Verify => verified(limits, seen),
    }
}

fn drained(seen: &Sighting) -> Finding {
    let late = match seen.late_requests {
        0 => "no request went to it since the decision".to_owned(),
        1 => "1 request went to it since the decision".to_owned(),
        more => format!("{more} requests went to it since the decision"),
    };
    match seen.quiet_s {
        None => Finding::Lasts("no proxy reports".to_owned()),
        Some(quiet) if quiet >= QUIET_S => Finding::Done(late),
        Some(_) => Finding::Lasts(late),
    }
}

fn verified(limits: &Limits, seen: &Sighting) -> Finding {
    let window = &seen.baseline;
    let over = Time(std::time::Duration::from_secs(seen.window_s));
    if seen.window_s < WINDOW_S || window.requests < limits.min_requests {
        return Finding::Unseen(format!("the baseline had {} requests in {over}", window.requests));
    }
    let failing = Percent(part(window.errors, window.requests));
    match exceeded(limits, window) {
        None => Finding::Done(format!(
            "the baseline answers {} requests in {over}, of which {failing} fail",
            window.requests
        )),
        Some(HoldReason::Latency { limit_ms }) => {
            Finding::Lasts(format!("the baseline's 99th percentile of latency is above {limit_ms} ms"))
        }
        Some(_) => Finding::Lasts(format!("{failing} of the baseline's requests fail, more than the limit")),
    }
}

/// To hundredths of a per cent.
fn part(of: u64, all: u64) -> Weight {
    let hundredths = (u128::from(of) * 10_000).checked_div(u128::from(all)).unwrap_or_default();
    Weight::from_ppm(u32::try_from(hundredths * 100).unwrap_or(u32::MAX)).unwrap_or(Weight::FULL)
}
