//! An open-loop load generator.
//!
//! Requests leave at a fixed rate, whatever the answers do, and latency counts from the moment a request was due, so a
//! slow answer cannot hide the ones that wait behind it. Both bounded: in time or number by its [`Plan`], and in requests
//! under way (a request that finds no room is counted as `not_sent`, never queued).
//!
//! Which user sends which request follows from the seed, so a run can be repeated.

mod plan;
mod seen;
mod send;
mod summary;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub use self::plan::{Plan, Target, shop};
pub use self::seen::Seen;
use self::send::Sender;
pub use self::summary::{Key, Status, Summary};

/// A load that is running. Dropping it stops it.
#[derive(Debug)]
pub struct Load {
    summary: Arc<Mutex<Summary>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Load {
    /// Starts to send.
    ///
    /// # Errors
    /// When the plan has no targets or a rate that is not positive.
    pub fn start(plan: Plan) -> Result<Self> {
        plan.check()?;
        let summary = Arc::new(Mutex::new(Summary::default()));
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(run(plan, Arc::clone(&summary), stopped));
        Ok(Self { summary, stop, task })
    }

    /// What has been answered so far.
    #[must_use]
    pub fn snapshot(&self) -> Summary {
        self.summary.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends no more and waits for the answers that are due; each has the deadline of the plan.
    ///
    /// # Errors
    /// When the generator died.
    pub async fn stop(self) -> Result<Summary> {
        self.stop.send_replace(true);
        self.finish().await
    }

    /// Waits until the plan is done and all answers are in.
    ///
    /// # Errors
    /// When the generator died.
    pub async fn finish(mut self) -> Result<Summary> {
        (&mut self.task).await.context("the load generator died")?;
        Ok(self.snapshot())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(plan: Plan, summary: Arc<Mutex<Summary>>, mut stopped: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(plan.max_in_flight));
    let sender = Arc::new(Sender::new(plan, summary));
    let plan = sender.plan();
    let interval = Duration::from_secs_f64(1.0 / plan.requests_per_second);
    let start = Instant::now();
    for number in 0..plan.max_requests {
        let after = interval.mul_f64(number as f64);
        if after > plan.duration {
            break;
        }
        let due = start + after;
        if due > Instant::now() {
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                _ = stopped.wait_for(|stopped| *stopped) => break,
            }
        } else if *stopped.borrow() {
            break;
        }
        match Arc::clone(&room).try_acquire_owned() {
            Ok(permit) => {
                let sender = Arc::clone(&sender);
                tokio::spawn(async move {
                    sender.send(number, due).await;
                    drop(permit);
                });
            }
            Err(_) => sender.not_sent(),
        }
    }
    // All permits back means all answers in; each request has its own deadline.
    let all = u32::try_from(plan.max_in_flight).unwrap_or(u32::MAX);
    let _ = room.acquire_many(all).await;
}

#[cfg(test)]
mod tests;
