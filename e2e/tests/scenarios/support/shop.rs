//! The shop while it is rolled out behind one Envoy by the real control plane.

use std::time::{Duration, Instant};

use serde_json::Value;
use serin_e2e::envoy::{Envoy, Settings};
use serin_e2e::load::{Load, Plan, Target};
use serin_proto::admin::v1::{Event, ListEventsRequest, Phase};

use super::control_plane::ControlPlane;
use super::scene::Scene;
use super::{PATIENCE, eventually};

/// Where the plan of a rollout begins.
pub(crate) const SHOP: &str = "\
service: shop
baseline: v1
canary: v2
";
/// Requests per second of [`Shop::load`].
pub(crate) const RATE: u64 = 400;
/// Within which evidence gathers, on a busy machine too.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);
/// Within which some seconds of traffic are merged, and a broken route is undone.
const SOON: Duration = Duration::from_secs(60);

/// A scene with a control plane and an Envoy that obeys it.
pub(crate) struct Shop {
    pub(crate) control_plane: ControlPlane,
    pub(crate) envoy: Envoy,
    pub(crate) scene: Scene,
}

impl Shop {
    /// Both versions, the control plane and Envoy run; nothing is rolled out yet.
    pub(crate) async fn open(name: &str) -> Self {
        let scene = Scene::open(name).await;
        let control_plane = ControlPlane::start(&scene.workspace, &scene.folder, 1_000).await;
        let bootstrap = scene.bootstrap(control_plane.fleet());
        let envoy = scene.envoy(&Settings::named("envoy").workers(2), bootstrap).await;
        Self { control_plane, envoy, scene }
    }

    /// Begins a rollout by `plan`, and waits until Envoy has it.
    pub(crate) async fn begins(&self, plan: &str) -> String {
        let id = self.control_plane.create(plan).await.id;
        self.control_plane.attached(&[("envoy", 2)]).await;
        id
    }

    /// Everyone's requests, until it is dropped.
    pub(crate) fn load(&self) -> Load {
        Load::start(Plan::of_shop(self.envoy.address(), RATE as f64)).unwrap()
    }

    /// Ten requests a second of one kind, until it is dropped.
    pub(crate) fn load_of(&self, target: Target) -> Load {
        let plan = Plan::of_shop(self.envoy.address(), 10.0);
        Load::start(Plan { users: 0, targets: vec![target], ..plan }).unwrap()
    }

    pub(crate) async fn reaches(&self, phase: Phase) {
        eventually(&format!("the rollout is {phase:?}"), PATIENCE, async || {
            (self.control_plane.rollout().await.phase() == phase).then_some(())
        })
        .await;
    }

    /// Waits until so many more seconds of traffic were merged.
    pub(crate) async fn seconds_pass(&self, seconds: u64) {
        let merged = async || self.control_plane.metric("serin_requests_finished_total").await;
        let enough = merged().await + seconds * RATE;
        eventually("traffic is merged", SOON, async || (merged().await >= enough).then_some(())).await;
    }

    /// The journal after so many events.
    pub(crate) async fn events(&self, after_sequence: u64) -> Vec<Event> {
        let request = ListEventsRequest { after_sequence, ..ListEventsRequest::default() };
        self.control_plane.client().list_events(request).await.unwrap().into_inner().events
    }

    /// The first event of this kind.
    pub(crate) async fn event(&self, kind: &str) -> Value {
        contents(&self.first(kind, DEADLINE, |event| event.kind == kind).await)
    }

    /// The first hold for this reason.
    pub(crate) async fn holds_for(&self, reason: &str) -> Value {
        let is_wanted = |event: &Event| event.kind == "held" && contents(event)["reason"]["reason"] == reason;
        contents(&self.first(reason, DEADLINE, is_wanted).await)
    }

    /// The first event that undoes something.
    pub(crate) async fn rollback(&self) -> Event {
        self.first("a rollback", SOON, is_rollback).await
    }

    /// Nothing was undone so far.
    pub(crate) async fn stands(&self) {
        let undone: Vec<Event> = self.events(0).await.into_iter().filter(is_rollback).collect();
        assert_eq!(undone, [], "rolled back");
    }

    async fn first(&self, what: &str, within: Duration, is_wanted: impl Fn(&Event) -> bool) -> Event {
        let end = Instant::now() + within;
        loop {
            let events = self.events(0).await;
            if let Some(found) = events.iter().find(|event| is_wanted(event)) {
                return found.clone();
            }
            let told =
                || events.iter().map(|event| format!("{} {}\n", event.kind, event.text)).collect::<String>();
            assert!(Instant::now() < end, "not within {within:?}: {what}; the journal holds\n{}", told());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// What an event tells.
pub(crate) fn contents(event: &Event) -> Value {
    serde_json::from_str(&event.json).unwrap()
}

pub(crate) fn is_rollback(event: &Event) -> bool {
    event.kind.ends_with("rolled_back")
}
