//! Whether a component is judged, and what it forgets when that changes.

use super::super::course::Course;
use super::super::solo::Presence;
use super::{Component, Part};
use crate::config::RawEngineConfig;
use crate::ledger::{ClosedStrata, OpenRequests};
use crate::power::Needed;
use crate::scope::Process;
use crate::stratum::{BETS, Stratum};

impl Component {
    /// Forgets all evidence. `mass` is the prior mass that is past.
    pub(in crate::engine) fn restart(&mut self, active: bool, config: &RawEngineConfig, mass: f64) {
        self.active = active;
        self.stratum = Stratum::default();
        self.open = OpenRequests::default();
        self.strata = ClosedStrata::default();
        self.process = Process::new(self.alpha, config.beta);
        self.process.skip_mass(mass);
        self.categories.forget();
        self.restart_blocks(config, mass);
        self.parts = vec![Part::default(); BETS];
        self.needed = Needed::default();
        self.vetoes.clear();
        self.course = Course::default();
        self.presence = Presence::default();
        self.solo = None;
        self.users.forget();
    }

    /// Forgets the evidence and keeps the rest.
    pub(in crate::engine) fn forget(&mut self, beta: f64) {
        self.process.forget(beta);
        self.categories.forget();
        self.users.forget();
        self.vetoes.clear();
    }

    /// The evidence must reach so much more.
    pub(in crate::engine) fn set_log_extra(&mut self, log_extra: f64) {
        self.process.set_log_extra(log_extra);
    }

    pub(in crate::engine) fn is_active(&self) -> bool {
        self.active
    }

    pub(in crate::engine) fn resting_until(&self) -> Option<u64> {
        self.resting_until
    }

    pub(in crate::engine) fn set_resting(&mut self, until: Option<u64>) {
        self.resting_until = until;
    }
}
