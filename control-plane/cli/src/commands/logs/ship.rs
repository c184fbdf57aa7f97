//! `serin logs ship`: sends lines as OTLP log records over HTTP.
//!
//! A thread reads lines (`source`) into a queue with a bound, and batches of them are sent one after the other (`delivery`), so
//! memory has a bound however slow the other side is. A file waits for the queue; standard input and a file that is followed do
//! not, so that whoever writes is not held up: their lines are shed, and counted. A batch is given up at its deadline.

mod delivery;
mod form;
mod pem;
mod record;
mod source;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serin_evidence::mask::Masker;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::masker;
use crate::arguments::{Connection, Ship};
use crate::failure::{Failure, Kind};
use crate::output::{Output, Sheet, count};

use delivery::{Delivery, Outcome};
use pem::Pem;
use record::{Record, Resource};
use source::{Read, Source};

/// Lines that wait to be sent.
const QUEUE: usize = 16_384;
/// Records of one request.
const BATCH_RECORDS: usize = 512;
/// Bytes of the records of one request.
const BATCH_BYTES: usize = 1024 * 1024;
/// How long a batch waits for more records.
const LINGER: Duration = Duration::from_millis(200);

/// What became of the lines.
#[derive(Clone, Debug, Default, Serialize)]
struct Summary {
    /// Lines that were read.
    read: u64,
    /// Records that were taken. A line that goes on with another one is of its record.
    sent: u64,
    /// Records that the other side says do not count, or refused.
    rejected: u64,
    /// Records that were given up, because nobody took them in time.
    given_up: u64,
    /// Lines for which there was no room.
    shed: u64,
    /// Requests that were answered.
    requests: u64,
    /// Requests that were repeated.
    retries: u64,
    /// The last thing that went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

pub(super) async fn run(connection: &Connection, request: Ship, output: Output) -> Result<(), Failure> {
    let delivery = Delivery::new(connection, &request)?;
    let resource = Resource::of(&request);
    let masker = masker()?;
    let unhandled = |error| Failure::new(Kind::Output, format!("no handler for interrupts: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unhandled)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(unhandled)?;
    let (lines, queue) = mpsc::channel(QUEUE);
    let source = Source::open(&request.source, request.follow)?;
    let reading = source.read_into(lines);
    let mut batches = Batches { queue, batch: Batch::default(), pem: Pem::default() };
    let mut summary = Summary::default();
    loop {
        let batch = tokio::select! {
            batch = batches.next(&masker) => batch,
            _signal = interrupt.recv() => break,
            _signal = terminate.recv() => break,
        };
        if batch.is_empty() {
            break;
        }
        deliver(&delivery, &resource, batch, &mut summary).await?;
    }
    reading.stop().await;
    // What is there already is still sent, as far as the queue has it.
    loop {
        let batch = batches.left(&masker);
        if batch.is_empty() {
            break;
        }
        deliver(&delivery, &resource, batch, &mut summary).await?;
    }
    let Read { lines, shed, fault } = reading.end();
    (summary.read, summary.shed) = (lines, shed);
    if let Some(fault) = fault {
        return Err(Failure::new(Kind::Output, format!("{}: {fault}", crate::input::name(&request.source)))
            .advise(format!("{} records were sent before", count(summary.sent))));
    }
    if summary.sent == 0 && summary.given_up > 0 {
        let error = summary.last_error.clone().unwrap_or_default();
        return Err(Failure::new(Kind::Unreachable, format!("nothing was sent to {}: {error}", request.to))
            .advise("check that --to is an OTLP listener, for the control plane listeners.otlp"));
    }
    output.show(&summary, || sheet(&summary))
}

/// Sends a batch and counts what became of it. Fails where no other batch would fare better.
async fn deliver(
    delivery: &Delivery,
    resource: &Resource,
    batch: Vec<Record>,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let records = batch.len() as u64;
    let sent = delivery.send(resource.request(&batch)).await;
    summary.retries += sent.retries;
    match sent.outcome {
        Outcome::Taken { rejected, words } => {
            let rejected = rejected.min(records);
            summary.requests += 1;
            summary.sent += records - rejected;
            summary.rejected += rejected;
            summary.last_error = words.or(summary.last_error.take());
        }
        Outcome::Refused(words) => {
            summary.requests += 1;
            summary.rejected += records;
            summary.last_error = Some(words);
        }
        Outcome::GivenUp(words) => {
            summary.given_up += records;
            summary.last_error = Some(words);
        }
        Outcome::Denied(words) => {
            return Err(Failure::new(Kind::Refused, format!("the listener lets nobody in so: {words}"))
                .advise("give a token that the listener knows, by --token-file or SERIN_TOKEN"));
        }
    }
    Ok(())
}

/// Lines, made into batches.
struct Batches {
    queue: mpsc::Receiver<String>,
    batch: Batch,
    pem: Pem,
}

impl Batches {
    /// The next batch, once it is full or nothing came for a while. Empty: there will be no other. Nothing is lost when it is
    /// dropped before it is done.
    async fn next(&mut self, masker: &Masker) -> Vec<Record> {
        while self.batch.records.is_empty() {
            let Some(line) = self.queue.recv().await else { return Vec::new() };
            self.add(&line, masker);
        }
        let deadline = Instant::now() + LINGER;
        while self.batch.has_room() {
            let Ok(Some(line)) = timeout_at(deadline, self.queue.recv()).await else { break };
            self.add(&line, masker);
        }
        std::mem::take(&mut self.batch).records
    }

    /// The next batch of what is there already. Empty: there is nothing.
    fn left(&mut self, masker: &Masker) -> Vec<Record> {
        while self.batch.has_room() {
            let Ok(line) = self.queue.try_recv() else { break };
            self.add(&line, masker);
        }
        std::mem::take(&mut self.batch).records
    }

    fn add(&mut self, line: &str, masker: &Masker) {
        if !self.pem.holds(line) {
            self.batch.add(line, masker);
        }
    }
}

/// Records that are sent together.
#[derive(Default)]
struct Batch {
    records: Vec<Record>,
    bytes: usize,
}

impl Batch {
    fn has_room(&self) -> bool {
        self.records.len() < BATCH_RECORDS && self.bytes < BATCH_BYTES
    }

    /// Adds a line, to the last record if it goes on with it.
    fn add(&mut self, line: &str, masker: &Masker) {
        self.bytes += line.len();
        match self.records.last_mut() {
            Some(last) if record::goes_on(line) => last.append(line, masker),
            Some(_) | None => self.records.push(Record::of(line, masker, now_ns())),
        }
    }
}

fn now_ns() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos()
}

fn sheet(summary: &Summary) -> Sheet {
    let mut sheet = Sheet::default();
    for (name, value) in [
        ("read", summary.read),
        ("sent", summary.sent),
        ("rejected", summary.rejected),
        ("given up", summary.given_up),
        ("shed", summary.shed),
        ("requests", summary.requests),
        ("retries", summary.retries),
    ] {
        sheet.field(name, &count(value));
    }
    if let Some(error) = &summary.last_error {
        sheet.field("last error", error);
    }
    sheet
}
