//! What becomes of notifications, by target.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::store::{DeliveryState, TargetCounts};

type Labels = Vec<(&'static str, String)>;

/// Attempts, and what waits.
#[derive(Debug, Default)]
pub(crate) struct NotificationMetrics {
    attempts: Family<Labels, Counter>,
    pending: Family<Labels, Gauge>,
    dead: Family<Labels, Gauge>,
    oldest: Family<Labels, Gauge>,
}

impl NotificationMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Attempts to send notifications, by target and result: delivered, failed (sent again) or dead (given up)";
        registry.register("notifications", help, self.attempts.clone());
        let help = "Notifications that are not delivered yet, by target";
        registry.register("notifications_pending", help, self.pending.clone());
        let help = "Notifications that were given up and are kept, by target";
        registry.register("notifications_dead", help, self.dead.clone());
        let help = "When the oldest pending notification of a target was written, in seconds of Unix; 0: none is pending";
        registry.register("notifications_oldest_pending_timestamp_seconds", help, self.oldest.clone());
    }

    /// Notes how an attempt ended.
    pub(crate) fn attempt(&self, target: &str, state: DeliveryState) {
        let result = match state {
            DeliveryState::Delivered => "delivered",
            DeliveryState::Pending => "failed",
            DeliveryState::Dead => "dead",
        };
        let labels = vec![("target", target.to_owned()), ("result", result.to_owned())];
        self.attempts.get_or_create(&labels).inc();
    }

    /// Notes what waits, of every target, so that its absence cannot be taken for zero.
    pub(crate) fn pending<'a>(&self, targets: impl Iterator<Item = &'a str>, counts: &[TargetCounts]) {
        for target in targets {
            let counts = counts.iter().find(|counts| counts.target == target).cloned().unwrap_or_default();
            let labels: Labels = vec![("target", target.to_owned())];
            let whole = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
            self.pending.get_or_create(&labels).set(whole(counts.pending));
            self.dead.get_or_create(&labels).set(whole(counts.dead));
            self.oldest.get_or_create(&labels).set(counts.oldest.map_or(0, |oldest| whole(oldest.second())));
        }
    }
}
