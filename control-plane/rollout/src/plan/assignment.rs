//! What the filters are told: the plan's part of the assignment, in every state.

use std::time::Duration;

use serin_proto::assignment::{BASELINE, CANARY, Granularity, Weight, raw as proto};

use super::blocks::is_name;
use super::check::{Findings, accept};
use super::{Experiment, Plan, behaviour, bounds, raw};
use crate::{Phase, State};

/// Name of the cookie that anonymous requests are given, unless the plan names another.
const COOKIE: &str = "serin-session";
/// Version of a feature that is switched off.
pub(crate) const OFF: &str = "off";
/// A salt for checks only; every rollout has its own.
const NO_SALT: &str = "00000000000000000000000000000000";

impl Plan {
    /// What the filters are told about the service in this state.
    ///
    /// While the rollout is open, the rules stand beside the weight, even a weight of 0. Rolled back or failed, all
    /// traffic goes to the baseline, rules or not; on the way there only the weight counts; promoted, all goes to the canary except components that were rolled
    /// back, which stay on the baseline.
    #[must_use]
    pub fn service_assignment(&self, state: &State) -> proto::Service {
        let mut service = self.template.clone();
        service.salt = state.salt_hex();
        match state.phase {
            Phase::RolledBack | Phase::Failed => {
                service.split.clear();
                service.rules.clear();
                service.identity = proto::Identity::default();
                return service;
            }
            Phase::RollingBack | Phase::Promoted => service.rules.clear(),
            // Nobody gets a version whose schema changes are not done, not even those who ask for it.
            Phase::WarmingUp | Phase::Paused { .. } if state.waiting => service.rules.clear(),
            Phase::WarmingUp | Phase::Progressing | Phase::Paused { .. } | Phase::Completing => {}
        }
        service.rollout = Some(state.id.0.clone());
        match &self.experiment {
            Some(experiment) => split_among(experiment, state, &mut service),
            None => {
                service.split = vec![proto::Share { arm: CANARY.to_owned(), weight_ppm: state.weight.ppm() }];
            }
        }
        for component in &mut service.components {
            if state.pinned.contains_key(&component.name) {
                component.pinned = Some(BASELINE.to_owned());
            }
            let is_off = state.disabled.contains_key(&component.name);
            let feature = self.component(&component.name).and_then(|planned| planned.feature);
            for block in &mut component.blocks {
                let restored = state.blocks.get(&block.name).map(|restored| restored.version.clone());
                let off = || (is_off && feature == Some(&block.name)).then(|| OFF.to_owned());
                block.restored = restored.or_else(off);
                // The promoted version, with what it was restored to, runs at the baseline's endpoint then.
                block.everywhere = block.restored.is_some() && state.is_handed_over();
            }
        }
        service
    }
}

/// Each arm has its part of the ring. One that does not run leaves it to the baseline, so that nobody else moves. Its rules
/// lead to the baseline too; those that take a part of who matches are left out, because the part is drawn by the arm's name.
fn split_among(experiment: &Experiment, state: &State, service: &mut proto::Service) {
    let share = |arm: &super::PlannedArm| proto::Share {
        arm: if state.arm_runs(&arm.name) { arm.name.clone() } else { BASELINE.to_owned() },
        weight_ppm: arm.weight.ppm(),
    };
    service.split = experiment.arms().iter().map(share).collect();
    let gone = |rule: &proto::RoutingRule| rule.arm != BASELINE && !state.arm_runs(&rule.arm);
    let takes_all = |rule: &proto::RoutingRule| rule.share_ppm.is_none_or(|ppm| ppm == Weight::FULL.ppm());
    service.rules.retain(|rule| !gone(rule) || takes_all(rule));
    for rule in service.rules.iter_mut().filter(|rule| gone(rule)) {
        BASELINE.clone_into(&mut rule.arm);
    }
}

/// The service as every state tells it, with the weight left at nothing.
pub(super) fn template(raw: raw::Plan, findings: &mut Findings) -> proto::Service {
    let written_sources = raw.identity.session.len();
    let behaviour = behaviour::is_enabled(&raw);
    let identity = identity(raw.identity, findings);
    let rules = raw.rules.into_iter().enumerate().map(|(index, rule)| routing_rule(index, rule, findings));
    let rules: Vec<_> = rules.collect();
    let mut components: Vec<_> = raw.components.into_iter().map(component).collect();
    let split = match raw.kind {
        raw::Kind::Rollout => vec![proto::Share { arm: CANARY.to_owned(), weight_ppm: 0 }],
        raw::Kind::Experiment => {
            components.iter_mut().for_each(|component| component.granularity = Granularity::Coarse);
            let arms = raw.arms.into_iter().flatten().take(bounds::EXPERIMENT_ARMS);
            arms.map(|arm| proto::Share { arm: arm.name, weight_ppm: 0 }).collect()
        }
    };
    let frame = proto::Service {
        name: raw.service,
        hosts: raw.hosts,
        rollout: None,
        salt: NO_SALT.to_owned(),
        split,
        identity,
        rules: Vec::new(),
        components: Vec::new(),
        train: None,
        train_key: None,
        behaviour,
    };
    let whole = proto::Service { rules, components, ..frame.clone() };
    check(frame, &whole, written_sources, findings);
    whole
}

