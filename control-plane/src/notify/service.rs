//! What people ask about notifications.

use std::time::Duration;

use serin_notify::send::Parcel;
use serin_notify::{Message, Target};
use serin_proto::admin::v1 as api;
use serin_proto::admin::v1::notification_service_server::NotificationService;
use tokio::time::timeout;
use tonic::{Request, Response, Status};

use super::Notifier;
use crate::admin::{actor, failure, timestamp};
use crate::clock;
use crate::store::{DeliveryState, StoredDelivery, TargetCounts, Which};

/// Deliveries of one answer: when the caller does not say, and at most.
const DELIVERIES: (u32, u32) = (20, 1_000);
/// Answers have to come within the usual deadline of a caller.
const TEST_WITHIN: Duration = Duration::from_secs(8);
/// Oldest message that a healthy target has not taken yet.
const SILENT_AFTER: Duration = Duration::from_mins(5);

/// The gRPC service.
#[derive(Clone, Debug)]
pub(crate) struct Service(pub(crate) Notifier);

#[tonic::async_trait]
impl NotificationService for Service {
    async fn list_notifications(
        &self,
        request: Request<api::ListNotificationsRequest>,
    ) -> Result<Response<api::ListNotificationsResponse>, Status> {
        let limit = match request.into_inner().limit {
            0 => DELIVERIES.0,
            limit if limit <= DELIVERIES.1 => limit,
            _ => return Err(Status::invalid_argument("limit: must be at most 1000")),
        };
        let read = self.0.store.call(move |store| {
            let states = [DeliveryState::Pending, DeliveryState::Dead, DeliveryState::Delivered];
            let all = states.map(|state| store.deliveries(state, limit));
            let [pending, dead, delivered] = all;
            Ok((store.delivery_counts()?, [pending?, dead?, delivered?]))
        });
        let (counts, [pending, dead, delivered]) = read.await.map_err(store_failure)?;
        let targets = self.0.config.targets.iter().map(|target| self.target(target, &counts));
        Ok(Response::new(api::ListNotificationsResponse {
            targets: targets.collect(),
            pending: pending.into_iter().map(shown).collect(),
            dead: dead.into_iter().map(shown).collect(),
            delivered: delivered.into_iter().map(shown).collect(),
        }))
    }

    async fn retry_notifications(
        &self,
        request: Request<api::RetryNotificationsRequest>,
    ) -> Result<Response<api::RetryNotificationsResponse>, Status> {
        use api::retry_notifications_request::Which as Asked;
        let which = match request.into_inner().which {
            Some(Asked::Target(name)) => Which::Target(self.named(&name)?.name.clone()),
            Some(Asked::Id(id)) => Which::Id(id),
            None => return Err(Status::invalid_argument("which: must be a target or an id")),
        };
        let now = clock::now();
        let revived = self.0.store.call(move |store| store.revive(&which, now)).await;
        let retried = revived.map_err(store_failure)?;
        for target in &self.0.config.targets {
            if let Some(bell) = self.0.standings.bell(&target.name) {
                bell.ring();
            }
        }
        Ok(Response::new(api::RetryNotificationsResponse { retried }))
    }

    async fn test_notification(
        &self,
        request: Request<api::TestNotificationRequest>,
    ) -> Result<Response<api::TestNotificationResponse>, Status> {
        let actor = actor(&request);
        let target = self.named(&request.into_inner().target)?;
        let now = clock::now();
        let key = format!("serin-{}-test-{}", target.name, now.0);
        let message = Message::test(&target.name, key, &actor.0, now);
        let parcel = Parcel { message, part: 0 };
        if serin_notify::render::parts(&target.kind, &parcel.message) == 0 {
            let rule = "target: takes events of rollouts only, so there is nothing to test it with";
            return Err(Status::failed_precondition(rule));
        }
        let sent = timeout(TEST_WITHIN, self.0.sender.send(target, &parcel, now.second())).await;
        let error = match sent {
            Ok(outcome) => {
                self.0.standings.note(&target.name, &outcome, clock::now());
                outcome.why().unwrap_or_default().to_owned()
            }
            Err(_late) => format!("no answer within {TEST_WITHIN:?}"),
        };
        Ok(Response::new(api::TestNotificationResponse { delivered: error.is_empty(), error }))
    }
}

impl Service {
    fn named(&self, name: &str) -> Result<&Target, Status> {
        let found = self.0.config.targets.iter().find(|target| target.name == name);
        found.ok_or_else(|| Status::not_found(format!("there is no target named {name:?}")))
    }

    fn target(&self, target: &Target, counts: &[TargetCounts]) -> api::NotificationTarget {
        let (now, standing) = (clock::now(), self.0.standings.of(&target.name));
        let counts = counts.iter().find(|counts| counts.target == target.name).cloned().unwrap_or_default();
        let is_late = counts.oldest.is_some_and(|oldest| now.since(oldest) > SILENT_AFTER);
        let error = standing.error.or(counts.error);
        let state = match error {
            _ if is_late => api::NotificationTargetState::Silent,
            Some(_) => api::NotificationTargetState::Failing,
            None => api::NotificationTargetState::Well,
        };
        api::NotificationTarget {
            name: target.name.clone(),
            kind: target.kind.name().to_owned(),
            place: target.kind.place(),
            state: state.into(),
            pending: counts.pending,
            oldest_pending_at: counts.oldest.map(timestamp),
            dead: counts.dead,
            last_delivered_at: standing.delivered_at.map(timestamp),
            last_failed_at: standing.failed_at.map(timestamp),
            last_error: error.unwrap_or_default(),
        }
    }
}

fn store_failure(error: crate::store::StoreError) -> Status {
    failure::status(error.into())
}

fn shown(delivery: StoredDelivery) -> api::Delivery {
    let message: Option<Message> = serde_json::from_str(&delivery.message).ok();
    api::Delivery {
        id: delivery.id,
        target: delivery.target,
        key: message.map(|message| Parcel { message, part: delivery.part }.key()).unwrap_or_default(),
        title: delivery.title,
        severity: delivery.severity.name().to_owned(),
        attempts: delivery.attempts,
        created_at: Some(timestamp(delivery.created)),
        next_attempt_at: (delivery.state == DeliveryState::Pending).then(|| timestamp(delivery.next)),
        error: delivery.error.unwrap_or_default(),
    }
}
