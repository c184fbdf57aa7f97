//! When Envoy's workers took over an assignment, by Envoy's own counter.
//!
//! Each VM of the filter raises one counter when it begins to obey an assignment. Watched closely, its last rise tells
//! when the last worker did, without waiting for the VMs' next reports.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Result;

use crate::envoy::admin::Admin;

/// The counter, as Envoy names it.
const COUNTER: &str = "serin_assignments_accepted";
/// Between two looks: the error of the time that is told.
const LOOK: Duration = Duration::from_millis(10);
/// Changes that are kept; a few come from each assignment.
const CHANGES_MAX: usize = 10_000;

/// What was seen of the counter.
#[derive(Debug, Default)]
pub(super) struct Applied {
    changes: Mutex<Vec<(SystemTime, u64)>>,
}

impl Applied {
    /// Watches until it is dropped.
    pub(super) async fn follow(&self, admin: Admin) -> Result<Infallible> {
        loop {
            self.look(admin).await?;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Looks once. What was watched until something else told the end may have ended since the last look.
    pub(super) async fn look(&self, admin: Admin) -> Result<()> {
        let now: u64 = admin.stats(COUNTER).await?.values().sum();
        self.note(SystemTime::now(), now);
        Ok(())
    }

    fn note(&self, at: SystemTime, count: u64) {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if changes.last().is_none_or(|(_, last)| *last != count) && changes.len() < CHANGES_MAX {
            changes.push((at, count));
        }
    }

    /// When the last of at least `vms` VMs took over what was decided at `decided`. `None`: they did not all.
    pub(super) fn complete_at(&self, decided: SystemTime, vms: u32) -> Option<SystemTime> {
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let before = changes.iter().rev().find(|(at, _)| *at <= decided)?.1;
        let (at, last) = changes.last()?;
        (vms > 0 && last.saturating_sub(before) >= u64::from(vms)).then_some(*at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_complete_when_as_many_vms_as_live_took_it_over() {
        let at = |ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
        let applied = Applied::default();
        assert_eq!(applied.complete_at(at(5), 1), None);
        for (ms, count) in [(0, 9), (10, 9), (20, 10), (30, 10), (40, 12)] {
            applied.note(at(ms), count);
        }
        assert_eq!(applied.complete_at(at(15), 3), Some(at(40)));
        assert_eq!(applied.complete_at(at(15), 4), None);
        assert_eq!(applied.complete_at(at(25), 3), None);
        assert_eq!(applied.complete_at(at(15), 0), None);
    }
}
