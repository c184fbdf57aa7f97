//! Writes evidence, beside the loop that gathers it.
//!
//! What a report says is merged before it is counted durably, and a report that was not counted comes again after a crash.
//! So evidence is written only once all reports that it holds are counted: else they would be in it twice.

use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::fleet::Fleet;
use crate::fleet::ledger::Ticket;
use crate::store::StoreHandle;

/// Evidence by rollout.
pub(super) type Evidence = Vec<(String, Vec<u8>)>;

/// One writing at a time.
#[derive(Debug, Default)]
pub(super) struct Writer(Option<JoinHandle<()>>);

impl Writer {
    /// Whether the last writing has ended.
    pub(super) fn is_free(&self) -> bool {
        self.0.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Begins to write what was gathered from the reports so far.
    pub(super) fn begin(&mut self, fleet: &Arc<Fleet>, store: &StoreHandle, evidence: Evidence) {
        let (ticket, fleet, store) = (fleet.accounts.newest(), Arc::clone(fleet), store.clone());
        self.0 = Some(tokio::spawn(async move { write(&fleet, &store, ticket, evidence).await }));
    }

    /// Waits for the last writing.
    pub(super) async fn finish(&mut self) {
        if let Some(writing) = self.0.take() {
            let _told_by_itself = writing.await;
        }
    }
}

async fn write(fleet: &Fleet, store: &StoreHandle, ticket: Ticket, evidence: Evidence) {
    if evidence.is_empty() {
        return;
    }
    if let Err(error) = fleet.accounts.committed(ticket).await {
        tracing::warn!(%error, "evidence waits for the next time");
        return;
    }
    if let Err(error) = store.call(move |store| store.save_evidence(&evidence)).await {
        tracing::warn!(%error, "evidence could not be stored; a restart would gather it anew");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serin_proto::fleet::v1::ReportRequest;

    use super::*;
    use crate::fleet::report::Report;
    use crate::store::{Ledger, SqliteStore};

    fn report() -> Report {
        let request =
            ReportRequest { node: "envoy-1".to_owned(), epoch: 7, seq: 1, ..ReportRequest::default() };
        Report::try_from(request).unwrap()
    }

    #[tokio::test]
    async fn evidence_is_written_after_the_reports_that_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let store = StoreHandle::spawn(Box::new(SqliteStore::open(folder.path()).unwrap())).unwrap();
        let fleet = Arc::new(Fleet::new(Ledger::default(), Duration::from_secs(1)));
        fleet.accounts.add(&report(), serin_rollout::UnixMillis(1_000));
        let mut writer = Writer::default();
        writer.begin(&fleet, &store, vec![("r-1".to_owned(), b"{}".to_vec())]);
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!writer.is_free());
        fleet.accounts.flush(&store).await;
        writer.finish().await;
        assert_eq!(store.call(|store| store.load()).await.unwrap().ledger.seen.len(), 1);
    }
}
