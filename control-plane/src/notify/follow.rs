//! Reads the journal, and writes down what is to be told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serin_notify::{About, Desk, Message, News, render};
use serin_rollout::{Event, UnixMillis};
use tokio::time::{sleep, timeout};

use super::Notifier;
use crate::clock;
use crate::store::{EventQuery, NewDelivery, Noted, NotifierState, StoreError, StoredEvent};

/// The journal is looked at so often, also when no bell rings.
const LOOK: Duration = Duration::from_secs(1);
/// Events that are read at a time.
const EVENTS_AT_ONCE: u32 = 64;
/// Older events are not told any more: targets were configured anew, or nobody ran for that long.
const NEWS_AGE_MAX: Duration = Duration::from_hours(24);
/// Rollouts of which it is remembered what they are about.
const ABOUT_MAX: usize = 256;

/// How far the journal was read, and what is gathered from it.
struct Follower {
    notifier: Notifier,
    cursor: u64,
    desk: Desk,
    about: BTreeMap<String, Arc<About>>,
}

pub(super) async fn follow(notifier: Notifier) {
    let mut follower = loop {
        match begin(&notifier).await {
            Ok(follower) => break follower,
            Err(error) => tracing::warn!(%error, "notifications cannot begin yet"),
        }
        sleep(LOOK).await;
    };
    loop {
        match follower.pass().await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "notifications wait for the store"),
        }
        follower.count().await;
        // A bell that rang meanwhile is heard at once.
        let _time_is_up = timeout(LOOK, follower.notifier.journal.rung()).await;
    }
}

async fn begin(notifier: &Notifier) -> Result<Follower, StoreError> {
    let names: Vec<String> = notifier.config.targets.iter().map(|target| target.name.clone()).collect();
    let now = clock::now();
    let state = notifier.store.call(move |store| {
        store.give_up_others(&names, now)?;
        store.notifier()
    });
    let NotifierState { cursor, desk } = state.await?;
    let desk = serde_json::from_str(&desk).unwrap_or_else(|error| {
        tracing::error!(%error, "what was gathered for notifications cannot be read and is dropped");
        Desk::default()
    });
    Ok(Follower { notifier: notifier.clone(), cursor, desk, about: BTreeMap::new() })
}

impl Follower {
    /// Reads once, and writes what follows. `true`: there is more to read. On an error nothing happened.
    async fn pass(&mut self) -> Result<bool, StoreError> {
        let query = EventQuery { rollout_id: None, after_sequence: self.cursor, limit: EVENTS_AT_ONCE };
        let events = self.notifier.store.call(move |store| store.events(&query)).await?;
        let (now, config) = (clock::now(), Arc::clone(&self.notifier.config));
        let (mut desk, mut told) = (self.desk.clone(), Vec::new());
        for stored in &events {
            if let Some(news) = self.news(stored, now).await? {
                told.extend(desk.take(&news, config.routes.targets(&news), &config.grouping, now));
            }
        }
        told.extend(desk.due(&config.grouping, now));
        let cursor = events.last().map_or(self.cursor, |last| last.sequence);
        if cursor == self.cursor && desk == self.desk && told.is_empty() {
            return Ok(false);
        }
        let targets: BTreeSet<String> = told.iter().map(|message| message.target.clone()).collect();
        let deliveries = told.into_iter().flat_map(|message| self.deliveries(message)).collect();
        let json = serde_json::to_string(&desk).map_err(|error| {
            StoreError::Database(rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
        })?;
        let state = NotifierState { cursor, desk: json };
        let noted = Noted { state, deliveries, keep_dead: config.limits.keep_dead, at: now };
        self.notifier.store.call(move |store| store.note(&noted)).await?;
        (self.cursor, self.desk) = (cursor, desk);
        for bell in targets.iter().filter_map(|target| self.notifier.standings.bell(target)) {
            bell.ring();
        }
        Ok(u32::try_from(events.len()).unwrap_or(u32::MAX) == EVENTS_AT_ONCE)
    }

    /// What there is to tell about an event; `None`: nothing, or not any more.
    async fn news(&mut self, stored: &StoredEvent, now: UnixMillis) -> Result<Option<News>, StoreError> {
        if now.since(stored.at) > NEWS_AGE_MAX {
            return Ok(None);
        }
        // The journal's very first entry is of no rollout.
        let Ok(event) = serde_json::from_str::<Event>(&stored.event.json) else { return Ok(None) };
        let about = self.about(&stored.rollout_id).await?;
        Ok(Some(News::of(&event, stored.sequence, &about)))
    }

    async fn about(&mut self, rollout: &str) -> Result<Arc<About>, StoreError> {
        if let Some(about) = self.about.get(rollout) {
            return Ok(Arc::clone(about));
        }
        let id = rollout.to_owned();
        let first = self.notifier.store.call(move |store| store.first_event(&id)).await?;
        let about = first.and_then(|json| About::of(&serde_json::from_str(&json).ok()?));
        let about = Arc::new(about.unwrap_or_default());
        if self.about.len() >= ABOUT_MAX {
            self.about.clear();
        }
        self.about.insert(rollout.to_owned(), Arc::clone(&about));
        Ok(about)
    }

    /// A message as the deliveries that its target takes it in.
    fn deliveries(&self, message: Message) -> Vec<NewDelivery> {
        let target = self.notifier.config.targets.iter().find(|target| target.name == message.target);
        let parts = target.map_or(0, |target| render::parts(&target.kind, &message));
        (0..parts).map(|part| NewDelivery { message: message.clone(), part }).collect()
    }

    /// Shows what is pending and dead.
    async fn count(&self) {
        match self.notifier.store.call(|store| store.delivery_counts()).await {
            Ok(counts) => {
                let names = self.notifier.config.targets.iter().map(|target| target.name.as_str());
                self.notifier.metrics.notifications.pending(names, &counts);
            }
            Err(error) => tracing::warn!(%error, "notifications cannot be counted"),
        }
    }
}
