//! Performs hooks beside the loop that decides, and tells it how they ended.
//!
//! What is to be performed is read from the states, not from events: every run that was started and has no end. So after a
//! crash each is performed again, and a result that could not be written is found again. A run is performed once at a time,
//! and a bounded number of runs at once; others wait their turn. The loop never waits for a hook.

use std::collections::BTreeSet;
use std::sync::Arc;

use serin_evidence::mask::Masker;
use serin_hooks::{Job, Point, Targets};
use serin_rollout::{HookEnd, HookOutcome, HookRun, Plan, State};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::failpoint::Failpoint;

/// Hooks that are performed at once.
const RUNNING_MAX: usize = 32;

/// A run that ended, of a rollout.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) rollout: String,
    pub(crate) end: HookEnd,
}

/// Performs hooks.
#[derive(Debug)]
pub(crate) struct Executor {
    targets: Arc<Targets>,
    masker: Arc<Masker>,
    running: BTreeSet<(String, HookRun)>,
    tasks: JoinSet<()>,
    tell: mpsc::Sender<Ended>,
    ended: Option<mpsc::Receiver<Ended>>,
}

impl Executor {
    pub(crate) fn new(targets: Arc<Targets>, masker: Arc<Masker>) -> Self {
        let (tell, ended) = mpsc::channel(RUNNING_MAX);
        Self { targets, masker, running: BTreeSet::new(), tasks: JoinSet::new(), tell, ended: Some(ended) }
    }

    /// What the runs tell when they have ended; given once.
    pub(crate) fn ended(&mut self) -> Option<mpsc::Receiver<Ended>> {
        self.ended.take()
    }

    /// Begins what a rollout has started and nobody performs.
    pub(crate) fn perform(&mut self, plan: &Plan, state: &State) {
        for run in state.running_hooks() {
            let key = (state.id.0.clone(), run.clone());
            if self.running.len() >= RUNNING_MAX || self.running.contains(&key) {
                continue;
            }
            self.running.insert(key);
            let (job, targets, tell) =
                (Job::new(plan, state, run), Arc::clone(&self.targets), self.tell.clone());
            let (rollout, run, masker) = (state.id.0.clone(), run.clone(), Arc::clone(&self.masker));
            self.tasks.spawn(async move {
                let end = match job {
                    Some(job) => job.perform(&targets, &masker, &reach).await,
                    None => unknown(run),
                };
                let _the_server_may_be_ending = tell.send(Ended { rollout, end }).await;
            });
        }
        while self.tasks.try_join_next().is_some() {}
    }

    /// Notes that a run is not performed any more.
    pub(crate) fn forget(&mut self, ended: &Ended) {
        self.running.remove(&(ended.rollout.clone(), ended.end.run.clone()));
    }
}

/// A journal can be older than a change of the rules.
fn unknown(run: HookRun) -> HookEnd {
    let output = "the plan knows no such hook".to_owned();
    HookEnd { run, outcome: HookOutcome::Failed, attempts: 0, output }
}

fn reach(point: Point) {
    match point {
        Point::Recorded => Failpoint::BeforeCommit.reach(),
        Point::Committed => Failpoint::AfterCommit.reach(),
        Point::Connected
        | Point::Locked
        | Point::Begun
        | Point::Executed
        | Point::Checked
        | Point::Marked
        | Point::Ran
        | Point::Settled => {}
    }
}
