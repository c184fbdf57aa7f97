//! `serin record`: captures what a live rollout is judged by, so that it can be replayed.
//!
//! The file is whole however the recording ends, short of a kill: with the rollout, at `--for`, at Ctrl-C, when the server
//! ends or gives the reader up. Nothing is tried again, because a recording with a gap would replay differently.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

use serde::Serialize;
use serin_trace::{Packing, Writer};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

use crate::arguments;
use crate::client::{Client, Recording};
use crate::failure::{Failure, Kind};
use crate::output::{self, Output, Progress, Sheet, Unit};

/// Time between two flushes, so that a reader of the output follows.
const FLUSH: Duration = Duration::from_secs(1);

/// What was recorded.
#[derive(Serialize)]
struct Summary {
    /// The rollout; empty: none began.
    rollout: String,
    lines: u64,
    ended: End,
}

/// How a recording ended well.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum End {
    Interrupted,
    RolloutEnded,
    TimeIsUp,
}

pub(super) async fn run(client: &Client, request: &arguments::Record, output: Output) -> Result<(), Failure> {
    let name =
        request.output.as_ref().map_or_else(|| "<stdout>".to_owned(), |path| path.display().to_string());
    let mut signals = Signals::new()
        .map_err(|error| Failure::new(Kind::Output, format!("no handler for interrupts: {error}")))?;
    // Begins before the server's, so that it is over first: a stream that ends before is a rollout that ended.
    let deadline = Instant::now() + request.lasting;
    // Asked first, so that a refusal leaves no file.
    let recording = client.record(request.wanted(), request.lasting).await?;
    let sink: Box<dyn Write> = match &request.output {
        None => Box::new(io::stdout()),
        Some(path) => Box::new(File::create(path).map_err(|error| unwritable(&name, &error))?),
    };
    let packing = request.packing.unwrap_or_else(|| Packing::of_name(&name));
    let mut writer = Writer::new(BufWriter::new(sink), packing);
    output.note(&format!("recording to {name} for {}; Ctrl-C ends it", output::duration(request.lasting)));
    let mut summary = Summary { rollout: String::new(), lines: 0, ended: End::RolloutEnded };
    let progress = match request.output {
        Some(_) => output.progress("recorded", None, Unit::Lines),
        None => output.progress_beside("recorded", Unit::Lines),
    };
    let outcome = follow(recording, (deadline, &mut signals), &mut writer, (&mut summary, &progress)).await;
    drop(progress);
    // The trace is ended whatever happened.
    let finished = writer.finish();
    summary.ended = match outcome {
        Ok(end) => end,
        Err(Stop::Refused(failure)) => return Err(failure.advise(kept(&name, summary.lines))),
        Err(Stop::Sink(error)) => return Err(unwritable(&name, &error)),
    };
    finished.map_err(|error| unwritable(&name, &error))?;
    if request.output.is_none() {
        output.note(&format!("recorded {} lines", output::count(summary.lines)));
        return Ok(());
    }
    output.show(&summary, || sheet(&summary, &name))
}

/// Why a recording broke off.
enum Stop {
    Refused(Failure),
    Sink(io::Error),
}

/// What asks the program to end. Taken over before the file is there, so that it is always ended.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn any(&mut self) {
        tokio::select! {
            _signal = self.interrupt.recv() => {},
            _signal = self.terminate.recv() => {},
        }
    }
}

async fn follow<W: Write>(
    mut recording: Recording,
    (deadline, signals): (Instant, &mut Signals),
    writer: &mut Writer<W>,
    (summary, progress): (&mut Summary, &Progress),
) -> Result<End, Stop> {
    let mut flushed = Instant::now();
    loop {
        let next = tokio::select! {
            next = recording.next() => next.map_err(Stop::Refused)?,
            () = tokio::time::sleep_until(deadline) => return Ok(End::TimeIsUp),
            () = signals.any() => return Ok(End::Interrupted),
        };
        let Some(told) = next else { return Ok(End::RolloutEnded) };
        summary.rollout = told.rollout;
        for record in &told.records {
            writer.write(record).map_err(Stop::Sink)?;
            summary.lines += 1;
            progress.add(1);
        }
        if flushed.elapsed() >= FLUSH {
            writer.flush().map_err(Stop::Sink)?;
            flushed = Instant::now();
        }
    }
}

fn sheet(summary: &Summary, name: &str) -> Sheet {
    let mut sheet = Sheet::default();
    let ended = match summary.ended {
        End::Interrupted => "interrupted",
        End::RolloutEnded => "the rollout ended",
        End::TimeIsUp => "the time was up",
    };
    for (field, value) in [
        ("rollout", if summary.rollout.is_empty() { "none began" } else { &summary.rollout }),
        ("lines", &output::count(summary.lines)),
        ("ended", ended),
        ("file", name),
    ] {
        sheet.field(field, value);
    }
    sheet
}

fn kept(name: &str, lines: u64) -> String {
    format!("{name} holds the {} lines until then and can be replayed", output::count(lines))
}

fn unwritable(name: &str, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::new(Kind::OutputClosed, "the reader of the output went away");
    }
    Failure::new(Kind::Output, format!("{name}: cannot be written: {error}"))
}
