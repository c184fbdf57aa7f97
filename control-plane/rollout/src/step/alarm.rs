//! From an alarm to what is rolled back.

use std::collections::BTreeSet;

use serin_analysis::BlockEvidence;
use serin_analysis::verdict::Alarm;
use serin_proto::assignment::{Granularity, Weight};

use crate::event::{Dependents, Fact, Impact};
use crate::plan::PlannedComponent;
use crate::{Cause, Judgement, Plan, State};

/// What has to be rolled back.
pub(super) enum Demand {
    /// The whole version.
    Version(Cause),
    /// Some components alone.
    Components(Return),
    /// Some blocks of one component.
    Blocks(Restore),
}

/// Blocks of one component that return to their previous versions, none of them before.
pub(super) struct Restore {
    pub(super) component: String,
    /// Strongest evidence first.
    pub(super) blocks: Vec<String>,
}

impl Restore {
    /// The blocks at fault of a component that regressed. `None`: none is known that was not restored before.
    fn of(plan: &Plan, state: &State, component: &str, judgement: &Judgement) -> Option<Self> {
        let planned = plan.component(component)?;
        if planned.granularity != Granularity::Fine {
            return None;
        }
        let mut found: Vec<&BlockEvidence> =
            judgement.component(component)?.assessment.blocks.iter().collect();
        found.retain(|block| block.at_fault && !state.blocks.contains_key(&block.name));
        found.sort_by(|a, b| b.log_evidence.total_cmp(&a.log_evidence));
        let blocks: Vec<String> = found.iter().map(|block| block.name.clone()).collect();
        (!blocks.is_empty()).then(|| Self { component: component.to_owned(), blocks })
    }

    /// Why.
    pub(super) fn cause(&self) -> Cause {
        Cause::BlocksAtFault { component: self.component.clone(), blocks: self.blocks.clone() }
    }

    /// The event.
    pub(super) fn fact(self, plan: &Plan, cause: Cause, evidence: Option<Box<Judgement>>) -> Fact {
        let fallback = |name: &String| {
            Some((name.clone(), plan.block(name).map(|(_, block)| block.fallback().to_owned())?))
        };
        let alone = BTreeSet::from([self.component.clone()]);
        Fact::BlocksRestored {
            blocks: self.blocks.iter().filter_map(fallback).collect(),
            impact: evidence.as_ref().map(|judgement| impact(plan, &alone, judgement)),
            component: self.component,
            cause,
            evidence,
        }
    }
}

/// Components that return to the baseline together, none of them before.
pub(super) struct Return {
    /// Those that it is for. Of several that regressed those that depend on no other of them: there the cause is likely.
    regressed: BTreeSet<String>,
    /// Others that cannot work without these.
    dependents: Dependents,
}

impl Return {
    /// `regressed` and what cannot work without them, but for what was returned before.
    pub(super) fn of(plan: &Plan, state: &State, regressed: &BTreeSet<String>) -> Self {
        let needs = |name: &String| plan.needs_of(name, regressed);
        let regressed: BTreeSet<String> =
            regressed.iter().filter(|name| needs(name).is_empty()).cloned().collect();
        let moved = plan.with_dependents(&regressed).into_iter();
        let moved = moved.filter(|name| !regressed.contains(name) && !is_returned(state, name));
        let dependents = moved.map(|name| (plan.needs_of(&name, &regressed).into_iter().collect(), name));
        Self { dependents: Dependents(dependents.map(|(needs, name)| (name, needs)).collect()), regressed }
    }

    /// Those that it is for, sorted.
    pub(super) fn regressed(&self) -> Vec<String> {
        self.regressed.iter().cloned().collect()
    }

    fn all(&self) -> BTreeSet<String> {
        self.regressed.iter().chain(self.dependents.0.keys()).cloned().collect()
    }

