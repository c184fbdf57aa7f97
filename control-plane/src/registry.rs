//! The registry of versions, as people and pipelines ask it.
//!
//! A registration puts the artifacts first and then writes all its versions in one transaction of the store, so a version
//! that is told of has its artifact, and a crash leaves at most contents that nobody carries. Those are collected by
//! [`Registry::sweep`], which also removes the versions that retention lets go. What is live is read from the snapshots that
//! everything else shows. The registry steers no rollout and no filter.

mod convert;
mod failure;
mod intake;
mod live;
mod pins;
mod read;
mod register;
mod sweep;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use sweep::{CONTENT_AGE_MIN, SweepError, Swept};

use serin_proto::registry::v1 as api;
use serin_proto::registry::v1::registry_service_server::RegistryService;
use serin_registry::retention::Policy;
use serin_registry::store::{ArtifactError, ArtifactStore};
use serin_registry::{Artifact, Kind, Subject, Version};
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status, Streaming};

use crate::access::Actor;
use crate::admin::actor;
use crate::shutdown::Ending;
use crate::snapshot::{Directory, ROLLOUTS_MAX};
use crate::store::{HistoryQuery, Store, StoreError, StoreHandle, StoredVersion, VersionQuery};

/// Registrations at a time.
const REGISTRATIONS_MAX: usize = 4;
/// Contents that are read at a time, whole.
const READINGS_MAX: usize = 16;
/// Versions that carry a damaged content and are named with it.
const NAMED_MAX: u32 = 5;
/// Releases that are named with a version.
const RELEASES_MAX: u32 = 100;

/// The gRPC service.
#[derive(Clone, Debug)]
pub struct Registry {
    artifacts: ArtifactStore,
    store: StoreHandle,
    directory: Arc<Directory>,
    policy: Policy,
    ending: Ending,
    pins: pins::Pins,
    registrations: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    readings: Arc<Semaphore>,
}

impl Registry {
    /// Of one server.
    #[must_use]
    pub fn new(
        artifacts: ArtifactStore,
        store: StoreHandle,
        directory: Arc<Directory>,
        policy: Policy,
        ending: Ending,
    ) -> Self {
        Self {
            artifacts,
            store,
            directory,
            policy,
            ending,
            pins: pins::Pins::default(),
            registrations: Arc::new(Semaphore::new(REGISTRATIONS_MAX)),
            memory: intake::memory(REGISTRATIONS_MAX),
            readings: Arc::new(Semaphore::new(READINGS_MAX)),
        }
    }

    async fn ask<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Status> {
        self.store.call(call).await.map_err(failure::store)
    }

    /// A version that must be there.
    async fn find(&self, subject: Subject, version: Option<Version>) -> Result<StoredVersion, Status> {
        let label = version
            .as_ref()
            .map_or_else(|| "no version".to_owned(), |version| format!("no version {version}"));
        let words = format!("{label} of {subject} is registered");
        let found = self.ask(move |store| store.version(&subject, version.as_ref())).await?;
        found.ok_or_else(|| Status::not_found(words))
    }

    /// What an artifact failed by. Of a content that is lost it is said whose it is, and how it comes back.
    async fn lost(&self, error: ArtifactError) -> Status {
        let (ArtifactError::Missing { digest, .. } | ArtifactError::Damaged { digest, .. }) = &error else {
            return failure::artifact(&error);
        };
        let digest = *digest;
        tracing::error!(%error, "an artifact is lost");
        let users = self.store.call(move |store| store.users(&digest, NAMED_MAX)).await.unwrap_or_default();
        let users: Vec<_> = users.iter().map(|(subject, version)| format!("{subject} {version}")).collect();
        let whose = if users.is_empty() { "no version".to_owned() } else { users.join(", ") };
        Status::data_loss(format!("{error}; carried by {whose}: register that release again to repair it"))
    }

    /// What is live, with the version of each component and block that the registry knows.
    async fn live(&self, application: Option<&Subject>) -> Result<Vec<api::Live>, Status> {
        let snapshots = self.directory.list(application.map(Subject::as_str), ROLLOUTS_MAX);
        let carried = live::carried(snapshots.iter().map(|snapshot| &**snapshot));
        let with_parts = application.is_some();
        self.ask(move |store| read::live(store, carried, with_parts)).await
    }
}

#[tonic::async_trait]
impl RegistryService for Registry {
    type GetArtifactStream = read::ArtifactStream;
    type RegisterReleaseStream = register::RegisterStream;

    async fn register_release(
        &self,
        request: Request<Streaming<api::RegisterReleaseRequest>>,
    ) -> Result<Response<Self::RegisterReleaseStream>, Status> {
        let Actor(by) = actor(&request);
        let place = Arc::clone(&self.registrations).try_acquire_owned();
        let place = place.map_err(|_| {
            Status::resource_exhausted(format!("{REGISTRATIONS_MAX} registrations run already: try again"))
        })?;
        Ok(Response::new(register::stream(self.clone(), request.into_inner(), by, place)))
    }

