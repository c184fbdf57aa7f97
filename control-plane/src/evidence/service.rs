//! Evidence and the audit log, as people and pipelines ask for them.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serin_evidence::Hash;
use serin_evidence::archive::Archive;
use serin_evidence::chain::{Checked, Head};
use serin_evidence::mask::Masker;
use serin_proto::evidence::v1 as api;
use serin_proto::evidence::v1::evidence_service_server::EvidenceService;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Request, Response, Status};

use crate::admin::failure;
use crate::clock;
use crate::store::{BUNDLES_MAX, BundleQuery, Exported, Reader, StoreError, StoredBundle};

/// Calls that read at a time.
const READINGS_MAX: usize = 4;
/// Exports at a time.
const EXPORTS_MAX: usize = 2;
/// Bytes of one message of an export.
const PIECE_BYTES: usize = 1024 * 1024;
/// Time after which a reader that takes nothing is given up.
const READER_DEADLINE: Duration = Duration::from_secs(30);
/// Manifests of one answer, when the caller does not say.
const BUNDLES_DEFAULT: u32 = 100;
/// Bytes of a name.
const NAME_BYTES_MAX: usize = 256;
/// Incomplete bundles that are named.
const INCOMPLETE_MAX: usize = 1_000;

/// The gRPC service.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    /// Where the database is.
    data: PathBuf,
    masker: Arc<Masker>,
    readings: Arc<Semaphore>,
    exports: Arc<Semaphore>,
}

impl Evidence {
    /// Of one server.
    #[must_use]
    pub(crate) fn new(data: PathBuf, masker: Arc<Masker>) -> Self {
        let (readings, exports) = (Semaphore::new(READINGS_MAX), Semaphore::new(EXPORTS_MAX));
        Self { data, masker, readings: Arc::new(readings), exports: Arc::new(exports) }
    }

    async fn ask<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Status> {
        let place = Arc::clone(&self.readings).try_acquire_owned();
        let place = place.map_err(|_| {
            Status::resource_exhausted(format!("{READINGS_MAX} calls read already: try again"))
        })?;
        let data = self.data.clone();
        let read = tokio::task::spawn_blocking(move || {
            let answer = Reader::open(&data).and_then(|mut reader| call(&mut reader));
            drop(place);
            answer
        });
        read.await.map_err(|_| Status::unavailable("the server ends"))?.map_err(failure::store)
    }

    /// One bundle with its addenda and documents.
    pub(crate) async fn bundle(&self, id: String) -> Result<api::GetBundleResponse, Status> {
        let id = name("id", id)?;
        let wanted = id.clone();
        let found = self.ask(move |store| store.bundle(&wanted)).await?;
        let found = found.ok_or_else(|| Status::not_found(format!("there is no evidence {id}")))?;
        let documents = found.documents.into_iter();
        Ok(api::GetBundleResponse {
            bundles: found.manifests.iter().map(bundle).collect::<Result<_, _>>()?,
            documents: documents.map(|(name, content_json)| api::Document { name, content_json }).collect(),
        })
    }

    /// The archive as bytes. What people wrote into the journal is masked like everything else.
    fn written(&self, mut archive: Archive) -> Result<Vec<u8>, Status> {
        let mut journal: serde_json::Value = serde_json::from_str(&archive.journal).unwrap_or_default();
        self.masker.mask_value(&mut journal);
        archive.journal = journal.to_string();
        archive.about.journal = Hash::of(archive.journal.as_bytes());
        archive.to_bytes().map_err(|error| Status::internal(error.to_string()))
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// One answer that may take longer than an answer may take to begin.
fn later<T: Send + 'static>(answer: impl Future<Output = Result<T, Status>> + Send + 'static) -> Answers<T> {
    let (messages, stream) = mpsc::channel(1);
    tokio::spawn(async move {
        let _reader_may_be_gone = messages.send(answer.await).await;
    });
    Box::pin(ReceiverStream::new(stream))
}

#[tonic::async_trait]
impl EvidenceService for Evidence {
    type ExportEvidenceStream = Answers<api::ExportEvidenceResponse>;
    type VerifyAuditStream = Answers<api::VerifyAuditResponse>;
    type VerifyEvidenceStream = Answers<api::VerifyEvidenceResponse>;

    async fn list_bundles(
        &self,
        request: Request<api::ListBundlesRequest>,
    ) -> Result<Response<api::ListBundlesResponse>, Status> {
        let api::ListBundlesRequest { rollout_id, before_number, limit } = request.into_inner();
        let limit = match limit {
            0 => BUNDLES_DEFAULT,
            1..=BUNDLES_MAX => limit,
            _ => return Err(Status::invalid_argument("limit: must be at most 1000")),
        };
        let rollout_id = Some(rollout_id).filter(|id| !id.is_empty());
        let before = Some(before_number).filter(|number| *number > 0);
        let query = BundleQuery { rollout_id, before, limit };
        let found = self.ask(move |store| store.bundles(&query)).await?;
        let is_full = found.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let next = found.last().filter(|_| is_full).map_or(0, |last| last.head.number);
        let bundles = found.iter().map(bundle).collect::<Result<_, _>>()?;
        Ok(Response::new(api::ListBundlesResponse { bundles, next_before_number: next }))
    }