    /// The event.
    pub(super) fn fact(self, plan: &Plan, cause: Cause, evidence: Option<Box<Judgement>>) -> Fact {
        let all = self.all();
        Fact::ComponentsRolledBack {
            impact: evidence.as_ref().map(|judgement| impact(plan, &all, judgement)),
            components: all.into_iter().collect(),
            dependents: self.dependents,
            cause,
            evidence,
        }
    }
}

impl Demand {
    /// What regressed. Empty: the version.
    pub(super) fn regressed(&self) -> Vec<String> {
        match self {
            Self::Version(Cause::CoarseComponent { component }) => vec![component.clone()],
            Self::Version(Cause::CoarseDependent { regressed, .. }) => regressed.clone(),
            Self::Version(_) => Vec::new(),
            Self::Components(together) => together.regressed(),
            Self::Blocks(restore) => vec![restore.component.clone()],
        }
    }
}

fn is_returned(state: &State, name: &str) -> bool {
    state.pinned.contains_key(name)
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
    let fresh: BTreeSet<String> = names.iter().filter(|name| !is_returned(state, name)).cloned().collect();
    if fresh.is_empty() {
        return None;
    }
    if let Some(component) = fresh.iter().find(|name| undoes_version(plan, name)) {
        return Some(Demand::Version(Cause::CoarseComponent { component: component.clone() }));
    }
    let together = Return::of(plan, state, &fresh);
    if let Some(component) = together.dependents.0.keys().find(|name| undoes_version(plan, name)) {
        let (component, regressed) = (component.clone(), together.regressed());
        return Some(Demand::Version(Cause::CoarseDependent { component, regressed }));
    }
    let flagged: BTreeSet<String> = together.all().into_iter().chain(state.pinned.keys().cloned()).collect();
    if let Some(traffic_ppm) = escalates(plan, &flagged, judgement) {
        let before = state.pinned.iter().filter(|(_, pin)| !pin.needs.is_empty());
        let mut dependents = together.dependents;
        dependents.0.extend(before.map(|(name, pin)| (name.clone(), pin.needs.clone())));
        let components = flagged.into_iter().collect();
        return Some(Demand::Version(Cause::TooManyComponents { components, dependents, traffic_ppm }));
    }
    let restore = together.regressed.iter().find_map(|name| Restore::of(plan, state, name, judgement));
    Some(restore.map_or(Demand::Components(together), Demand::Blocks))
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
fn escalates(plan: &Plan, flagged: &BTreeSet<String>, judgement: &Judgement) -> Option<Weight> {
    let share = impact(plan, flagged, judgement).traffic_ppm;
    let several = flagged.len() > 1 && share > plan.escalation();
    let is_all = share == Weight::FULL;
    (several || is_all).then_some(share)
}

/// What components carry. Both arms are counted, because a component that was rolled back has no canary requests any more.
fn impact(plan: &Plan, components: &BTreeSet<String>, judgement: &Judgement) -> Impact {
    let (mut of, mut all) = (0_u128, 0_u128);
    for one in &judgement.components {
        all += u128::from(one.requests);
        of += if components.contains(&one.name) { u128::from(one.requests) } else { 0 };
    }
    let traffic = (of * u128::from(Weight::FULL.ppm())).checked_div(all).unwrap_or_default();
    let weight = |planned: PlannedComponent<'_>| planned.business_weight;
    let named = plan.components().filter(|planned| components.contains(planned.name));
    let (of, all): (f64, f64) = (named.map(weight).sum(), plan.components().map(weight).sum());
    let business = if all > 0.0 { of / all * f64::from(Weight::FULL.ppm()) } else { 0.0 };
    let at_most_all = |ppm: u32| Weight::from_ppm(ppm).unwrap_or(Weight::FULL);
    Impact {
        traffic_ppm: at_most_all(u32::try_from(traffic).unwrap_or(u32::MAX)),
        business_weight_ppm: at_most_all(business.round() as u32),
    }
}
