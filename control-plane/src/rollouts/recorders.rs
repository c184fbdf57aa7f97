//! Who records what is merged into the evidence of a rollout, how it stood before, and what people do to it.
//!
//! Each recorder has a queue of [`QUEUE_MAX`] reports. One that is full ends the recording, because a recording with a gap
//! would replay differently; the task never waits for a reader. Why a recording ended is told in a place of the queue
//! that is kept free from the start.

use std::sync::Arc;

use serin_analysis::streams::StreamCounts;
use serin_rollout::outside::Told;
use serin_rollout::{Command, Plan, State, UnixMillis, Weight};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{OwnedPermit, Receiver, Sender, channel};

use crate::fleet::report::Report;
use crate::otlp::LoggedFailures;
use crate::probe::Heard;

/// Reports that may wait for a reader.
pub(crate) const QUEUE_MAX: usize = 1_024;

/// What is to be recorded.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// The rollout of this identifier.
    Rollout(String),
    /// The active rollout of this service, else its next one.
    Service(String),
}

/// What a recorder gets.
#[derive(Debug)]
pub(crate) enum Recorded {
    /// How the rollout stood when its recording began: the first thing about it.
    Start(Started),
    /// A report, as it was merged.
    Report(Merged),
    /// What log records said of blocks, as it was merged.
    Logged(Logged),
    /// What logs or users told, as it was merged.
    Streams(Streams),
    /// What something outside answered, as it was taken over.
    Told { rollout: String, told: Told },
    /// What a person did, once it took effect.
    Act(Acted),
    /// The rollout ended: this is all there is.
    Over,
    /// The reader fell behind, so the recording ended early.
    Behind,
}

/// How a rollout stood.
#[derive(Clone, Debug)]
pub(crate) struct Started {
    pub(crate) at: UnixMillis,
    /// When the server last judged without waiting for news, which it does once a second.
    pub(crate) ticked: Option<UnixMillis>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) state: Box<State>,
    /// As it would be stored. Empty: none.
    pub(crate) evidence: Vec<u8>,
}

/// What a person did.
#[derive(Clone, Debug)]
pub(crate) struct Acted {
    pub(crate) rollout: String,
    pub(crate) at: UnixMillis,
    pub(crate) command: Command,
}

/// A report, and what held when it was merged.
#[derive(Debug)]
pub(crate) struct Merged {
    /// The rollout that is recorded.
    pub(crate) rollout: Arc<Running>,
    pub(crate) at: UnixMillis,
    pub(crate) report: Arc<Report>,
}

/// What log records of one request said of the blocks of the rollout that is recorded.
#[derive(Debug)]
pub(crate) struct Logged {
    pub(crate) rollout: Arc<Running>,
    pub(crate) at: UnixMillis,
    pub(crate) failures: Vec<LoggedFailures>,
}

/// What logs or users told of the rollout that is recorded.
#[derive(Debug)]
pub(crate) struct Streams {
    pub(crate) rollout: Arc<Running>,
    pub(crate) at: UnixMillis,
    pub(crate) counts: Vec<StreamCounts>,
}

/// An active rollout, as far as recorders need to know it.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Running {
    pub(crate) id: String,
    pub(crate) service: String,
    /// Weight of the canary.
    pub(crate) weight: Weight,
}

/// A place for a recorder, to be handed over to [`Recorders::add`].
#[derive(Debug)]
pub(crate) struct Place {
    queue: Sender<Recorded>,
    last: OwnedPermit<Recorded>,
}

impl Place {
    /// A place, and what will be recorded. `None` never happens: a new queue has room.
    pub(crate) fn new() -> Option<(Self, Receiver<Recorded>)> {
        // Beside the reports there is room for the start and for the end.
        let (queue, recorded) = channel(QUEUE_MAX + 2);
        let last = queue.clone().try_reserve_owned().ok()?;
        Some((Self { queue, last }, recorded))
    }
}

/// All recorders.
#[derive(Debug, Default)]
pub(super) struct Recorders {
    all: Vec<Recorder>,
}

#[derive(Debug)]
struct Recorder {
    service: String,
    /// `None`: waits for a rollout of the service.
    rollout: Option<String>,
    place: Place,
}

impl Recorders {
    /// Adds one that waits for the next rollout of a service.
    pub(super) fn add(&mut self, service: String, place: Place) {
        self.all.push(Recorder { service, rollout: None, place });
    }

