//! Takes values and alerts that are sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serin_rollout::outside::{About, QueryAnswer, Told};
use serin_rollout::plan::QuerySource;

use super::alerts::{Alert, Firing};
use super::{Hearing, Running, Watched};
use crate::clock;

/// Takes what is sent.
#[derive(Clone, Debug)]
pub(crate) struct Inbox {
    running: Running,
    hearing: Hearing,
    firing: Arc<Mutex<BTreeMap<(String, String), Firing>>>,
}

/// Why a value is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum NotTaken {
    /// No rollout of this name runs.
    #[error("no rollout or service of this name runs")]
    NoRollout,
    /// Its plan has no such query.
    #[error("its plan has no query of this name with `webhook: true`")]
    NoQuery,
    /// Not a finite number.
    #[error("value: must be a finite number")]
    NoNumber,
    /// The queue is full.
    #[error("too many values wait; send it again")]
    Busy,
}

impl Inbox {
    pub(crate) fn new(running: Running, hearing: Hearing) -> Self {
        Self { running, hearing, firing: Arc::default() }
    }

    /// Takes the value of a query, of a rollout by its identifier or its service.
    pub(crate) fn value(&self, rollout: &str, query: &str, value: f64) -> Result<(), NotTaken> {
        if !value.is_finite() {
            return Err(NotTaken::NoNumber);
        }
        let id = {
            let running = self.running.borrow();
            let is_it = |one: &&Watched| one.id == rollout || one.plan.service() == rollout;
            let watched = running.iter().find(is_it).ok_or(NotTaken::NoRollout)?;
            let mut queries = watched.plan.queries().iter();
            let found = queries.any(|one| one.name == query && one.source == QuerySource::Webhook);
            if found { watched.id.clone() } else { return Err(NotTaken::NoQuery) }
        };
        let about = About::Query { name: query.to_owned(), answer: QueryAnswer::Value { value } };
        let taken = self.hearing.tell(&id, Told { at: clock::now(), about });
        if taken { Ok(()) } else { Err(NotTaken::Busy) }
    }

    /// Takes alerts. Each time, all queries that wait for alerts learn whether one fires: that Alertmanager lives is news, too.
    pub(crate) fn alerts(&self, alerts: &[Alert]) -> Result<(), NotTaken> {
        let running = self.running.borrow().clone();
        let mut values = Vec::new();
        {
            let mut firing = self.firing.lock().unwrap_or_else(PoisonError::into_inner);
            firing.retain(|(id, _), _| running.iter().any(|watched| watched.id == *id));
            for watched in &running {
                for query in watched.plan.queries() {
                    let QuerySource::Alert { labels } = &query.source else { continue };
                    let before = watched.firing.contains(&query.name);
                    let key = (watched.id.clone(), query.name.clone());
                    let known = firing.entry(key).or_insert_with(|| Firing::new(before));
                    alerts.iter().filter(|alert| alert.has(labels)).for_each(|alert| known.see(alert));
                    values.push((watched.id.clone(), query.name.clone(), known.fires()));
                }
            }
        }
        for (id, name, fires) in values {
            let answer = QueryAnswer::Value { value: f64::from(u8::from(fires)) };
            let told = Told { at: clock::now(), about: About::Query { name, answer } };
            if !self.hearing.tell(&id, told) {
                return Err(NotTaken::Busy);
            }
        }
        Ok(())
    }
}
