//! Calls for evidence and the audit log.

use serin_evidence::Hash;
use serin_evidence::bundle::Manifest;
use serin_evidence::chain::{Entry, Head};
use serin_proto::evidence::v1 as proto;
use tonic::{Request, Response, Status, Streaming};

use super::Client;
use super::refusal::Refusal;
use crate::failure::{Failure, Kind};

/// Bytes of an archive that are taken: what its check unpacks at most.
const ARCHIVE_BYTES: usize = 512 * 1024 * 1024;

/// A manifest and its place in the chain.
pub(crate) struct Bundle {
    pub(crate) head: Head,
    pub(crate) manifest: Manifest,
}

/// Which manifests are asked for.
pub(crate) struct BundleQuery {
    /// Empty: of all rollouts.
    pub(crate) rollout_id: String,
    /// Only below this number; 0: from the newest on.
    pub(crate) before: u64,
    pub(crate) limit: u32,
}

/// What a check found.
pub(crate) struct Checked {
    pub(crate) entries: u64,
    pub(crate) head: Head,
    pub(crate) faults: Vec<String>,
    pub(crate) more_faults: u64,
}

/// What a check of evidence found.
pub(crate) struct CheckedEvidence {
    pub(crate) checked: Checked,
    pub(crate) bundles: u64,
    pub(crate) documents: u64,
    pub(crate) incomplete: Vec<String>,
}

impl Client {
    /// Newest first, and with which `before` it goes on; 0: nowhere.
    pub(crate) async fn bundles(&self, query: BundleQuery) -> Result<(Vec<Bundle>, u64), Failure> {
        let BundleQuery { rollout_id, before: before_number, limit } = query;
        let mut evidence = self.evidence.clone();
        let request = self.request(proto::ListBundlesRequest { rollout_id, before_number, limit });
        let answer = self.bounded(evidence.list_bundles(request)).await.map_err(of_evidence)?;
        let bundles = answer.bundles.into_iter().map(|one| self.bundle_of(one)).collect::<Result<_, _>>()?;
        Ok((bundles, answer.next_before_number))
    }

    /// A bundle with what was added to it, and their documents as JSON.
    pub(crate) async fn bundle(&self, id: String) -> Result<(Vec<Bundle>, Vec<(String, String)>), Failure> {
        let mut evidence = self.evidence.clone();
        let request = self.request(proto::GetBundleRequest { id });
        let answer = self.bounded(evidence.get_bundle(request)).await.map_err(of_evidence)?;
        let bundles = answer.bundles.into_iter().map(|one| self.bundle_of(one)).collect::<Result<_, _>>()?;
        let documents = answer.documents.into_iter().map(|one| (one.name, one.content_json));
        Ok((bundles, documents.collect()))
    }

    /// An archive of a rollout, or of one bundle. `took` is told the size of every piece.
    pub(crate) async fn export(&self, of: String, took: impl Fn(usize)) -> Result<Vec<u8>, Failure> {
        let mut evidence = self.evidence.clone();
        let request = Request::new(proto::ExportEvidenceRequest { of });
        let mut stream = self.bounded(evidence.export_evidence(request)).await.map_err(of_evidence)?;
        let mut bytes = Vec::new();
        loop {
            match tokio::time::timeout(self.call, stream.message()).await {
                Ok(Ok(Some(piece))) => {
                    took(piece.data.len());
                    bytes.extend_from_slice(&piece.data);
                }
                Ok(Ok(None)) => return Ok(bytes),
                Ok(Err(status)) => return Err(of_evidence(Refusal::new(&status, &self.server))),
                Err(_) => return Err(Refusal::timeout(self.call, &self.server).into()),
            }
            if bytes.len() > ARCHIVE_BYTES {
                let words = format!("the archive has more than {ARCHIVE_BYTES} bytes");
                return Err(
                    Failure::new(Kind::Refused, words).advise("export one bundle instead of the rollout")
                );
            }
        }
    }

    pub(crate) async fn verify_evidence(&self, anchor: Option<Hash>) -> Result<CheckedEvidence, Failure> {
        let mut evidence = self.evidence.clone();
        let anchor_sha256 = anchor.map(|anchor| anchor.to_string()).unwrap_or_default();
        let request = self.request(proto::VerifyEvidenceRequest { anchor_sha256 });
        let answer =
            self.bounded(async { only(evidence.verify_evidence(request).await?.into_inner()).await });
        let answer = answer.await.map_err(of_evidence)?;
        Ok(CheckedEvidence {
            checked: self.checked(answer.checked)?,
            bundles: answer.bundles,
            documents: answer.documents,
            incomplete: answer.incomplete,
        })
    }

    /// Entries after a number, oldest first, and the newest of all. `None`: the newest ones.
    pub(crate) async fn audit(&self, after_number: Option<u64>) -> Result<(Vec<Entry>, Head), Failure> {
        let mut evidence = self.evidence.clone();
        let request = self.request(proto::ListAuditRequest { after_number });
        let answer = self.bounded(evidence.list_audit(request)).await.map_err(of_evidence)?;
        let entries = answer.entries.into_iter().map(|one| {
            let previous = one.previous_sha256.parse().map_err(|_| self.strange())?;
            Ok(Entry { number: one.number, previous, body: one.body_json })
        });
        Ok((entries.collect::<Result<_, Failure>>()?, self.head(answer.head)?))
    }

    pub(crate) async fn verify_audit(&self, anchor: Option<Hash>) -> Result<Checked, Failure> {
        let mut evidence = self.evidence.clone();
        let anchor_sha256 = anchor.map(|anchor| anchor.to_string()).unwrap_or_default();
        let request = self.request(proto::VerifyAuditRequest { anchor_sha256 });
        let answer = self.bounded(async { only(evidence.verify_audit(request).await?.into_inner()).await });
        let answer = answer.await.map_err(of_evidence)?;
        self.checked(answer.checked)
    }

    fn bundle_of(&self, bundle: proto::Bundle) -> Result<Bundle, Failure> {
        let manifest = serde_json::from_str(&bundle.manifest_json).map_err(|_| self.strange())?;
        Ok(Bundle { head: self.head(bundle.head)?, manifest })
    }

    fn checked(&self, checked: Option<proto::Checked>) -> Result<Checked, Failure> {
        let proto::Checked { entries, head, faults, more_faults, .. } =
            checked.ok_or_else(|| self.strange())?;
        Ok(Checked { entries, head: self.head(head)?, faults, more_faults })
    }

    fn head(&self, head: Option<proto::Head>) -> Result<Head, Failure> {
        let head = head.ok_or_else(|| self.strange())?;
        let hash = head.sha256.parse().map_err(|_| self.strange())?;
        Ok(Head { number: head.number, hash })
    }

    fn strange(&self) -> Failure {
        Failure::new(Kind::Refused, format!("{} sent an answer that cannot be read", self.server))
            .advise("check that client and server are of compatible versions")
    }
}

/// The one answer of a stream.
async fn only<T>(mut answers: Streaming<T>) -> Result<Response<T>, Status> {
    let answer = answers.message().await?;
    answer.map(Response::new).ok_or_else(|| Status::internal("the server gave no answer"))
}

/// With what to do next about evidence.
fn of_evidence(refusal: Refusal) -> Failure {
    let failure = Failure::from(refusal);
    if failure.kind() == Kind::NotFound {
        return failure.advise("`serin evidence list` shows what there is");
    }
    failure
}
