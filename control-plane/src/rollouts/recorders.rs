//! Who records what is merged into the evidence of a rollout.
//!
//! Each recorder has a queue of [`QUEUE_MAX`] reports. One that is full ends the recording, because a recording with a gap
//! would replay differently; the task never waits for a reader. Why a recording ended is told in a place of the queue
//! that is kept free from the start.

use std::sync::Arc;

use serin_rollout::{UnixMillis, Weight};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{OwnedPermit, Receiver, Sender, channel};

use crate::fleet::report::Report;

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
    /// A report, as it was merged.
    Report(Merged),
    /// The rollout ended: this is all there is.
    Over,
    /// The reader fell behind, so the recording ended early.
    Behind,
}

/// A report, and what held when it was merged.
#[derive(Debug)]
pub(crate) struct Merged {
    /// The rollout that is recorded.
    pub(crate) rollout: Arc<Running>,
    pub(crate) at: UnixMillis,
    pub(crate) report: Arc<Report>,
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
        let (queue, recorded) = channel(QUEUE_MAX + 1);
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
    pub(super) fn add(&mut self, service: String, rollout: Option<String>, place: Place) {
        self.all.push(Recorder { service, rollout, place });
    }

    /// Gives a report to everyone who records a rollout that runs. `running` tells the one of a service.
    pub(super) fn offer(
        &mut self,
        report: &Arc<Report>,
        at: UnixMillis,
        running: impl Fn(&str) -> Option<Running>,
    ) {
        self.keep(running, |recorder, rollout| {
            let says_something = report.complete_until.is_some()
                || report.strata.iter().any(|stratum| stratum.service == recorder.service);
            if !says_something {
                return Ok(());
            }
            let merged = Merged { rollout: Arc::new(rollout), at, report: Arc::clone(report) };
            recorder.place.queue.try_send(Recorded::Report(merged))
        });
    }

    /// Ends the recordings of rollouts that ended, and forgets readers that went away.
    pub(super) fn settle(&mut self, running: impl Fn(&str) -> Option<Running>) {
        self.keep(running, |_, _| Ok(()));
    }

    fn keep(
        &mut self,
        running: impl Fn(&str) -> Option<Running>,
        give: impl Fn(&Recorder, Running) -> Result<(), TrySendError<Recorded>>,
    ) {
        for mut recorder in std::mem::take(&mut self.all) {
            let found = running(&recorder.service);
            let outcome = match (&recorder.rollout, found) {
                _ if recorder.place.queue.is_closed() => continue,
                (None, None) => Ok(()),
                (Some(recorded), Some(rollout)) if *recorded == rollout.id => give(&recorder, rollout),
                (None, Some(rollout)) => {
                    recorder.rollout = Some(rollout.id.clone());
                    give(&recorder, rollout)
                }
                (Some(_), _) => {
                    recorder.place.last.send(Recorded::Over);
                    continue;
                }
            };
            match outcome {
                Ok(()) => self.all.push(recorder),
                Err(TrySendError::Full(_)) => {
                    recorder.place.last.send(Recorded::Behind);
                }
                Err(TrySendError::Closed(_)) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
