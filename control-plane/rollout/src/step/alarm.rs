//! From an alarm to what is rolled back.

use std::collections::BTreeSet;

use serin_analysis::verdict::Alarm;
use serin_proto::assignment::{Granularity, Weight};

use crate::{Cause, Judgement, Plan, State};

/// What has to be rolled back.
pub(super) enum Demand {
    /// The whole version.
    Version(Cause),
    /// These components, sorted, none of them rolled back before.
    Components(Vec<String>),
}

/// What the alarm asks for. `None`: nothing that was not done before.
pub(super) fn demand(plan: &Plan, state: &State, judgement: &Judgement) -> Option<Demand> {
    let names = match judgement.alarm.as_ref()? {
        Alarm::Version => {
            let predicted = judgement.version.predicted();
            let cause =
                predicted.map(|trend| Cause::Predicted { components: Vec::new(), signal: trend.signal });
            return Some(Demand::Version(cause.unwrap_or(Cause::VersionRegressed)));
        }
        Alarm::Components(names) => names,
    };
    let fresh: BTreeSet<&String> = names.iter().filter(|name| !state.pinned.contains_key(*name)).collect();
    if fresh.is_empty() {
        return None;
    }
    if let Some(component) = fresh.iter().find(|name| undoes_version(plan, name)) {
        return Some(Demand::Version(Cause::CoarseComponent { component: (*component).clone() }));
    }
    let flagged: BTreeSet<&String> = fresh.iter().copied().chain(state.pinned.keys()).collect();
    if let Some(traffic_ppm) = escalates(plan, &flagged, judgement) {
        let components = flagged.into_iter().cloned().collect();
        return Some(Demand::Version(Cause::TooManyComponents { components, traffic_ppm }));
    }
    Some(Demand::Components(fresh.into_iter().cloned().collect()))
}

/// Why these components are rolled back.
pub(super) fn cause(components: Vec<String>, judgement: &Judgement) -> Cause {
    let named = judgement.components.iter().filter(|component| components.contains(&component.name));
    let predicted: Option<Vec<_>> = named.map(|component| component.assessment.predicted()).collect();
    match predicted.unwrap_or_default().first() {
        Some(trend) => Cause::Predicted { components, signal: trend.signal },
        None => Cause::ComponentsRegressed { components },
    }
}

/// Coarse components, and those that the plan does not name (`unmatched`), which cannot be returned alone.
fn undoes_version(plan: &Plan, name: &str) -> bool {
    match plan.component(name).map(|component| component.granularity) {
        None | Some(Granularity::Coarse) => true,
        Some(Granularity::Medium | Granularity::Fine) => false,
    }
}

/// The flagged part of the traffic, when it is all of it, or when several components together are above the plan's
/// share. A single component is returned alone however much it carries: that is what its owner asked for.
///
/// Both arms are counted, because a component that was rolled back has no canary requests any more.
fn escalates(plan: &Plan, flagged: &BTreeSet<&String>, judgement: &Judgement) -> Option<Weight> {
    let mut total = 0_u128;
    let mut part = 0_u128;
    for component in &judgement.components {
        total += u128::from(component.requests);
        if flagged.contains(&component.name) {
            part += u128::from(component.requests);
        }
    }
    let whole = u128::from(Weight::FULL.ppm());
    let ppm = (part * whole).checked_div(total)?;
    let share = u32::try_from(ppm).ok().and_then(Weight::from_ppm)?;
    let several = flagged.len() > 1 && share > plan.escalation();
    (several || part == total).then_some(share)
}
