//! From a request to its service and component, by an index.
//!
//! Every match of a service is given a rank when the assignment is compiled: exact path before template before
//! prefix before no path; then more literal segments; then more conditions; then the order of declaration. A request's
//! component is the one of the lowest rank whose conditions hold. The index finds the candidates of a path by one
//! hash look-up for exact paths and one walk down a trie of segments for templates and prefixes, and those that
//! share a path by the values of their conditions, so that the cost follows the path's length, not the number of
//! components.

mod candidates;
pub(crate) mod compiled;
mod conditions;
mod hosts;
mod paths;

use std::sync::Arc;

use serin_proto::assignment::{ArmIndex, Assignment, Generation, ReportSettings, UNMATCHED};

use self::hosts::HostIndex;
use crate::request::RequestView;

/// An assignment in the form that requests are matched against.
#[derive(Debug, Default)]
pub struct Router {
    generation: Generation,
    report: Option<ReportSettings>,
    services: Vec<compiled::Service>,
    hosts: HostIndex,
    takes_beacons: bool,
}

/// Where a request belongs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Located {
    /// Position of the service in the assignment.
    pub service: usize,
    /// Position of the component in the service; `None`: unmatched.
    pub component: Option<usize>,
}

impl Router {
    /// Compiles an assignment.
    #[must_use]
    pub fn new(assignment: &Assignment) -> Self {
        let mut first_series = 0;
        let services = assignment.services.iter().map(|service| {
            let compiled = compiled::service(service, first_series);
            first_series += compiled.series();
            compiled
        });
        Self {
            generation: assignment.generation,
            report: assignment.report.clone(),
            services: services.collect(),
            hosts: HostIndex::new(assignment),
            takes_beacons: assignment.services.iter().any(|service| service.behaviour),
        }
    }

    /// Notes since when each service chooses arms as it does: since `now_ns`, or as long as in the assignment before.
    pub(crate) fn continue_from(&mut self, before: &Self, now_ns: u64) {
        for service in &mut self.services {
            let same = before.services.iter().find(|earlier| earlier.name == service.name);
            let same = same.filter(|earlier| earlier.chooses_as(service));
            service.chosen_since_ns = same.map_or(now_ns, |earlier| earlier.chosen_since_ns);
        }
    }

    /// Number of the assignment.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// How to report; `None`: not at all.
    #[must_use]
    pub const fn report(&self) -> Option<&ReportSettings> {
        self.report.as_ref()
    }

    /// Whether the assignment names no service, so that requests need not be looked at.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// Whether any service takes beacons, so that requests need to be looked at for one.
    #[must_use]
    pub const fn takes_beacons(&self) -> bool {
        self.takes_beacons
    }

    /// Whether the service of a request takes beacons.
    pub fn takes_beacon(&self, request: &impl RequestView) -> bool {
        let service = self.hosts.find(request).and_then(|service| self.services.get(service));
        service.is_some_and(|service| service.behaviour)
    }

    /// Service and component of a request; `None` if no service claims its host.
    pub fn locate(&self, request: &impl RequestView) -> Option<Located> {
        let service = self.hosts.find(request)?;
        let component = self.services.get(service)?.find(request);
        Some(Located { service, component })
    }

    /// Name of a service.
    #[must_use]
    pub fn service_name(&self, service: usize) -> &str {
        self.services.get(service).map_or("", |service| &service.name)
    }

    /// Name of a component.
    #[must_use]
    pub fn component_name(&self, at: Located) -> &str {
        self.component(at).map_or(UNMATCHED, |component| &component.name)
    }

    /// Name of an arm; `None` if the service does not have it.
    #[must_use]
    pub fn arm_name(&self, at: Located, arm: ArmIndex) -> Option<Arc<str>> {
        self.service(at)?.arms.get(arm.index()).cloned()
    }

    /// How many pairs of component and arm there are, counting the unmatched requests of each service as a component.
    pub(crate) fn series(&self) -> usize {
        self.services.last().map_or(0, |last| last.first_series + last.series())
    }

    /// Number of a component and arm among [`Self::series`]; `None` if the service does not have them.
    pub(crate) fn series_number(&self, at: Located, arm: ArmIndex) -> Option<usize> {
        self.service(at)?.series_number(at.component, arm)
    }

    pub(crate) fn service(&self, at: Located) -> Option<&compiled::Service> {
        self.services.get(at.service)
    }

    pub(crate) fn component(&self, at: Located) -> Option<&compiled::Component> {
        self.service(at)?.components.get(at.component?)
    }
}

#[cfg(test)]
mod tests;