/// The parts one by one, so that an error in one does not hide those of the others; then all together, for what
/// no two parts may share.
fn check(frame: proto::Service, whole: &proto::Service, written_sources: usize, findings: &mut Findings) {
    let (bare, before) =
        (proto::Service { name: "x".to_owned(), hosts: Vec::new(), ..frame.clone() }, findings.len());
    let added = format!("identity.session[{written_sources}]");
    accept(frame, findings, |field| match field.starts_with(&added) {
        true => "identity.anonymous.issue_cookie.name".to_owned(),
        false => plan_field(field),
    });
    for (index, rule) in whole.rules.iter().enumerate() {
        let part = proto::Service { rules: vec![rule.clone()], ..bare.clone() };
        accept(part, findings, |field| {
            plan_field(&field.replacen("rules[0]", &format!("rules[{index}]"), 1))
        });
    }
    for (index, component) in whole.components.iter().enumerate() {
        let part = proto::Service { components: vec![component.clone()], ..bare.clone() };
        let name = format!("components[{index}]");
        accept(part, findings, |field| plan_field(&field.replacen("components[0]", &name, 1)));
    }
    if findings.len() == before {
        accept(whole.clone(), findings, plan_field);
    }
}

/// The plan's name of a field of the assignment.
fn plan_field(field: &str) -> String {
    match field {
        "name" => "service".to_owned(),
        "identity.anonymous.issue_cookie.max_age_s" => "identity.anonymous.issue_cookie.max_age".to_owned(),
        other => match other.strip_suffix(".share_ppm") {
            Some(rule) => format!("{rule}.share"),
            None => match other.strip_prefix("split[").and_then(|rest| rest.strip_suffix("].arm")) {
                Some(index) => format!("arms[{index}].name"),
                None => other.to_owned(),
            },
        },
    }
}

fn identity(raw: raw::Identity, findings: &mut Findings) -> proto::Identity {
    let raw::Identity { user, mut session, anonymous } = raw;
    let anonymous = match anonymous {
        raw::Anonymous::Random => proto::Anonymous::Random,
        raw::Anonymous::Baseline => proto::Anonymous::Baseline,
        raw::Anonymous::IssueCookie(cookie) => {
            let name = cookie.name.unwrap_or_else(|| COOKIE.to_owned());
            let field = "identity.anonymous.issue_cookie.max_age";
            let range = (Duration::from_secs(1), bounds::DURATION);
            let max_age = findings.duration(field, cookie.max_age.as_ref(), bounds::DURATION, range);
            let source = proto::KeySource::Cookie(name.clone());
            if !session.contains(&source) {
                session.push(source);
            }
            let max_age_s = u32::try_from(max_age.as_secs()).unwrap_or(u32::MAX).max(1);
            proto::Anonymous::IssueCookie(proto::IssuedCookie { name, max_age_s })
        }
    };
    proto::Identity { user, session, anonymous }
}

fn routing_rule(index: usize, raw: raw::Rule, findings: &mut Findings) -> proto::RoutingRule {
    let field = format!("rules[{index}].share");
    let share = raw.share.map(|share| findings.weight(&field, Some(&share), 1_000_000, (0, 1_000_000)).ppm());
    proto::RoutingRule { when: raw.when, arm: raw.arm.unwrap_or_else(|| CANARY.to_owned()), share_ppm: share }
}

fn component(raw: raw::Component) -> proto::Component {
    let block = |block: raw::Block| proto::Block { name: block.name, restored: None, everywhere: false };
    // Only a component whose owner wants it is asked which block failed.
    let granularity = raw.granularity();
    let blocks = raw.blocks.into_iter().filter(|_| granularity == proto::Granularity::Fine).map(block);
    let feature = raw.feature.filter(|name| is_name(name)).map(|name| proto::Block {
        name,
        restored: None,
        everywhere: false,
    });
    proto::Component {
        blocks: blocks.chain(feature).collect(),
        name: raw.name,
        matches: raw.matches,
        granularity,
        pinned: None,
    }
}
