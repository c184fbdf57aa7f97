//! What the evidence of a decision looks like: the messages that the charts of live pages draw, made from its documents.

use std::collections::BTreeMap;

use serde_json::Value;
use serin_proto::admin::v1 as api;

use super::documents::{list, number, text, whole};

/// Components whose latencies and counts are drawn.
const SCOPES: usize = 3;

/// How the strongest evidence grew: of the scopes that the decision is about, else of the version.
pub(super) fn paths(path: &Value, names: &[String]) -> Vec<api::EvidencePath> {
    let mut by_series: BTreeMap<(String, String), api::EvidencePath> = BTreeMap::new();
    for point in list(path, "points") {
        for series in list(point, "series") {
            let (scope, signal) = (text(series, "scope"), text(series, "signal"));
            let is_wanted =
                if names.is_empty() { scope.is_empty() } else { names.iter().any(|name| name == scope) };
            if !is_wanted {
                continue;
            }
            let key = (scope.to_owned(), signal.to_owned());
            let label = if scope.is_empty() {
                signal.to_owned()
            } else {
                format!("{} of {scope}", crate::words::signal(signal))
            };
            let one = by_series
                .entry(key)
                .or_insert_with(|| api::EvidencePath { signal: label, ..Default::default() });
            one.log_threshold = number(series, "log_threshold");
            one.points.push(api::EvidencePoint {
                second: whole(point, "second"),
                log_evidence: number(series, "log_evidence"),
            });
        }
    }
    let mut paths: Vec<api::EvidencePath> = by_series.into_values().collect();
    let reached = |path: &api::EvidencePath| {
        path.points.last().map_or(0.0, |point| point.log_evidence) / path.log_threshold.max(1e-9)
    };
    paths.sort_by(|one, other| reached(other).total_cmp(&reached(one)));
    paths.truncate(SCOPES);
    paths
}

/// Latencies of both arms over the minute before, of one component.
pub(super) fn latencies(latencies: &Value, names: &[String]) -> Vec<api::LatencyDistribution> {
    let is_wanted =
        |one: &&Value| names.is_empty() || names.first().is_some_and(|name| name == text(one, "component"));
    let mut by_arm: BTreeMap<&str, BTreeMap<u64, u64>> = BTreeMap::new();
    for one in list(latencies, "histograms").iter().filter(is_wanted) {
        let bins = by_arm.entry(text(one, "arm")).or_default();
        for bin in list(one, "bins") {
            let at = |index: usize| bin.get(index).and_then(Value::as_u64).unwrap_or_default();
            *bins.entry(at(0)).or_default() += at(1);
        }
    }
    // Only the upper end is kept: a bin is about a thirtieth of it wide.
    let bucket =
        |(to_us, requests): (u64, u64)| api::LatencyBucket { from_us: to_us - to_us / 32, to_us, requests };
    let arm = |(arm, bins): (&str, BTreeMap<u64, u64>)| api::LatencyDistribution {
        arm: arm.to_owned(),
        buckets: bins.into_iter().map(bucket).collect(),
    };
    by_arm.into_iter().map(arm).collect()
}

/// Both arms in slots, before and after the decision, of the components that it is about.
pub(super) fn slots(before: &Value, after: &Value, names: &[String]) -> Vec<api::CountSlot> {
    let mut by_second: BTreeMap<u64, api::CountSlot> = BTreeMap::new();
    for counts in [before, after] {
        let seconds = u32::try_from(whole(counts, "slot_s")).unwrap_or_default().max(1);
        for slot in list(counts, "slots") {
            if !names.is_empty() && !names.iter().any(|name| name == text(slot, "component")) {
                continue;
            }
            let from_second = whole(slot, "second");
            let of = by_second.entry(from_second).or_insert_with(|| api::CountSlot {
                from_second,
                seconds,
                arms: Vec::new(),
            });
            add(&mut of.arms, slot);
        }
    }
    by_second.into_values().collect()
}

fn add(arms: &mut Vec<api::ArmSummary>, slot: &Value) {
    let name = text(slot, "arm");
    if !arms.iter().any(|arm| arm.arm == name) {
        arms.push(api::ArmSummary { arm: name.to_owned(), ..Default::default() });
    }
    if let Some(arm) = arms.iter_mut().find(|arm| arm.arm == name) {
        arm.requests += whole(slot, "started");
        arm.errors += whole(slot, "failed");
    }
}
