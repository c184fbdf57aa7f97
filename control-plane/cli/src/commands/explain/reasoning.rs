//! A decision of the filter in words, and as JSON.

use serde::Serialize;
use serin_filter_core::arms::{Decision, KeyOrigin, Place, Why};
use serin_proto::assignment::{
    ArmIndex, Assignment, BASELINE, Condition, Generation, HeaderValue, KeySource, RoutingRule, Service,
    UNMATCHED, Weight,
};

use crate::output::{Sheet, percent};

/// Which arm a request gets, and why.
#[derive(Debug, Serialize)]
pub(super) struct Explanation {
    generation: u64,
    service: Option<String>,
    rollout: Option<String>,
    component: Option<String>,
    /// `None`: drawn at random, by `chances`.
    pub(super) arm: Option<String>,
    pub(super) why: Step,
    /// The rule that decided.
    pub(super) rule: Option<Rule>,
    /// What put the request on the ring.
    key: Option<String>,
    /// Its place on the ring.
    position_ppm: Option<u32>,
    pub(super) chances: Vec<Chance>,
    /// Name of the session cookie that the request is given.
    issues_cookie: Option<String>,
    /// One sentence.
    pub(super) text: String,
}

/// The step of the filter's order that decides.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// No service claims the request's host.
    NoService,
    /// A rollback pinned the component.
    Pinned,
    /// The user's place in a train.
    Train,
    /// A routing rule.
    Rule,
    /// No arm but the baseline has weight.
    NoWeight,
    /// The weights, by a place on the ring.
    Weights,
    /// A request without identity goes to the baseline.
    Anonymous,
    /// A request without identity: drawn at random.
    Draw,
}

/// A routing rule.
#[derive(Debug, Serialize)]
pub(super) struct Rule {
    /// Place in the order in which rules are tried, from 1.
    pub(super) number: usize,
    when: String,
    share_ppm: u32,
}

/// The chance of an arm.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Chance {
    pub(super) arm: String,
    pub(super) ppm: u32,
}

impl Explanation {
    /// A request that the filter leaves alone.
    pub(super) fn unclaimed(assignment: &Assignment, host: &str) -> Self {
        let text = if assignment.services.is_empty() {
            "the assignment names no service, so the filter leaves every request to Envoy's routes".to_owned()
        } else {
            format!("no service claims the host {host:?}, so the filter leaves the request to Envoy's routes")
        };
        Self {
            generation: assignment.generation.0,
            service: None,
            rollout: None,
            component: None,
            arm: Some(BASELINE.to_owned()),
            why: Step::NoService,
            rule: None,
            key: None,
            position_ppm: None,
            chances: vec![Chance { arm: BASELINE.to_owned(), ppm: Weight::FULL.ppm() }],
            issues_cookie: None,
            text,
        }
    }

    pub(super) fn of(
        generation: Generation,
        service: &Service,
        decision: &Decision<'_>,
        chances: &[(ArmIndex, u32)],
    ) -> Self {
        let component = decision.at.component.and_then(|component| service.components.get(component));
        let cookie = decision.issue.map(|(cookie, _)| cookie.name.clone());
        let drawn = chances.len() > 1;
        let chances: Vec<Chance> = chances
            .iter()
            .map(|(arm, ppm)| Chance { arm: service.arm_name(*arm).to_owned(), ppm: *ppm })
            .collect();
        let place = place(decision.why).filter(|_| !drawn);
        let why = if drawn { Step::Draw } else { step(decision.why) };
        Self {
            generation: generation.0,
            service: Some(service.name.clone()),
            rollout: service.rollout.clone(),
            component: Some(component.map_or(UNMATCHED, |component| &component.name).to_owned()),
            arm: (!drawn).then(|| service.arm_name(decision.arm).to_owned()),
            why,
            rule: rule(service, decision.why).filter(|_| !drawn),
            key: place.and_then(|place| key(service, place.key)),
            position_ppm: place.map(|place| place.position.ppm()),
            text: if drawn { draw_text(&chances, cookie.as_deref()) } else { text(service, decision) },
            chances,
            issues_cookie: cookie,
        }
    }

    pub(super) fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::default();
        if let Some(service) = &self.service {
            let rollout = self
                .rollout
                .as_ref()
                .map_or_else(|| "no active rollout".to_owned(), |rollout| format!("rollout {rollout}"));
            sheet.field("Service", &format!("{service} ({rollout})"));
        }
        if let Some(component) = &self.component {
            sheet.field("Component", component);
        }
        sheet.field("Arm", &self.arm.clone().unwrap_or_else(|| self.chances_text()));
        sheet.field("Because", &self.text);
        sheet.field("Assignment", &format!("generation {}", self.generation));
        sheet
    }

    fn chances_text(&self) -> String {
        chances_text(&self.chances)
    }
}

fn chances_text(chances: &[Chance]) -> String {
    let parts: Vec<String> =
        chances.iter().map(|chance| format!("{} {}", chance.arm, percent(chance.ppm))).collect();
    parts.join(", ")
}

