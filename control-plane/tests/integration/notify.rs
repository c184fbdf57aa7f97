//! Who is told, by a real server and a receiver that does what a test asks of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use serin_proto::admin::v1::notification_service_client::NotificationServiceClient;
use serin_proto::admin::v1::retry_notifications_request::Which;
use serin_proto::admin::v1::*;
use tonic::transport::Channel;

use crate::stages::report;
use crate::support::*;

/// Something that is told, and what it was told.
struct Receiver {
    port: u16,
    status: Arc<Mutex<StatusCode>>,
    got: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
}

type Shared = (Arc<Mutex<StatusCode>>, Arc<Mutex<Vec<(HeaderMap, Value)>>>);

async fn take((status, got): Shared, headers: HeaderMap, body: Bytes) -> StatusCode {
    got.lock().unwrap().push((headers, serde_json::from_slice(&body).unwrap()));
    *status.lock().unwrap()
}

impl Receiver {
    async fn new() -> Self {
        let (status, got) = (Arc::new(Mutex::new(StatusCode::OK)), Arc::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared: Shared = (Arc::clone(&status), Arc::clone(&got));
        let handle = |State(shared): State<Shared>, headers, body| take(shared, headers, body);
        let router = Router::new().fallback(handle).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, status, got }
    }

    fn answer(&self, status: StatusCode) {
        *self.status.lock().unwrap() = status;
    }

    fn taken(&self) -> Vec<(HeaderMap, Value)> {
        self.got.lock().unwrap().clone()
    }