    async fn get_bundle(
        &self,
        request: Request<api::GetBundleRequest>,
    ) -> Result<Response<api::GetBundleResponse>, Status> {
        self.bundle(request.into_inner().id).await.map(Response::new)
    }

    async fn export_evidence(
        &self,
        request: Request<api::ExportEvidenceRequest>,
    ) -> Result<Response<Self::ExportEvidenceStream>, Status> {
        let of = name("of", request.into_inner().of)?;
        let place = Arc::clone(&self.exports).try_acquire_owned();
        let place = place.map_err(|_| {
            Status::resource_exhausted(format!("{EXPORTS_MAX} exports run already: try again"))
        })?;
        let wanted = Exported { of: of.clone(), now: clock::now() };
        let archive = self.ask(move |store| store.export(&wanted)).await?;
        let archive = archive.ok_or_else(|| Status::not_found(format!("there is no evidence of {of}")))?;
        let service = self.clone();
        let written = tokio::task::spawn_blocking(move || service.written(archive)).await;
        let bytes = written.map_err(|_| Status::unavailable("the server ends"))??;
        let (messages, stream) = mpsc::channel(1);
        tokio::spawn(async move {
            for piece in bytes.chunks(PIECE_BYTES) {
                let message = Ok(api::ExportEvidenceResponse { data: piece.to_vec() });
                if !matches!(timeout(READER_DEADLINE, messages.send(message)).await, Ok(Ok(()))) {
                    break;
                }
            }
            drop(place);
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn verify_evidence(
        &self,
        request: Request<api::VerifyEvidenceRequest>,
    ) -> Result<Response<Self::VerifyEvidenceStream>, Status> {
        let anchor = anchor(&request.into_inner().anchor_sha256)?;
        let service = self.clone();
        Ok(Response::new(later(async move {
            let verified = service.ask(move |store| store.verify_bundles(anchor)).await?;
            Ok(api::VerifyEvidenceResponse {
                checked: Some(checked(&verified.chain)),
                bundles: verified.bundles,
                documents: verified.documents,
                incomplete: verified.incomplete.into_iter().take(INCOMPLETE_MAX).collect(),
            })
        })))
    }

    async fn list_audit(
        &self,
        request: Request<api::ListAuditRequest>,
    ) -> Result<Response<api::ListAuditResponse>, Status> {
        let after = request.into_inner().after_number;
        let (entries, newest) = self.ask(move |store| store.audit(after)).await?;
        let entries = entries.into_iter().map(|entry| api::AuditEntry {
            number: entry.number,
            previous_sha256: entry.previous.to_string(),
            body_json: entry.body,
        });
        Ok(Response::new(api::ListAuditResponse { entries: entries.collect(), head: Some(head(newest)) }))
    }

    async fn verify_audit(
        &self,
        request: Request<api::VerifyAuditRequest>,
    ) -> Result<Response<Self::VerifyAuditStream>, Status> {
        let anchor = anchor(&request.into_inner().anchor_sha256)?;
        let service = self.clone();
        Ok(Response::new(later(async move {
            let found = service.ask(move |store| store.verify_audit(anchor)).await?;
            Ok(api::VerifyAuditResponse { checked: Some(checked(&found)) })
        })))
    }
}

fn bundle(stored: &StoredBundle) -> Result<api::Bundle, Status> {
    let manifest_json = serin_evidence::canonical::text(&stored.manifest)
        .map_err(|error| Status::internal(error.to_string()))?;
    Ok(api::Bundle { head: Some(head(stored.head)), manifest_json })
}

fn head(head: Head) -> api::Head {
    api::Head { number: head.number, sha256: head.hash.to_string() }
}

fn checked(checked: &Checked) -> api::Checked {
    api::Checked {
        entries: checked.entries,
        first_number: checked.first,
        head: Some(head(checked.head)),
        faults: checked.faults.iter().map(ToString::to_string).collect(),
        more_faults: checked.more_faults,
    }
}

fn name(field: &str, value: String) -> Result<String, Status> {
    if (1..=NAME_BYTES_MAX).contains(&value.len()) {
        return Ok(value);
    }
    Err(Status::invalid_argument(format!("{field}: must be 1 to {NAME_BYTES_MAX} bytes")))
}

fn anchor(text: &str) -> Result<Option<Hash>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| Status::invalid_argument(format!("anchor_sha256: {error}")))
}