fn step(why: Why) -> Step {
    match why {
        Why::Pinned => Step::Pinned,
        Why::Train => Step::Train,
        Why::Rule { .. } => Step::Rule,
        Why::NoWeight => Step::NoWeight,
        Why::Ring(_) => Step::Weights,
        Why::Anonymous => Step::Anonymous,
    }
}

/// The place of an identity that the request brings itself.
fn place(why: Why) -> Option<Place> {
    let place = match why {
        Why::Rule { place, .. } => place?,
        Why::Ring(place) => place,
        Why::Pinned | Why::Train | Why::NoWeight | Why::Anonymous => return None,
    };
    match place.key {
        KeyOrigin::User(_) | KeyOrigin::Session(_) => Some(place),
        KeyOrigin::Issued | KeyOrigin::Drawn => None,
    }
}

fn rule(service: &Service, why: Why) -> Option<Rule> {
    let Why::Rule { rule: index, .. } = why else { return None };
    let rule = service.rules.get(index)?;
    Some(Rule { number: index + 1, when: condition(&rule.when), share_ppm: rule.share.ppm() })
}

fn key(service: &Service, key: KeyOrigin) -> Option<String> {
    let (kind, source) = match key {
        KeyOrigin::User(index) => ("user id", service.identity.user.get(index)?),
        KeyOrigin::Session(index) => ("session id", service.identity.session.get(index)?),
        KeyOrigin::Issued | KeyOrigin::Drawn => return None,
    };
    Some(match source {
        KeySource::Header(name) => format!("{kind} from header {name}"),
        KeySource::Cookie(name) => format!("{kind} from cookie {name}"),
    })
}

fn text(service: &Service, decision: &Decision<'_>) -> String {
    let arm = service.arm_name(decision.arm);
    match decision.why {
        Why::Pinned => format!("the component is pinned to {arm}, before every rule and weight"),
        Why::Train => format!("the user is on the {arm} of another service of the train"),
        Why::NoWeight => "no rule takes the request, and no arm but the baseline has weight".to_owned(),
        Why::Anonymous => {
            "the request has no user or session id, and such requests go to the baseline".to_owned()
        }
        Why::Rule { rule, place } => match service.rules.get(rule) {
            Some(taken) => rule_text(service, rule, taken, place),
            None => format!("rule {} decides", rule + 1),
        },
        Why::Ring(place) => format!("{}, and {}", place_text(service, place), stretches(service)),
    }
}

fn rule_text(service: &Service, index: usize, rule: &RoutingRule, place: Option<Place>) -> String {
    let (number, when, arm) = (index + 1, condition(&rule.when), service.arm_name(rule.arm));
    match place {
        None => format!("rule {number} ({when}) sends all that match to {arm}"),
        Some(place) => {
            let (share, place) = (percent(rule.share.ppm()), place_text(service, place));
            format!("rule {number} ({when}) sends {share} of those that match to {arm}, and {place}")
        }
    }
}

fn place_text(service: &Service, place: Place) -> String {
    let key = key(service, place.key).unwrap_or_else(|| "request".to_owned());
    format!("the {key} falls on {} of the ring", percent(place.position.ppm()))
}

/// Which arm owns which part of the ring.
fn stretches(service: &Service) -> String {
    let mut start = 0;
    let mut parts = Vec::new();
    for share in service.split.iter().filter(|share| share.weight != Weight::ZERO) {
        let end = start + share.weight.ppm();
        parts.push(format!("{} has {} to {}", service.arm_name(share.arm), percent(start), percent(end)));
        start = end;
    }
    if start < Weight::FULL.ppm() {
        parts.push(format!("{BASELINE} the rest"));
    }
    parts.join(", ")
}

fn draw_text(chances: &[Chance], cookie: Option<&str>) -> String {
    let chances = chances_text(chances);
    match cookie {
        Some(cookie) => format!(
            "the request has no user or session id: it is given the cookie {cookie}, drawn at random ({chances}), and \
             keeps its arm by it"
        ),
        None => format!("the request has no user or session id: its arm is drawn at random ({chances})"),
    }
}

fn condition(condition: &Condition) -> String {
    match condition {
        Condition::Header(name, value) => format!("header {name} {}", comparison(value)),
        Condition::Cookie(name, value) => format!("cookie {name} {}", comparison(value)),
        Condition::Attribute(name, value) => format!("attribute {name} {}", comparison(value)),
        Condition::Users(users) => format!("user id in a list of {}", users.len()),
        Condition::Geo(name, places) => format!("{name} is one of {}", listed(places)),
    }
}

fn comparison(value: &HeaderValue) -> String {
    match value {
        HeaderValue::Exact(text) => format!("is {text:?}"),
        HeaderValue::Prefix(text) => format!("begins with {text:?}"),
        HeaderValue::Present => "is present".to_owned(),
    }
}

fn listed(values: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = values.iter().take(SHOWN).map(String::as_str).collect();
    let more = values.len().saturating_sub(SHOWN);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
