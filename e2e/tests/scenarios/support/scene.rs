//! Two versions of the shop, a control plane and Envoys in front.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use serde_json::Value;
use serin_e2e::bootstrap::{
    BASELINE_CLUSTER, Bootstrap, CANARY_CLUSTER, CONTROL_PLANE_CLUSTER, Route, arm_routes,
};
use serin_e2e::envoy::{Envoy, Settings};
use serin_e2e::sample::{self, Sample};
use serin_e2e::workspace::Workspace;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::stand_in::StandIn;
use super::{PATIENCE, eventually};

/// Version label of the baseline.
pub(crate) const BASELINE_VERSION: &str = "v1";
/// Version label of the canary.
pub(crate) const CANARY_VERSION: &str = "v2";
/// Identity of the VM in every scenario but the upgrade.
pub(crate) const VM: &str = "serin";

/// Two versions of the shop, and where files and logs go.
pub(crate) struct Scene {
    pub(crate) workspace: Workspace,
    pub(crate) folder: PathBuf,
    pub(crate) baseline: Sample,
    pub(crate) canary: Sample,
    pub(crate) filter: PathBuf,
    _alone: OwnedMutexGuard<()>,
}

impl Scene {
    /// Starts the shop; both versions answer at once.
    pub(crate) async fn open(name: &str) -> Self {
        // Counts and times are measured: one scenario at a time, whatever the test runner thinks of threads.
        static ALONE: LazyLock<Arc<Mutex<()>>> = LazyLock::new(Arc::default);
        let alone = Arc::clone(&ALONE).lock_owned().await;
        let workspace = Workspace::locate().unwrap();
        let folder = workspace.scratch(name).unwrap();
        let filter = workspace.wasm().unwrap();
        let version = |label: &str| {
            let settings = sample::Settings::version(label);
            Sample::start_anywhere(sample::Settings { median_latency: Duration::ZERO, ..settings })
        };
        let (baseline, canary) =
            tokio::try_join!(version(BASELINE_VERSION), version(CANARY_VERSION)).unwrap();
        Self { workspace, folder, baseline, canary, filter, _alone: alone }
    }

    /// The shipped bootstrap with the shop behind it and the control plane at `control_plane`.
    pub(crate) fn bootstrap(&self, control_plane: SocketAddr) -> Bootstrap {
        Bootstrap::shipped(&self.workspace)
            .and_then(|bootstrap| bootstrap.cluster_at(BASELINE_CLUSTER, self.baseline.address()))
            .and_then(|bootstrap| bootstrap.cluster_at(CANARY_CLUSTER, self.canary.address()))
            .and_then(|bootstrap| bootstrap.cluster_at(CONTROL_PLANE_CLUSTER, control_plane))
            .unwrap()
    }

    /// Starts an Envoy.
    pub(crate) async fn envoy(&self, settings: &Settings, bootstrap: Bootstrap) -> Envoy {
        Envoy::start(&self.workspace, settings, bootstrap, &self.folder).await.unwrap()
    }
}

/// A scene with an Envoy that obeys a stand-in.
pub(crate) struct Stage {
    pub(crate) scene: Scene,
    pub(crate) stand_in: StandIn,
    pub(crate) envoy: Envoy,
    node: String,
    workers: u32,
}

impl Stage {
    /// One Envoy with the shipped bootstrap.
    pub(crate) async fn open(name: &str, workers: u32) -> Self {
        Self::with(name, workers, |bootstrap| bootstrap).await
    }

    /// One Envoy with a changed bootstrap.
    pub(crate) async fn with(name: &str, workers: u32, change: impl FnOnce(Bootstrap) -> Bootstrap) -> Self {
        let scene = Scene::open(name).await;
        let stand_in = StandIn::start().await;
        let bootstrap = change(scene.bootstrap(stand_in.address()));
        let envoy = scene.envoy(&Settings::named("envoy").workers(workers), bootstrap).await;
        Self { scene, stand_in, envoy, node: "envoy".to_owned(), workers }
    }

    /// Ends the Envoy, starts it again and waits until every VM obeys the newest assignment.
    pub(crate) async fn restart(&mut self) {
        let settings = Settings::named(&self.node).workers(self.workers);
        let bootstrap = self.scene.bootstrap(self.stand_in.address());
        let next = self.scene.envoy(&settings, bootstrap).await;
        std::mem::replace(&mut self.envoy, next).stop().await.unwrap();
        accepted_once_more(&self.envoy, self.workers, 0).await;
    }

    /// Gives an assignment to the Envoy and waits until every VM obeys it.
    pub(crate) async fn assign(&self, assignment: &Value) -> u64 {
        let before = accepted(&self.envoy).await;
        let version = self.stand_in.assign(VM, &self.scene.filter, assignment);
        assert_eq!(self.stand_in.verdict(&self.node, version).await, Ok(()));
        accepted_once_more(&self.envoy, self.workers, before).await;
        version
    }

    /// VMs that report: one for each worker and the main thread's.
    pub(crate) fn vms(&self) -> usize {
        self.workers as usize + 1
    }

    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// Log of the Envoy.
    pub(crate) fn log(&self) -> String {
        log_of(&self.scene.folder, "envoy")
    }
}

/// Assignments that the VMs of an Envoy have accepted, added up.
pub(crate) async fn accepted(envoy: &Envoy) -> u64 {
    envoy.admin().stat("wasmcustom.serin_assignments_accepted").await.unwrap()
}

/// Waits until every VM of an Envoy has accepted one more assignment: those of the workers, that of the main thread and
/// the one that Envoy makes to try a configuration and throws away.
pub(crate) async fn accepted_once_more(envoy: &Envoy, workers: u32, before: u64) {
    let expected = before + u64::from(workers) + 2;
    eventually("every VM obeys the assignment", PATIENCE, async || {
        (accepted(envoy).await >= expected).then_some(())
    })
    .await;
    assert_eq!(accepted(envoy).await, expected, "VMs that accepted the assignment");
}

/// Log of a process of a scene.
pub(crate) fn log_of(folder: &Path, name: &str) -> String {
    String::from_utf8_lossy(&std::fs::read(folder.join(format!("{name}.log"))).unwrap()).into_owned()
}

/// Envoy's routes, one to each arm, by name and path prefix; the last prefix should be `/`.
pub(crate) fn routes(prefixes: &[(&str, &str)]) -> Vec<Value> {
    arm_routes(&prefixes.iter().map(|(name, prefix)| Route::prefix(name, prefix)).collect::<Vec<_>>())
}
