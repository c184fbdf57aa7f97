//! From a service of the assignment to its index.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use serin_proto::assignment::{self as plain, Anonymous, ArmIndex, KeySource, PathPattern, Salt, Segment};

use super::candidates::{Rank, Search};
use super::conditions::{Conditions, ValueMatch};
use super::paths::PathIndex;
use crate::arms::ring::{self, RingTag};
use crate::baggage::Blocks;
use crate::request::RequestView;
use crate::train::Train;

/// A service, ready for requests.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) name: Box<str>,
    pub(crate) arms: Vec<Arc<str>>,
    pub(crate) salt: Salt,
    /// Arms with the end of their part of the ring, in parts per million. The rest is the baseline's.
    pub(crate) ring: Vec<(u32, ArmIndex)>,
    pub(crate) users: Vec<Source>,
    pub(crate) sessions: Vec<Source>,
    pub(crate) anonymous: Anonymous,
    pub(crate) rules: Vec<Rule>,
    pub(crate) components: Vec<Component>,
    pub(crate) train: Option<Train>,
    /// Whether it takes beacons.
    pub(crate) behaviour: bool,
    /// Header by which its first rule on countries tells them apart.
    pub(crate) country: Option<Box<str>>,
    /// Monotonic time since which every request gets the arm that it gets now.
    pub(crate) chosen_since_ns: u64,
    /// Number of its first series among all of the assignment.
    pub(crate) first_series: usize,
    /// Conditions and component by rank.
    conditions: Vec<Conditions>,
    owners: Vec<usize>,
    paths: PathIndex,
}

/// A place in the request.
#[derive(Debug, PartialEq)]
pub(crate) enum Source {
    Header(Box<str>),
    Cookie(Box<str>),
}

/// A rule, ready for requests.
#[derive(Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) when: Condition,
    pub(crate) arm: ArmIndex,
    pub(crate) share_ppm: u32,
    pub(crate) tag: RingTag,
}

/// Which requests a rule takes; an attribute is a header here.
#[derive(Debug, PartialEq)]
pub(crate) enum Condition {
    Header(Box<str>, ValueMatch),
    Cookie(Box<str>, ValueMatch),
    Users(Vec<String>),
    Geo(Box<str>, Vec<String>),
}

/// What a component says about its requests.
#[derive(Debug)]
pub(crate) struct Component {
    pub(crate) name: Box<str>,
    pub(crate) pinned: Option<ArmIndex>,
    pub(crate) blocks: Blocks,
}

impl Service {
    /// Whether every request gets the same arm from both.
    pub(crate) fn chooses_as<'a>(&'a self, other: &'a Self) -> bool {
        let pins = |service: &'a Self| service.components.iter().map(|one| (&*one.name, one.pinned));
        self.name == other.name
            && self.salt == other.salt
            && self.ring == other.ring
            && self.arms == other.arms
            && (&self.users, &self.sessions) == (&other.users, &other.sessions)
            && self.anonymous == other.anonymous
            && self.rules == other.rules
            && pins(self).eq(pins(other))
    }

    /// How many series it has: each arm of each component, and of its unmatched requests.
    pub(super) fn series(&self) -> usize {
        (self.components.len() + 1) * self.arms.len()
    }

    /// Number of a series among all of the assignment. The unmatched requests come first.
    pub(super) fn series_number(&self, component: Option<usize>, arm: ArmIndex) -> Option<usize> {
        let row = component.map_or(0, |component| component + 1);
        (row <= self.components.len() && arm.index() < self.arms.len())
            .then(|| self.first_series + row * self.arms.len() + arm.index())
    }

    /// The component of a request.
    pub(super) fn find(&self, request: &impl RequestView) -> Option<usize> {
        self.find_counting(request).0
    }

    /// The component of a request, and the steps that finding it took.
    pub(super) fn find_counting(&self, request: &impl RequestView) -> (Option<usize>, usize) {
        let mut search = Search::new(&self.conditions);
        self.paths.search(request, &mut search);
        let best = search.best.and_then(|rank| usize::try_from(rank).ok());
        (best.and_then(|rank| self.owners.get(rank).copied()), search.steps)
    }
}

