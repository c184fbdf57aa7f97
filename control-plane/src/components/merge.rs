//! From plans and routes to components.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serin_proto::assignment::{OVERFLOW, UNMATCHED};
use serin_rollout::Granularity;

use super::observed::is_observed;
use super::{Component, Route, Source, Tag};
use crate::fleet::nodes::Told;
use crate::fleet::report::{TagWeight, Tags};
use crate::snapshot::{self, Snapshot};
use serin_rollout::plan::{TakenFrom, TakenTag};

/// What is known of one component before its tags are settled.
#[derive(Default)]
pub(super) struct Draft<'a> {
    /// The newest rollout of its service.
    rollout: Option<&'a Snapshot>,
    /// What that one's plan says about it.
    planned: Option<&'a snapshot::Component>,
    told: Vec<&'a Told>,
}

/// Why a tag of a planned component is in force.
enum Given {
    /// The plan gives it.
    Plan,
    /// The rollout took it from these routes when it was created.
    Taken(Vec<String>),
    /// Nobody gives it.
    Open,
}

/// Joins what the plans of the current rollouts say with what the routes say. Pure, and the same for any order of either.
#[must_use]
pub fn merge(rollouts: &[Arc<Snapshot>], told: &[Told]) -> Vec<Component> {
    let mut drafts = BTreeMap::<(&str, &str), Draft<'_>>::new();
    let current = rollouts.iter().map(AsRef::as_ref).filter(|rollout| rollout.current);
    let current: BTreeMap<&str, &Snapshot> = current.map(|one| (one.service.as_str(), one)).collect();
    for (service, rollout) in &current {
        for planned in rollout.components.iter().filter(|one| one.name != UNMATCHED) {
            let draft = Draft { rollout: Some(rollout), planned: Some(planned), told: Vec::new() };
            drafts.insert((service, &planned.name), draft);
        }
    }
    for one in told {
        let rollout = current.get(one.said.service.as_str()).copied();
        if rollout.is_some_and(|rollout| is_outdated(rollout, one)) {
            continue;
        }
        let draft = drafts.entry((&one.said.service, component_of(one))).or_default();
        draft.rollout = rollout;
        draft.told.push(one);
    }
    drafts.into_iter().map(|((service, name), draft)| draft.settle(service, name)).collect()
}

pub(super) fn is_matched(component: &str) -> bool {
    component != UNMATCHED && component != OVERFLOW
}

pub(super) fn named(told: &Told) -> Option<&str> {
    told.said.tags.as_ref().and_then(|tags| tags.component.as_deref())
}

/// The component that a route speaks of: the one that its requests belong to, else the one that it names.
fn component_of(told: &Told) -> &str {
    let matched = told.said.component.as_str();
    if is_matched(matched) { matched } else { named(told).unwrap_or(UNMATCHED) }
}

/// Whether a route was told when its requests were matched by an earlier plan, which may have matched them otherwise.
fn is_outdated(rollout: &Snapshot, told: &Told) -> bool {
    let matched = told.said.component.as_str();
    let is_planned = rollout.components.iter().any(|one| one.name == matched);
    told.at < rollout.created_at && !(is_matched(matched) && is_planned)
}

impl<'a> Draft<'a> {
    /// Of what these routes say, whatever a plan does.
    pub(super) fn of(told: Vec<&'a Told>) -> Self {
        Self { told, ..Self::default() }
    }

    fn settle(mut self, service: &str, name: &str) -> Component {
        self.told.sort_by(|left, right| (&left.said, &left.named).cmp(&(&right.said, &right.named)));
        let mut words = self.places();
        let planned = self.planned;
        let component = Component {
            granularity: self.granularity(&mut words),
            business_weight: self.business_weight(&mut words),
            depends_on: self.depends_on(&mut words),
            owner: self.owner(&mut words),
            service: service.to_owned(),
            name: name.to_owned(),
            rollout: self.rollout.filter(|_| planned.is_some()).map(|rollout| rollout.id.clone()),
            blocks: planned.map(|one| one.blocks.clone()).unwrap_or_default(),
            routes: self.told.iter().map(|one| route(one)).collect(),
            calls: Vec::new(),
            returns_with: planned.map(|one| one.returns_with.clone()).unwrap_or_default(),
            switched_off_with: planned.map(|one| one.switched_off_with.clone()).unwrap_or_default(),
            contradictions: Vec::new(),
        };
        for one in &self.told {
            let faults = one.said.malformed.iter();
            words.extend(faults.map(|fault| format!("{}: not taken: {fault}", who(&[one]))));
        }
        let omitted =
            component.rollout.as_ref().and(self.rollout).map(|rollout| rollout.not_taken.as_slice());
        let omitted = omitted.unwrap_or_default().iter().filter(|one| one.component == name);
        words.extend(omitted.map(|one| one.words.clone()));
        Component { contradictions: words, ..component }
    }

