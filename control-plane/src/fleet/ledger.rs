//! Makes counted reports durable before they are acknowledged.
//!
//! Reports that arrive within a tenth of a second share one transaction. A caller adds what it counted, gets a
//! ticket, and waits until the ticket's transaction is committed. Memory is bounded by the number of VMs, each with
//! one report under way, and of series ([`SERIES_MAX`], beyond which all count as `other`). When the store fails,
//! what waits is kept and tried again, while the callers are told to come later.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serin_rollout::UnixMillis;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::report::{Report, Vm};
use crate::store::{Counts, Ledger, Seen, Series, StoreHandle};

/// Series that are counted apart.
pub const SERIES_MAX: usize = 40_000;
/// Time in which reports gather for one transaction.
pub const GATHER: Duration = Duration::from_millis(100);
/// Time after which a caller is told to come later.
const DEADLINE: Duration = Duration::from_secs(5);
/// Pause after a failed transaction.
const RETRY: Duration = Duration::from_secs(1);
/// Name of everything beyond the bound.
const OTHER: &str = "other";

/// Position of a transaction.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Ticket(u64);

/// Counts that survive a crash.
#[derive(Debug)]
pub struct Accounts {
    pending: Mutex<Pending>,
    added: Notify,
    committed: watch::Sender<u64>,
}

/// What was added since the last transaction, and all of it. Pure: [`Accounts`] shares one and waits for the store.
#[derive(Debug)]
pub struct Pending {
    /// Number of the transaction that what is added now will be part of, from 1.
    transaction: u64,
    seen: BTreeMap<Vm, (u64, UnixMillis)>,
    counts: BTreeMap<Series, Counts>,
    totals: BTreeMap<Series, Counts>,
}

/// The store did not commit in time.
#[derive(Debug, thiserror::Error)]
#[error("the report could not be stored yet")]
pub struct NotStored;

impl Accounts {
    /// Begins with what was counted before a restart.
    #[must_use]
    pub fn new(counts: Vec<(Series, Counts)>) -> Self {
        let pending = Mutex::new(Pending::new(counts));
        Self { pending, added: Notify::new(), committed: watch::Sender::new(0) }
    }

    /// Adds what a report counts.
    pub fn add(&self, report: &Report, now: UnixMillis) -> Ticket {
        let ticket = self.lock().add(report, now);
        self.added.notify_one();
        ticket
    }

    /// The ticket of everything that was added so far.
    pub fn newest(&self) -> Ticket {
        self.lock().newest()
    }

    /// Waits until a ticket is committed.
    ///
    /// # Errors
    /// After five seconds. What was added stays and is committed later.
    pub async fn committed(&self, ticket: Ticket) -> Result<(), NotStored> {
        let mut committed = self.committed.subscribe();
        let wait = timeout(DEADLINE, committed.wait_for(|done| *done >= ticket.0));
        let outcome = wait.await.map_err(|_| NotStored)?;
        outcome.map(|_| ()).map_err(|_| NotStored)
    }

    /// Everything counted so far, by series.
    #[must_use]
    pub fn totals(&self) -> BTreeMap<Series, Counts> {
        self.lock().totals().clone()
    }

    /// Commits what is added, for ever.
    pub async fn write(&self, store: &StoreHandle) {
        loop {
            self.added.notified().await;
            sleep(GATHER).await;
            self.flush(store).await;
        }
    }

    /// Commits what is waiting, trying again until the store takes it.
    pub async fn flush(&self, store: &StoreHandle) {
        let (Ticket(transaction), entries) = self.lock().take();
        if entries.seen.is_empty() {
            self.committed.send_replace(transaction);
            return;
        }
        let entries = Arc::new(entries);
        loop {
            let shared = Arc::clone(&entries);
            match store.call(move |store| store.record(&shared)).await {
                Ok(()) => break,
                Err(error) => {
                    tracing::error!(%error, "reports cannot be stored; trying again");
                    sleep(RETRY).await;
                }
            }
        }
        self.committed.send_replace(transaction);
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    /// Begins with what was counted before a restart.
    #[must_use]
    pub fn new(counts: Vec<(Series, Counts)>) -> Self {
        let totals = counts.into_iter().collect();
        Self { transaction: 1, seen: BTreeMap::new(), counts: BTreeMap::new(), totals }
    }

    /// Adds what a report counts.
    pub fn add(&mut self, report: &Report, now: UnixMillis) -> Ticket {
        let newest = self.seen.entry(report.vm.clone()).or_insert((0, now));
        *newest = (newest.0.max(report.seq), now);
        for stratum in &report.strata {
            for arm in &stratum.arms {
                let (service, component) = (stratum.service.clone(), stratum.component.clone());
                let series = Series { service, component, arm: arm.name.clone() };
                let counts = Counts { started: arm.started, outcomes: arm.outcomes };
                self.count(series, &counts);
            }
        }
        Ticket(self.transaction)
    }

    /// The ticket of everything that was added so far.
    #[must_use]
    pub fn newest(&self) -> Ticket {
        let waiting = !self.seen.is_empty();
        Ticket(self.transaction - u64::from(!waiting))
    }

    /// Everything counted so far, by series.
    #[must_use]
    pub const fn totals(&self) -> &BTreeMap<Series, Counts> {
        &self.totals
    }

    /// Hands out what waits, to be committed as the transaction of this ticket.
    pub fn take(&mut self) -> (Ticket, Ledger) {
        let ticket = Ticket(self.transaction);
        self.transaction += 1;
        let seen = std::mem::take(&mut self.seen).into_iter();
        let seen = seen.map(|(Vm { node, epoch }, (seq, at))| Seen { node, epoch, seq, at }).collect();
        (ticket, Ledger { seen, counts: std::mem::take(&mut self.counts).into_iter().collect() })
    }

    fn count(&mut self, series: Series, counts: &Counts) {
        let series = if self.totals.contains_key(&series) || self.totals.len() < SERIES_MAX {
            series
        } else {
            let arm = if series.arm == "canary" { series.arm } else { "baseline".to_owned() };
            Series { service: OTHER.to_owned(), component: OTHER.to_owned(), arm }
        };
        self.totals.entry(series.clone()).or_default().add(counts);
        self.counts.entry(series).or_default().add(counts);
    }
}
