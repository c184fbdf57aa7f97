//! What each category of a component's failures says.

use super::Component;
use crate::categories::{ByCategory, Categories};
use crate::config::RawEngineConfig;
use crate::increment::ByArm;
use crate::ledger::LateFailures;
use crate::placebo::Phi;
use crate::stratum::{ArmStratum, Evidence};

impl Component {
    /// The evidence on each.
    pub(in crate::engine) fn categories(&self) -> &Categories {
        &self.categories
    }

    /// Judges a stratum by category, of which `all` failures say so much, and counts what came late among its failures. Gives what it said were requests
    /// independent.
    pub(super) fn judge_categories(
        &mut self,
        all: &Evidence,
        arms: &mut ByArm<ArmStratum>,
        late: &[LateFailures],
        alone: bool,
        config: &RawEngineConfig,
        phi: Phi,
    ) -> ByCategory {
        let said = ByCategory::of(all, arms, late, alone, config);
        self.categories.update(&said.clone().scaled(phi));
        late.iter().for_each(|late| late.count_in(arms));
        said
    }
}
