//! What is decided of a canary where more than its error rate counts: whose requests fail, where a trend leads, and what it is
//! compared with when no baseline runs beside it.

use std::time::Duration;

use serde_json::Value;
use serin_e2e::envoy::{Envoy, Settings};
use serin_e2e::http;
use serin_e2e::load::{Load, Plan, Target};
use serin_e2e::sample::fault::{EVERY_ROUTE, Fault, Faults, Kind};
use serin_e2e::sample::{FAULT_HEADER, VERSION_HEADER};
use serin_proto::admin::v1::{ListEventsRequest, Phase};

use crate::support::control_plane::ControlPlane;
use crate::support::scene::{CANARY_VERSION, Scene};
use crate::support::{PATIENCE, eventually};

/// Requests per second.
const RATE: f64 = 400.0;
/// Within which evidence gathers, on a busy machine too.
const DEADLINE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_fails_alone_holds_the_rollout_and_is_undone_once_others_fail_too() {
    let scene = Scene::open("broken-account").await;
    let shop = Shop::open(&scene).await;
    let plan = "\
service: shop
baseline: v1
canary: v2
identity: {user: [{header: x-user-id}]}
components:
- {name: checkout, matches: [{path: {prefix: /checkout}}]}
- {name: search, matches: [{path: {prefix: /search}}]}
- {name: cart, matches: [{path: {prefix: /cart}}]}
warm_up: 5s
steps: [{weight: 30%, bake: 10m}]
";
    shop.begins(plan).await;
    let _everyone = Load::start(Plan::of_shop(shop.envoy.address(), RATE)).unwrap();
    shop.reaches(Phase::Progressing).await;
    let account = shop.account_of_the_canary().await;
    let broken = Target::get("/checkout").header("x-user-id", &account);
    let broken = broken.header(FAULT_HEADER, r#"{"status":500}"#);
    let of_account = Plan { users: 0, targets: vec![broken], ..Plan::of_shop(shop.envoy.address(), 10.0) };
    let _account = Load::start(of_account).unwrap();

    let held = shop.holds_for("vetoed").await;
    assert_eq!(held["reason"]["vetoes"], serde_json::json!(["few_users"]), "{held}");
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(shop.rollbacks().await, Vec::<String>::new());

    scene.canary.set_faults(Faults::one("/checkout", 0.3, Kind::Status(500)));
    let undone = shop.event("components_rolled_back").await;
    assert_eq!(undone["components"], serde_json::json!(["checkout"]), "{undone}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_that_gets_slower_and_slower_is_undone_before_it_is_too_slow() {
    let scene = Scene::open("leak").await;
    let shop = Shop::open(&scene).await;
    // With a margin wider than the limit, evidence alone would wait for it to be exceeded.
    let plan = "\
service: shop
baseline: v1
canary: v2
components:
- {name: checkout, matches: [{path: {prefix: /checkout}}]}
margins: {latency_ratio: 100%}
forecast: {latency_ratio: 50%, rollback: true}
warm_up: 5s
steps: [{weight: 50%, bake: 10m}]
";
    let slower_by = |ms| {
        let fault = |ms| Fault { route: EVERY_ROUTE.to_owned(), share: 1.0, kind: Kind::LatencyMs(ms) };
        scene.baseline.set_faults(Faults { faults: vec![fault(USUAL_MS)] });
        scene.canary.set_faults(Faults { faults: vec![fault(USUAL_MS + ms)] });
    };
    slower_by(0);
    shop.begins(plan).await;
    let _load = Load::start(Plan::of_shop(shop.envoy.address(), RATE)).unwrap();
    shop.reaches(Phase::Progressing).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let mut more_ms = 0;
    let undone = eventually("the canary is rolled back", DEADLINE, async || {
        // 1 % more every 2.2 s: the limit after 110 s.
        more_ms += USUAL_MS / 100;
        slower_by(more_ms);
        tokio::time::sleep(Duration::from_millis(2_200)).await;
        shop.events().await.into_iter().find(|(kind, _)| kind.ends_with("rolled_back"))
    })
    .await;
    println!("undone at {} % more", 100 * more_ms / USUAL_MS);
    assert_eq!(undone.1["cause"]["why"], "predicted", "{}", undone.1);
    assert!(more_ms < USUAL_MS / 2, "beyond the limit: {more_ms} ms more");
    shop.holds_for("predicted").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_deployment_is_judged_by_the_limits_of_its_plan() {
    let scene = Scene::open("first-deployment").await;
    let shop = Shop::open(&scene).await;
    let plan = "\
service: shop
baseline: v1
canary: v2
components:
- {name: checkout, matches: [{path: {prefix: /checkout}}]}
warm_up: 2s
steps: [{weight: 100%, bake: 10m}]
limits: {error_rate: 1%, latency_p99: 5s, sustained: 20s}
";
    shop.begins(plan).await;
    let _load = Load::start(Plan::of_shop(shop.envoy.address(), RATE)).unwrap();
    shop.reaches(Phase::Completing).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(shop.rollbacks().await, Vec::<String>::new());
    scene.canary.set_faults(Faults::one(EVERY_ROUTE, 0.1, Kind::Status(503)));
    let undone = shop.event("rolled_back").await;
    let reasons = &undone["evidence"]["version"]["reasons"];
    assert_eq!(reasons[0]["baseline_used"], "thresholds", "{undone}");
}

/// Milliseconds that a request takes on both versions.
const USUAL_MS: u64 = 100;

/// A shop that is rolled out behind one Envoy.
struct Shop {
    control_plane: ControlPlane,
    envoy: Envoy,
}

impl Shop {
    async fn open(scene: &Scene) -> Self {
        let control_plane = ControlPlane::start(&scene.workspace, &scene.folder, 1_000).await;
        let bootstrap = scene.bootstrap(control_plane.fleet());
        let envoy = scene.envoy(&Settings::named("envoy").workers(2), bootstrap).await;
        Self { control_plane, envoy }
    }

    async fn begins(&self, plan: &str) {
        self.control_plane.create(plan).await;
        self.control_plane.attached(&[("envoy", 2)]).await;
    }

    async fn reaches(&self, phase: Phase) {
        eventually(&format!("the rollout is {phase:?}"), PATIENCE, async || {
            (self.control_plane.rollout().await.phase() == phase).then_some(())
        })
        .await;
    }

    /// The first of many users whom the weight sends to the canary.
    async fn account_of_the_canary(&self) -> String {
        for number in 0..100 {
            let account = format!("account-{number}");
            let headers = [("x-user-id", account.as_str())];
            let answer = http::get(self.envoy.address(), "/checkout", &headers).await.unwrap();
            if answer.header(VERSION_HEADER) == Some(CANARY_VERSION) {
                return account;
            }
        }
        panic!("no account is on the canary");
    }

    /// Kinds and contents of all events.
    async fn events(&self) -> Vec<(String, Value)> {
        let journal = self.control_plane.client().list_events(ListEventsRequest::default()).await.unwrap();
        let events = journal.into_inner().events.into_iter();
        events.map(|event| (event.kind, serde_json::from_str(&event.json).unwrap())).collect()
    }

    /// The first event of this kind, once there is one.
    async fn event(&self, kind: &str) -> Value {
        self.first(kind, |_| true).await
    }

    /// The first hold for this reason, once there is one.
    async fn holds_for(&self, reason: &str) -> Value {
        self.first("held", |event| event["reason"]["reason"] == reason).await
    }

    async fn first(&self, kind: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(kind, DEADLINE, async || {
            let mut events = self.events().await.into_iter();
            events.find(|(other, event)| other == kind && is_wanted(event)).map(|(_, event)| event)
        })
        .await
    }

    /// Kinds of all events that undid something.
    async fn rollbacks(&self) -> Vec<String> {
        let events = self.events().await.into_iter();
        events.map(|(kind, _)| kind).filter(|kind| kind.ends_with("rolled_back")).collect()
    }
}
