//! What people look at that is no part of a snapshot, because it is much and few look at it.
//!
//! It is copied as it is; who asked turns it into messages, beside the task.

use serin_analysis::{ByArm, LatencyHistogram};
use serin_evidence::course::{KEPT_S, Recent, ScopePoint};
use serin_proto::assignment::UNMATCHED;
use serin_rollout::{Input, Mark, step};
use std::time::Instant;

use super::CommandError;
use super::charts::Minute;
use super::perform::Decision;
use super::task::Task;
use super::tracked::Tracked;
use crate::clock;

/// Seconds that the small pictures of a rollout show.
const PICTURED_S: u64 = 300;
/// Seconds until what was counted in one has been reported.
const REPORTED_S: u64 = 2;

/// The numbers behind the verdict on a component.
#[derive(Debug)]
pub(crate) struct Detail {
    /// Over the last 60 seconds.
    pub(crate) latencies: ByArm<LatencyHistogram>,
    /// How its evidence grew.
    pub(crate) path: Vec<ScopePoint>,
    /// The last 15 minutes: of the component; of the version by component.
    pub(crate) recent: Recent,
    /// By arm and signal.
    pub(crate) charts: Vec<((&'static str, &'static str), Vec<Minute>)>,
}

/// What a person says of a decision.
#[derive(Debug)]
pub(crate) struct Marking {
    pub(crate) rollout: String,
    pub(crate) decision: String,
    pub(crate) mark: Mark,
    pub(crate) reason: String,
    pub(crate) actor: String,
}

impl Task {
    /// Where the rollout of this identifier is, or the newest of this service.
    pub(super) fn place_of(&self, name: &str) -> Result<usize, CommandError> {
        let by_id = self.tracked.iter().position(|tracked| tracked.state.id.0 == name);
        let place = by_id.or_else(|| self.current.get(name).copied());
        place.ok_or_else(|| CommandError::NotFound(name.to_owned()))
    }

    fn looked_at(&self, name: &str) -> Result<&Tracked, CommandError> {
        let found = self.tracked.get(self.place_of(name)?);
        found.ok_or_else(|| CommandError::NotFound(name.to_owned()))
    }

    /// What the components of a rollout got lately.
    pub(super) fn recent(&self, name: &str) -> Result<Recent, CommandError> {
        let until = clock::now().second().saturating_sub(REPORTED_S);
        Ok(self.looked_at(name)?.course.recent(until.saturating_sub(PICTURED_S), until, None))
    }

    /// The numbers behind a component; an empty name is the whole version.
    pub(super) fn detail(&self, name: &str, component: &str) -> Result<Detail, CommandError> {
        let tracked = self.looked_at(name)?;
        let mut names = tracked.plan.components().map(|one| one.name).chain([UNMATCHED, ""]);
        if !names.any(|known| known == component) {
            return Err(CommandError::NoComponent(component.to_owned()));
        }
        let until = clock::now().second().saturating_sub(REPORTED_S);
        let only = Some(component).filter(|name| !name.is_empty());
        Ok(Detail {
            latencies: tracked.latencies_of(component),
            path: tracked.course.path_of(component),
            recent: tracked.course.recent(until.saturating_sub(KEPT_S), until, only),
            charts: tracked.charts.of(component),
        })
    }

    /// Notes what a person says of a decision. It changes nothing else.
    pub(super) async fn mark(&mut self, marking: Marking) -> Result<(), CommandError> {
        let Marking { rollout, decision, mark, reason, actor } = marking;
        let index = self.place_of(&rollout)?;
        let Some(tracked) = self.tracked.get(index) else { return Err(CommandError::NotFound(rollout)) };
        let (input, now) = (Input::DecisionMarked { decision, mark, reason, actor }, clock::now());
        let transition = step(&tracked.plan, &tracked.state, &input, now)?;
        self.perform(vec![Decision { index, transition }], now, Instant::now()).await?;
        self.shared.metrics.slo.marked(mark);
        Ok(())
    }
}

impl Tracked {
    fn latencies_of(&self, component: &str) -> ByArm<LatencyHistogram> {
        let Some(evaluation) = &self.evaluation else { return ByArm::default() };
        if !component.is_empty() {
            return evaluation.latencies(component);
        }
        let mut both = ByArm::<LatencyHistogram>::default();
        for name in self.plan.components().map(|one| one.name).chain([UNMATCHED]) {
            let ByArm { baseline, canary } = evaluation.latencies(name);
            both.baseline.merge(&baseline);
            both.canary.merge(&canary);
        }
        both
    }
}
