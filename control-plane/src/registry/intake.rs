//! The contents of one release as they come in: gathered piece by piece, checked, and put while the next ones come.
//!
//! What may be in memory is bounded for all registrations together: a content is gathered only after its size was set aside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::BytesMut;
use serin_proto::registry::v1::ArtifactChunk;
use serin_registry::store::{ArtifactError, ArtifactStore, Put};
use serin_registry::{Artifact, Digest, Release, bounds};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tonic::Status;

use super::failure::argument;

/// Contents of a registration that are put at a time.
const PUTS_MAX: usize = 16;
/// Memory is set aside in units of this.
const UNIT_BYTES: u64 = 1_024;
/// What the largest content takes.
const UNITS_MAX: usize = bounds::ARTIFACT_BYTES / UNIT_BYTES as usize + 1;

/// Memory for so many registrations: enough for each to gather the largest content, so that they never wait for each other.
pub(super) fn memory(registrations: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(registrations * UNITS_MAX))
}

/// Gathers contents.
pub(super) struct Intake {
    artifacts: ArtifactStore,
    memory: Arc<Semaphore>,
    /// Contents of the release that did not come yet: size, and the field that names them.
    awaited: BTreeMap<Digest, (u64, String)>,
    came: BTreeSet<Digest>,
    gathering: Option<Gathering>,
    puts: JoinSet<Result<Put, ArtifactError>>,
    kept: Kept,
}

/// A content of which not all has come.
struct Gathering {
    digest: Digest,
    size: u64,
    content: BytesMut,
    memory: OwnedSemaphorePermit,
}

/// What became of the contents that came.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kept {
    pub(super) written: u32,
    pub(super) repaired: u32,
}

/// Why a content is not kept.
pub(super) enum Refusal {
    /// What was sent is wrong.
    Sent(Status),
    /// The store.
    Artifact(ArtifactError),
}

impl From<ArtifactError> for Refusal {
    fn from(error: ArtifactError) -> Self {
        Self::Artifact(error)
    }
}

impl Intake {
    /// # Errors
    /// When the release says two sizes of one content.
    pub(super) fn new(
        release: &Release,
        artifacts: ArtifactStore,
        memory: Arc<Semaphore>,
    ) -> Result<Self, Status> {
        let mut awaited: BTreeMap<Digest, (u64, String)> = BTreeMap::new();
        for (index, entry) in release.entries().enumerate() {
            let Some(content) = entry.artifact.as_ref().and_then(Artifact::content) else { continue };
            let field = format!("release.versions[{index}].artifact");
            let (bytes, first) = awaited.entry(content.digest).or_insert((content.bytes, field.clone()));
            if *bytes != content.bytes {
                return Err(argument(
                    format!("{field}.bytes"),
                    format!("differs from {first}, which has the same sha256"),
                ));
            }
        }
        let (came, kept) = (BTreeSet::new(), Kept::default());
        Ok(Self { artifacts, memory, awaited, came, gathering: None, puts: JoinSet::new(), kept })
    }

    /// Names of all contents of the release.
    pub(super) fn digests(&self) -> Vec<Digest> {
        self.awaited.keys().copied().collect()
    }

    /// Takes the next piece.
    pub(super) async fn take(&mut self, chunk: ArtifactChunk) -> Result<(), Refusal> {
        let digest: Digest =
            chunk.sha256.parse().map_err(|rule| Refusal::Sent(argument("chunk.sha256", rule)))?;
        if self.gathering.as_ref().is_some_and(|gathering| gathering.digest != digest) {
            self.finish_content().await?;
        }
        let mut gathering = match self.gathering.take() {
            Some(gathering) => gathering,
            None => self.begin(digest).await?,
        };
        if (gathering.content.len() + chunk.data.len()) as u64 > gathering.size {
            let rule =
                format!("sha256:{digest} is longer than the {} bytes that the release says", gathering.size);
            return Err(Refusal::Sent(argument("chunk.data", rule)));
        }
        gathering.content.extend_from_slice(&chunk.data);
        self.gathering = Some(gathering);
        Ok(())
    }

    async fn begin(&mut self, digest: Digest) -> Result<Gathering, Refusal> {
        let refused = |rule: &str| Refusal::Sent(argument("chunk.sha256", format!("{digest} {rule}")));
        let Some((size, _)) = self.awaited.get(&digest) else {
            return Err(refused("is no content of the release"));
        };
        if !self.came.insert(digest) {
            return Err(refused("came already: the pieces of a content must follow each other"));
        }
        let units = u32::try_from(size / UNIT_BYTES + 1).unwrap_or(u32::MAX);
        let memory = Arc::clone(&self.memory).acquire_many_owned(units).await;
        let memory = memory.map_err(|_| Refusal::Artifact(ArtifactError::Ending))?;
        Ok(Gathering { digest, size: *size, content: BytesMut::new(), memory })
    }

    async fn finish_content(&mut self) -> Result<(), Refusal> {
        let Some(Gathering { digest, size, content, memory }) = self.gathering.take() else { return Ok(()) };
        if content.len() as u64 != size {
            let rule =
                format!("sha256:{digest} has {} bytes, not the {size} that the release says", content.len());
            return Err(Refusal::Sent(argument("chunk.data", rule)));
        }
        while self.puts.len() >= PUTS_MAX {
            self.put_one().await?;
        }
        let (artifacts, content) = (self.artifacts.clone(), content.freeze());
        self.puts.spawn(async move {
            let put = artifacts.put_as(&digest, content).await;
            drop(memory);
            put
        });
        Ok(())
    }

    /// Waits for one put.
    async fn put_one(&mut self) -> Result<(), Refusal> {
        match self.puts.join_next().await {
            Some(Ok(put)) => match put? {
                Put::Written => self.kept.written += 1,
                Put::Repaired => self.kept.repaired += 1,
                Put::Known => {}
            },
            Some(Err(_)) => return Err(Refusal::Artifact(ArtifactError::Ending)),
            None => {}
        }
        Ok(())
    }

    /// Ends when all that came is durable, and all that did not come is found to be held, whole.
    pub(super) async fn finish(mut self) -> Result<Kept, Refusal> {
        self.finish_content().await?;
        while !self.puts.is_empty() {
            self.put_one().await?;
        }
        for (digest, (size, field)) in &self.awaited {
            if self.came.contains(digest) {
                continue;
            }
            match self.artifacts.get(digest).await {
                Ok(content) if content.len() as u64 == *size => {}
                Ok(content) => {
                    let rule = format!("must be {}, the size of sha256:{digest}", content.len());
                    return Err(Refusal::Sent(argument(format!("{field}.bytes"), rule)));
                }
                Err(ArtifactError::Missing { .. }) => {
                    let rule = format!("sha256:{digest} is not held, so its content must be sent");
                    return Err(Refusal::Sent(argument(field, rule)));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.kept)
    }
}
