//! What one target is told at once.

use serde::{Deserialize, Serialize};
use serin_rollout::{Severity, UnixMillis};

use crate::News;

/// What one target is told at once.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Message {
    /// The same whenever and however often it is sent, and of no other message.
    pub key: String,
    /// Name of the target.
    pub target: String,
    /// Of its most urgent item.
    pub severity: Severity,
    /// What happened, oldest first; at least one.
    pub items: Vec<Item>,
    /// News that are left out because there are too many.
    #[serde(default)]
    pub more: u64,
    /// The incident that it is part of.
    #[serde(default)]
    pub incident: Option<Incident>,
}

/// Something that happened, once or several times.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Item {
    /// Position in the journal, where it was told first.
    pub sequence: u64,
    /// When it happened first.
    pub at: UnixMillis,
    /// When it happened last.
    pub last_at: UnixMillis,
    /// How often.
    pub count: u64,
    /// How urgent it is.
    pub severity: Severity,
    /// Identifier of the rollout.
    pub rollout: String,
    /// Service.
    pub service: String,
    /// Version on trial.
    pub version: String,
    /// Version before.
    pub baseline: String,
    /// Kind of the event.
    pub kind: String,
    /// Who caused it.
    pub actor: String,
    /// One sentence.
    pub text: String,
    /// Components that it names.
    #[serde(default)]
    pub components: Vec<String>,
    /// Who answers for what it concerns.
    #[serde(default)]
    pub owners: Vec<String>,
}

/// Harm that begins or ends.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Incident {
    /// The same from begin to end.
    pub key: String,
    /// Which of both.
    pub action: Action,
}

/// What happens to an incident.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It begins.
    Opened,
    /// It was told before, and there is more.
    Continued,
    /// It is over.
    Resolved,
}

impl Incident {
    /// Both tell of the same, and either that it is there or that it is over.
    pub(crate) fn tells_as(&self, other: &Self) -> bool {
        self.key == other.key && (self.action == Action::Resolved) == (other.action == Action::Resolved)
    }
}

impl Item {
    pub(crate) fn of(news: &News) -> Self {
        Self {
            sequence: news.sequence,
            at: news.at,
            last_at: news.at,
            count: 1,
            severity: news.severity,
            rollout: news.rollout.clone(),
            service: news.service.clone(),
            version: news.version.clone(),
            baseline: news.baseline.clone(),
            kind: news.kind.clone(),
            actor: news.actor.clone(),
            text: news.text.clone(),
            components: news.components.clone(),
            owners: news.owners.iter().cloned().collect(),
        }
    }

    /// Who it is about, for example `shop v2`.
    #[must_use]
    pub fn subject(&self) -> String {
        match (self.service.as_str(), self.version.as_str()) {
            ("", _) => format!("rollout {}", self.rollout),
            (service, "") => service.to_owned(),
            (service, version) => format!("{service} {version}"),
        }
    }

    /// The sentence, with how often it came.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self.count {
            0 | 1 => format!("{}: {}", self.subject(), self.text),
            count => format!("{}: {} ({count} times)", self.subject(), self.text),
        }
    }
}

impl Message {
    /// One line: what happened first, and how much else.
    #[must_use]
    pub fn title(&self) -> String {
        let Some(first) = self.items.first() else { return "nothing".to_owned() };
        match (self.items.len() as u64 - 1).saturating_add(self.more) {
            0 => first.sentence(),
            1 => format!("{}, and 1 more", first.sentence()),
            more => format!("{}, and {more} more", first.sentence()),
        }
    }

    /// A message that changes nothing, to see that a target is reached.
    #[must_use]
    pub fn test(target: &str, key: String, actor: &str, at: UnixMillis) -> Self {
        let item = Item {
            sequence: 0,
            at,
            last_at: at,
            count: 1,
            severity: Severity::Info,
            rollout: "test".to_owned(),
            service: "serin".to_owned(),
            version: String::new(),
            baseline: String::new(),
            kind: "test".to_owned(),
            actor: actor.to_owned(),
            text: "This is a test; nothing happened".to_owned(),
            components: Vec::new(),
            owners: Vec::new(),
        };
        let (severity, target) = (Severity::Info, target.to_owned());
        Self { key, target, severity, items: vec![item], more: 0, incident: None }
    }
}
