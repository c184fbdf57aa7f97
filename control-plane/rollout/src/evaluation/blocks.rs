//! Failures that name a block of code, told by responses or by log records.

use serin_analysis::{Arm, BlockFailures, ComponentIndex, NamedBy};

use super::Evaluation;

impl Evaluation {
    /// Adds failures that named a block of their component. A block that the plan does not know is left out.
    pub fn merge_block(
        &mut self,
        block: &str,
        component: ComponentIndex,
        arm: Arm,
        second: u64,
        failed: u64,
    ) {
        let Some(block) = self.block(component, block) else { return };
        let (start_second, named_by) = (second, NamedBy::Response);
        self.engine.merge_block(&BlockFailures { component, start_second, arm, block, failed, named_by });
    }

    /// Adds failures that log records written in `second` tell of. A block or component that is not known is left out.
    pub fn merge_logged(&mut self, component: &str, block: &str, arm: Arm, second: u64, failed: u64) {
        let Some(component) = self.index(component) else { return };
        let Some(block) = self.block(component, block) else { return };
        let (start_second, named_by) = (second, NamedBy::Log);
        self.engine.merge_block(&BlockFailures { component, start_second, arm, block, failed, named_by });
    }

    fn block(&self, component: ComponentIndex, name: &str) -> Option<usize> {
        self.blocks.get(&(component, name.to_owned())).copied()
    }
}
