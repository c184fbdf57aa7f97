//! What a match asks beyond the path.

use serin_proto::assignment::{HeaderValue, HostPattern, Match};

use super::hosts;
use crate::request::RequestView;

/// Hosts, methods, headers and route name of one match.
#[derive(Debug)]
pub(super) struct Conditions {
    pub(super) hosts: Vec<HostPattern>,
    pub(super) headers: Vec<(Box<str>, ValueMatch)>,
    pub(super) route_name: Option<Box<[u8]>>,
    methods: Vec<Box<[u8]>>,
}

impl Conditions {
    pub(super) fn new(rule: &Match) -> Self {
        Self {
            hosts: rule.hosts.clone(),
            headers: rule
                .headers
                .iter()
                .map(|(name, value)| (name.as_str().into(), ValueMatch::from(value)))
                .collect(),
            route_name: rule.route_name.as_ref().map(|name| name.as_bytes().into()),
            methods: rule.methods.iter().map(|method| method.as_bytes().into()).collect(),
        }
    }

    /// How many conditions there are; a list counts once.
    pub(super) fn count(&self) -> usize {
        self.headers.len()
            + usize::from(!self.methods.is_empty())
            + usize::from(!self.hosts.is_empty())
            + usize::from(self.route_name.is_some())
    }

    pub(super) fn hold(&self, request: &impl RequestView) -> bool {
        (self.methods.is_empty()
            || request.method().is_some_and(|method| self.methods.iter().any(|known| **known == *method)))
            && (self.hosts.is_empty() || hosts::matches(&self.hosts, request.authority()))
            && self.headers.iter().all(|(name, value)| value.matches(request.header(name)))
            && self.route_name.as_deref().is_none_or(|name| request.route_name() == Some(name))
    }
}

/// A value to compare with.
#[derive(Debug, PartialEq)]
pub(crate) enum ValueMatch {
    Exact(Box<[u8]>),
    Prefix(Box<[u8]>),
    Present,
}

impl ValueMatch {
    pub(crate) fn matches(&self, value: Option<&[u8]>) -> bool {
        match (self, value) {
            (_, None) => false,
            (Self::Exact(exact), Some(value)) => value == &**exact,
            (Self::Prefix(prefix), Some(value)) => value.starts_with(prefix),
            (Self::Present, Some(value)) => !value.is_empty(),
        }
    }
}

impl From<&HeaderValue> for ValueMatch {
    fn from(value: &HeaderValue) -> Self {
        match value {
            HeaderValue::Exact(exact) => Self::Exact(exact.as_bytes().into()),
            HeaderValue::Prefix(prefix) => Self::Prefix(prefix.as_bytes().into()),
            HeaderValue::Present => Self::Present,
        }
    }
}
