//! Which harm goes on that a target was told of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::OPEN_MAX;
use crate::{Action, Closes, Harm, Incident, News};

/// Oldest first.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub(super) struct Incidents(Vec<Open>);

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Open {
    key: String,
    target: String,
    /// The rollouts that it struck, and how.
    rollouts: BTreeMap<String, Harm>,
}

impl Incidents {
    /// Notes that critical news are told to a target: as part of the incident that strikes the rollout already, else of the one
    /// that its group told of, else of a new one.
    pub(super) fn open(&mut self, news: &News, target: &str, group: Option<&str>) -> Incident {
        let of_target = |open: &&mut Open| open.target == target;
        let mut found =
            self.0.iter_mut().filter(of_target).find(|open| open.rollouts.contains_key(&news.rollout));
        if found.is_none() {
            found = self.0.iter_mut().filter(of_target).find(|open| group == Some(open.key.as_str()));
        }
        if let Some(open) = found {
            open.rollouts.entry(news.rollout.clone()).or_default().add(&news.harm);
            return Incident { key: open.key.clone(), action: Action::Continued };
        }
        while self.0.len() >= OPEN_MAX {
            self.0.remove(0);
        }
        let key = format!("serin/{}", news.rollout);
        let rollouts = BTreeMap::from([(news.rollout.clone(), news.harm.clone())]);
        self.0.push(Open { key: key.clone(), target: target.to_owned(), rollouts });
        Incident { key, action: Action::Opened }
    }

    /// Takes from the incidents of a rollout what ends. Gives the targets that were told of one that has ended for it, with the
    /// incident where it is over.
    pub(super) fn close(&mut self, news: &News, closes: &Closes) -> Vec<(String, Option<Incident>)> {
        let mut told = Vec::new();
        for open in &mut self.0 {
            let Some(harm) = open.rollouts.get_mut(&news.rollout) else { continue };
            harm.end(closes);
            if harm.is_over() {
                open.rollouts.remove(&news.rollout);
                let incident = Incident { key: open.key.clone(), action: Action::Resolved };
                told.push((open.target.clone(), open.rollouts.is_empty().then_some(incident)));
            }
        }
        self.0.retain(|open| !open.rollouts.is_empty());
        told
    }
}
