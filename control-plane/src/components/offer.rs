//! What a new rollout takes from routes and observed calls, where its plan is silent.
//!
//! A tag is taken if all routes of the component that carry it agree, on all Envoys. Observed calls become edges beside what is
//! declared, of the kind that the plan asks for. What is taken becomes part of the rollout, so that whatever routes and traces
//! say later changes nothing of it.

use std::collections::BTreeSet;

use serin_rollout::Plan;
use serin_rollout::plan::{NotTaken, ObservedCalls, Omitted, OnRollback, Taken, TakenFrom, TakenTag};

use super::merge::{Draft, is_matched, named, sorted, who, word};
use crate::calls::Observed;
use crate::fleet::nodes::Told;
use crate::fleet::report::{TagWeight, Tags};

/// Observed calls of one component that are taken: those to what it calls most.
const CALLS_MAX: usize = 16;

/// The plan with what it takes from what routes say and traces showed, and what of it cannot be taken. Pure, and the same for
/// any order of `told` and `observed`. An arm of an experiment is stopped as a whole, so an experiment takes nothing.
#[must_use]
pub fn taking(plan: &Plan, told: &[Told], observed: &[Observed]) -> (Plan, Vec<Omitted>) {
    if plan.experiment().is_some() {
        return (plan.clone(), Vec::new());
    }
    let mut offer = Offer::default();
    for component in plan.components() {
        let mine = told.iter().filter(|one| is_of(plan, one, component.name));
        let mut mine: Vec<&Told> = mine.collect();
        mine.sort_by(|left, right| (&left.said, &left.named).cmp(&(&right.said, &right.named)));
        offer.component(plan.service(), component.name, *component.said, &Draft::of(mine));
    }
    // After all that is declared, which holds.
    offer.taken.extend(plan.components().flat_map(|one| calls(plan, one.name, observed)));
    let (plan, not_taken) = plan.taking(&offer.taken);
    let mut omitted = offer.omitted;
    omitted.extend(not_taken.iter().filter_map(NotTaken::omitted));
    (plan, omitted)
}

/// What a component was seen to call.
fn calls(plan: &Plan, component: &str, observed: &[Observed]) -> Vec<Taken> {
    let on_rollback = match plan.observed_calls() {
        ObservedCalls::Ignore => return Vec::new(),
        ObservedCalls::Stay => OnRollback::Stay,
        ObservedCalls::Move => OnRollback::Move,
    };
    // A component of the service that the plan has no more is no edge of it.
    let is_there = |one: &&Observed| one.needed.contains('/') || plan.component(&one.needed).is_some();
    let mine = observed.iter().filter(|one| one.service == plan.service() && one.component == component);
    let mut mine: Vec<&Observed> = mine.filter(is_there).collect();
    mine.sort_by(|left, right| (right.calls, &left.needed).cmp(&(left.calls, &right.needed)));
    let taken = mine.into_iter().take(CALLS_MAX).map(|one| Taken {
        component: component.to_owned(),
        tag: TakenTag::DependsOn { needed: one.needed.clone(), on_rollback },
        from: TakenFrom::ObservedCalls { calls: one.calls, canary_only: one.is_canary_only() },
    });
    taken.collect()
}

/// Whether a route speaks of a component of the plan: its requests belonged to it so far, or it names it.
fn is_of(plan: &Plan, told: &Told, component: &str) -> bool {
    if told.said.service != plan.service() {
        return false;
    }
    let matched = told.said.component.as_str();
    match named(told) {
        Some(name) if is_matched(matched) && plan.component(matched).is_some() => {
            name == component && name == matched
        }
        Some(name) => name == component,
        None => is_matched(matched) && matched == component,
    }
}

/// What routes say of all components, as far as they agree.
#[derive(Default)]
struct Offer {
    taken: Vec<Taken>,
    omitted: Vec<Omitted>,
}

impl Offer {
    fn component(&mut self, service: &str, name: &str, said: serin_rollout::plan::Said, draft: &Draft<'_>) {
        if !said.granularity {
            let say = |value: &_| word(*value).to_owned();
            let agreed = self.agreed(name, "granularity", draft, |tags| tags.granularity, say);
            self.take(name, agreed, |granularity| vec![TakenTag::Granularity { granularity }]);
        }
        if !said.business_weight {
            let say = |value: &TagWeight| value.value().to_string();
            let agreed = self.agreed(name, "weight", draft, |tags| tags.business_weight, say);
            self.take(name, agreed, |weight| {
                vec![TakenTag::BusinessWeight { thousandths: weight.thousandths() }]
            });
        }
        if !said.depends_on {
            let of = |tags: &Tags| Some(sorted(&tags.depends_on)).filter(|names| !names.is_empty());
            let agreed = self.agreed(name, "depends_on", draft, of, |names: &Vec<String>| names.join(", "));
            let own = format!("{service}/");
            let edge = |needed: String| TakenTag::DependsOn {
                needed: needed.strip_prefix(&own).map(str::to_owned).unwrap_or(needed),
                on_rollback: OnRollback::Move,
            };
            self.take(name, agreed, |needs| needs.into_iter().map(edge).collect());
        }
        if !said.owner {
            let agreed = self.agreed(name, "owner", draft, |tags| tags.owner.clone(), String::clone);
            self.take(name, agreed, |owner| vec![TakenTag::Owner { owner }]);
        }
    }

    /// What all routes that carry a tag say, and which they are.
    fn agreed<T: Clone + PartialEq>(
        &mut self,
        component: &str,
        tag: &str,
        draft: &Draft<'_>,
        of: impl Fn(&Tags) -> Option<T>,
        say: impl Fn(&T) -> String,
    ) -> Option<(T, Vec<String>)> {
        let statements = draft.statements(of, &say);
        if let [(value, told)] = statements.as_slice() {
            let routes: BTreeSet<String> = told.iter().map(|one| one.said.route.clone()).collect();
            return Some((value.clone(), routes.into_iter().collect()));
        }
        if !statements.is_empty() {
            let all = statements.iter().map(|(value, told)| format!("{} says {}", who(told), say(value)));
            let words = format!("{tag}: {}: none was taken", all.collect::<Vec<_>>().join(", "));
            self.omitted.push(Omitted { component: component.to_owned(), words });
        }
        None
    }

    fn take<T>(
        &mut self,
        component: &str,
        agreed: Option<(T, Vec<String>)>,
        tags: impl FnOnce(T) -> Vec<TakenTag>,
    ) {
        let Some((value, routes)) = agreed else { return };
        let taken = tags(value).into_iter().map(|tag| Taken {
            component: component.to_owned(),
            tag,
            from: TakenFrom::Routes { routes: routes.clone() },
        });
        self.taken.extend(taken);
    }
}

#[cfg(test)]
mod tests;
