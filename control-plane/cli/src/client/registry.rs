//! Calls to the registry of versions.

use serin_proto::registry::v1 as proto;
use serin_proto::registry::v1::register_release_request::Part;
use serin_registry::{Artifact, ContentKind, Release, Subject};
use tonic::{Request, Status, Streaming};

use super::Client;
use super::convert::version::detail;
use super::refusal::Refusal;
use crate::failure::{Failure, Kind};
use crate::model::{Difference, HistoryEntry, Live, Registered, Version, VersionDetail};

/// Bytes of one piece of a content.
const PIECE_BYTES: usize = 1024 * 1024;

/// Which versions are asked for.
pub(crate) struct VersionQuery {
    pub(crate) kind: serin_registry::Kind,
    /// Path of what they are in; empty: everything.
    pub(crate) within: String,
    /// Only the newest version of each path.
    pub(crate) newest_only: bool,
    pub(crate) limit: u32,
    /// Only below this sequence; 0: all.
    pub(crate) before: u64,
}

/// A content to be sent.
pub(crate) struct Sent {
    pub(crate) sha256: String,
    pub(crate) content: Vec<u8>,
}

impl Client {
    /// Registers a release with its contents; `gave` is told the size of every piece that is sent. With a refusal comes what it is about, where that is known.
    pub(crate) async fn register(
        &self,
        release: &Release,
        contents: Vec<Sent>,
        gave: impl Fn(usize) + Send + 'static,
    ) -> Result<Registered, (Failure, Option<Subject>)> {
        let versions = release.entries().map(|entry| proto::NewVersion {
            subject: entry.subject.to_string(),
            version: entry.version.to_string(),
            artifact: entry.artifact.as_ref().map(artifact),
        });
        let release = Part::Release(proto::Release { versions: versions.collect() });
        let parts = std::iter::once(release).chain(contents.into_iter().flat_map(pieces));
        let requests = parts.map(move |part| {
            if let Part::Chunk(chunk) = &part {
                gave(chunk.data.len());
            }
            proto::RegisterReleaseRequest { part: Some(part) }
        });
        let mut request = Request::new(tokio_stream::iter(requests));
        request.set_timeout(self.call);
        let mut registry = self.registry.clone();
        let answer = self.bounded(async {
            let mut answers = registry.register_release(request).await?.into_inner();
            let answer = answers.message().await?;
            answer.map(tonic::Response::new).ok_or_else(|| Status::internal("the server gave no answer"))
        });
        answer.await.map(Registered::from).map_err(|mut refusal| {
            let subject = refusal.take_subject();
            (refusal.of_registry(), subject)
        })
    }

    /// Newest first, and with which `before` it goes on; 0: nowhere.
    pub(crate) async fn versions(&self, query: VersionQuery) -> Result<(Vec<Version>, u64), Failure> {
        let VersionQuery { kind, within, newest_only, limit, before: before_sequence } = query;
        let kind = match kind {
            serin_registry::Kind::Application => proto::Kind::Application,
            serin_registry::Kind::Component => proto::Kind::Component,
            serin_registry::Kind::Block => proto::Kind::Block,
        };
        let request =
            proto::ListVersionsRequest { kind: kind.into(), within, newest_only, limit, before_sequence };
        let mut registry = self.registry.clone();
        let answer = self.bounded(registry.list_versions(self.request(request))).await;
        let answer = answer.map_err(Refusal::of_registry)?;
        Ok((answer.versions.into_iter().map(Version::from).collect(), answer.next_before_sequence))
    }

    /// An empty `version` asks for the newest.
    pub(crate) async fn version(&self, subject: String, version: String) -> Result<VersionDetail, Failure> {
        let mut registry = self.registry.clone();
        let request = self.request(proto::GetVersionRequest { subject, version });
        let answer = self.bounded(registry.get_version(request)).await.map_err(Refusal::of_registry)?;
        detail(answer).ok_or_else(|| {
            Failure::new(Kind::Refused, format!("{} answered without a version", self.server))
                .advise("check that client and server are of compatible versions")
        })
    }

