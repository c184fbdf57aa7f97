//! Stock OpenFeature clients in three languages switch a block of code by what the control plane says, and by what a
//! request says.

use std::time::{Duration, Instant};

use serin_e2e::bootstrap::CANARY_CLUSTER;
use serin_e2e::clients::{self, Checkout, Client, Language};
use serin_e2e::envoy;
use serin_proto::admin::v1::RollbackRequest;

use crate::support::control_plane::ControlPlane;
use crate::support::scene::Scene;
use crate::support::{PATIENCE, eventually};

/// What the control plane asks of whoever asks for flags.
const TOKEN: &str = "correct-horse-battery";

/// How often the clients ask.
const POLL: Duration = Duration::from_secs(1);
/// What an evaluation and a busy machine add to the interval.
const MARGIN: Duration = Duration::from_secs(1);

/// A rollout that leaves every step to the scenario.
const PLAN: &str = "\
service: shop
baseline: v1
canary: v2
components:
- name: checkout
  matches: [{path: {prefix: /checkout}}]
  granularity: fine
  blocks:
  - {name: tax, current: v7, previous: [v6]}
initial_weight: 5%
evaluation: 1h
warm_up: 1h
automatic_rollback: false
";

/// What a checkout of 10.50 says: 19 % are 1.995, of which v6 drops what is less than a cent, and v7 rounds.
fn ran(version: &str, by: &str) -> Checkout {
    let tax_cents = if version == "v7" { 200 } else { 199 };
    Checkout { version: version.to_owned(), by: by.to_owned(), tax_cents }
}

/// A service in each language.
struct Services(Vec<Client>);

impl Services {
    /// Those of the service's `version`, which present `token`.
    async fn start(scene: &Scene, control_plane: &ControlPlane, version: &str, token: &str) -> Self {
        let mut clients = Vec::new();
        for language in Language::ALL {
            let command = language.install(&scene.workspace).unwrap();
            let settings =
                clients::Settings { flags: control_plane.http(), token: Some(token), version, poll: POLL };
            clients.push(Client::start(language, command, &settings, &scene.folder).await.unwrap());
        }
        Self(clients)
    }

    /// Waits until all of them run `version` by the flag, and gives how long the last one took.
    async fn run(&self, version: &str, since: Instant) -> Duration {
        for client in &self.0 {
            let what = format!("{:?} runs {version}\n{}", client.language(), client.tail());
            eventually(&what, PATIENCE, async || {
                (client.checkout(None).await.unwrap() == ran(version, "flag")).then_some(())
            })
            .await;
            println!("{:?} runs {version} after {:?}", client.language(), since.elapsed());
        }
        since.elapsed()
    }

    /// All of them run `version`, for as long as they would take to ask three times; and a request is still obeyed.
    async fn keep(&self, version: &str) {
        let end = Instant::now() + POLL * 3 + MARGIN;
        while Instant::now() < end {
            for client in &self.0 {
                assert_eq!(client.checkout(None).await.unwrap(), ran(version, "flag"), "{client:?}");
                for (baggage, expected) in [
                    ("serin.block.tax=v6", ran("v6", "baggage")),
                    ("a=b;c=d , serin.block.tax = v%37 ; more", ran("v7", "baggage")),
                    ("serin.block.tax=v5, serin.block.tax2=v7, =,;,%zz", ran(version, "flag")),
                    ("serin.block.tax=%zz", ran(version, "flag")),
                ] {
                    assert_eq!(
                        client.checkout(Some(baggage)).await.unwrap(),
                        expected,
                        "{baggage}: {client:?}"
                    );
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn stop(self) {
        for client in self.0 {
            client.stop().await.unwrap();
        }
    }
}

/// Returns the block to its previous version.
async fn restore(control_plane: &ControlPlane) {
    let request = RollbackRequest {
        id: "shop".to_owned(),
        block: "tax".to_owned(),
        reason: "scenario".to_owned(),
        ..RollbackRequest::default()
    };
    control_plane.client().rollback(request).await.unwrap();
}

#[tokio::test]
async fn stock_clients_switch_a_block_within_their_interval_and_keep_the_last_value_without_control_plane() {
    let scene = Scene::open("openfeature").await;
    let mut control_plane = ControlPlane::start_guarded(&scene.workspace, &scene.folder, TOKEN).await;
    let baseline = Services::start(&scene, &control_plane, "v1", TOKEN).await;
    let canary = Services::start(&scene, &control_plane, "v2", TOKEN).await;
    // Nobody names the block yet, so the code runs its own default.
    canary.run("v6", Instant::now()).await;

    control_plane.create(PLAN).await;
    let took = canary.run("v7", Instant::now()).await;
    assert!(took < POLL + MARGIN, "{took:?}");
    let strangers = Services::start(&scene, &control_plane, "v2", "another token").await;
    strangers.keep("v6").await;
    strangers.stop().await;
    // The last value is not the code's default here.
    control_plane.kill();
    canary.keep("v7").await;
    control_plane.restart().await;
    baseline.keep("v6").await;
    canary.keep("v7").await;

    restore(&control_plane).await;
    let took = canary.run("v6", Instant::now()).await;
    assert!(took < POLL + MARGIN, "{took:?}");
    control_plane.kill();
    canary.keep("v6").await;
    control_plane.restart().await;
    canary.keep("v6").await;
    baseline.keep("v6").await;
    baseline.stop().await;
    canary.stop().await;
}

#[tokio::test]
async fn stock_clients_obey_what_envoy_says_of_a_block_before_they_ask() {
    let scene = Scene::open("openfeature-envoy").await;
    let control_plane = ControlPlane::start_guarded(&scene.workspace, &scene.folder, TOKEN).await;
    control_plane.create(PLAN).await;
    control_plane.set_weight(1_000_000).await;
    let services = Services::start(&scene, &control_plane, "v2", TOKEN).await;
    services.run("v7", Instant::now()).await;
    let mut envoys = Vec::new();
    for client in &services.0 {
        let name = client.language().name();
        let bootstrap = scene.bootstrap(control_plane.fleet()).cluster_at(CANARY_CLUSTER, client.address());
        let settings = envoy::Settings::named(name).workers(1);
        envoys.push(scene.envoy(&settings, bootstrap.unwrap()).await);
        control_plane.attached(&[(name, 1)]).await;
    }
    let forged = Some("serin.block.tax=v6,a=b");
    for envoy in &envoys {
        assert_eq!(clients::checkout(envoy.address(), forged).await.unwrap(), ran("v7", "flag"));
    }

    restore(&control_plane).await;
    let since = Instant::now();
    let forged = Some("serin.block.tax=v7,a=b");
    for envoy in &envoys {
        eventually("Envoy tells the restored version", PATIENCE, async || {
            (clients::checkout(envoy.address(), forged).await.unwrap() == ran("v6", "baggage")).then_some(())
        })
        .await;
    }
    println!("requests run v6 {:?} after the rollback", since.elapsed());
    services.run("v6", since).await;
    services.stop().await;
}
