//! Takes log records, spans and metrics by OTLP: logs say which block of code fails, traces which component calls which, and metrics
//! are what queries of plans read.
//!
//! A log record counts when it is an error, names a block of a rollout that runs, and tells on which version it happened
//! (`count`); all others are counted by reason and forgotten. Requests come by gRPC (`grpc`) and HTTP (`http`) on one
//! listener. They are read from their bytes (`protobuf`, `json`), field by field and only what is looked at: messages of
//! generated types take up to a hundred times the bytes of the request.
//!
//! What counts goes to the rollouts' task through a queue of its own, which is served after the fleet's reports. When it is
//! full, the sender is asked to come again. No record is waited for, and no log raises an alarm: it says what an alarm is about. A
//! few failing records of each component are kept in memory, masked, for the evidence of decisions (`sample`).
//!
//! A span is placed in the component that it ran in (`trace`), and goes to where spans are joined ([`Calls`]). It waits for
//! nobody, and no rollout that runs learns of it.
//!
//! Points of metrics that plans ask for are kept ([`SharedSeries`]), and all else of them is counted and forgotten.

mod answer;
mod count;
mod grpc;
mod http;
mod json;
mod lines;
mod points;
mod protobuf;
mod recent;
mod record;
mod refusal;
mod said;
mod sample;
mod span;
mod trace;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serin_analysis::Arm;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tonic::service::Routes;

use crate::access::Access;
use crate::assignment::Board;
use crate::calls::{Calls, Places};
use crate::clock;
use crate::evidence::Samples;
use crate::metrics::{Metrics, OtlpResult};
use crate::series::SharedSeries;
use crate::snapshot::{Directory, ROLLOUTS_MAX};
use answer::Answer;
pub use count::Fate;
pub use lines::LineFate;
pub(crate) use lines::{Lines, LoggedLines};
pub(crate) use protobuf::{Value as FieldValue, each as each_field};
use recent::Recent;
use refusal::Refusal;
pub use trace::SpanFate;

/// Requests whose failures may wait for the rollouts' task; more are refused, to come again.
pub(crate) const REQUESTS_MAX: usize = 64;
/// Seconds that a record or span may be ahead of this clock.
const AHEAD_MAX_S: u64 = 60;
const NS_PER_S: u64 = 1_000_000_000;
/// Requests that are read at a time.
const READING_MAX: usize = 8;
/// How long a request waits to be read.
const READING_DEADLINE: Duration = Duration::from_secs(1);

/// What the log records of a request add up to.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoggedCounts {
    pub(crate) failures: Vec<LoggedFailures>,
    pub(crate) lines: Vec<LoggedLines>,
}

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

/// What a request holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Signal {
    Logs,
    Traces,
    Metrics,
}

impl Signal {
    /// The message of a request.
    const fn request(self) -> &'static str {
        match self {
            Self::Logs => "ExportLogsServiceRequest",
            Self::Traces => "ExportTraceServiceRequest",
            Self::Metrics => "ExportMetricsServiceRequest",
        }
    }

    const fn unit(self) -> &'static str {
        match self {
            Self::Logs => "records",
            Self::Traces => "spans",
            Self::Metrics => "points",
        }
    }

    /// The field of an answer in JSON that says how many were not taken.
    const fn rejected(self) -> &'static str {
        match self {
            Self::Logs => "rejectedLogRecords",
            Self::Traces => "rejectedSpans",
            Self::Metrics => "rejectedDataPoints",
        }
    }
}

/// How a request is written.
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
    counted: mpsc::Sender<LoggedCounts>,
    recent: Arc<Mutex<Recent>>,
    lines: Arc<Mutex<Lines>>,
    reading: Arc<Semaphore>,
    board: Arc<Board>,
    calls: Arc<Calls>,
    samples: Arc<Samples>,
    series: Arc<SharedSeries>,
}

impl Intake {
    /// Groups lines by `lines`, sends what log records count to `counted`, spans to `calls` and points to `series`. Which rollouts run is read from
    /// `directory`, their components from `board`. A few records are kept in `samples`, masked.
    pub(crate) fn new(
        directory: Arc<Directory>,
        metrics: Arc<Metrics>,
        (counted, lines): (mpsc::Sender<LoggedCounts>, Lines),
        board: Arc<Board>,
        calls: Arc<Calls>,
        samples: Arc<Samples>,
        series: Arc<SharedSeries>,
    ) -> Self {
        let (recent, reading) = (Arc::default(), Arc::new(Semaphore::new(READING_MAX)));
        let lines = Arc::new(Mutex::new(lines));
        Self { directory, metrics, counted, recent, lines, reading, board, calls, samples, series }
    }

    /// The listener's routes, for who has a token where it asks for one.
    pub(crate) fn routes(self, access: Access) -> Routes {
        let routes = Routes::from(http::router(self.clone(), access.clone()));
        let logs = grpc::Exports::<grpc::Logs>::new(self.clone(), access.clone());
        let traces = grpc::Exports::<grpc::Traces>::new(self.clone(), access.clone());
        let metrics = grpc::Exports::<grpc::Metrics>::new(self, access);
        routes.add_service(logs).add_service(traces).add_service(metrics)
    }