    fn granularity(&self, words: &mut Vec<String>) -> Tag<Granularity> {
        let planned =
            self.planned.map(|one| (one.granularity, self.given("granularity", one.said.granularity)));
        let say = |value: &Granularity| word(*value).to_owned();
        self.tag("granularity", planned, Granularity::default(), |tags| tags.granularity, say, words)
    }

    fn business_weight(&self, words: &mut Vec<String>) -> Tag<f64> {
        let planned = self
            .planned
            .map(|one| (one.business_weight, self.given("business_weight", one.said.business_weight)));
        let of = |tags: &Tags| tags.business_weight.map(TagWeight::value);
        self.tag("weight", planned, 1.0, of, f64::to_string, words)
    }

    fn depends_on(&self, words: &mut Vec<String>) -> Tag<Vec<String>> {
        let planned =
            self.planned.map(|one| (self.declared(one), self.given("depends_on", one.said.depends_on)));
        let of = |tags: &Tags| Some(sorted(&tags.depends_on)).filter(|names| !names.is_empty());
        let say = |names: &Vec<String>| match names.as_slice() {
            [] => "nothing".to_owned(),
            names => names.join(", "),
        };
        self.tag("depends_on", planned, Vec::new(), of, say, words)
    }

    /// An owner decides nothing, so a plan that names none overrides none.
    fn owner(&self, words: &mut Vec<String>) -> Tag<Option<String>> {
        let planned = self.planned.filter(|one| one.owner.is_some());
        let planned = planned.map(|one| (one.owner.clone(), self.given("owner", one.said.owner)));
        let say = |owner: &Option<String>| owner.clone().unwrap_or_default();
        self.tag("owner", planned, None, |tags| tags.owner.clone().map(Some), say, words)
    }

