//! Counts and times over decisions.

use std::collections::BTreeMap;

use serin_proto::admin::v1 as api;

use crate::{clock, words};

/// Weeks that are told apart, the present one with them.
const WEEKS: u64 = 12;
const WEEK_MS: u64 = 7 * 86_400_000;
/// From the start of the Unix age, a Thursday, to the Monday before it.
const MONDAY_MS: u64 = 3 * 86_400_000;

/// Median and 95th percentile of times.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Quantiles {
    /// Median. `None`: no time is known.
    pub median_ms: Option<u64>,
    /// 95th percentile.
    pub p95_ms: Option<u64>,
    /// Of how many.
    pub count: usize,
}

/// One week.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Week {
    /// Its Monday, as month and day.
    pub label: String,
    /// Rollbacks at any level.
    pub rollbacks: u64,
    /// From the first second of the evidence to the decision.
    pub detection: Quantiles,
    /// From the decision until all living VMs applied it.
    pub applied: Quantiles,
}

/// One service.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct OfService {
    /// Promoted versions.
    pub promotions: u64,
    /// Versions that were rolled back as a whole.
    pub returned: u64,
    /// Rollbacks at any level.
    pub rollbacks: u64,
    /// Rollbacks that people marked as false alarms.
    pub false_alarms: u64,
    /// As in [`Week`].
    pub detection: Quantiles,
    /// As in [`Week`].
    pub applied: Quantiles,
}

/// All of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Trends {
    /// Promoted versions.
    pub promotions: u64,
    /// Versions that were rolled back as a whole.
    pub returned: u64,
    /// Rollbacks at any level.
    pub rollbacks: u64,
    /// Of these, those that nobody asked for.
    pub automatic: u64,
    /// Rollbacks that people marked as right.
    pub right: u64,
    /// Rollbacks that people marked as false alarms.
    pub false_alarms: u64,
    /// As in [`Week`].
    pub detection: Quantiles,
    /// As in [`Week`].
    pub applied: Quantiles,
    /// By name.
    pub services: BTreeMap<String, OfService>,
    /// The last twelve weeks, the oldest first.
    pub weeks: Vec<Week>,
}

/// What became of rollouts, by their decisions.
#[must_use]
pub fn trends(decisions: &[api::Decision], now_ms: u64) -> Trends {
    let all: Vec<&api::Decision> = decisions.iter().collect();
    let rollbacks = || all.iter().filter(|one| one.is_rollback);
    let mut services: BTreeMap<String, Vec<&api::Decision>> = BTreeMap::new();
    for one in decisions {
        services.entry(one.service.clone()).or_default().push(one);
    }
    let of = of_service(&all);
    Trends {
        promotions: of.promotions,
        returned: of.returned,
        rollbacks: of.rollbacks,
        automatic: rollbacks().filter(|one| one.actor == "serin").count() as u64,
        right: rollbacks().filter(|one| one.mark() == api::Mark::Right).count() as u64,
        false_alarms: of.false_alarms,
        detection: of.detection,
        applied: of.applied,
        services: services.into_iter().map(|(name, of)| (name, of_service(&of))).collect(),
        weeks: weeks(&all, now_ms),
    }
}

fn of_service(decisions: &[&api::Decision]) -> OfService {
    let count =
        |wanted: &dyn Fn(&api::Decision) -> bool| decisions.iter().filter(|one| wanted(one)).count() as u64;
    OfService {
        promotions: count(&|one| one.kind == "promoted"),
        returned: count(&|one| one.kind == "rolled_back"),
        rollbacks: count(&|one| one.is_rollback),
        false_alarms: count(&|one| one.is_rollback && one.mark() == api::Mark::FalseAlarm),
        detection: quantiles(decisions.iter().filter_map(|one| detection_ms(one)).collect()),
        applied: quantiles(
            decisions.iter().filter(|one| one.is_rollback).filter_map(|one| one.applied_ms).collect(),
        ),
    }
}

/// Of an automatic rollback: the time from its first evidence.
fn detection_ms(one: &api::Decision) -> Option<u64> {
    let onset = words::millis(one.onset_at.as_ref());
    let is_found = one.is_rollback && one.actor == "serin" && onset > 0;
    is_found.then(|| words::millis(one.at.as_ref()).saturating_sub(onset))
}

/// By the nearest rank.
fn quantiles(mut times: Vec<u64>) -> Quantiles {
    times.sort_unstable();
    let rank = |percent: usize| times.get((times.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    Quantiles { median_ms: rank(50), p95_ms: rank(95), count: times.len() }
}

fn weeks(decisions: &[&api::Decision], now_ms: u64) -> Vec<Week> {
    let number = |ms: u64| (ms + MONDAY_MS) / WEEK_MS;
    let newest = number(now_ms);
    let week = |week: u64| {
        let of: Vec<&api::Decision> =
            decisions.iter().filter(|one| number(words::millis(one.at.as_ref())) == week).copied().collect();
        let monday = (week * WEEK_MS).saturating_sub(MONDAY_MS);
        let OfService { rollbacks, detection, applied, .. } = of_service(&of);
        Week {
            label: clock::date(monday).get(5..).unwrap_or_default().to_owned(),
            rollbacks,
            detection,
            applied,
        }
    };
    (newest.saturating_sub(WEEKS - 1)..=newest).map(week).collect()
}

#[cfg(test)]
mod tests {
    use prost_types::Timestamp;

    use super::*;

    fn decision(kind: &str, second: i64, detection_s: i64, applied_ms: u64) -> api::Decision {
        api::Decision {
            service: "shop".to_owned(),
            kind: kind.to_owned(),
            actor: "serin".to_owned(),
            is_rollback: kind != "promoted",
            at: Some(Timestamp { seconds: second, nanos: 0 }),
            onset_at: (kind != "promoted").then_some(Timestamp { seconds: second - detection_s, nanos: 0 }),
            applied_ms: Some(applied_ms),
            ..Default::default()
        }
    }

    #[test]
    fn rollbacks_promotions_and_times_are_counted_by_week_and_service() {
        // Monday, 2026-11-30, 01:03:10.
        let monday = 1_796_000_590;
        let mut false_alarm = decision("components_rolled_back", monday - 86_400, 20, 900);
        false_alarm.mark = api::Mark::FalseAlarm.into();
        let all = [
            decision("rolled_back", monday, 4, 400),
            false_alarm,
            decision("promoted", monday - 8 * 86_400, 0, 300),
            decision("promoted", monday - 9 * 86_400, 0, 300),
        ];
        let trends = trends(&all, u64::try_from(monday).unwrap() * 1_000);
        assert_eq!((trends.promotions, trends.returned, trends.rollbacks, trends.automatic), (2, 1, 2, 2));
        assert_eq!(trends.detection, Quantiles { median_ms: Some(4_000), p95_ms: Some(20_000), count: 2 });
        assert_eq!(trends.applied, Quantiles { median_ms: Some(400), p95_ms: Some(900), count: 2 });
        assert_eq!((trends.services["shop"].false_alarms, trends.weeks.len()), (1, 12));
        let newest: Vec<(&str, u64)> =
            trends.weeks[10..].iter().map(|week| (week.label.as_str(), week.rollbacks)).collect();
        assert_eq!(newest, [("11-23", 1), ("11-30", 1)]);
    }
}
