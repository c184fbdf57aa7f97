//! Calls about notifications.

use serin_proto::admin::v1 as proto;
use serin_proto::admin::v1::retry_notifications_request::Which;

use super::Client;
use super::convert::moment;
use crate::failure::Failure;
use crate::model::{Delivery, Moment, NotificationTarget, Notifications, TargetState};

impl Client {
    /// Targets by name, messages newest first.
    pub(crate) async fn notifications(&self) -> Result<Notifications, Failure> {
        let mut service = self.notifications.clone();
        let request = self.request(proto::ListNotificationsRequest { limit: 0 });
        Ok(self.bounded(service.list_notifications(request)).await?.into())
    }

    /// Sends again what was given up: one message by its number, or all of a target. Gives how many.
    pub(crate) async fn retry_notifications(&self, what: String) -> Result<u64, Failure> {
        let mut service = self.notifications.clone();
        let which = what.parse().map_or_else(|_| Which::Target(what), Which::Id);
        let request = self.request(proto::RetryNotificationsRequest { which: Some(which) });
        Ok(self.bounded(service.retry_notifications(request)).await?.retried)
    }

    /// Sends a test message. Gives why it did not arrive; `None`: it did.
    pub(crate) async fn test_notification(&self, target: String) -> Result<Option<String>, Failure> {
        let mut service = self.notifications.clone();
        let request = self.request(proto::TestNotificationRequest { target });
        let answer = self.bounded(service.test_notification(request)).await?;
        Ok((!answer.delivered).then_some(answer.error))
    }
}

impl From<proto::ListNotificationsResponse> for Notifications {
    fn from(answer: proto::ListNotificationsResponse) -> Self {
        let deliveries = |all: Vec<proto::Delivery>| all.into_iter().map(Delivery::from).collect();
        Self {
            targets: answer.targets.into_iter().map(NotificationTarget::from).collect(),
            pending: deliveries(answer.pending),
            dead: deliveries(answer.dead),
            delivered: deliveries(answer.delivered),
        }
    }
}

impl From<proto::NotificationTarget> for NotificationTarget {
    fn from(target: proto::NotificationTarget) -> Self {
        let state = match target.state() {
            proto::NotificationTargetState::Unspecified => TargetState::Unknown,
            proto::NotificationTargetState::Well => TargetState::Well,
            proto::NotificationTargetState::Failing => TargetState::Failing,
            proto::NotificationTargetState::Silent => TargetState::Silent,
        };
        Self {
            name: target.name,
            kind: target.kind,
            place: target.place,
            state,
            pending: target.pending,
            oldest_pending_at: moment!(target.oldest_pending_at),
            dead: target.dead,
            last_delivered_at: moment!(target.last_delivered_at),
            last_failed_at: moment!(target.last_failed_at),
            last_error: Some(target.last_error).filter(|error| !error.is_empty()),
        }
    }
}

impl From<proto::Delivery> for Delivery {
    fn from(delivery: proto::Delivery) -> Self {
        Self {
            id: delivery.id,
            target: delivery.target,
            key: delivery.key,
            title: delivery.title,
            severity: delivery.severity,
            attempts: delivery.attempts,
            created_at: moment!(delivery.created_at),
            next_attempt_at: moment!(delivery.next_attempt_at),
            error: Some(delivery.error).filter(|error| !error.is_empty()),
        }
    }
}