    /// A rollout of the service runs: gives how it stands to those who wait for one.
    pub(super) fn begin(&mut self, service: &str, started: impl FnOnce() -> Option<Started>) {
        let mut waiting =
            self.all.iter_mut().filter(|one| one.rollout.is_none() && one.service == service).peekable();
        if waiting.peek().is_none() {
            return;
        }
        let Some(started) = started() else { return };
        for recorder in waiting {
            recorder.rollout = Some(started.state.id.0.clone());
            // The first thing that is put into the queue fits; a reader that went away is forgotten later.
            let _reader_may_be_gone = recorder.place.queue.try_send(Recorded::Start(started.clone()));
        }
    }

    /// Gives what a person did to everyone who records that rollout.
    pub(super) fn act(&mut self, acted: &Acted) {
        self.keep(|recorder| {
            let is_recorded = recorder.rollout.as_ref() == Some(&acted.rollout);
            if is_recorded { Next::Give(Recorded::Act(acted.clone())) } else { Next::Nothing }
        });
    }

    /// Gives a report to everyone who records a rollout that runs. `running` tells the one of a service.
    pub(super) fn offer(
        &mut self,
        report: &Arc<Report>,
        at: UnixMillis,
        running: impl Fn(&str) -> Option<Running>,
    ) {
        self.keep(|recorder| {
            recorder.next(&running, |rollout| {
                let says_something = report.complete_until.is_some()
                    || report.strata.iter().any(|stratum| stratum.service == recorder.service);
                let merged = || Merged { rollout: Arc::new(rollout), at, report: Arc::clone(report) };
                if says_something { Next::Give(Recorded::Report(merged())) } else { Next::Nothing }
            })
        });
    }

    /// Gives what log records said to everyone who records a rollout that it is about.
    pub(super) fn offer_logged(
        &mut self,
        failures: &[LoggedFailures],
        at: UnixMillis,
        running: impl Fn(&str) -> Option<Running>,
    ) {
        self.keep(|recorder| {
            recorder.next(&running, |rollout| {
                let of_it = failures.iter().filter(|one| one.service == rollout.service);
                let failures: Vec<_> = of_it.cloned().collect();
                if failures.is_empty() {
                    return Next::Nothing;
                }
                Next::Give(Recorded::Logged(Logged { rollout: Arc::new(rollout), at, failures }))
            })
        });
    }

    /// Gives what logs or users told to everyone who records a rollout that it is about.
    pub(super) fn offer_streams(
        &mut self,
        service: &str,
        counts: &[StreamCounts],
        at: UnixMillis,
        running: impl Fn(&str) -> Option<Running>,
    ) {
        self.keep(|recorder| {
            recorder.next(&running, |rollout| {
                if counts.is_empty() || rollout.service != service {
                    return Next::Nothing;
                }
                let counts = counts.to_vec();
                Next::Give(Recorded::Streams(Streams { rollout: Arc::new(rollout), at, counts }))
            })
        });
    }

    /// Gives an answer to everyone who records the rollout that it is for.
    pub(super) fn offer_told(&mut self, heard: &Heard, running: impl Fn(&str) -> Option<Running>) {
        self.keep(|recorder| {
            recorder.next(&running, |rollout| {
                if rollout.id != heard.rollout {
                    return Next::Nothing;
                }
                Next::Give(Recorded::Told { rollout: rollout.id, told: heard.told.clone() })
            })
        });
    }

    /// Ends the recordings of rollouts that ended, and forgets readers that went away.
    pub(super) fn settle(&mut self, running: impl Fn(&str) -> Option<Running>) {
        self.keep(|recorder| recorder.next(&running, |_| Next::Nothing));
    }

    fn keep(&mut self, next: impl Fn(&Recorder) -> Next) {
        for recorder in std::mem::take(&mut self.all) {
            if recorder.place.queue.is_closed() {
                continue;
            }
            let sent = match next(&recorder) {
                Next::Nothing => Ok(()),
                Next::Give(recorded) => recorder.place.queue.try_send(recorded),
                Next::End => {
                    recorder.place.last.send(Recorded::Over);
                    continue;
                }
            };
            match sent {
                Ok(()) => self.all.push(recorder),
                Err(TrySendError::Full(_)) => {
                    recorder.place.last.send(Recorded::Behind);
                }
                Err(TrySendError::Closed(_)) => {}
            }
        }
    }
}

/// What a recorder gets next.
enum Next {
    Nothing,
    Give(Recorded),
    /// Its rollout has ended.
    End,
}

impl Recorder {
    /// What `give` says, while the rollout that is recorded runs.
    fn next(&self, running: impl Fn(&str) -> Option<Running>, give: impl FnOnce(Running) -> Next) -> Next {
        match (&self.rollout, running(&self.service)) {
            (None, _) => Next::Nothing,
            (Some(recorded), Some(rollout)) if *recorded == rollout.id => give(rollout),
            (Some(_), _) => Next::End,
        }
    }
}

#[cfg(test)]
mod tests;
