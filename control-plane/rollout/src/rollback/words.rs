//! A rollback's stages in words.

use std::fmt;
use std::time::Duration;

use super::{Stage, StageOutcome, StageRecord};
use crate::text::Time;

impl fmt::Display for StageRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = Time(Duration::from_millis(self.took_ms));
        let what = match (self.stage, self.outcome) {
            (Stage::Acknowledge, StageOutcome::Done) => "every proxy obeys the rollback",
            (Stage::Acknowledge, _) => "not every proxy is known to obey the rollback",
            (Stage::Drain, StageOutcome::Done) => "what was returned gets no more requests",
            (Stage::Drain, _) => "what was returned still gets requests, or it is not known",
            (Stage::Hooks, StageOutcome::Done) => "the hooks of the rollback have ended",
            (Stage::Hooks, StageOutcome::Late) => "hooks of the rollback take long",
            (Stage::Hooks, StageOutcome::Failed | StageOutcome::Unknown) => "hooks of the rollback failed",
            (Stage::Verify, StageOutcome::Done) => "the baseline carries the load",
            (Stage::Verify, _) => "it is not seen that the baseline is well",
        };
        let after = match self.outcome {
            StageOutcome::Done => "",
            StageOutcome::Late => "; it is waited for",
            StageOutcome::Failed | StageOutcome::Unknown => "; it is not waited for any more",
        };
        write!(formatter, "After {took}, {what}: {}{after}", self.detail)
    }
}
