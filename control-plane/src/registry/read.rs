//! Reading contents, and what is live.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serin_proto::registry::v1 as api;
use serin_registry::diff::{self, Diff, Side};
use serin_registry::{Artifact, Content, Kind, Subject, Version, bounds};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::Status;

use super::live::Carried;
use super::{Parts, READINGS_MAX, Registry, convert};
use crate::admin::timestamp;
use crate::store::{Store, StoreError, StoredVersion};

pub(super) type ArtifactStream = Pin<Box<dyn Stream<Item = Result<api::GetArtifactResponse, Status>> + Send>>;

/// Bytes of one message.
const PIECE_BYTES: usize = 1024 * 1024;
/// Time for a comparison, contents included: within the time in which an answer must begin.
const DIFF_DEADLINE: Duration = Duration::from_secs(12);
/// Time after which a reader that takes nothing is given up.
const READER_DEADLINE: Duration = Duration::from_secs(30);

/// The content in pieces; at least one message.
pub(super) fn stream(registry: Registry, content: Content, place: OwnedSemaphorePermit) -> ArtifactStream {
    let (messages, stream) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut ending = registry.ending.clone();
        let mut bytes = match registry.artifacts.get(&content.digest).await {
            Ok(bytes) => bytes,
            Err(error) => {
                let _reader_may_be_gone = messages.send(Err(registry.lost(error).await)).await;
                return;
            }
        };
        let mut artifact = Some(convert::carried(&Artifact::Content(content)));
        while artifact.is_some() || !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE_BYTES));
            let message = api::GetArtifactResponse { artifact: artifact.take(), data: piece.to_vec() };
            let sent = tokio::select! {
                sent = timeout(READER_DEADLINE, messages.send(Ok(message))) => sent,
                () = ending.begun() => {
                    let _reader_may_be_gone = messages.try_send(Err(Status::unavailable("the server ends")));
                    break;
                }
            };
            if !matches!(sent, Ok(Ok(()))) {
                break;
            }
        }
        drop(place);
    });
    Box::pin(ReceiverStream::new(stream))
}

impl Registry {
    /// A place for a content that is read whole.
    pub(super) fn place(&self) -> Result<OwnedSemaphorePermit, Status> {
        Arc::clone(&self.readings).try_acquire_owned().map_err(|_| {
            Status::resource_exhausted(format!("{READINGS_MAX} artifacts are read already: try again"))
        })
    }

    pub(super) async fn diff(
        &self,
        from: StoredVersion,
        to: StoredVersion,
    ) -> Result<api::DiffBlockResponse, Status> {
        let same = match (&from.artifact, &to.artifact) {
            (Some(from), Some(to)) => from.is_same(to),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        let mut response = api::DiffBlockResponse { same, ..api::DiffBlockResponse::default() };
        if !same {
            let compared = timeout(DIFF_DEADLINE, self.compared(&from, &to)).await;
            let late = |_| Status::unavailable(format!("{} did not answer in time", self.artifacts));
            match compared.map_err(late)?? {
                Ok(Diff { unified, added, removed }) => {
                    (response.unified, response.lines_added, response.lines_removed) =
                        (unified, added, removed);
                }
                Err(words) => response.not_compared = words,
            }
        }
        response.from = Some(convert::version(from));
        response.to = Some(convert::version(to));
        Ok(response)
    }

    /// The difference, or why there is none.
    async fn compared(
        &self,
        from: &StoredVersion,
        to: &StoredVersion,
    ) -> Result<Result<Diff, String>, Status> {
        let mut sides = Vec::new();
        for stored in [from, to] {
            let name = format!("{} {}", stored.subject, stored.version);
            let Some(content) = stored.artifact.as_ref().and_then(Artifact::content) else {
                return Ok(Err(format!("{name} carries no content here")));
            };
            if content.bytes > bounds::DIFF_BYTES as u64 {
                return Ok(Err(format!("{name} has more than {} bytes", bounds::DIFF_BYTES)));
            }
            match self.artifacts.get(&content.digest).await {
                Ok(bytes) => sides.push((name, bytes)),
                Err(error) => return Err(self.lost(error).await),
            }
        }
        let compared = tokio::task::spawn_blocking(move || {
            let [(old_name, old), (new_name, new)] = sides.as_slice() else { return Err(String::new()) };
            let (old, new) = (Side { name: old_name, content: old }, Side { name: new_name, content: new });
            diff::lines(old, new).map_err(|reason| reason.to_string())
        });
        compared.await.map_err(|_| Status::unavailable("the server ends"))
    }
}

/// What is carried, with the versions that the registry knows; with their parts where that is asked for.
pub(super) fn live(
    store: &mut dyn Store,
    carried: Vec<Carried>,
    with_parts: bool,
) -> Result<Vec<api::Live>, StoreError> {
    let mut known: HashMap<(Subject, Version), Parts> = HashMap::new();
    let mut all = Vec::new();
    for one in &carried {
        let root = one.subject.root();
        let key = (root.clone(), one.of.clone());
        if one.subject.kind() == Kind::Application {
            let registered = store.version(&root, Some(&one.of))?.is_some();
            all.push(row(one, &one.subject, &one.of, registered));
            if with_parts {
                let parts = parts(store, &key, &mut known)?;
                let stay = parts.iter().filter(|(subject, _)| !is_returned(&carried, one, subject));
                all.extend(stay.map(|(subject, version)| row(one, subject, version, true)));
            }
            continue;
        }
        if let Some(version) = &one.version {
            let registered = store.version(&one.subject, Some(version))?.is_some();
            all.push(row(one, &one.subject, version, registered));
            continue;
        }
        let parts = parts(store, &key, &mut known)?;
        // Whose version is not registered is called like the application's.
        let version = parts.get(&one.subject);
        all.push(row(one, &one.subject, version.unwrap_or(&one.of), version.is_some()));
        if with_parts {
            let within = parts.iter().filter(|(subject, _)| subject.parent().as_ref() == Some(&one.subject));
            all.extend(within.map(|(subject, version)| row(one, subject, version, true)));
        }
    }
    all.sort_by(|one, other| (&one.subject, &one.arm).cmp(&(&other.subject, &other.arm)));
    Ok(all)
}

/// True for what an arm does not carry, because it was returned: alone on this arm, or with its component for everyone.
fn is_returned(carried: &[Carried], arm: &Carried, subject: &Subject) -> bool {
    carried.iter().filter(|one| one.because.is_some() && one.subject.kind() != Kind::Application).any(|one| {
        let alone = one.subject == *subject && (one.arm == arm.arm || one.version.is_none());
        alone || subject.parent().is_some_and(|parent| parent == one.subject)
    })
}

fn parts<'a>(
    store: &mut dyn Store,
    key: &(Subject, Version),
    known: &'a mut HashMap<(Subject, Version), Parts>,
) -> Result<&'a Parts, StoreError> {
    if !known.contains_key(key) {
        let parts = store.parts(&key.0, &key.1)?;
        let parts = parts.into_iter().map(|part| (part.subject, part.version)).collect();
        known.insert(key.clone(), parts);
    }
    Ok(known.entry(key.clone()).or_default())
}

fn row(carried: &Carried, subject: &Subject, version: &Version, registered: bool) -> api::Live {
    api::Live {
        subject: subject.to_string(),
        kind: convert::kind(subject.kind()).into(),
        version: version.to_string(),
        arm: carried.arm.clone(),
        share_ppm: carried.share_ppm,
        rollout_id: carried.rollout.clone(),
        changed_at: Some(timestamp(carried.changed_at)),
        registered,
        returned_because: carried.because.clone().unwrap_or_default(),
    }
}