pub(super) fn service(service: &plain::Service, first_series: usize) -> Service {
    let (conditions, owners, paths) = index(&service.components);
    let mut end = 0;
    let ring = service
        .split
        .iter()
        .map(|share| {
            end += share.weight.ppm();
            (end, share.arm)
        })
        .collect();
    Service {
        name: service.name.as_str().into(),
        arms: service.arms.iter().map(|arm| arm.as_str().into()).collect(),
        salt: service.salt,
        ring,
        users: sources(&service.identity.user),
        sessions: sources(&service.identity.session),
        anonymous: service.identity.anonymous.clone(),
        rules: service.rules.iter().map(|one| rule(one, service)).collect(),
        components: service
            .components
            .iter()
            .map(|one| Component {
                name: one.name.as_str().into(),
                pinned: one.pinned,
                blocks: Blocks::new(&one.blocks),
            })
            .collect(),
        train: Train::of(service),
        behaviour: service.behaviour,
        country: service.rules.iter().find_map(|one| match &one.when {
            plain::Condition::Geo(header, _) => Some(header.as_str().into()),
            plain::Condition::Header(..)
            | plain::Condition::Cookie(..)
            | plain::Condition::Users(_)
            | plain::Condition::Attribute(..) => None,
        }),
        chosen_since_ns: 0,
        first_series,
        conditions,
        owners,
        paths,
    }
}

fn index(components: &[plain::Component]) -> (Vec<Conditions>, Vec<usize>, PathIndex) {
    let declared = components
        .iter()
        .enumerate()
        .flat_map(|(owner, component)| component.matches.iter().map(move |one| (owner, one)));
    let mut matches = BTreeMap::new();
    for (order, (owner, one)) in declared.enumerate() {
        let (path, conditions) = (one.path.as_ref(), Conditions::new(one));
        matches.insert((specificity(path), Reverse(conditions.count()), order), (owner, path, conditions));
    }
    let mut paths = PathIndex::default();
    let (mut all, mut owners) = (Vec::with_capacity(matches.len()), Vec::with_capacity(matches.len()));
    for (rank, (owner, path, conditions)) in (0 as Rank..).zip(matches.into_values()) {
        paths.insert(rank, path, &conditions);
        all.push(conditions);
        owners.push(owner);
    }
    (all, owners, paths)
}

/// Lower is more specific: the kind of pattern, then the number of literal segments or the length.
fn specificity(path: Option<&PathPattern>) -> (u8, Reverse<usize>) {
    match path {
        Some(PathPattern::Exact(_)) => (0, Reverse(0)),
        Some(PathPattern::Template(segments)) => {
            let literal = segments.iter().filter(|segment| matches!(segment, Segment::Literal(_))).count();
            (1, Reverse(literal))
        }
        Some(PathPattern::Prefix(prefix)) => (2, Reverse(prefix.len())),
        None => (3, Reverse(0)),
    }
}

fn sources(sources: &[KeySource]) -> Vec<Source> {
    let source = |source: &KeySource| match source {
        KeySource::Header(name) => Source::Header(name.as_str().into()),
        KeySource::Cookie(name) => Source::Cookie(name.as_str().into()),
    };
    sources.iter().map(source).collect()
}

fn rule(rule: &plain::RoutingRule, service: &plain::Service) -> Rule {
    let when = match &rule.when {
        plain::Condition::Header(name, value) | plain::Condition::Attribute(name, value) => {
            Condition::Header(name.as_str().into(), value.into())
        }
        plain::Condition::Cookie(name, value) => Condition::Cookie(name.as_str().into(), value.into()),
        plain::Condition::Users(users) => Condition::Users(users.clone()),
        plain::Condition::Geo(name, values) => Condition::Geo(name.as_str().into(), values.clone()),
    };
    let tag = ring::rule_tag(&rule.when, service.arm_name(rule.arm));
    Rule { when, arm: rule.arm, share_ppm: rule.share.ppm(), tag }
}
