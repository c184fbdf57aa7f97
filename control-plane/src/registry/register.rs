//! One registration: the release, its contents, then the rows.

use std::pin::Pin;
use std::time::Duration;

use serin_proto::registry::v1 as api;
use serin_proto::registry::v1::register_release_request::Part;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Status, Streaming};

use super::intake::{Intake, Kept, Refusal};
use super::{Registry, convert, failure};
use crate::clock;
use crate::failpoint::Failpoint;

/// Longest time until the next message.
const MESSAGE_DEADLINE: Duration = Duration::from_secs(30);
/// Longest time of a registration.
const DEADLINE: Duration = Duration::from_secs(600);

pub(super) type RegisterStream =
    Pin<Box<dyn Stream<Item = Result<api::RegisterReleaseResponse, Status>> + Send>>;

/// One answer, when all is done. The registration is given up when the caller goes away.
pub(super) fn stream(
    registry: Registry,
    requests: Streaming<api::RegisterReleaseRequest>,
    by: String,
    place: OwnedSemaphorePermit,
) -> RegisterStream {
    let (answer, stream) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut ending = registry.ending.clone();
        let answered = tokio::select! {
            answered = registry.register(requests, by) => Some(answered),
            () = answer.closed() => None,
            () = ending.begun() => Some(Err(Status::unavailable("the server ends"))),
        };
        if let Some(answered) = answered {
            let _caller_may_be_gone = answer.send(answered).await;
        }
        drop(place);
    });
    Box::pin(ReceiverStream::new(stream))
}

impl Registry {
    async fn register(
        &self,
        requests: Streaming<api::RegisterReleaseRequest>,
        by: String,
    ) -> Result<api::RegisterReleaseResponse, Status> {
        let registered = timeout(DEADLINE, self.receive(requests, by)).await;
        registered.unwrap_or_else(|_| Err(late("the registration", DEADLINE)))
    }

    async fn receive(
        &self,
        mut requests: Streaming<api::RegisterReleaseRequest>,
        by: String,
    ) -> Result<api::RegisterReleaseResponse, Status> {
        let release = match next(&mut requests).await? {
            Some(Part::Release(release)) => convert::release(release)?,
            Some(Part::Chunk(_)) | None => return Err(failure::argument("release", "must come first")),
        };
        let mut intake = Intake::new(&release, self.artifacts.clone(), self.memory.clone())?;
        let pinned = self.pins.pin(intake.digests()).await;
        while let Some(part) = next(&mut requests).await? {
            match part {
                Part::Release(_) => return Err(failure::argument("release", "must come once")),
                Part::Chunk(chunk) => self.kept(intake.take(chunk).await).await?,
            }
        }
        let Kept { written, repaired } = self.kept(intake.finish().await).await?;
        Failpoint::BeforeRegister.reach();
        let at = clock::now();
        let registered = self.ask(move |store| store.register(&release, &by, at)).await?;
        Failpoint::AfterRegister.reach();
        drop(pinned);
        Ok(api::RegisterReleaseResponse {
            versions: registered.versions.into_iter().map(convert::version).collect(),
            registered: registered.new,
            contents_written: written,
            contents_repaired: repaired,
        })
    }

    async fn kept<T>(&self, outcome: Result<T, Refusal>) -> Result<T, Status> {
        match outcome {
            Ok(value) => Ok(value),
            Err(Refusal::Sent(status)) => Err(status),
            Err(Refusal::Artifact(error)) => Err(self.lost(error).await),
        }
    }
}

/// The next part; `None` at the end.
async fn next(requests: &mut Streaming<api::RegisterReleaseRequest>) -> Result<Option<Part>, Status> {
    let message = timeout(MESSAGE_DEADLINE, requests.message()).await;
    match message.map_err(|_| late("the next message", MESSAGE_DEADLINE))?? {
        None => Ok(None),
        Some(api::RegisterReleaseRequest { part: Some(part) }) => Ok(Some(part)),
        Some(api::RegisterReleaseRequest { part: None }) => {
            Err(failure::argument("part", "must be a release or a chunk"))
        }
    }
}

fn late(what: &str, deadline: Duration) -> Status {
    Status::deadline_exceeded(format!("{what} took longer than {} s", deadline.as_secs()))
}
