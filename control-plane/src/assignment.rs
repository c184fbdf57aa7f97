//! What the filters are told: built from all rollouts, published as one value, rendered once per resource.
//!
//! A generation is the journal's sequence of the event that made the assignment what it is, so it rises over
//! restarts and two control planes on one journal agree. [`services`] is a pure function of the rollouts;
//! [`Published`] adds the generation and how the filters report; [`Board`] is where streams wait for the next one.

mod board;

use serin_proto::assignment::{self, AssignmentError, FORMAT_VERSION, raw};
use serin_rollout::{Plan, State};

pub use board::{Board, Posted};

use crate::config::{Config, Token};

/// Stands for a train's key where people read it.
const NO_KEY: &str = "00000000000000000000000000000000";

/// An assignment that is offered to the fleet.
#[derive(Clone, Debug)]
pub struct Published {
    /// Its number.
    pub generation: u64,
    /// How the filters report.
    pub report: raw::Report,
    /// The services, by name.
    pub services: Vec<raw::Service>,
}

/// The services of the newest rollout of each service, by name. `rollouts` holds all that are known.
pub fn services<'a>(rollouts: impl IntoIterator<Item = (&'a Plan, &'a State)>) -> Vec<raw::Service> {
    let current = rollouts.into_iter().filter(|(_, state)| state.is_current());
    let mut services: Vec<_> = current.map(|(plan, state)| plan.service_assignment(state)).collect();
    services.sort_by(|left, right| left.name.cmp(&right.name));
    services
}

/// How the filters report, by the configuration.
#[must_use]
pub fn report(config: &Config) -> raw::Report {
    raw::Report {
        cluster: config.report.cluster.clone(),
        interval_ms: u32::try_from(config.report.interval.as_millis()).unwrap_or(u32::MAX),
        host_sample: config.report.host_sample,
        route_metadata: config.report.route_metadata,
        token: config.fleet.tokens.first().map(Token::secret).map(str::to_owned),
    }
}

impl Published {
    /// The JSON form. `service`: that service alone; none when it is not known.
    #[must_use]
    pub fn json(&self, service: Option<&str>) -> String {
        let wanted = |candidate: &&raw::Service| service.is_none_or(|name| candidate.name == name);
        let services = self.services.iter().filter(wanted).cloned().collect();
        let assignment = self.raw(services);
        serde_json::to_string(&assignment).unwrap_or_default()
    }

    /// Whether any of the services takes beacons. `service`: that service alone.
    #[must_use]
    pub fn takes_beacons(&self, service: Option<&str>) -> bool {
        let wanted = |candidate: &&raw::Service| service.is_none_or(|name| candidate.name == name);
        self.services.iter().filter(wanted).any(|service| service.behaviour)
    }

    /// The JSON form without the secrets in it, for people.
    #[must_use]
    pub fn redacted(&self, service: Option<&str>) -> String {
        let mut shown = self.clone();
        shown.report.token = shown.report.token.map(|_| "redacted".to_owned());
        for key in shown.services.iter_mut().filter_map(|service| service.train_key.as_mut()) {
            NO_KEY.clone_into(key);
        }
        shown.json(service)
    }

    /// Checks that the filters would accept it.
    ///
    /// # Errors
    /// What they would say.
    pub fn check(&self) -> Result<(), AssignmentError> {
        assignment::parse(self.json(None).as_bytes()).map(|_| ())
    }

    fn raw(&self, services: Vec<raw::Service>) -> raw::Assignment {
        let (generation, report) = (self.generation, Some(self.report.clone()));
        raw::Assignment { version: FORMAT_VERSION, generation, report, services }
    }
}
