//! Alerts as Alertmanager posts them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// Alerts of one query that are remembered as firing.
const FIRING_MAX: usize = 1_000;

/// What Alertmanager posts, as far as it is looked at.
#[derive(Debug, Deserialize)]
pub(crate) struct Posted {
    pub(crate) alerts: Vec<Alert>,
}

/// One alert.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Alert {
    status: Status,
    labels: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Status {
    Firing,
    Resolved,
}

impl Alert {
    /// Whether it has all of these labels.
    pub(crate) fn has(&self, labels: &BTreeMap<String, String>) -> bool {
        labels.iter().all(|(name, value)| self.labels.get(name) == Some(value))
    }
}

/// Which alerts of a query fire.
#[derive(Debug)]
pub(crate) struct Firing {
    alerts: BTreeSet<BTreeMap<String, String>>,
    /// It fired before this process began, and nothing was heard of it since.
    before: bool,
}

impl Firing {
    pub(crate) const fn new(before: bool) -> Self {
        Self { alerts: BTreeSet::new(), before }
    }

    pub(crate) fn see(&mut self, alert: &Alert) {
        self.before = false;
        match alert.status {
            Status::Firing if self.alerts.len() < FIRING_MAX => _ = self.alerts.insert(alert.labels.clone()),
            // That some fire is known already.
            Status::Firing => {}
            Status::Resolved => _ = self.alerts.remove(&alert.labels),
        }
    }

    pub(crate) fn fires(&self) -> bool {
        self.before || !self.alerts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted(json: &str) -> Vec<Alert> {
        serde_json::from_str::<Posted>(json).unwrap().alerts
    }

    #[test]
    fn a_query_fires_while_one_of_its_alerts_does_and_a_restart_forgets_none() {
        let [a, b, over] = posted(
            r#"{"version":"4","receiver":"serin","status":"firing","alerts":[
                {"status":"firing","labels":{"alertname":"Deep","pod":"a"},"startsAt":"2026-01-01T00:00:00Z"},
                {"status":"firing","labels":{"alertname":"Deep","pod":"b"}},
                {"status":"resolved","labels":{"alertname":"Deep","pod":"a"}}]}"#,
        )
        .try_into()
        .unwrap();
        let labels = |name: &str| BTreeMap::from([("alertname".to_owned(), name.to_owned())]);
        assert!(a.has(&labels("Deep")) && !a.has(&labels("Other")));
        let mut firing = Firing::new(false);
        assert!(!firing.fires());
        [&a, &b, &over].into_iter().for_each(|alert| firing.see(alert));
        assert!(firing.fires(), "b still does");
        firing.see(&Alert { status: Status::Resolved, ..b });
        assert!(!firing.fires());
        assert!(Firing::new(true).fires());
    }
}
