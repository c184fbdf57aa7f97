//! Puts together what belongs together, and says when it is told.
//!
//! News of one cause, severity and target form a group. The first news of a group, and every one that says something new,
//! is told after a short wait, with all that came meanwhile. What only repeats is counted, and told at most once an interval.
//! A rollback that follows from another service's joins the group of that one, whichever is read first.
//!
//! An incident is harm that a target was told of. It is opened by critical news and holds the rollouts that it struck;
//! when the last of them is well again, every target that was told of it is told so, whatever the routes say.
//!
//! Clocks may jump: nothing waits longer than the interval from now.

mod group;
mod incidents;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serin_rollout::{Severity, UnixMillis};

use crate::{Incident, Item, Message, News};
use group::Group;
use incidents::Incidents;

/// Groups, and incidents, that are open at a time. Beyond it the oldest group is told at once, and the oldest incident forgotten.
pub const OPEN_MAX: usize = 256;
/// News that one message names; the others are counted.
pub const ITEMS_MAX: usize = 32;

/// How news are put together.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Grouping {
    /// How long something new waits for what belongs to it.
    pub wait: Duration,
    /// How long repetitions are gathered.
    pub interval: Duration,
    /// Targets that get each news by itself and at once.
    pub streams: BTreeSet<String>,
}

/// What is not told yet, and what goes on.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Desk {
    #[serde(default)]
    groups: Vec<Group>,
    #[serde(default)]
    incidents: Incidents,
}

impl Desk {
    /// Takes news for `targets`. Gives what is to be told at once: to streams, and what has to make room.
    pub fn take(
        &mut self,
        news: &News,
        mut targets: BTreeSet<String>,
        grouping: &Grouping,
        now: UnixMillis,
    ) -> Vec<Message> {
        let mut told = Vec::new();
        if let Some(closes) = &news.closes {
            for (target, incident) in self.incidents.close(news, closes) {
                self.groups
                    .iter_mut()
                    .filter(|group| group.target == target)
                    .for_each(|group| group.renew(news));
                if targets.remove(&target) || incident.is_some() {
                    told.extend(self.put(news, &target, incident, grouping, now));
                }
            }
        }
        for target in targets {
            let incident = (news.severity == Severity::Critical).then(|| {
                let joined = self.groups.iter().find(|group| group.is_joined_by(news, &target));
                self.incidents.open(news, &target, joined.and_then(Group::incident))
            });
            told.extend(self.put(news, &target, incident, grouping, now));
        }
        told
    }

    /// What is due.
    pub fn due(&mut self, grouping: &Grouping, now: UnixMillis) -> Vec<Message> {
        let due = self.groups.iter_mut().filter(|group| group.is_due(grouping, now));
        let told = due.filter_map(|group| group.tell(now)).collect();
        self.groups.retain(|group| !group.is_over(grouping, now));
        told
    }

    /// When something will be due; `None`: nothing waits.
    #[must_use]
    pub fn next_due(&self) -> Option<UnixMillis> {
        self.groups.iter().filter_map(Group::due_at).min()
    }

    fn put(
        &mut self,
        news: &News,
        target: &str,
        incident: Option<Incident>,
        grouping: &Grouping,
        now: UnixMillis,
    ) -> Vec<Message> {
        if grouping.streams.contains(target) {
            return vec![single(news, target, incident)];
        }
        let found = self.groups.iter_mut().find(|group| group.takes(news, target, incident.as_ref()));
        if let Some(group) = found {
            group.begin(incident);
            group.add(news, grouping, now);
            return Vec::new();
        }
        let mut told = Vec::new();
        while self.groups.len() >= OPEN_MAX {
            told.extend(self.groups.remove(0).tell(now));
        }
        let mut group = Group::new(news, target, incident);
        group.add(news, grouping, now);
        self.groups.push(group);
        told
    }
}

fn single(news: &News, target: &str, incident: Option<Incident>) -> Message {
    Message {
        key: key(target, news.sequence),
        target: target.to_owned(),
        severity: news.severity,
        items: vec![Item::of(news)],
        more: 0,
        incident,
    }
}

/// Each event is told to a target in one message, so its first event names a message.
fn key(target: &str, sequence: u64) -> String {
    format!("serin-{target}-{sequence}")
}

#[cfg(test)]
mod tests;
