//! What log records say of blocks, how often lines of each template came, and what users did, on their way into the evidence.

use serin_analysis::streams::StreamCounts;
use serin_rollout::outside::Told;

use super::task::{Task, running};
use super::tracked::Tracked;
use crate::clock;
use crate::fleet::report::Behaviour;
use crate::otlp::{LoggedCounts, LoggedFailures, LoggedLines};

impl Task {
    /// Adds what the records of one request add up to. What is of no rollout that runs any more is left out.
    pub(super) fn merge_logged(&mut self, logged: &LoggedCounts) {
        self.merge_failures(&logged.failures);
        logged.lines.iter().for_each(|lines| self.merge_lines(lines));
    }

    fn merge_failures(&mut self, failures: &[LoggedFailures]) {
        for one in failures {
            let index = self.current.get(&one.service);
            if let Some(tracked) = index.and_then(|index| self.tracked.get_mut(*index)) {
                tracked.merge_logged(one);
            }
        }
        let Self { recorders, tracked, current, .. } = self;
        recorders.offer_logged(failures, clock::now(), |service| running(tracked, current, service));
    }

    fn merge_lines(&mut self, lines: &LoggedLines) {
        self.merge_streams(&lines.service, &lines.counts);
    }

    /// Adds what page views of one component and arm came to.
    pub(super) fn merge_views(&mut self, behaviour: &Behaviour) {
        let index = self.current.get(&behaviour.service);
        let tracked = index.and_then(|index| self.tracked.get_mut(*index));
        let counts = tracked.map(|tracked| tracked.views(behaviour)).unwrap_or_default();
        self.merge_streams(&behaviour.service, &counts);
    }

    fn merge_streams(&mut self, service: &str, counts: &[StreamCounts]) {
        let index = self.current.get(service);
        if let Some(tracked) = index.and_then(|index| self.tracked.get_mut(*index)) {
            tracked.merge_streams(counts);
        }
        let Self { recorders, tracked, current, .. } = self;
        let running = |service: &str| running(tracked, current, service);
        recorders.offer_streams(service, counts, clock::now(), running);
    }
}

impl Tracked {
    /// Adds what log records say of a block. They are no news by themselves: seconds close by reports and time.
    pub(crate) fn merge_logged(&mut self, logged: &LoggedFailures) {
        let LoggedFailures { component, block, arm, second, failed, .. } = logged;
        if let Some(evaluation) = &mut self.evaluation {
            evaluation.merge_logged(component, block, *arm, *second, *failed);
        }
    }

    /// Adds what logs or users told. It is no news by itself either.
    pub(crate) fn merge_streams(&mut self, counts: &[StreamCounts]) {
        if let Some(evaluation) = &mut self.evaluation {
            counts.iter().for_each(|counts| evaluation.merge_stream(counts));
        }
    }

    /// What page views come to as streams of events. Empty: the plan does not look at them.
    pub(super) fn views(&mut self, behaviour: &Behaviour) -> Vec<StreamCounts> {
        let Some(planned) = self.plan.behaviour() else { return Vec::new() };
        self.views.streams(behaviour, f64::from(planned.load.ppm()) / 1e6)
    }

    /// Takes over an answer of something outside. It is no news by itself: what follows from it follows within a second.
    pub fn hear(&mut self, told: &Told) {
        if let Some(evaluation) = &mut self.evaluation {
            evaluation.hear(told);
        }
    }
}
