//! The evidence of an experiment in memory, and what it shows.
//!
//! Comparing takes some tens of microseconds for each component and arm, so it is done at most once a second, and more rarely
//! where there are many. What is shown stays after the end, and after a restart.

use std::time::Duration;

use serin_analysis::{Arm, ConfigError, HostSample, Increment};
use serin_rollout::{
    ComponentResult, Event, ExperimentEvaluation, Judgement, Plan, State, StoredExperiment, UnixMillis,
    host_number,
};

use crate::fleet::report::Stratum;

/// Comparisons in a second.
const COMPARISONS_PER_S: usize = 200;

/// Evidence of one experiment.
#[derive(Debug)]
pub(super) struct Compared {
    evidence: ExperimentEvaluation,
    results: Vec<ComponentResult>,
    compared_at: Option<UnixMillis>,
}

impl Compared {
    /// An experiment that begins, goes on after a restart, or is over and still shown.
    ///
    /// # Errors
    /// When the engine refuses what the plan asks for.
    pub(super) fn take_up(plan: &Plan, state: &State, evidence: Option<&[u8]>) -> Result<Self, ConfigError> {
        let stored = evidence.map(StoredExperiment::read).transpose().unwrap_or_else(|error| {
            let rollout = state.id.0.as_str();
            tracing::warn!(rollout, %error, "the stored evidence cannot be read, and is gathered anew");
            None
        });
        let mut evidence = ExperimentEvaluation::restore(plan, state, stored)?;
        evidence.set_weights(plan, state);
        let results = evidence.results(plan);
        Ok(Self { evidence, results, compared_at: None })
    }

    pub(super) const fn evidence(&mut self) -> &mut ExperimentEvaluation {
        &mut self.evidence
    }

    pub(super) fn results(&self) -> &[ComponentResult] {
        &self.results
    }

    pub(super) fn stored(&self) -> Result<Vec<u8>, serde_json::Error> {
        self.evidence.stored()
    }

    /// Adds what a VM measured. Components and arms that are not known are left out. One request in `one_in` was sampled for
    /// its host.
    pub(super) fn merge(&mut self, source: u64, stratum: &Stratum, one_in: u32) {
        let (name, start_second) = (stratum.component.as_str(), stratum.second);
        let Some(component) = self.evidence.index(name) else { return };
        for reported in &stratum.arms {
            // Which of the two an arm is depends on whom it is compared with, and is said there.
            let arm = Arm::Canary;
            let measured = Increment {
                component,
                start_second,
                arm,
                source,
                started: reported.started,
                outcomes: reported.outcomes,
                latency: reported.latency.clone(),
                users: reported.users,
            };
            self.evidence.merge(&reported.name, name, &measured);
            for host in &reported.hosts {
                let sample = HostSample {
                    component,
                    start_second,
                    arm,
                    host: host_number(&host.address),
                    one_in,
                    requests: host.requests,
                    failed: host.errors,
                    latency: host.latency.clone(),
                };
                self.evidence.merge_host(&reported.name, &sample);
            }
        }
    }

    /// Judges, and compares when that is due.
    pub(super) fn judge(&mut self, plan: &Plan, now: UnixMillis) -> Judgement {
        let judgement = self.evidence.judge(now);
        let comparisons: usize = self.results.iter().map(|result| result.arms.len()).sum();
        let spacing = Duration::from_secs(1 + (comparisons / COMPARISONS_PER_S) as u64);
        if self.compared_at.is_none_or(|at| now < at || now.since(at) >= spacing) {
            self.compare(plan, now);
        }
        judgement
    }

    /// Takes over what was decided.
    pub(super) fn decided(&mut self, plan: &Plan, state: &State, events: &[Event]) {
        if let Err(error) = self.evidence.decided(plan, state, events) {
            tracing::error!(rollout = %state.id, %error, "the evidence cannot begin anew");
        }
        self.evidence.set_weights(plan, state);
        if let Some(last) = events.last() {
            self.compare(plan, last.at);
        }
    }

    fn compare(&mut self, plan: &Plan, now: UnixMillis) {
        self.results = self.evidence.results(plan);
        self.compared_at = Some(now);
    }
}
