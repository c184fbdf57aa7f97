//! What a fleet shows: its journal, its rollout, and whether every request was counted once.

use anyhow::{Result, anyhow};
use serin_analysis::Arm;
use serin_control_plane::store::{Counts, EventQuery, Series, Store as _};
use serin_rollout::{Event, Judgement, State};

use super::account::{Account, Totals};
use super::{Fleet, ROLLOUT};
use crate::components::Component;
use crate::serin::Deeds;

/// What a filter decided about one request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decision {
    /// Milliseconds since the creation of the rollout.
    pub at_ms: u64,
    /// Position of the Envoy.
    pub envoy: usize,
    /// Generation that its VM obeyed. 0: none.
    pub generation: u64,
    /// `None`: the request told none.
    pub user: Option<u64>,
    /// Position of the component.
    pub component: usize,
    /// Where it went.
    pub arm: Arm,
}

/// What went wrong that no version is at fault for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Failures {
    /// Requests that found no Envoy.
    pub unserved: u64,
    /// Messages between Envoys and control plane that were lost.
    pub messages_lost: u64,
    /// Messages that came twice.
    pub messages_repeated: u64,
    /// Lives of Envoys that ended.
    pub envoys_died: u64,
    /// Lives of the control plane that ended.
    pub crashes: u64,
}

/// Everything that was served and recorded, and how it was counted. Equal, if nothing was lost or counted twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Reckoning {
    /// Served by VMs that had an assignment.
    pub served: Totals,
    /// Of it, what died untold with its VMs.
    pub died: Totals,
    /// Of it, what living VMs have not told yet.
    pub untold: Totals,
    /// What the control plane's ledger counts.
    pub counted: Totals,
    /// `served` without `died` and `untold`.
    pub told: Totals,
}

impl Fleet<'_> {
    /// Keeps what filters decide from now on.
    pub fn log(&mut self) {
        self.log = Some(Vec::new());
    }

    /// What filters decided since [`log`](Self::log).
    #[must_use]
    pub fn decisions(&self) -> &[Decision] {
        self.log.as_deref().unwrap_or_default()
    }

    /// The journal: every fact as JSON, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn facts(&mut self) -> Result<Vec<String>> {
        let of_rollout =
            EventQuery { rollout_id: Some(ROLLOUT.to_owned()), after_sequence: 0, limit: u32::MAX };
        let stored = self.store.events(&of_rollout)?;
        Ok(stored.into_iter().map(|stored| stored.event.json).collect())
    }

    /// The journal.
    ///
    /// # Errors
    /// When an event cannot be read back.
    pub fn events(&mut self) -> Result<Vec<Event>> {
        Ok(self.facts()?.iter().map(|fact| serde_json::from_str(fact)).collect::<Result<_, _>>()?)
    }

    /// Where the rollout stands. `None`: the control plane is down.
    #[must_use]
    pub fn state(&self) -> Option<&State> {
        self.control.as_ref()?.rollout().ok().map(|tracked| tracked.state())
    }

    /// What the evidence said last. `None`: nothing yet, or the control plane is down.
    #[must_use]
    pub fn judgement(&self) -> Option<&Judgement> {
        self.control.as_ref()?.rollout().ok()?.judgement()
    }

    /// What Serin has done.
    #[must_use]
    pub fn deeds(&self) -> &Deeds {
        &self.deeds
    }

    /// What is judged.
    #[must_use]
    pub fn components(&self) -> &[Component] {
        self.traffic.components()
    }

    /// What went wrong.
    #[must_use]
    pub const fn failures(&self) -> Failures {
        self.failures
    }

    /// Whether nothing more can follow.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state().is_some_and(|state| state.phase.is_terminal())
    }

    /// Generations that the VMs of an Envoy obey, its main thread's first. Empty: it is down.
    #[must_use]
    pub fn generations(&self, envoy: usize) -> Vec<u64> {
        self.envoys
            .get(envoy)
            .map_or_else(Vec::new, |envoy| envoy.vms.iter().map(|vm| vm.generation).collect())
    }

    /// Compares what was served with what was counted. The ledger must have been written: let two seconds of
    /// [`quiet`](Self::quieten) pass.
    ///
    /// # Errors
    /// When the ledger counts a batch that was never sent.
    pub fn reckon(&mut self) -> Result<Reckoning> {
        let ledger = self.store.load()?.ledger;
        let seen = |account: &Account| {
            let mut of = ledger.seen.iter();
            let newest = of.find(|seen| seen.node == account.node && seen.epoch == account.epoch);
            newest.map_or(0, |seen| seen.seq)
        };
        let nothing = Totals::new(self.components().len());
        let mut reckoning = Reckoning {
            served: nothing.clone(),
            died: nothing.clone(),
            untold: nothing.clone(),
            counted: self.counted(&ledger.counts),
            told: nothing,
        };
        for account in &self.accounts {
            let seq = seen(account);
            let told = account.told(seq);
            let told = told.ok_or_else(|| anyhow!("batch {seq} of {} was not sent", account.node))?;
            reckoning.served += account.served();
            reckoning.told += told;
            let rest = account.served().without(told);
            let rest_of = if account.lives { &mut reckoning.untold } else { &mut reckoning.died };
            *rest_of += &rest;
        }
        Ok(reckoning)
    }

    /// What the ledger counts; everything that is not a component of the plan is left out.
    fn counted(&self, counts: &[(Series, Counts)]) -> Totals {
        let mut counted = Totals::new(self.components().len());
        for (series, counts) in counts {
            let component = self.components().iter().position(|one| one.name == series.component);
            let arm = if series.arm == "canary" { Arm::Canary } else { Arm::Baseline };
            if let Some(served) = component.and_then(|component| counted.of(component, arm)) {
                served.started += counts.started;
                served.ok += counts.outcomes.ok;
                served.failed += counts.outcomes.server_error;
                served.timed_out += counts.outcomes.timeout;
            }
        }
        counted
    }

    /// Requests of the last minute by arm, as the engine sums them up: baseline, then canary. `None`: nothing is judged.
    #[must_use]
    pub fn seen_by_the_engine(&self) -> Option<[u64; 2]> {
        let version = self.control.as_ref()?.rollout().ok()?.evidence()?.version();
        Some([version.baseline.requests, version.canary.requests])
    }
}
