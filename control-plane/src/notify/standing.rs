//! How each target stands since the start, and what rings its worker.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serin_notify::delivery::Outcome;
use serin_rollout::UnixMillis;

use super::Bell;

/// All targets, by name.
#[derive(Debug)]
pub(super) struct Standings(BTreeMap<String, Entry>);

#[derive(Debug, Default)]
struct Entry {
    bell: Bell,
    standing: Mutex<Standing>,
}

/// How a target stands since the start.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    /// When it last took a message.
    pub(super) delivered_at: Option<UnixMillis>,
    /// When an attempt last failed.
    pub(super) failed_at: Option<UnixMillis>,
    /// Why. `None`: the last attempt did not.
    pub(super) error: Option<String>,
}

impl Standings {
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        Self(names.map(|name| (name.to_owned(), Entry::default())).collect())
    }

    /// What rings the worker of a target.
    pub(super) fn bell(&self, target: &str) -> Option<&Bell> {
        self.0.get(target).map(|entry| &entry.bell)
    }

    pub(super) fn of(&self, target: &str) -> Standing {
        self.0.get(target).map(|entry| entry.lock().clone()).unwrap_or_default()
    }

    pub(super) fn note(&self, target: &str, outcome: &Outcome, now: UnixMillis) {
        let Some(entry) = self.0.get(target) else { return };
        let mut standing = entry.lock();
        standing.error = outcome.why().map(str::to_owned);
        match standing.error {
            None => standing.delivered_at = Some(now),
            Some(_) => standing.failed_at = Some(now),
        }
    }
}

impl Entry {
    fn lock(&self) -> std::sync::MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
