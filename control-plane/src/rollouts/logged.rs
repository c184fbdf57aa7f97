//! What log records say of blocks, on its way into the evidence.

use super::task::{Task, running};
use crate::clock;
use crate::otlp::LoggedFailures;

impl Task {
    /// Adds what the records of one request add up to. What is of no rollout that runs any more is left out.
    pub(super) fn merge_logged(&mut self, failures: &[LoggedFailures]) {
        for one in failures {
            let index = self.current.get(&one.service);
            if let Some(tracked) = index.and_then(|index| self.tracked.get_mut(*index)) {
                tracked.merge_logged(one);
            }
        }
        let Self { recorders, tracked, current, .. } = self;
        recorders.offer_logged(failures, clock::now(), |service| running(tracked, current, service));
    }
}
