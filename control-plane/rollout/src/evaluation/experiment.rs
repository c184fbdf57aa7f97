//! The evidence of an experiment: for each arm an evaluation beside the control, and totals since the experiment began.
//!
//! Each arm is judged by an engine of its own, as a canary whose baseline is the control. What the control measured goes into
//! all of them. So one arm's alarm says nothing about the others, and their error budgets add up to the plan's.
//!
//! Totals count while the experiment runs: not in its warm-up, and not in a pause. They survive a restart, a pause and
//! the end, because they are what the experiment is for.

mod result;
mod totals;
mod varies;

use serde::{Deserialize, Serialize};
use serin_analysis::config::Failures;
use serin_analysis::{Arm, ComponentIndex, ConfigError, HostSample, Increment, Learned};
use serin_proto::assignment::{BASELINE, Weight};

use super::{Evaluation, Stored};
use crate::{ArmJudgement, Event, Judgement, Phase, Plan, State, UnixMillis};

pub use result::{ArmResult, ComponentResult, Seen};
use totals::{Track, Waiting};
use varies::Varies;

/// What is known about the arms of one experiment. Serialisable, so that a restart goes on from there.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ExperimentEvaluation {
    /// In the order of the plan.
    arms: Vec<ArmEvidence>,
    track: Track,
    /// What counts as a failure, by the plan.
    #[serde(skip)]
    failures: Failures,
}

/// One arm beside the control.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct ArmEvidence {
    name: String,
    /// `None`: it was stopped, or the experiment is over.
    evaluation: Option<Evaluation>,
    totals: Waiting,
    /// Stretches in which it ran, once it was stopped.
    stretches: Option<usize>,
    /// How much more than by chance counts vary, as last judged.
    #[serde(default)]
    varies: Varies,
}

/// Evidence as it was read, of an experiment that is yet to be named.
#[derive(Clone, Debug)]
pub struct StoredExperiment(ExperimentEvaluation);

impl StoredExperiment {
    /// Reads what [`ExperimentEvaluation::stored`] gave.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn read(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes).map(Self)
    }
}

impl ExperimentEvaluation {
    /// Begins without evidence. A plan of a rollout has no arms.
    ///
    /// # Errors
    /// When the engine refuses what the plan asks for.
    pub fn new(plan: &Plan, state: &State) -> Result<Self, ConfigError> {
        Self::restore(plan, state, None)
    }