    /// A place among the requests that are read, so that their bytes together have a bound.
    async fn place(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let place = timeout(READING_DEADLINE, Arc::clone(&self.reading).acquire_owned()).await;
        place.ok().and_then(Result::ok).ok_or(Refusal::Busy)
    }

    /// Takes a request on a thread that may block, so that a flood of them delays no other task.
    async fn take(
        &self,
        signal: Signal,
        encoding: Encoding,
        bytes: impl AsRef<[u8]> + Send + 'static,
    ) -> Result<Answer, Refusal> {
        let intake = self.clone();
        let taking = tokio::task::spawn_blocking(move || intake.take_now(signal, encoding, bytes.as_ref()));
        taking.await.unwrap_or(Err(Refusal::Busy))
    }

    fn take_now(&self, signal: Signal, encoding: Encoding, bytes: &[u8]) -> Result<Answer, Refusal> {
        match signal {
            Signal::Logs => self.take_logs(encoding, bytes),
            Signal::Traces => self.take_spans(encoding, bytes),
            Signal::Metrics => self.take_points(encoding, bytes),
        }
    }

    /// Takes the records of a request.
    fn take_logs(&self, encoding: Encoding, bytes: &[u8]) -> Result<Answer, Refusal> {
        // Before the records are remembered as seen: what is refused comes again.
        let place = self.counted.try_reserve().map_err(|_| Refusal::Busy)?;
        let gathered = match encoding {
            Encoding::Protobuf => protobuf::read(bytes),
            Encoding::Json => json::read(bytes),
        };
        let gathered = gathered.map_err(|fault| Refusal::Malformed { signal: Signal::Logs, fault })?;
        let rollouts = self.directory.list(None, ROLLOUTS_MAX);
        let (services, now) = (count::Services::of(&rollouts), clock::now().second());
        sample::offer(&gathered, &services, &self.samples, now);
        let (taken, counted) = {
            let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = lines.take(&gathered, &services, &mut recent, now);
            (taken, count::count(gathered, &services, &mut recent, now))
        };
        taken.fates.iter().for_each(|(fate, lines)| self.metrics.otlp_lines(*fate, *lines));
        counted.fates.iter().for_each(|(fate, records)| self.metrics.otlp_records(*fate, *records));
        if !counted.failures.is_empty() || !taken.lines.is_empty() {
            place.send(LoggedCounts { failures: counted.failures, lines: taken.lines });
        }
        let complaints =
            counted.fates.iter().filter_map(|(fate, records)| Some((fate.complaint()?, *records)));
        let remarks = taken.fates.iter().filter_map(|(fate, lines)| Some((fate.remark()?, *lines)));
        Ok(Answer::of(Signal::Logs, complaints, remarks))
    }

    /// Takes the spans of a request.
    fn take_spans(&self, encoding: Encoding, bytes: &[u8]) -> Result<Answer, Refusal> {
        let spans = match encoding {
            Encoding::Protobuf => protobuf::spans::read(bytes),
            Encoding::Json => json::spans::read(bytes),
        };
        let spans = spans.map_err(|fault| Refusal::Malformed { signal: Signal::Traces, fault })?;
        let (assigned, rollouts, now) = (self.board.newest(), self.directory.current(), clock::now());
        let places = Places::of(&assigned.services);
        let placed = trace::place(spans, &places, &trace::Versions::of(&rollouts), now.second());
        let trace::Placed { spans, mut fates } = placed;
        let (told, spans): (Vec<SpanFate>, Vec<_>) = spans.into_iter().unzip();
        for (fate, is_new) in told.into_iter().zip(self.calls.add(spans, now)) {
            *fates.entry(if is_new { fate } else { SpanFate::Repeated }).or_default() += 1;
        }
        fates.iter().for_each(|(fate, spans)| self.metrics.otlp_spans(*fate, *spans));
        let complaints = fates.iter().filter_map(|(fate, spans)| Some((fate.complaint()?, *spans)));
        Ok(Answer::of(Signal::Traces, complaints, std::iter::empty()))
    }

    /// Takes the points of a request.
    fn take_points(&self, encoding: Encoding, bytes: &[u8]) -> Result<Answer, Refusal> {
        let points = match encoding {
            Encoding::Protobuf => protobuf::points::read(bytes),
            Encoding::Json => json::points::read(bytes),
        };
        let points = points.map_err(|fault| Refusal::Malformed { signal: Signal::Metrics, fault })?;
        let fates = self.series.take(points, clock::now());
        fates.iter().for_each(|(fate, points)| self.metrics.otlp_points(*fate, *points));
        self.metrics.otlp_series(self.series.kept());
        let complaints = fates.iter().filter_map(|(fate, points)| Some((fate.complaint()?, *points)));
        Ok(Answer::of(Signal::Metrics, complaints, std::iter::empty()))
    }

    /// Notes how a request ended.
    fn ended(&self, result: OtlpResult) {
        self.metrics.otlp_request(result);
    }
}

#[cfg(test)]
mod tests;
