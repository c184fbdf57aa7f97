//! What one target is told together.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serin_rollout::{Severity, UnixMillis};

use super::{Grouping, ITEMS_MAX, key};
use crate::{Action, Incident, Item, Message, News};

/// Services that a group remembers, so that others can join it.
const SERVICES_MAX: usize = 256;

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Group {
    pub(super) target: String,
    cause: String,
    severity: Severity,
    /// Services whose news it took.
    services: BTreeSet<String>,
    /// What is not told yet, oldest first.
    waiting: Vec<Item>,
    /// News that found no room among what waits, and the first one of them.
    more: u64,
    first_left_out: Option<u64>,
    /// What was told already, by rollout and text: it is only counted when it comes again.
    told: Vec<(String, String)>,
    due: Option<UnixMillis>,
    told_at: Option<UnixMillis>,
    incident: Option<Incident>,
}

impl Group {
    pub(super) fn new(news: &News, target: &str, incident: Option<Incident>) -> Self {
        Self {
            target: target.to_owned(),
            cause: news.cause.clone(),
            severity: news.severity,
            services: BTreeSet::new(),
            waiting: Vec::new(),
            more: 0,
            first_left_out: None,
            told: Vec::new(),
            due: None,
            told_at: None,
            incident,
        }
    }

    /// Whether news of this target belongs here by its cause.
    pub(super) fn is_joined_by(&self, news: &News, target: &str) -> bool {
        let is_followed = news.follows.iter().any(|service| self.services.contains(service));
        self.target == target && self.severity == news.severity && (self.cause == news.cause || is_followed)
    }

    /// The same, where a message tells the begin or the end of one incident only.
    pub(super) fn takes(&self, news: &News, target: &str, incident: Option<&Incident>) -> bool {
        let tells_as = match (&self.incident, incident) {
            (None, None) => true,
            (Some(mine), Some(other)) => mine.tells_as(other),
            (Some(_), None) | (None, Some(_)) => false,
        };
        self.is_joined_by(news, target) && tells_as
    }

    /// What it tells of an incident from now on: that it begins again.
    pub(super) fn begin(&mut self, incident: Option<Incident>) {
        if incident.as_ref().is_some_and(|one| one.action == Action::Opened) {
            self.incident = incident;
        }
    }

    /// Key of the incident that it opened.
    pub(super) fn incident(&self) -> Option<&str> {
        self.incident.as_ref().filter(|one| one.action != Action::Resolved).map(|one| one.key.as_str())
    }

    pub(super) fn add(&mut self, news: &News, grouping: &Grouping, now: UnixMillis) {
        if self.services.len() < SERVICES_MAX {
            self.services.insert(news.service.clone());
        }
        let is_told = self.told.iter().any(|(rollout, text)| *rollout == news.rollout && *text == news.text);
        let after = |base: UnixMillis, wait: std::time::Duration| {
            UnixMillis(base.0.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)))
        };
        let due = match self.told_at {
            Some(told_at) if is_told => after(told_at, grouping.interval),
            _ => after(now, grouping.wait),
        };
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
        let is_same = |item: &&mut Item| item.rollout == news.rollout && item.text == news.text;
        if let Some(item) = self.waiting.iter_mut().find(is_same) {
            item.count = item.count.saturating_add(1);
            item.last_at = item.last_at.max(news.at);
        } else if self.waiting.len() < ITEMS_MAX {
            self.waiting.push(Item::of(news));
        } else {
            self.more = self.more.saturating_add(1);
            self.first_left_out = self.first_left_out.or(Some(news.sequence));
        }
    }

    /// What was told of a rollout is new when it comes again.
    pub(super) fn renew(&mut self, news: &News) {
        self.told.retain(|(rollout, _)| *rollout != news.rollout);
    }

    pub(super) fn due_at(&self) -> Option<UnixMillis> {
        self.due
    }

    /// Its time has come, or lies further ahead than it ever can.
    pub(super) fn is_due(&self, grouping: &Grouping, now: UnixMillis) -> bool {
        self.due.is_some_and(|due| due <= now || due.since(now) > grouping.interval.max(grouping.wait))
    }

    /// Nothing waits, and nothing was told for so long that all would be new.
    pub(super) fn is_over(&self, grouping: &Grouping, now: UnixMillis) -> bool {
        let is_old =
            |told: UnixMillis| now.since(told) >= grouping.interval || told.since(now) > grouping.interval;
        self.due.is_none() && self.told_at.is_none_or(is_old)
    }

    /// What waits, which is told now.
    pub(super) fn tell(&mut self, now: UnixMillis) -> Option<Message> {
        self.due = None;
        self.told_at = Some(now);
        let items = std::mem::take(&mut self.waiting);
        let sequence = items.iter().map(|item| item.sequence).chain(self.first_left_out.take()).min()?;
        self.told.extend(items.iter().map(|item| (item.rollout.clone(), item.text.clone())));
        let forgotten = self.told.len().saturating_sub(4 * ITEMS_MAX);
        self.told.drain(..forgotten);
        let incident = self.incident.clone();
        if let Some(Incident { action: action @ Action::Opened, .. }) = &mut self.incident {
            *action = Action::Continued;
        }
        Some(Message {
            key: key(&self.target, sequence),
            target: self.target.clone(),
            severity: self.severity,
            items,
            more: std::mem::take(&mut self.more),
            incident,
        })
    }
}
