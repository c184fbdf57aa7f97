//! From an alarm to what is rolled back.

use std::collections::BTreeSet;

use serin_analysis::verdict::Alarm;
use serin_analysis::{BlockEvidence, Reason};
use serin_proto::assignment::{Granularity, Weight};

use crate::event::{Beyond, Dependents, Fact, Impact};
use crate::plan::{Escalation, PlannedComponent, Undone};
use crate::{Cause, ComponentJudgement, Judgement, Plan, State};

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
    /// Those that it is for. Of several that regressed those that the others need: there the cause is likely.
    regressed: BTreeSet<String>,
    /// Others that cannot work without what goes.
    dependents: Dependents,
    /// Others whose feature is switched off for that.
    disabled: Dependents,
    /// Others that regressed too, and may recover now.
    recovering: BTreeSet<String>,
}

impl Return {
    /// `regressed` and what cannot work without them, but for what went before.
    pub(super) fn of(plan: &Plan, state: &State, regressed: &BTreeSet<String>) -> Self {
        let causes = plan.causes_among(regressed);
        let Undone { moved, disabled } = plan.undone_with(&causes);
        let needing = |names: &BTreeSet<String>, is_done: &dyn Fn(&String) -> bool| {
            let new = names.iter().filter(|name| !causes.contains(*name) && !is_done(name));
            let needs = |name: &String| plan.needs_of(name, &causes).into_iter().collect();
            Dependents(new.map(|name| (name.clone(), needs(name))).collect())
        };
        let goes = |name: &&String| !moved.contains(*name) && !disabled.contains(*name);
        Self {
            dependents: needing(&moved, &|name| is_returned(state, name)),
            disabled: needing(&disabled, &|name| {
                is_returned(state, name) || state.disabled.contains_key(name)
            }),
            recovering: regressed.iter().filter(goes).cloned().collect(),
            regressed: causes,
        }
    }

    /// What goes because components of another service, named `SERVICE/COMPONENT`, returned. `None`: nothing new.
    pub(super) fn of_foreign(plan: &Plan, state: &State, returned: &BTreeSet<String>) -> Option<Self> {
        let mut together = Self::of(plan, state, returned);
        together.regressed.clear();
        let goes = !together.dependents.0.is_empty() || !together.disabled.0.is_empty();
        goes.then_some(together)
    }

    /// Those that it is for, sorted.
    pub(super) fn regressed(&self) -> Vec<String> {
        self.regressed.iter().cloned().collect()
    }

    /// Those that the others need.
    pub(super) fn needed(&self) -> BTreeSet<String> {
        self.dependents.0.values().chain(self.disabled.0.values()).flatten().cloned().collect()
    }

    /// A dependent whose rollback undoes the whole version.
    pub(super) fn coarse(&self, plan: &Plan) -> Option<&String> {
        self.dependents.0.keys().find(|name| undoes_version(plan, name))
    }

    fn all(&self) -> BTreeSet<String> {
        self.regressed.iter().chain(self.dependents.0.keys()).cloned().collect()
    }

    /// The event.
    pub(super) fn fact(self, plan: &Plan, cause: Cause, evidence: Option<Box<Judgement>>) -> Fact {
        let all = self.all();
        let affected: BTreeSet<String> = all.iter().chain(self.disabled.0.keys()).cloned().collect();
        Fact::ComponentsRolledBack {
            impact: evidence.as_ref().map(|judgement| impact(plan, &affected, judgement)),
            components: all.into_iter().collect(),
            dependents: self.dependents,
            disabled: self.disabled,
            recovering: self.recovering.into_iter().collect(),
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
            let cause = cause.or_else(|| judgement.told()).unwrap_or(Cause::VersionRegressed);
            return Some(Demand::Version(cause));
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
    let suspected = with_suspects(plan, state, judgement, fresh);
    let together = Return::of(plan, state, &suspected);
    if let Some(component) = together.coarse(plan) {
        let (component, regressed) = (component.clone(), together.regressed());
        return Some(Demand::Version(Cause::CoarseDependent { component, regressed }));
    }
    let gone = together.all().into_iter().chain(together.recovering.iter().cloned());
    let flagged: BTreeSet<String> = gone.chain(state.pinned.keys().cloned()).collect();
    if let Some((traffic_ppm, beyond)) = escalates(plan, &flagged, judgement) {
        let before = state.pinned.iter().filter(|(_, pin)| !pin.needs.is_empty());
        let mut dependents = together.dependents;
        dependents.0.extend(before.map(|(name, pin)| (name.clone(), pin.needs.clone())));
        let components = flagged.into_iter().collect();
        let cause = Cause::TooManyComponents { components, dependents, traffic_ppm, beyond };
        return Some(Demand::Version(cause));
    }
    let restore = together.regressed.iter().find_map(|name| Restore::of(plan, state, name, judgement));
    Some(restore.map_or(Demand::Components(together), Demand::Blocks))
}

/// `regressed`, and what they need that looks worse too, though that is not proved yet. Where those that call a component cross
/// their threshold a second before it does, it is the likely cause all the same.
fn with_suspects(
    plan: &Plan,
    state: &State,
    judgement: &Judgement,
    regressed: BTreeSet<String>,
) -> BTreeSet<String> {
    let is_suspect = |one: &&ComponentJudgement| {
        let assessment = &one.assessment;
        assessment.vetoes.is_empty() && assessment.reasons.iter().any(Reason::is_doubtful)
    };
    let suspects = judgement.components.iter().filter(is_suspect).map(|one| one.name.clone());
    let suspects: BTreeSet<String> = suspects.filter(|name| !is_returned(state, name)).collect();
    let needed = regressed.iter().flat_map(|name| plan.needs_of(name, &suspects));
    let needed: BTreeSet<String> = needed.filter(|name| !undoes_version(plan, name)).collect();
    regressed.into_iter().chain(needed).collect()
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
pub(super) fn undoes_version(plan: &Plan, name: &str) -> bool {
    match plan.component(name).map(|component| component.granularity) {
        None | Some(Granularity::Coarse) => true,
        Some(Granularity::Medium | Granularity::Fine) => false,
    }
}

/// The flagged part of the traffic and the limit that is exceeded, when it is all of the traffic, or when several
/// components together are beyond a limit of the plan. A single component is returned alone however much it carries: that is
/// what its owner asked for.
fn escalates(plan: &Plan, flagged: &BTreeSet<String>, judgement: &Judgement) -> Option<(Weight, Beyond)> {
    let Impact { traffic_ppm, business_weight_ppm } = impact(plan, flagged, judgement);
    let Escalation { traffic, business_weight, components } = *plan.escalation();
    let count = u64::try_from(flagged.len()).unwrap_or(u64::MAX);
    let beyond = if traffic_ppm == Weight::FULL || (count > 1 && traffic_ppm > traffic) {
        Beyond::Traffic
    } else if count > 1 && business_weight_ppm > business_weight {
        Beyond::BusinessWeight { business_weight_ppm }
    } else if components.is_some_and(|most| count > 1 && count > most) {
        Beyond::Components
    } else {
        return None;
    };
    Some((traffic_ppm, beyond))
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
