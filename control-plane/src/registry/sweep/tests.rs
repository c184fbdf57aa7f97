use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use serin_registry::retention::Policy;
use serin_registry::store::ArtifactStore;
use serin_registry::{Artifact, Content, ContentKind, Entry, Release};
use serin_rollout::Phase;

use super::*;
use crate::registry::live::tests::snapshot;
use crate::shutdown;
use crate::snapshot::Directory;
use crate::store::{SqliteStore, StoreHandle};

/// A registry that keeps two versions of each subject, however young they are.
fn registry(folder: &Path) -> Registry {
    let store = StoreHandle::spawn(Box::new(SqliteStore::open(folder).unwrap())).unwrap();
    let artifacts = ArtifactStore::in_folder(&folder.join("artifacts")).unwrap();
    let policy = Policy { keep_versions: 2, keep_for: Duration::ZERO };
    Registry::new(artifacts, store, Arc::new(Directory::default()), policy, shutdown::channel().1)
}

fn content(version: u64) -> String {
    format!("net / {version}")
}

/// Keeps the content and registers it as a block of one more version of the shop.
async fn register(registry: &Registry, version: u64) {
    let text = content(version);
    let (digest, _) = registry.artifacts.put(Bytes::from(text.clone())).await.unwrap();
    let source = Content { kind: ContentKind::Source, digest, bytes: text.len() as u64, path: String::new() };
    let entry = |path: &str, label: String, artifact| Entry {
        subject: path.parse().unwrap(),
        version: label.parse().unwrap(),
        artifact,
    };
    let release = Release::new(vec![
        entry("shop", format!("v{version}"), None),
        entry("shop/checkout", "c1".to_owned(), None),
        entry("shop/checkout/tax", format!("t{version}"), Some(Artifact::Content(source))),
    ]);
    let release = release.unwrap();
    registry.store.call(move |store| store.register(&release, "anna", UnixMillis(version))).await.unwrap();
}

async fn held(registry: &Registry, version: u64) -> bool {
    registry.artifacts.get(&Digest::of(content(version).as_bytes())).await.is_ok()
}

/// A time at which every content is old.
fn later() -> UnixMillis {
    UnixMillis(clock::now().0 + 2 * 3_600_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_never_drops_what_a_live_or_previous_version_needs() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(folder.path());
    for version in 1..=7 {
        register(&registry, version).await;
    }
    registry.directory.put(crate::snapshot::Snapshot {
        current: false,
        ..snapshot("shop", ("v1", "v2"), Phase::Promoted, 1_000_000)
    });
    registry.directory.put(snapshot("shop", ("v2", "v4"), Phase::Progressing, 50_000));
    let swept = registry.sweep(later()).await.unwrap();
    let mut versions: Vec<_> =
        swept.versions.iter().map(|(subject, version)| format!("{subject} {version}")).collect();
    versions.sort();
    assert_eq!(versions, ["shop v3", "shop v5", "shop/checkout/tax t3", "shop/checkout/tax t5"]);
    let mut still = Vec::new();
    for version in 1..=7 {
        still.push(held(&registry, version).await);
    }
    assert_eq!(still, [true, true, false, true, false, true, true]);
    assert_eq!(registry.sweep(later()).await.unwrap(), Swept::default());
    registry.directory.put(snapshot("shop", ("v2", "v4"), Phase::Promoted, 1_000_000));
    let swept = registry.sweep(later()).await.unwrap();
    let versions: Vec<_> =
        swept.versions.iter().map(|(subject, version)| format!("{subject} {version}")).collect();
    assert_eq!(versions, ["shop v1", "shop/checkout/tax t1"], "v4 is live and v2 the one before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_content_that_nobody_carries_goes_when_it_is_old_and_nobody_is_about_to() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(folder.path());
    register(&registry, 1).await;
    let (orphan, _) = registry.artifacts.put(Bytes::from_static(b"left by a crash")).await.unwrap();
    assert_eq!(registry.sweep(clock::now()).await.unwrap(), Swept::default(), "it may be of a registration");
    let pinned = registry.pins.pin(vec![orphan, orphan]).await;
    let again = registry.pins.pin(vec![orphan]).await;
    assert_eq!(registry.sweep(later()).await.unwrap(), Swept::default());
    drop(pinned);
    assert_eq!(registry.sweep(later()).await.unwrap(), Swept::default());
    drop(again);
    assert_eq!(registry.sweep(later()).await.unwrap().contents, [orphan]);
    assert!(registry.artifacts.get(&orphan).await.is_err());
    assert!(held(&registry, 1).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn sweeps_beside_registrations_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(folder.path());
    let sweeping = registry.clone();
    let sweeps = tokio::spawn(async move {
        loop {
            sweeping.sweep(later()).await.unwrap();
        }
    });
    for version in 1..=40 {
        let digest = Digest::of(content(version).as_bytes());
        let pinned = registry.pins.pin(vec![digest]).await;
        register(&registry, version).await;
        drop(pinned);
        assert!(held(&registry, version).await, "version {version}");
    }
    sweeps.abort();
}
