//! Where one component is going.

use super::{Component, Second};
use crate::config::RawEngineConfig;
use crate::engine::course::{STEP_S, Step};
use crate::verdict::Trend;

impl Component {
    /// Takes in a step of what it is compared with, and gives it.
    pub(in crate::engine) fn follow(&mut self, at: &Second, config: &RawEngineConfig) -> Step {
        let is_comparable = self.active && !at.warm && self.solo.is_none();
        let step =
            if is_comparable { Step::of(&self.summary.recent(at.second, STEP_S)) } else { Step::default() };
        self.course.observe(step, self.phi(config), &config.forecast);
        step
    }

    /// Where it is going. `None`: not known, or no baseline runs beside it.
    pub(in crate::engine) fn trend(&self, config: &RawEngineConfig) -> Option<Trend> {
        if self.solo.is_some() { None } else { self.course.trend(&config.forecast) }
    }
}
