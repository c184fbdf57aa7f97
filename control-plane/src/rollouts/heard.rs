//! What came from outside, on its way into the evidence.

use serin_rollout::plan::QuerySource;

use super::task::{Task, running};
use super::tracked::Tracked;
use crate::probe::{Heard, Watched};

impl Task {
    /// Adds an answer. What is of no rollout that runs any more is left out.
    pub(super) fn hear(&mut self, heard: &Heard) {
        let Some(tracked) = self.tracked.iter_mut().find(|one| one.state.id.0 == heard.rollout) else {
            return;
        };
        tracked.hear(&heard.told);
        let Self { recorders, tracked, current, .. } = self;
        recorders.offer_told(heard, |service| running(tracked, current, service));
    }

    /// Says who runs to those who ask.
    pub(super) fn tell_who_runs(&self) {
        let asks = |one: &&Tracked| one.runs() && one.state.is_current() && one.asks();
        let runs: Vec<Watched> = self.tracked.iter().filter(asks).map(Tracked::watched).collect();
        self.shared.watched.send_if_modified(|before| {
            let same = before.len() == runs.len()
                && before.iter().zip(&runs).all(|(a, b)| a.id == b.id && a.firing == b.firing);
            if !same {
                *before = runs;
            }
            !same
        });
    }
}

impl Tracked {
    /// Whether its plan asks anything.
    fn asks(&self) -> bool {
        !self.plan.queries().is_empty() || !self.plan.health().checks.is_empty()
    }

    fn watched(&self) -> Watched {
        let readings = self.judgement.as_ref().map(|judgement| judgement.outside.queries.as_slice());
        let fires = |name: &str| {
            let reading = readings.unwrap_or_default().iter().find(|one| one.name == name);
            reading.is_some_and(|one| one.value.is_some_and(|value| value > 0.0))
        };
        let alerts = self.plan.queries().iter();
        let alerts = alerts.filter(|one| matches!(one.source, QuerySource::Alert { .. }));
        let firing = alerts.filter(|one| fires(&one.name)).map(|one| one.name.clone()).collect();
        Watched { id: self.state.id.0.clone(), plan: std::sync::Arc::clone(&self.plan), firing }
    }
}
