//! Removing what is no longer needed: versions as retention allows, then contents that no version carries.

use std::time::Duration;

use serin_registry::store::{ArtifactError, Object};
use serin_registry::{Digest, Subject, Version};
use serin_rollout::UnixMillis;
use tokio::time::sleep;

use super::{Registry, live};
use crate::clock;
use crate::snapshot::ROLLOUTS_MAX;
use crate::store::StoreError;

/// Time between two sweeps.
const EVERY: Duration = Duration::from_secs(600);
/// Age that a content must have before it is collected: no registration lasts so long.
pub const CONTENT_AGE_MIN: Duration = Duration::from_secs(3_600);
/// Contents that are looked up at a time.
const BATCH: usize = 256;

/// What a sweep removed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Swept {
    /// Versions.
    pub versions: Vec<(Subject, Version)>,
    /// Contents.
    pub contents: Vec<Digest>,
}

/// Why a sweep ended early. What it removed until then stays removed; the next one goes on.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The artifacts.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The versions.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Registry {
    /// Sweeps from time to time; never ends.
    pub async fn keep_swept(&self) {
        loop {
            sleep(EVERY).await;
            match self.sweep(clock::now()).await {
                Ok(Swept { versions, contents }) if versions.is_empty() && contents.is_empty() => {}
                Ok(Swept { versions, contents }) => {
                    tracing::info!(
                        versions = versions.len(),
                        contents = contents.len(),
                        "the registry was swept"
                    );
                }
                Err(error) => tracing::warn!(%error, "the registry could not be swept"),
            }
        }
    }

    /// Removes what may go.
    ///
    /// # Errors
    /// When the store or the artifacts fail.
    pub async fn sweep(&self, now: UnixMillis) -> Result<Swept, SweepError> {
        let versions = self.retire(now).await?;
        let (mut objects, mut old, mut contents) = (self.artifacts.objects(), Vec::new(), Vec::new());
        while let Some(Object { digest, at, .. }) = objects.next().await? {
            if now.since(at) > CONTENT_AGE_MIN {
                old.push(digest);
            }
            if old.len() >= BATCH {
                contents.extend(self.collect(std::mem::take(&mut old)).await?);
            }
        }
        contents.extend(self.collect(old).await?);
        Ok(Swept { versions, contents })
    }

    async fn retire(&self, now: UnixMillis) -> Result<Vec<(Subject, Version)>, SweepError> {
        let mut removed = Vec::new();
        for application in self.store.call(|store| store.applications()).await? {
            let (directory, policy) = (self.directory.clone(), self.policy);
            let retired = self.store.call(move |store| {
                // Looked up where rollouts are written, so that none is overlooked that was there before.
                let snapshots = directory.list(Some(application.as_str()), ROLLOUTS_MAX);
                let needed = live::needed(snapshots.iter().map(|snapshot| &**snapshot));
                store.retire(&application, &needed, policy, now)
            });
            removed.extend(retired.await?);
        }
        Ok(removed)
    }

    /// Removes those contents that nobody carries or is about to.
    async fn collect(&self, digests: Vec<Digest>) -> Result<Vec<Digest>, SweepError> {
        let mut removed = Vec::new();
        for digest in self.store.call(move |store| store.unused(&digests)).await? {
            let remove = async {
                // It may have been registered since it was looked up.
                let unused = self.store.call(move |store| store.unused(&[digest])).await?;
                if !unused.is_empty() {
                    self.artifacts.remove(&digest).await?;
                    removed.push(digest);
                }
                Ok::<(), SweepError>(())
            };
            self.pins.unless_pinned(&digest, remove).await.transpose()?;
        }
        Ok(removed)
    }
}

#[cfg(test)]
mod tests;
