//! One component with the numbers behind its verdict.

use std::collections::BTreeMap;

use serin_analysis::LatencyHistogram;
use serin_evidence::course::{Counted, Recent, SLOT_S, ScopePoint};
use serin_proto::admin::v1 as api;
use serin_proto::assignment::{BASELINE, CANARY};
use tonic::Status;

use super::{Admin, convert, failure};
use crate::rollouts::{Detail, Minute};

impl Admin {
    /// A component of a rollout; an empty name is the whole version.
    pub(crate) async fn component(&self, id: &str, name: &str) -> Result<api::GetComponentResponse, Status> {
        let snapshot = self.find(id)?.borrow().clone();
        let detail =
            self.rollouts.detail(snapshot.id.clone(), name.to_owned()).await.map_err(failure::status)?;
        let component = snapshot.components.iter().find(|component| component.name == name);
        Ok(answer(component.map(convert::component), &detail))
    }

    /// What the components of a rollout got lately, by name.
    pub(crate) async fn recent(&self, id: &str) -> Result<BTreeMap<String, Vec<api::CountSlot>>, Status> {
        let recent = self.rollouts.recent(id.to_owned()).await.map_err(failure::status)?;
        let of = |counts: &Vec<Counted>| slots(&recent, counts);
        Ok(recent.components.iter().map(|(name, counts)| (name.clone(), of(counts))).collect())
    }
}

fn answer(component: Option<api::Component>, detail: &Detail) -> api::GetComponentResponse {
    let both = [(BASELINE, &detail.latencies.baseline), (CANARY, &detail.latencies.canary)];
    api::GetComponentResponse {
        component,
        latencies: both.map(|(arm, histogram)| distribution(arm, histogram)).into(),
        paths: paths(&detail.path),
        slots: slots(
            &detail.recent,
            &detail.recent.components.values().flatten().copied().collect::<Vec<_>>(),
        ),
        control: detail.charts.iter().map(|((arm, signal), minutes)| series(arm, signal, minutes)).collect(),
    }
}

fn distribution(arm: &str, histogram: &LatencyHistogram) -> api::LatencyDistribution {
    let buckets = histogram.ranges_us();
    let buckets = buckets.map(|(from_us, to_us, requests)| api::LatencyBucket { from_us, to_us, requests });
    api::LatencyDistribution { arm: arm.to_owned(), buckets: buckets.collect() }
}

/// One path for each signal, with the newest threshold.
fn paths(points: &[ScopePoint]) -> Vec<api::EvidencePath> {
    let mut paths = BTreeMap::<&'static str, api::EvidencePath>::new();
    for point in points {
        let path = paths.entry(point.signal.name()).or_default();
        path.signal = point.signal.name().to_owned();
        path.log_threshold = point.log_threshold;
        path.points.push(api::EvidencePoint { second: point.second, log_evidence: point.log_evidence });
    }
    paths.into_values().collect()
}

/// Slots by time, in which the counts of each arm are added up.
fn slots(recent: &Recent, counts: &[Counted]) -> Vec<api::CountSlot> {
    let mut by_slot = BTreeMap::<u64, BTreeMap<u16, (u64, u64)>>::new();
    for counted in counts {
        let (requests, errors) = by_slot.entry(counted.second).or_default().entry(counted.arm).or_default();
        *requests = requests.saturating_add(counted.started);
        *errors = errors.saturating_add(counted.failed);
    }
    let arm = |(number, (requests, errors)): (u16, (u64, u64))| {
        let name = recent.arms.get(&number).cloned().unwrap_or_default();
        api::ArmSummary { arm: name, requests, errors, ..api::ArmSummary::default() }
    };
    let slots = by_slot.into_iter().map(|(from_second, arms)| api::CountSlot {
        from_second,
        seconds: u32::try_from(SLOT_S).unwrap_or(u32::MAX),
        arms: arms.into_iter().map(arm).collect(),
    });
    slots.collect()
}

fn series(arm: &str, signal: &str, minutes: &[Minute]) -> api::ControlSeries {
    let minutes = minutes.iter().map(|minute| api::ControlMinute {
        at_second: minute.at,
        value: minute.value.into(),
        usual: minute.usual.into(),
        lower_limit: minute.lower_limit.into(),
        upper_limit: minute.upper_limit.into(),
        ewma: minute.ewma.into(),
        is_out: minute.is_out,
    });
    api::ControlSeries { arm: arm.to_owned(), signal: signal.to_owned(), minutes: minutes.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_all_components_are_added_up_by_slot_and_arm() {
        let counted =
            |second, arm, started, failed| Counted { second, arm, started, finished: started, failed };
        let arms = BTreeMap::from([(0, "baseline".to_owned()), (1, "canary".to_owned())]);
        let recent = Recent { arms, components: BTreeMap::new() };
        let counts = [counted(5, 0, 10, 1), counted(5, 1, 2, 0), counted(10, 1, 3, 3), counted(5, 0, 20, 2)];
        let slots = slots(&recent, &counts);
        assert_eq!(slots.iter().map(|slot| slot.from_second).collect::<Vec<_>>(), [5, 10]);
        let told: Vec<_> =
            slots[0].arms.iter().map(|arm| (arm.arm.as_str(), arm.requests, arm.errors)).collect();
        assert_eq!(told, [("baseline", 30, 3), ("canary", 2, 0)]);
    }
}