    /// The content that a version carries, in pieces.
    pub(crate) async fn artifact(&self, subject: String, version: String) -> Result<Content, Failure> {
        let mut registry = self.registry.clone();
        let request = Request::new(proto::GetArtifactRequest { subject, version });
        let stream = self.bounded(registry.get_artifact(request)).await.map_err(Refusal::of_registry)?;
        Ok(Content { stream, client: self.clone() })
    }

    pub(crate) async fn difference(
        &self,
        block: String,
        from_version: String,
        to_version: String,
    ) -> Result<Difference, Failure> {
        let mut registry = self.registry.clone();
        let request = self.request(proto::DiffBlockRequest { block, from_version, to_version });
        let answer = self.bounded(registry.diff_block(request)).await;
        answer.map(Difference::from).map_err(Refusal::of_registry)
    }

    /// An empty `application` asks for all.
    pub(crate) async fn live(&self, application: String) -> Result<Vec<Live>, Failure> {
        let mut registry = self.registry.clone();
        let request = self.request(proto::ListLiveRequest { application });
        let answer = self.bounded(registry.list_live(request)).await.map_err(Refusal::of_registry)?;
        Ok(answer.live.into_iter().map(Live::from).collect())
    }

    /// Newest first, and with which `before` it goes on; 0: nowhere.
    pub(crate) async fn history(
        &self,
        subject: String,
        limit: u32,
        before_sequence: u64,
    ) -> Result<(Vec<HistoryEntry>, u64), Failure> {
        let mut registry = self.registry.clone();
        let request = self.request(proto::ListHistoryRequest { subject, limit, before_sequence });
        let answer = self.bounded(registry.list_history(request)).await.map_err(Refusal::of_registry)?;
        Ok((answer.entries.into_iter().map(HistoryEntry::from).collect(), answer.next_before_sequence))
    }
}

/// A content that is being read.
pub(crate) struct Content {
    stream: Streaming<proto::GetArtifactResponse>,
    client: Client,
}

impl Content {
    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let Client { call, server, .. } = &self.client;
        match tokio::time::timeout(*call, self.stream.message()).await {
            Ok(Ok(piece)) => Ok(piece.map(|piece| piece.data)),
            Ok(Err(status)) => Err(Refusal::new(&status, server).of_registry()),
            Err(_) => Err(Refusal::timeout(*call, server).into()),
        }
    }
}

fn artifact(artifact: &Artifact) -> proto::Artifact {
    let content = match artifact {
        Artifact::Image(image) => {
            let kind = proto::ArtifactKind::Image.into();
            return proto::Artifact { kind, image: image.to_string(), ..proto::Artifact::default() };
        }
        Artifact::Content(content) => content,
    };
    let kind = match content.kind {
        ContentKind::Config => proto::ArtifactKind::Config,
        ContentKind::Script => proto::ArtifactKind::Script,
        ContentKind::Source => proto::ArtifactKind::Source,
        ContentKind::Wasm => proto::ArtifactKind::Wasm,
    };
    proto::Artifact {
        kind: kind.into(),
        image: String::new(),
        sha256: content.digest.to_string(),
        bytes: content.bytes,
        path: content.path.clone(),
    }
}

/// At least one, since an empty content is one too.
fn pieces(Sent { sha256, content }: Sent) -> impl Iterator<Item = Part> {
    let count = content.len().div_ceil(PIECE_BYTES).max(1);
    (0..count).map(move |index| {
        let rest = content.get(index * PIECE_BYTES..).unwrap_or_default();
        let data = rest.get(..PIECE_BYTES.min(rest.len())).unwrap_or_default().to_vec();
        Part::Chunk(proto::ArtifactChunk { sha256: sha256.clone(), data })
    })
}