    /// What a component needs but for what only observed calls say.
    fn declared(&self, planned: &snapshot::Component) -> Vec<String> {
        let taken = self.rollout.map(|rollout| rollout.taken.as_slice()).unwrap_or_default();
        let is_observed = |name: &&String| {
            taken.iter().any(|one| {
                let TakenTag::DependsOn { needed, .. } = &one.tag else { return false };
                one.component == planned.name && needed == *name && is_observed(&one.from)
            })
        };
        let declared = planned.depends_on.iter().filter(|name| !is_observed(name));
        declared.cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Why a tag is in force that the plan `says` or not.
    fn given(&self, tag: &str, says: bool) -> Given {
        if says {
            return Given::Plan;
        }
        let (Some(rollout), Some(planned)) = (self.rollout, self.planned) else { return Given::Open };
        let taken = rollout.taken.iter().filter(|one| one.component == planned.name && one.tag.name() == tag);
        let mut routes = BTreeSet::new();
        taken.for_each(|one| {
            if let TakenFrom::Routes { routes: more } = &one.from {
                routes.extend(more.iter().cloned());
            }
        });
        if routes.is_empty() { Given::Open } else { Given::Taken(routes.into_iter().collect()) }
    }

    /// Where the plan puts the requests of the routes, if not where these say that they belong.
    fn places(&self) -> Vec<String> {
        let rollout = self.plan();
        let place = |told: &&Told| {
            let (who, matched) = (who(&[told]), told.said.component.as_str());
            match (named(told), is_matched(matched)) {
                (Some(named), true) if named != matched => Some(format!(
                    "component: {who} says {named}, {rollout} matches its requests as {matched}: the plan holds"
                )),
                (_, true) => None,
                (named, false) => {
                    let named =
                        named.map_or_else(|| "names none".to_owned(), |named| format!("says {named}"));
                    Some(format!(
                        "component: {who} {named}, but no match of {rollout} covers its requests: they count as {matched}"
                    ))
                }
            }
        };
        self.told.iter().filter_map(place).collect()
    }

    fn plan(&self) -> String {
        self.rollout
            .map_or_else(|| "a plan".to_owned(), |rollout| format!("the plan of rollout {}", rollout.id))
    }

    /// Settles one tag. `planned`: the value that is in force in the rollout, and why.
    fn tag<T: Clone + PartialEq>(
        &self,
        tag: &str,
        planned: Option<(T, Given)>,
        default: T,
        of: impl Fn(&Tags) -> Option<T>,
        say: impl Fn(&T) -> String,
        words: &mut Vec<String>,
    ) -> Tag<T> {
        let statements = self.statements(of, &say);
        if let Some((value, given)) = planned {
            let others = statements.iter().filter(|(other, _)| *other != value);
            words.extend(others.map(|(other, told)| {
                let (who, other, plan, value) = (who(told), say(other), self.plan(), say(&value));
                let end = match &given {
                    Given::Plan => format!("says {value}: the plan holds"),
                    Given::Taken(_) => {
                        format!("leaves it open and {value} was taken when it began: that holds")
                    }
                    Given::Open => format!("leaves it open: the default, {value}, holds"),
                };
                format!("{tag}: {who} says {other}, {plan} {end}")
            }));
            return Tag { value, source: given.source() };
        }
        let Some((value, told)) = statements.first() else {
            return Tag { value: default, source: Source::Default };
        };
        if statements.len() > 1 {
            let all = statements.iter().map(|(value, told)| format!("{} says {}", who(told), say(value)));
            words.push(format!(
                "{tag}: {}: what most Envoys say is shown",
                all.collect::<Vec<_>>().join(", ")
            ));
        }
        let routes: BTreeSet<String> = told.iter().map(|one| one.said.route.clone()).collect();
        Tag { value: value.clone(), source: Source::RouteMetadata { routes: routes.into_iter().collect() } }
    }

    /// What the routes say of one tag, that of most Envoys first.
    pub(super) fn statements<T: Clone + PartialEq>(
        &self,
        of: impl Fn(&Tags) -> Option<T>,
        say: impl Fn(&T) -> String,
    ) -> Vec<(T, Vec<&Told>)> {
        let mut statements = Vec::<(T, Vec<&Told>)>::new();
        for &one in &self.told {
            let Some(value) = one.said.tags.as_ref().and_then(&of) else { continue };
            match statements.iter_mut().find(|(known, _)| *known == value) {
                Some((_, told)) => told.push(one),
                None => statements.push((value, vec![one])),
            }
        }
        let nodes = |told: &[&Told]| told.iter().map(|one| u64::from(one.nodes)).sum::<u64>();
        statements.sort_by_cached_key(|(value, told)| (std::cmp::Reverse(nodes(told)), say(value)));
        statements
    }
}

impl Given {
    fn source(self) -> Source {
        match self {
            Self::Plan => Source::Plan,
            Self::Taken(routes) => Source::RouteMetadata { routes },
            Self::Open => Source::Default,
        }
    }
}

pub(super) fn sorted(names: &[String]) -> Vec<String> {
    names.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

pub(super) fn word(granularity: Granularity) -> &'static str {
    match granularity {
        Granularity::Coarse => "coarse",
        Granularity::Medium => "medium",
        Granularity::Fine => "fine",
    }
}

/// Which routes of which Envoys.
pub(super) fn who(told: &[&Told]) -> String {
    let one = |one: &&Told| {
        let route = match one.said.route.as_str() {
            "" => "an unnamed route".to_owned(),
            name => format!("route {name}"),
        };
        let more = usize::try_from(one.nodes).unwrap_or(usize::MAX).saturating_sub(one.named.len());
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("{route} on {}{more}", one.named.join(", "))
    };
    told.iter().map(one).collect::<Vec<_>>().join(" and ")
}

fn route(told: &Told) -> Route {
    Route {
        route: told.said.route.clone(),
        matched: told.said.component.clone(),
        nodes: told.nodes,
        named: told.named.clone(),
        malformed: told.said.malformed.clone(),
        told_at: told.at,
    }
}

#[cfg(test)]
pub(super) mod tests;
