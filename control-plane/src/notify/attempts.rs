//! One target's worker: sends what is pending, one after the other, at the target's pace.

use std::time::Duration;

use serin_notify::delivery::{self, Next, Outcome};
use serin_notify::send::Parcel;
use serin_notify::{Pace, Target};
use tokio::time::{sleep, timeout};

use super::{Bell, Notifier};
use crate::clock;
use crate::store::{DeliveryState, Settled, StoredDelivery};

/// The queue is looked at so often, also when no bell rings.
const LOOK: Duration = Duration::from_secs(30);
/// Wait after the store failed.
const STORE_WAIT: Duration = Duration::from_secs(1);

pub(super) async fn work(notifier: Notifier, target: Target) {
    let mut pace = Pace::new(notifier.config.limits.per_target_per_minute);
    let bell = notifier.standings.bell(&target.name).cloned().unwrap_or_default();
    loop {
        let name = target.name.clone();
        let next = match notifier.store.call(move |store| store.next_delivery(&name)).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(%error, target = target.name, "a target waits for the store");
                sleep(STORE_WAIT).await;
                continue;
            }
        };
        let now = clock::now();
        let ready = next.as_ref().map(|delivery| delivery.next.max(pace.ready_at(now)));
        match (next, ready) {
            (Some(delivery), Some(ready)) if ready <= now => {
                pace.sent(now);
                attempt(&notifier, &target, delivery).await;
            }
            (_, ready) => wait(&bell, ready.map_or(LOOK, |ready| ready.since(now).min(LOOK))).await,
        }
    }
}

async fn wait(bell: &Bell, most: Duration) {
    let _time_is_up = timeout(most, bell.rung()).await;
}

async fn attempt(notifier: &Notifier, target: &Target, delivery: StoredDelivery) {
    let outcome = match serde_json::from_str(&delivery.message) {
        Ok(message) => {
            let parcel = Parcel { message, part: delivery.part };
            notifier.sender.send(target, &parcel, clock::now().second()).await
        }
        Err(error) => Outcome::Refused { why: format!("what was stored cannot be read: {error}") },
    };
    let (now, attempts) = (clock::now(), delivery.attempts.saturating_add(1));
    let schedule = delivery::schedule(notifier.config.limits.attempts);
    let (state, at) = match delivery::next(&outcome, attempts, schedule, now, draw()) {
        Next::Done => (DeliveryState::Delivered, now),
        Next::Again { at } => (DeliveryState::Pending, at),
        Next::Dead => (DeliveryState::Dead, now),
    };
    tell(target, &delivery, &outcome, state, attempts);
    notifier.standings.note(&target.name, &outcome, now);
    notifier.metrics.notifications.attempt(&target.name, state);
    let error = outcome.why().map(str::to_owned);
    let settled =
        Settled { id: delivery.id, state, next: at, error, keep_dead: notifier.config.limits.keep_dead };
    // Until this is written the message counts as not sent, and would be sent again.
    loop {
        let again = settled.clone();
        match notifier.store.call(move |store| store.settle(&again)).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(%error, target = target.name, "what became of a message is not written yet")
            }
        }
        sleep(STORE_WAIT).await;
    }
}

fn tell(target: &Target, delivery: &StoredDelivery, outcome: &Outcome, state: DeliveryState, attempts: u32) {
    let (target, id, why) = (target.name.as_str(), delivery.id, outcome.why().unwrap_or_default());
    match state {
        DeliveryState::Delivered => tracing::debug!(target, id, attempts, "delivered"),
        DeliveryState::Pending => tracing::warn!(target, id, attempts, why, "not delivered, and sent again"),
        DeliveryState::Dead => {
            let title = delivery.title.as_str();
            tracing::error!(target, id, attempts, why, title, "not delivered, and given up");
        }
    }
}

/// Uniform over all values. Without randomness all wait the same time, which harms nothing.
fn draw() -> u32 {
    let mut bytes = [0; 4];
    let _constant_then = getrandom::fill(&mut bytes);
    u32::from_le_bytes(bytes)
}
