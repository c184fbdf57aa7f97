//! Steps that mind a quota.
//!
//! A reading beyond the plan's limits lowers the weight once, or holds it. It never raises anything, and a reading that is not
//! there, or old, holds.

use serin_proto::assignment::Weight;

use super::Change;
use crate::event::Fact;
use crate::plan::Quota;
use crate::{HoldReason, Judgement, Phase};

/// What is known of a quota.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Reading {
    /// The part that is used, 1 for all of it.
    used: f64,
}

/// What a reading asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Wish {
    Nothing,
    Hold(HoldReason),
    /// The part that is used, in parts per million.
    Lower(u64),
}

/// Lowers the weight if the quota asks for that. True: it did.
pub(super) fn lower(change: &mut Change<'_>, judgement: &Judgement) -> bool {
    let Some(quota) = change.plan.quota() else { return false };
    let goes_on = matches!(change.state.phase, Phase::Progressing | Phase::Completing);
    let Wish::Lower(used_ppm) = wish(quota, reading(judgement, quota)) else { return false };
    if !goes_on || change.state.weight <= quota.to {
        return false;
    }
    let (before_ppm, weight_ppm) = (change.state.weight, quota.to);
    let place = change.plan.steps().iter().rposition(|step| step.weight <= weight_ppm).unwrap_or_default();
    change.record(Fact::QuotaLowered {
        step: u32::try_from(place).unwrap_or(u32::MAX),
        weight_ppm,
        before_ppm,
        query: quota.query.clone(),
        used_ppm,
        evidence: Some(Box::new(judgement.clone())),
    });
    true
}

/// Why the quota lets nothing go forward.
pub(super) fn obstacle(change: &Change<'_>, judgement: &Judgement) -> Option<HoldReason> {
    let quota = change.plan.quota()?;
    match wish(quota, reading(judgement, quota)) {
        Wish::Nothing => None,
        Wish::Hold(reason) => Some(reason),
        Wish::Lower(used_ppm) => {
            Some(HoldReason::Quota { query: quota.query.clone(), used_ppm: Some(used_ppm) })
        }
    }
}

/// What the plan's query last said. `None`: nothing that is fresh.
fn reading(judgement: &Judgement, quota: &Quota) -> Option<Reading> {
    let query = judgement.outside.queries.iter().find(|query| query.name == quota.query)?;
    query.value.map(|used| Reading { used })
}

fn wish(quota: &Quota, reading: Option<Reading>) -> Wish {
    let query = quota.query.clone();
    let used = reading.map(|reading| reading.used).filter(|used| used.is_finite());
    let Some(used) = used else { return Wish::Hold(HoldReason::Quota { query, used_ppm: None }) };
    let used_ppm = (used.max(0.0) * f64::from(Weight::FULL.ppm())).round() as u64;
    if used_ppm > u64::from(quota.lower_above.ppm()) {
        Wish::Lower(used_ppm)
    } else if used_ppm > u64::from(quota.hold_above.ppm()) {
        Wish::Hold(HoldReason::Quota { query, used_ppm: Some(used_ppm) })
    } else {
        Wish::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_beyond_a_limit_holds_or_lowers_and_none_holds() {
        let weight = |ppm| Weight::from_ppm(ppm).unwrap();
        let quota = Quota {
            query: "cpu".to_owned(),
            lower_above: weight(800_000),
            to: weight(50_000),
            hold_above: weight(700_000),
        };
        let hold = |used_ppm| Wish::Hold(HoldReason::Quota { query: "cpu".to_owned(), used_ppm });
        for (used, expected) in [
            (Some(0.0), Wish::Nothing),
            (Some(-1.0), Wish::Nothing),
            (Some(0.7), Wish::Nothing),
            (Some(0.71), hold(Some(710_000))),
            (Some(0.8), hold(Some(800_000))),
            (Some(0.81), Wish::Lower(810_000)),
            (Some(2.0), Wish::Lower(2_000_000)),
            (Some(f64::NAN), hold(None)),
            (None, hold(None)),
        ] {
            assert_eq!(wish(&quota, used.map(|used| Reading { used })), expected, "{used:?}");
        }
    }
}
