//! Counts by second, template and arm, until they are drained.

use std::collections::BTreeMap;

use serin_analysis::Arm;

use super::TemplateId;

/// Seconds with counts that were not drained.
pub const SECONDS_MAX: usize = 192;
/// Counts that were not drained, of all seconds together.
pub const CELLS_MAX: usize = 32_768;

/// Lines of one template in one second.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TemplateCount {
    /// The template, or [`TemplateId::OVERFLOW`] for lines that have none.
    pub template: TemplateId,
    /// Lines of the baseline.
    pub baseline: u64,
    /// Lines of the canary.
    pub canary: u64,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Added {
    Counted,
    WithoutTemplate,
    Shed,
}

/// The counts. Each second has room for lines without a template beside [`CELLS_MAX`].
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    seconds: BTreeMap<u64, BTreeMap<TemplateId, [u64; 2]>>,
    cells: usize,
}

impl Counts {
    pub(super) fn add(&mut self, second: u64, template: TemplateId, arm: Arm) -> Added {
        if self.seconds.len() >= SECONDS_MAX && !self.seconds.contains_key(&second) {
            return Added::Shed;
        }
        let cells = self.seconds.entry(second).or_default();
        let has_place = template == TemplateId::OVERFLOW || cells.contains_key(&template);
        let is_room = has_place || self.cells < CELLS_MAX;
        let template = if is_room { template } else { TemplateId::OVERFLOW };
        self.cells += usize::from(!has_place && is_room);
        let [baseline, canary] = cells.entry(template).or_default();
        let count = match arm {
            Arm::Baseline => baseline,
            Arm::Canary => canary,
        };
        *count += 1;
        if is_room { Added::Counted } else { Added::WithoutTemplate }
    }

    pub(super) fn take(&mut self, second: u64) -> Vec<TemplateCount> {
        let cells = self.seconds.remove(&second).unwrap_or_default();
        self.cells -= cells.keys().filter(|template| **template != TemplateId::OVERFLOW).count();
        let count = |(template, [baseline, canary]): (TemplateId, [u64; 2])| TemplateCount {
            template,
            baseline,
            canary,
        };
        cells.into_iter().map(count).collect()
    }

    pub(super) fn seconds(&self) -> impl Iterator<Item = u64> {
        self.seconds.keys().copied()
    }
}