    async fn list_versions(
        &self,
        request: Request<api::ListVersionsRequest>,
    ) -> Result<Response<api::ListVersionsResponse>, Status> {
        let request = request.into_inner();
        let kind = convert::kind_of(request.kind());
        let api::ListVersionsRequest { within, newest_only, limit, before_sequence, .. } = request;
        let within = Some(within).filter(|path| !path.is_empty());
        let within = within.map(|path| convert::subject("within", &path)).transpose()?;
        let limit = convert::limit(limit)?;
        let before = Some(before_sequence).filter(|before| *before != 0);
        let query = VersionQuery { kind, within, newest_only, before, limit };
        let versions = self.ask(move |store| store.versions(&query)).await?;
        // A full page may not be the last one.
        let next = versions.last().filter(|_| versions.len() >= limit as usize).map(|last| last.sequence);
        Ok(Response::new(api::ListVersionsResponse {
            versions: versions.into_iter().map(convert::version).collect(),
            next_before_sequence: next.unwrap_or_default(),
        }))
    }

    async fn get_version(
        &self,
        request: Request<api::GetVersionRequest>,
    ) -> Result<Response<api::GetVersionResponse>, Status> {
        let api::GetVersionRequest { subject, version } = request.into_inner();
        let subject = convert::subject("subject", &subject)?;
        let label = Some(version).filter(|label| !label.is_empty());
        let label = label.map(|label| convert::version_of("version", &label)).transpose()?;
        let found = self.find(subject.clone(), label).await?;
        let version = found.version.clone();
        let (parts, releases) = match subject.kind() {
            Kind::Application => {
                let of = subject.clone();
                (self.ask(move |store| store.parts(&of, &version)).await?, Vec::new())
            }
            Kind::Component | Kind::Block => {
                let of = subject.clone();
                (Vec::new(), self.ask(move |store| store.releases(&of, &version, RELEASES_MAX)).await?)
            }
        };
        let mut live = self.live(Some(&subject.root())).await?;
        live.retain(|one| one.subject == subject.as_str() && one.version == found.version.as_str());
        Ok(Response::new(api::GetVersionResponse {
            version: Some(convert::version(found)),
            parts: parts.into_iter().map(convert::version).collect(),
            releases: releases.iter().map(ToString::to_string).collect(),
            live,
        }))
    }

    async fn get_artifact(
        &self,
        request: Request<api::GetArtifactRequest>,
    ) -> Result<Response<Self::GetArtifactStream>, Status> {
        let api::GetArtifactRequest { subject, version } = request.into_inner();
        let subject = convert::subject("subject", &subject)?;
        let version = convert::version_of("version", &version)?;
        let found = self.find(subject, Some(version)).await?;
        let Some(Artifact::Content(content)) = found.artifact else {
            let carries =
                found.artifact.map_or_else(|| "no artifact".to_owned(), |artifact| artifact.to_string());
            let words = format!(
                "{} {} carries {carries}, whose content is not kept here",
                found.subject, found.version
            );
            return Err(Status::failed_precondition(words));
        };
        let place = self.place()?;
        Ok(Response::new(read::stream(self.clone(), content, place)))
    }

    async fn diff_block(
        &self,
        request: Request<api::DiffBlockRequest>,
    ) -> Result<Response<api::DiffBlockResponse>, Status> {
        let api::DiffBlockRequest { block, from_version, to_version } = request.into_inner();
        let block = convert::subject("block", &block)?;
        if block.kind() != Kind::Block {
            return Err(failure::argument("block", "must be APPLICATION/COMPONENT/BLOCK"));
        }
        let from = convert::version_of("from_version", &from_version)?;
        let to = convert::version_of("to_version", &to_version)?;
        let (from, to) = (self.find(block.clone(), Some(from)).await?, self.find(block, Some(to)).await?);
        let _place = self.place()?;
        self.diff(from, to).await.map(Response::new)
    }

    async fn list_live(
        &self,
        request: Request<api::ListLiveRequest>,
    ) -> Result<Response<api::ListLiveResponse>, Status> {
        let name = Some(request.into_inner().application).filter(|name| !name.is_empty());
        let application = name.map(|name| Subject::application(&name)).transpose();
        let application = application.map_err(|rule| failure::argument("application", rule))?;
        let live = self.live(application.as_ref()).await?;
        Ok(Response::new(api::ListLiveResponse { live }))
    }

    async fn list_history(
        &self,
        request: Request<api::ListHistoryRequest>,
    ) -> Result<Response<api::ListHistoryResponse>, Status> {
        let api::ListHistoryRequest { subject, limit, before_sequence } = request.into_inner();
        let subject = convert::subject("subject", &subject)?;
        let limit = convert::limit(limit)?;
        let before = Some(before_sequence).filter(|before| *before != 0);
        let query = HistoryQuery { subject, before, limit };
        let entries = self.ask(move |store| store.history(&query)).await?;
        let next = entries.last().filter(|_| entries.len() >= limit as usize).map(|last| last.sequence);
        Ok(Response::new(api::ListHistoryResponse {
            entries: entries.into_iter().map(convert::entry).collect(),
            next_before_sequence: next.unwrap_or_default(),
        }))
    }
}

/// Parts of an application's version by path.
type Parts = BTreeMap<Subject, Version>;
