//! Takes log records by OTLP, so that they can say which block of code fails.
//!
//! A record counts when it is an error, names a block of a rollout that runs, and tells on which version it happened
//! (`count`); all others are counted by reason and forgotten. Requests come by gRPC (`grpc`) and HTTP (`http`) on one
//! listener. They are read from their bytes (`protobuf`, `json`), field by field and only what is looked at: messages of
//! generated types take up to a hundred times the bytes of the request.
//!
//! What counts goes to the rollouts' task through a queue of its own, which is served after the fleet's reports. When it is
//! full, the sender is asked to come again. No record is ever stored, shown or waited for, and no log raises an alarm: it
//! says what an alarm is about.

mod answer;
mod count;
mod grpc;
mod http;
mod json;
mod protobuf;
mod recent;
mod record;
mod refusal;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serin_analysis::Arm;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tonic::service::Routes;

use crate::access::Access;
use crate::clock;
use crate::metrics::{Metrics, OtlpResult};
use crate::snapshot::{Directory, ROLLOUTS_MAX};
use answer::Answer;
pub use count::Fate;
use recent::Recent;
use refusal::Refusal;

/// Requests whose failures may wait for the rollouts' task; more are refused, to come again.
pub(crate) const REQUESTS_MAX: usize = 64;
/// Requests that are read at a time.
const READING_MAX: usize = 8;
/// How long a request waits to be read.
const READING_DEADLINE: Duration = Duration::from_secs(1);

/// Failures that log records say one block caused, of one arm and second.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LoggedFailures {
    pub(crate) service: String,
    pub(crate) component: String,
    pub(crate) block: String,
    pub(crate) arm: Arm,
    /// Second in which they were written.
    pub(crate) second: u64,
    pub(crate) failed: u64,
}

/// How the records of a request are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Encoding {
    Protobuf,
    Json,
}

/// Takes requests.
#[derive(Clone, Debug)]
pub(crate) struct Intake {
    directory: Arc<Directory>,
    metrics: Arc<Metrics>,
    counted: mpsc::Sender<Vec<LoggedFailures>>,
    recent: Arc<Mutex<Recent>>,
    reading: Arc<Semaphore>,
}

impl Intake {
    /// Sends what counts to `counted`; which rollouts run is read from `directory`.
    pub(crate) fn new(
        directory: Arc<Directory>,
        metrics: Arc<Metrics>,
        counted: mpsc::Sender<Vec<LoggedFailures>>,
    ) -> Self {
        let (recent, reading) = (Arc::default(), Arc::new(Semaphore::new(READING_MAX)));
        Self { directory, metrics, counted, recent, reading }
    }

    /// The listener's routes, for who has a token where it asks for one.
    pub(crate) fn routes(self, access: Access) -> Routes {
        Routes::from(http::router(self.clone(), access.clone())).add_service(grpc::Logs::new(self, access))
    }

    /// A place among the requests that are read, so that their bytes together have a bound.
    async fn place(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let place = timeout(READING_DEADLINE, Arc::clone(&self.reading).acquire_owned()).await;
        place.ok().and_then(Result::ok).ok_or(Refusal::Busy)
    }

    /// Takes the records of a request.
    fn take(&self, encoding: Encoding, bytes: &[u8]) -> Result<Answer, Refusal> {
        // Before the records are remembered as seen: what is refused comes again.
        let place = self.counted.try_reserve().map_err(|_| Refusal::Busy)?;
        let gathered = match encoding {
            Encoding::Protobuf => protobuf::read(bytes),
            Encoding::Json => json::read(bytes),
        };
        let gathered = gathered.map_err(Refusal::Malformed)?;
        let rollouts = self.directory.list(None, ROLLOUTS_MAX);
        let services = count::Services::of(&rollouts);
        let counted = {
            let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            count::count(gathered, &services, &mut recent, clock::now().second())
        };
        counted.fates.iter().for_each(|(fate, records)| self.metrics.otlp_records(*fate, *records));
        if !counted.failures.is_empty() {
            place.send(counted.failures);
        }
        Ok(Answer::of(&counted.fates))
    }

    /// Notes how a request ended.
    fn ended(&self, result: OtlpResult) {
        self.metrics.otlp_request(result);
    }
}

#[cfg(test)]
mod tests;