    async fn eventually(&self, wanted: impl Fn(&[(HeaderMap, Value)]) -> bool) {
        let end = std::time::Instant::now() + PATIENCE;
        while !wanted(&self.taken()) {
            assert!(std::time::Instant::now() < end, "it was told {:#?}", self.taken());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// A configuration in which it is told everything.
    fn config(&self, permit: &str, attempts: u32) -> String {
        format!(
            "outside: {{permit: [{permit}], timeout: 2s}}\n\
             notifications:\n  targets: {{hook: {{webhook: {{url: 'http://localhost:{}/serin'}}}}}}\n  \
             routes: [{{to: [hook]}}]\n  group: {{wait: 0s, interval: 10s}}\n  limits: {{attempts: {attempts}}}\n",
            self.port
        )
    }
}

async fn asking(server: &Server) -> NotificationServiceClient<Channel> {
    NotificationServiceClient::connect(format!("http://{}", server.addresses().admin)).await.unwrap()
}

async fn list(service: &mut NotificationServiceClient<Channel>) -> ListNotificationsResponse {
    service.list_notifications(ListNotificationsRequest::default()).await.unwrap().into_inner()
}

async fn eventually_listed(
    service: &mut NotificationServiceClient<Channel>,
    wanted: impl Fn(&ListNotificationsResponse) -> bool,
) -> ListNotificationsResponse {
    let end = std::time::Instant::now() + PATIENCE;
    loop {
        let answer = list(service).await;
        if wanted(&answer) {
            return answer;
        }
        assert!(std::time::Instant::now() < end, "{answer:#?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

fn key(told: &(HeaderMap, Value)) -> String {
    told.1.get("key").and_then(Value::as_str).unwrap().to_owned()
}

#[tokio::test]
async fn a_message_that_failed_arrives_with_the_same_key_after_a_restart() {
    let receiver = Receiver::new().await;
    receiver.answer(StatusCode::INTERNAL_SERVER_ERROR);
    let config = receiver.config("127.0.0.1/32", 12);
    let server = Server::configured(tempfile::tempdir().unwrap(), &config).await;
    create(&mut server.admin().await, "shop").await;
    receiver.eventually(|got| !got.is_empty()).await;
    let first = receiver.taken().remove(0);
    assert_eq!(first.1["events"][0]["text"], "Created; warming up");
    assert_eq!(first.0["idempotency-key"], key(&first).as_str());
    let listed =
        eventually_listed(&mut asking(&server).await, |answer| !answer.pending[0].error.is_empty()).await;
    assert_eq!(listed.pending[0].error, "the target answered 500");
    assert_eq!(listed.targets[0].state(), NotificationTargetState::Failing);

    receiver.answer(StatusCode::OK);
    let server = server.restarted_with(&config).await;
    let key_of_first = key(&first);
    receiver.eventually(|got| got.iter().filter(|told| key(told) == key_of_first).count() >= 2).await;
    let listed = eventually_listed(&mut asking(&server).await, |answer| answer.pending.is_empty()).await;
    assert_eq!(listed.delivered.last().unwrap().key, key_of_first);
    assert_eq!(listed.targets[0].state(), NotificationTargetState::Well);
}

#[tokio::test]
async fn an_address_that_is_not_permitted_is_told_nothing_until_it_is() {
    let receiver = Receiver::new().await;
    let server = Server::configured(tempfile::tempdir().unwrap(), &receiver.config("10.0.0.0/8", 1)).await;
    create(&mut server.admin().await, "shop").await;
    let mut service = asking(&server).await;
    let listed = eventually_listed(&mut service, |answer| !answer.dead.is_empty()).await;
    assert!(
        listed.dead[0].error.contains("is loopback and not in outside.permit"),
        "{}",
        listed.dead[0].error
    );
    assert!(receiver.taken().is_empty());
    let tested =
        service.test_notification(TestNotificationRequest { target: "hook".to_owned() }).await.unwrap();
    assert!(tested.into_inner().error.contains("loopback"));

    let server = server.restarted_with(&receiver.config("127.0.0.1/32", 1)).await;
    let mut service = asking(&server).await;
    let which = Some(Which::Id(listed.dead[0].id));
    let retried =
        service.retry_notifications(RetryNotificationsRequest { which }).await.unwrap().into_inner();
    assert_eq!(retried.retried, 1);
    receiver.eventually(|got| got.iter().any(|told| key(told) == listed.dead[0].key)).await;
}

#[tokio::test]
async fn a_test_says_whether_it_arrived_and_unknown_targets_are_refused() {
    let receiver = Receiver::new().await;
    let server = Server::configured(tempfile::tempdir().unwrap(), &receiver.config("127.0.0.1/32", 1)).await;
    let mut service = asking(&server).await;
    let test = || TestNotificationRequest { target: "hook".to_owned() };
    let answer = service.test_notification(test()).await.unwrap().into_inner();
    assert_eq!(answer, TestNotificationResponse { delivered: true, error: String::new() });
    assert_eq!(receiver.taken()[0].1["events"][0]["kind"], "test");
    receiver.answer(StatusCode::FORBIDDEN);
    let answer = service.test_notification(test()).await.unwrap().into_inner();
    assert_eq!((answer.delivered, answer.error.as_str()), (false, "the target answered 403"));
    let unknown = service.test_notification(TestNotificationRequest { target: "x".to_owned() }).await;
    assert_eq!(unknown.unwrap_err().code(), tonic::Code::NotFound);
    let nothing = service.retry_notifications(RetryNotificationsRequest { which: None }).await;
    assert_eq!(nothing.unwrap_err().code(), tonic::Code::InvalidArgument);
    let none = Which::Id(4_711);
    let none = service.retry_notifications(RetryNotificationsRequest { which: Some(none) }).await.unwrap();
    assert_eq!(none.into_inner().retried, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_incident_of_a_rollback_is_resolved_once_the_baseline_carries_the_load() {
    let receiver = Receiver::new().await;
    let config =
        receiver.config("127.0.0.1/32", 12).replace("{to: [hook]}", "{severity: critical, to: [hook]}");
    let server = Server::configured(tempfile::tempdir().unwrap(), &config).await;
    let mut admin = server.admin().await;
    let created = create(&mut admin, "shop").await;
    let generation = Arc::new(AtomicU64::new(created.generation));
    let rolled_back = Arc::new(AtomicU64::new(u64::MAX));
    let fleet = server.fleet().await;
    let reporting = report(fleet, Arc::clone(&generation), Arc::clone(&rolled_back), 1);
    let reporting = tokio::spawn(reporting);
    eventually(&mut admin, &created.id, |rollout| rollout.arms.iter().any(|arm| arm.requests > 150)).await;
    let order = RollbackRequest { id: created.id.clone(), reason: "bad".to_owned(), ..Default::default() };
    let rollout = admin.rollback(order).await.unwrap().into_inner().rollout.unwrap();
    rolled_back.store(rollout.generation, Ordering::SeqCst);
    generation.store(rollout.generation, Ordering::SeqCst);
    eventually(&mut admin, &created.id, |rollout| rollout.rollback.as_ref().unwrap().verified).await;
    receiver.eventually(|got| got.len() >= 2).await;
    reporting.abort();
    let incidents: Vec<Value> =
        receiver.taken().into_iter().map(|(_, told)| told["incident"].clone()).collect();
    let key = format!("serin/{}", created.id);
    let expected = ["opened", "resolved"].map(|action| serde_json::json!({"key": key, "action": action}));
    assert_eq!(incidents, expected);
}
