//! How many requests a service gets, as reports tell.
//!
//! Requests are counted for the newest rollout of a service, also after its end, because the filters report of every service that
//! they are told.

use serin_evidence::course::Traffic;
use serin_rollout::Evaluation;

use super::CommandError;
use super::task::Task;
use crate::clock;

/// The last minute of a service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    /// Requests.
    pub(crate) traffic: Traffic,
    /// Median latency of the baseline in microseconds. `None`: not known, or no rollout runs.
    pub(crate) latency_p50_us: Option<u64>,
}

impl Task {
    pub(super) fn traffic(&self, service: &str) -> Result<Measured, CommandError> {
        let current = self.current.get(service).and_then(|index| self.tracked.get(*index));
        let tracked = current.ok_or_else(|| CommandError::NotFound(service.chars().take(128).collect()))?;
        let latency_p50_us =
            tracked.evidence().map(Evaluation::version).and_then(|arms| arms.baseline.p50_us);
        Ok(Measured { traffic: tracked.course.traffic(clock::now().second()), latency_p50_us })
    }
}
