//! From the checked form back to the JSON form.

use crate::assignment::types::{
    Anonymous, Assignment, Block, Component, Condition, HeaderValue, HostPattern, Identity, KeySource, Match,
    PathPattern, ReportSettings, RoutingRule, Segment, Service, Weight,
};
use crate::assignment::{FORMAT_VERSION, raw};

impl From<&Assignment> for raw::Assignment {
    fn from(assignment: &Assignment) -> Self {
        Self {
            version: FORMAT_VERSION,
            generation: assignment.generation.0,
            report: assignment.report.as_ref().map(report),
            services: assignment.services.iter().map(raw::Service::from).collect(),
        }
    }
}

impl From<&Service> for raw::Service {
    fn from(service: &Service) -> Self {
        let share = |share: &crate::assignment::Share| raw::Share {
            arm: service.arm_name(share.arm).to_owned(),
            weight_ppm: share.weight.ppm(),
        };
        Self {
            name: service.name.clone(),
            hosts: service.hosts.iter().map(host).collect(),
            rollout: service.rollout.clone(),
            salt: format!("{:032x}", service.salt.0),
            split: service.split.iter().map(share).collect(),
            identity: identity(&service.identity),
            rules: service.rules.iter().map(|rule| routing_rule(rule, service)).collect(),
            components: service.components.iter().map(|part| component(part, service)).collect(),
            train: service.train.as_ref().map(|train| train.id.clone()),
            train_key: service.train.as_ref().map(|train| format!("{:032x}", train.key.0)),
            behaviour: service.behaviour,
        }
    }
}

pub(super) fn host(pattern: &HostPattern) -> String {
    match pattern {
        HostPattern::Exact(host) => host.clone(),
        HostPattern::Suffix(suffix) => format!("*{suffix}"),
    }
}

fn report(report: &ReportSettings) -> raw::Report {
    raw::Report {
        cluster: report.cluster.clone(),
        interval_ms: report.interval_ms,
        host_sample: report.host_sample,
        route_metadata: report.route_metadata,
        token: report.token.clone(),
    }
}

fn identity(identity: &Identity) -> raw::Identity {
    let source = |source: &KeySource| match source {
        KeySource::Header(name) => raw::KeySource::Header(name.clone()),
        KeySource::Cookie(name) => raw::KeySource::Cookie(name.clone()),
    };
    raw::Identity {
        user: identity.user.iter().map(source).collect(),
        session: identity.session.iter().map(source).collect(),
        anonymous: match &identity.anonymous {
            Anonymous::Random => raw::Anonymous::Random,
            Anonymous::Baseline => raw::Anonymous::Baseline,
            Anonymous::IssueCookie(cookie) => raw::Anonymous::IssueCookie(raw::IssuedCookie {
                name: cookie.name.clone(),
                max_age_s: cookie.max_age_s,
            }),
        },
    }
}

fn header(name: &str, value: &HeaderValue) -> raw::HeaderMatch {
    let mut raw = raw::HeaderMatch { name: name.to_owned(), exact: None, prefix: None, present: None };
    match value {
        HeaderValue::Exact(exact) => raw.exact = Some(exact.clone()),
        HeaderValue::Prefix(prefix) => raw.prefix = Some(prefix.clone()),
        HeaderValue::Present => raw.present = Some(true),
    }
    raw
}

fn routing_rule(rule: &RoutingRule, service: &Service) -> raw::RoutingRule {
    let when = match &rule.when {
        Condition::Header(name, value) => raw::Condition::Header(header(name, value)),
        Condition::Cookie(name, value) => raw::Condition::Cookie(header(name, value)),
        Condition::Users(users) => raw::Condition::Users(users.clone()),
        Condition::Attribute(name, value) => raw::Condition::Attribute(header(name, value)),
        Condition::Geo(header, values) => {
            raw::Condition::Geo(raw::Geo { header: header.clone(), values: values.clone() })
        }
    };
    let share_ppm = (rule.share != Weight::FULL).then_some(rule.share.ppm());
    raw::RoutingRule { when, arm: service.arm_name(rule.arm).to_owned(), share_ppm }
}

fn component(component: &Component, service: &Service) -> raw::Component {
    raw::Component {
        name: component.name.clone(),
        matches: component.matches.iter().map(component_match).collect(),
        granularity: component.granularity,
        pinned: component.pinned.map(|arm| service.arm_name(arm).to_owned()),
        blocks: component.blocks.iter().map(block).collect(),
    }
}

fn block(block: &Block) -> raw::Block {
    raw::Block { name: block.name.clone(), restored: block.restored.clone(), everywhere: block.everywhere }
}

fn component_match(rule: &Match) -> raw::Match {
    raw::Match {
        hosts: rule.hosts.iter().map(host).collect(),
        methods: rule.methods.clone(),
        path: rule.path.as_ref().map(path),
        headers: rule.headers.iter().map(|(name, value)| header(name, value)).collect(),
        route_name: rule.route_name.clone(),
    }
}

fn path(pattern: &PathPattern) -> raw::Path {
    match pattern {
        PathPattern::Exact(path) => raw::Path::Exact(path.clone()),
        PathPattern::Prefix(prefix) if prefix.is_empty() => raw::Path::Prefix("/".to_owned()),
        PathPattern::Prefix(prefix) => raw::Path::Prefix(prefix.clone()),
        PathPattern::Template(segments) => {
            let text: String = segments
                .iter()
                .map(|segment| match segment {
                    Segment::Literal(text) => format!("/{text}"),
                    Segment::Any(name) => format!("/{{{name}}}"),
                })
                .collect();
            raw::Path::Template(text)
        }
    }
}
