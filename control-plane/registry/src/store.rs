//! Where artifacts are kept: each content once, compressed, under its own SHA-256.
//!
//! An object is written whole or not at all, in a folder by a synced temporary file that is renamed, in S3 by one request.
//! What is read is unpacked within a bound and hashed again, so what comes back is what was put, or an error that names the
//! object. A content that is put again is compared with what is there, and replaces it when that is damaged: registering a
//! release again repairs its artifacts. Every operation ends within a deadline.
//!
//! The store knows nothing of versions: who asks says which contents are needed. Nothing else may write to its place, and one
//! control plane alone may use it.

mod error;
mod open;
mod pack;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _, PutPayload};
use serin_rollout::UnixMillis;
use tokio::time::timeout;

pub use error::{ArtifactError, OpenError};
pub use open::{Key, S3, Secret};

use crate::bounds;
use crate::digest::Digest;

/// How long one operation may take, attempts that are repeated included.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// Before the digest, so that others could stand beside it.
const FAMILY: &str = "sha256";
/// After the digest: `gzip -dc` unpacks an object by hand.
const SUFFIX: &str = ".gz";

/// The artifacts of one control plane.
#[derive(Clone, Debug)]
pub struct ArtifactStore {
    objects: Arc<dyn ObjectStore>,
    /// For people: `/var/lib/serin/artifacts`, `s3://bucket/prefix`.
    place: Arc<str>,
    deadline: Duration,
}

/// What a put did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Put {
    /// It was not there.
    Written,
    /// It was there, whole.
    Known,
    /// What was there was damaged, and was replaced.
    Repaired,
}

/// An object of the store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Object {
    /// What it holds.
    pub digest: Digest,
    /// Bytes that it takes.
    pub packed_bytes: u64,
    /// When it was written.
    pub at: UnixMillis,
}

/// The objects of a store, while they are listed.
pub struct Objects<'a> {
    store: &'a ArtifactStore,
    listed: BoxStream<'static, object_store::Result<ObjectMeta>>,
}

impl ArtifactStore {
    /// The same store with another deadline for each operation.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Keeps a content. It is durable when this returns.
    ///
    /// # Errors
    /// When it is too large, or the store does not take it.
    pub async fn put(&self, content: Bytes) -> Result<(Digest, Put), ArtifactError> {
        let hashed = content.clone();
        let digest = working(move || Digest::of(&hashed)).await?;
        Ok((digest, self.put_as(&digest, content).await?))
    }

    /// Keeps a content that is said to have this name.
    ///
    /// # Errors
    /// When it has another one, is too large, or the store does not take it.
    pub async fn put_as(&self, said: &Digest, content: Bytes) -> Result<Put, ArtifactError> {
        if content.len() > bounds::ARTIFACT_BYTES {
            return Err(ArtifactError::TooLarge { limit: bounds::ARTIFACT_BYTES });
        }
        let said = *said;
        let packed = working(move || match Digest::of(&content) {
            found if found == said => pack::pack(&content).map_err(ArtifactError::Pack),
            found => Err(ArtifactError::Mistaken { said, found }),
        });
        let packed = packed.await??;
        let put = match self.get(&said).await {
            Ok(_) => return Ok(Put::Known),
            Err(ArtifactError::Missing { .. }) => Put::Written,
            Err(ArtifactError::Damaged { .. }) => Put::Repaired,
            Err(other) => return Err(other),
        };
        let path = path(&said);
        self.within(&said, self.objects.put(&path, PutPayload::from(packed))).await?;
        Ok(put)
    }

    /// A content, as it was put.
    ///
    /// # Errors
    /// When it is not there, is damaged, or the store does not answer.
    pub async fn get(&self, digest: &Digest) -> Result<Bytes, ArtifactError> {
        let path = path(digest);
        let packed = self.within(digest, async {
            let found = self.objects.get(&path).await?;
            let is_whole = found.meta.size <= pack::PACKED_BYTES as u64;
            if is_whole { found.bytes().await.map(Some) } else { Ok(None) }
        });
        let damaged =
            |detail| ArtifactError::Damaged { digest: *digest, object: self.object(digest), detail };
        let packed = packed.await?.ok_or_else(|| damaged("it is larger than any that was put".to_owned()))?;
        let wanted = *digest;
        working(move || {
            let content = pack::unpack(&packed).map_err(|error| error.to_string())?;
            match Digest::of(&content) {
                found if found == wanted => Ok(Bytes::from(content)),
                found => Err(format!("its content has sha256 {found}")),
            }
        })
        .await?
        .map_err(damaged)
    }

    /// All objects, in no order.
    #[must_use]
    pub fn objects(&self) -> Objects<'_> {
        Objects { listed: self.objects.list(Some(&Path::from(FAMILY))), store: self }
    }

    /// Removes a content; that it is not there is as good.
    ///
    /// # Errors
    /// When the store does not do it.
    pub async fn remove(&self, digest: &Digest) -> Result<(), ArtifactError> {
        let path = path(digest);
        match self.within(digest, self.objects.delete(&path)).await {
            Ok(()) | Err(ArtifactError::Missing { .. }) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// Where an object is, for people.
    #[must_use]
    pub fn object(&self, digest: &Digest) -> String {
        format!("{}/{}", self.place, path(digest))
    }

    async fn within<T>(
        &self,
        digest: &Digest,
        operation: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, ArtifactError> {
        let place = || self.place.to_string();
        match timeout(self.deadline, operation).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(object_store::Error::NotFound { .. })) => {
                Err(ArtifactError::Missing { digest: *digest, object: self.object(digest) })
            }
            Ok(Err(source)) => Err(ArtifactError::Store { place: place(), source }),
            Err(_) => Err(ArtifactError::Late { place: place() }),
        }
    }
}

impl Objects<'_> {
    /// The next one; what is no object of ours is passed over.
    ///
    /// # Errors
    /// When the store fails or does not answer.
    pub async fn next(&mut self) -> Result<Option<Object>, ArtifactError> {
        let place = || self.store.place.to_string();
        loop {
            let next = timeout(self.store.deadline, self.listed.next()).await;
            let Some(found) = next.map_err(|_| ArtifactError::Late { place: place() })? else {
                return Ok(None);
            };
            let found = found.map_err(|source| ArtifactError::Store { place: place(), source })?;
            let Some(digest) = digest_of(&found.location) else { continue };
            let at = UnixMillis(u64::try_from(found.last_modified.timestamp_millis()).unwrap_or_default());
            return Ok(Some(Object { digest, packed_bytes: found.size, at }));
        }
    }
}

impl fmt::Debug for Objects<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Objects({})", self.store)
    }
}

impl fmt::Display for ArtifactStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.place)
    }
}

/// Hashing and packing take too long for a thread that serves connections.
async fn working<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ArtifactError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ArtifactError::Ending)
}

/// A folder for each first byte, so that none grows large.
fn path(digest: &Digest) -> Path {
    let name = digest.to_string();
    let first = name.get(..2).unwrap_or_default();
    Path::from(format!("{FAMILY}/{first}/{name}{SUFFIX}"))
}

fn digest_of(path: &Path) -> Option<Digest> {
    path.filename()?.strip_suffix(SUFFIX)?.parse().ok()
}

#[cfg(test)]
mod tests;
