//! Removes evidence and entries of the audit log that need not be kept any longer.

use std::time::Duration;

use serin_rollout::UnixMillis;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::clock;
use crate::store::{Keep, StoreHandle};

/// Time between two rounds, and before the first.
const EVERY: Duration = Duration::from_mins(10);

/// Pieces of each that are removed in one round.
const PIECES_MAX: usize = 50;

/// What the configuration asks to be kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retention {
    /// Evidence.
    pub evidence: Keep,
    /// Entries of the audit log younger than this.
    pub audit_for: Duration,
}

/// Works until it is aborted.
pub(crate) async fn keep(store: StoreHandle, retention: Retention) {
    let mut rounds = interval_at(Instant::now() + EVERY, EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        round(&store, retention, clock::now()).await;
    }
}

/// Removes what need not be kept, piece by piece, so that nobody waits long for it.
async fn round(store: &StoreHandle, retention: Retention, now: UnixMillis) {
    let Retention { evidence, audit_for } = retention;
    for _ in 0..PIECES_MAX {
        match store.call(move |store| store.retire_bundles(&evidence, now)).await {
            Ok(Some(through)) => tracing::info!(through, "the oldest evidence was removed"),
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(%error, "old evidence could not be removed");
                break;
            }
        }
    }
    let age = u64::try_from(audit_for.as_millis()).unwrap_or(u64::MAX);
    let before = UnixMillis(now.0.saturating_sub(age));
    for _ in 0..PIECES_MAX {
        let why = format!("older than {} days", audit_for.as_secs() / 86_400);
        match store.call(move |store| store.retire_audit(before, now, &why)).await {
            Ok(Some(through)) => tracing::info!(through, "the oldest entries of the audit log were removed"),
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(%error, "old entries of the audit log could not be removed");
                break;
            }
        }
    }
}
