//! What pages look at beside the calls of the API: the same messages, from the same snapshots.

use serin_proto::admin::v1 as api;
use serin_rollout::UnixMillis;
use tonic::Status;

use super::{Admin, ROLLOUTS_DEFAULT, convert};
use crate::clock;
use crate::components::Known;
use crate::snapshot::ROLLOUTS_MAX;

impl Admin {
    /// A rollout by its identifier, or the newest of a service.
    pub(crate) fn rollout(&self, id: &str) -> Result<api::Rollout, Status> {
        let snapshot = self.find(id)?.borrow().clone();
        Ok(convert::rollout(&snapshot))
    }

    /// The rollouts that a page shows, without their components: those under way first, then the newest.
    pub(crate) fn heads(&self) -> Vec<api::Rollout> {
        let all = self.directory.list(None, ROLLOUTS_MAX);
        let (over, active): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.phase.is_terminal());
        let shown = active.iter().chain(over.iter().take(ROLLOUTS_DEFAULT));
        shown.map(|snapshot| convert::head(snapshot)).collect()
    }

    /// All Envoys.
    pub(crate) fn nodes(&self, now: UnixMillis) -> Vec<api::Node> {
        self.fleet.nodes().iter().map(|(name, node)| convert::node(name, node, now)).collect()
    }

    /// What the fleet knows of the components of a service, or of all.
    pub(crate) fn known(&self, service: Option<&str>) -> api::ListComponentsResponse {
        let known = Known::of(&self.directory, &self.fleet, &self.calls, clock::now());
        convert::components(&known, service)
    }
}
