//! Client errors of the last minute.

use serin_analysis::{Arm, ByArm};

use super::{Evaluation, WINDOW_S};

impl Evaluation {
    pub(super) fn count_client_errors(&mut self, second: u64, arm: Arm, count: u64) {
        if count == 0 {
            return;
        }
        let place = self.client_errors.partition_point(|(other, _)| *other < second);
        if self.client_errors.get(place).is_none_or(|(other, _)| *other != second) {
            self.client_errors.insert(place, (second, ByArm::default()));
        }
        if let Some((_, counts)) = self.client_errors.get_mut(place) {
            *counts.of_mut(arm) += count;
        }
        let newest = self.client_errors.back().map_or(0, |(second, _)| *second);
        self.client_errors.retain(|(other, _)| other + 2 * WINDOW_S > newest);
    }

    pub(super) fn client_errors(&mut self, now_second: u64) -> ByArm<u64> {
        self.client_errors.retain(|(second, _)| second + WINDOW_S > now_second);
        self.client_errors.iter().fold(ByArm::default(), |sum, (_, counts)| ByArm {
            baseline: sum.baseline + counts.baseline,
            canary: sum.canary + counts.canary,
        })
    }
}
