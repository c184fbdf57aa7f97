//! Which components are judged.
//!
//! One that was returned to the baseline is not, and one of which something was just restored is not for a while: requests that
//! were under way, and processes that have not heard of it yet, still fail. Whatever leaves or enters the judgement
//! takes the evidence with it, because it is about another set of requests.

use super::{ComponentIndex, Course, Engine, LAST_SECOND};

impl Engine {
    /// Takes a component out of the judgement (it is pinned to the baseline) or back in. Its evidence, and the
    /// version's that it was part of, are forgotten.
    pub fn set_component_active(&mut self, index: ComponentIndex, active: bool) {
        let Some(component) = self.components.get_mut(index.0) else { return };
        component.set_resting(None);
        if component.is_active() != active {
            self.recompose(index.0, active);
        }
    }

    /// Takes a component out of the judgement until `second`, to recover from what was undone. One that is out of it for
    /// good stays so.
    pub fn rest_component(&mut self, index: ComponentIndex, second: u64) {
        let Some(component) = self.components.get_mut(index.0) else { return };
        let was_resting = component.resting_until().is_some();
        if component.is_active() || was_resting {
            component.set_resting(Some(second.min(LAST_SECOND)));
        }
        if !was_resting && self.components.get(index.0).is_some_and(super::Component::is_active) {
            self.recompose(index.0, false);
        }
    }

    /// Whether some component recovers, so that nothing is healthy as a whole.
    pub(super) fn is_any_resting(&self) -> bool {
        self.components.iter().any(|component| component.resting_until().is_some())
    }

    /// Judges those again whose rest is over.
    pub(super) fn wake(&mut self) {
        for index in 0..self.components.len() {
            let until = self.components.get(index).and_then(super::Component::resting_until);
            if until.is_some_and(|second| second <= self.at_second) {
                self.set_component_active(ComponentIndex(index), true);
            }
        }
    }

    fn recompose(&mut self, index: usize, active: bool) {
        let Some(component) = self.components.get_mut(index) else { return };
        component.restart(active, self.config.raw(), self.mass);
        self.flagged.remove(&index);
        self.version_summary = None;
        self.version.forget(self.config.raw().beta);
        self.version_categories.forget();
        self.users.forget();
        self.share.forget();
        self.gaps.forget();
        self.course = Course::default();
        self.prior.step_started(self.at_second);
    }
}