    /// Goes on with what was [`stored`](Self::stored): with all totals, and with what the arms are judged by if it belongs to
    /// the present evaluation.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn restore(
        plan: &Plan,
        state: &State,
        stored: Option<StoredExperiment>,
    ) -> Result<Self, ConfigError> {
        let (mut before, track) = match stored {
            Some(StoredExperiment(stored)) => (stored.arms, stored.track),
            None => (Vec::new(), Track::default()),
        };
        let planned = plan.experiment().map(|experiment| experiment.arms()).unwrap_or_default();
        let mut arms = Vec::with_capacity(planned.len());
        for planned in planned {
            let place = before.iter().position(|arm| arm.name == planned.name);
            let known = place.map(|place| before.swap_remove(place));
            let evaluation = known.as_ref().and_then(|arm| arm.evaluation.clone()).map(Stored);
            let is_judged = !state.phase.is_terminal() && !state.stopped.contains_key(&planned.name);
            let evaluation = is_judged.then(|| Evaluation::restore(plan, state, evaluation)).transpose()?;
            let kept = known.map(|arm| (arm.totals, arm.stretches, arm.varies));
            let (totals, stretches, varies) = kept.unwrap_or_default();
            arms.push(ArmEvidence { name: planned.name.clone(), evaluation, totals, stretches, varies });
        }
        let mut restored = Self { arms, track, failures: *plan.failures() };
        restored.settle(plan, state);
        Ok(restored)
    }

    /// How increments name a component: one of the plan, or `unmatched`. `None`: it is not judged.
    #[must_use]
    pub fn index(&self, component: &str) -> Option<ComponentIndex> {
        self.judged().find_map(|evaluation| evaluation.index(component))
    }

    /// Adds what a source measured of an arm. The arm that the increment itself names does not count. What is of another arm
    /// is left out.
    pub fn merge(&mut self, arm: &str, component: &str, measured: &Increment) {
        let stretch = self.track.at(measured.start_second);
        if arm == BASELINE {
            if let Some(stretch) = stretch {
                self.track.add(stretch, component, measured, &self.failures);
            }
            let increment = Increment { arm: Arm::Baseline, ..measured.clone() };
            self.judged_mut().for_each(|evaluation| evaluation.merge(&increment));
        } else if let Some(own) = self.arms.iter_mut().find(|own| own.name == arm) {
            if stretch.is_some_and(|stretch| own.stretches.is_none_or(|ran| stretch < ran)) {
                own.totals.add(component, measured, &self.failures);
            }
            if let Some(evaluation) = &mut own.evaluation {
                evaluation.merge(&Increment { arm: Arm::Canary, ..measured.clone() });
            }
        }
        if stretch.is_some() {
            self.reach(measured.start_second);
        }
    }

    /// Adds what a sample of one host's requests saw.
    pub fn merge_host(&mut self, arm: &str, sample: &HostSample) {
        if arm == BASELINE {
            let sample = HostSample { arm: Arm::Baseline, ..sample.clone() };
            self.judged_mut().for_each(|evaluation| evaluation.merge_host(&sample));
        } else if let Some(own) = self.arms.iter_mut().find(|own| own.name == arm)
            && let Some(evaluation) = &mut own.evaluation
        {
            evaluation.merge_host(&HostSample { arm: Arm::Canary, ..sample.clone() });
        }
    }

    /// Begins with what an earlier rollout of the service taught.
    pub fn recall(&mut self, learned: &Learned) {
        self.judged_mut().for_each(|evaluation| evaluation.recall(learned));
    }

    /// `source` lives and has reported everything that finished before the second `complete_until`.
    pub fn progress(&mut self, source: u64, complete_until: u64, now: UnixMillis) {
        self.judged_mut().for_each(|evaluation| evaluation.progress(source, complete_until, now));
    }

    /// The part of the requests of the control and each arm together that the arm should have, from the last change on: a version
    /// whose users stay away is harmful too. Told while weights alone split the requests.
    pub fn set_weights(&mut self, plan: &Plan, state: &State) {
        let control = Weight::FULL.ppm().saturating_sub(state.weight.ppm());
        let splits = plan.splits_by_weight_alone();
        let Some(experiment) = plan.experiment() else { return };
        for arm in &mut self.arms {
            let Some(evaluation) = &mut arm.evaluation else { continue };
            let weight = experiment.arm(&arm.name).filter(|_| splits && state.arm_runs(&arm.name));
            let share = weight.map(|arm| {
                let (of, all) = (u64::from(arm.weight.ppm()), u64::from(arm.weight.ppm() + control));
                let ppm = (of * u64::from(Weight::FULL.ppm())).checked_div(all).unwrap_or_default();
                u32::try_from(ppm).unwrap_or(u32::MAX)
            });
            evaluation.set_weight(state.changed_at.second(), share);
        }
    }

    /// Lets be compared what is old enough in this second.
    fn reach(&mut self, second: u64) {
        let newest = self.track.reach(second);
        self.arms.iter_mut().for_each(|arm| arm.totals.settle(newest));
    }

    /// Closes the seconds that are due and judges each arm.
    pub fn judge(&mut self, now: UnixMillis) -> Judgement {
        self.reach(now.second());
        let judged = self.arms.iter_mut().filter_map(|arm| {
            let judgement = arm.evaluation.as_mut()?.judge(now);
            arm.varies.take(&judgement);
            Some(ArmJudgement { name: arm.name.clone(), judgement })
        });
        let arms: Vec<ArmJudgement> = judged.collect();
        Judgement {
            data_age_s: arms.iter().filter_map(|arm| arm.judgement.data_age_s).min(),
            baseline: arms.first().map(|arm| arm.judgement.baseline).unwrap_or_default(),
            arms,
            ..Judgement::default()
        }
    }

    /// Takes over what was decided. `state` is the state after `events`.
    ///
    /// # Errors
    /// As [`new`](Self::new); what was known before is kept.
    pub fn decided(&mut self, plan: &Plan, state: &State, events: &[Event]) -> Result<(), ConfigError> {
        self.settle(plan, state);
        self.judged_mut().try_for_each(|evaluation| evaluation.decided(plan, state, events))
    }

    /// As JSON, for [`StoredExperiment::read`].
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn stored(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// What each component and arm adds up to, and how the arms differ from the control. The service as a whole comes first.
    #[must_use]
    pub fn results(&self, plan: &Plan) -> Vec<ComponentResult> {
        result::results(self, plan)
    }

    /// Keeps in step with the state, whatever led to it. Doing it again changes nothing.
    fn settle(&mut self, plan: &Plan, state: &State) {
        let is_over = state.phase.is_terminal() || !state.is_current();
        for arm in &mut self.arms {
            let is_stopped = state.stopped.contains_key(&arm.name);
            if is_stopped && arm.stretches.is_none() {
                arm.stretches = Some(self.track.stretches());
            }
            if is_stopped || is_over {
                arm.evaluation = None;
            }
        }
        let runs = state.phase == Phase::Progressing && !is_over && plan.experiment().is_some();
        let control = Weight::FULL.ppm().saturating_sub(state.weight.ppm());
        self.track.settle(runs.then_some(control), state.changed_at.second());
    }

    fn judged(&self) -> impl Iterator<Item = &Evaluation> {
        self.arms.iter().filter_map(|arm| arm.evaluation.as_ref())
    }

    fn judged_mut(&mut self) -> impl Iterator<Item = &mut Evaluation> {
        self.arms.iter_mut().filter_map(|arm| arm.evaluation.as_mut())
    }
}

#[cfg(test)]
mod tests;
