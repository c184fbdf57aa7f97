//! Failures that named a block, by second, and who named them.
//!
//! Of one block and arm, either the responses tell or the log records: a failure that both name counts once. The responses
//! do as soon as one of them named the block, because they stand in the second of their request; what log records had told
//! of it is left out then. Log records stand in the second in which they were written, up to [`WRITTEN_S`] after the
//! request started, and a request may cause several, or none fail: so those of a block are matched with requests that
//! failed and named no block yet, the oldest first, and what finds none is left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::strata::JudgedStratum;
use crate::increment::{Arm, BlockFailures, ByArm, NamedBy};

/// Seconds of which names are kept.
const SECONDS_MAX: usize = 180;
/// Time from the start of a request to its log record, in seconds.
const WRITTEN_S: u64 = 5;

/// Names of blocks that are not settled.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Names {
    by_second: BTreeMap<u64, Vec<ByArm<u64>>>,
    /// Who names each block. `None`: nobody did yet.
    named_by: Vec<ByArm<Option<NamedBy>>>,
}

impl Names {
    pub(super) fn new(blocks: usize) -> Self {
        Self { by_second: BTreeMap::new(), named_by: vec![ByArm::default(); blocks] }
    }

    /// The same without names. Responses that named blocks will do so again.
    pub(super) fn restarted(&self) -> Self {
        let responses = |by: Option<NamedBy>| by.filter(|by| *by == NamedBy::Response);
        let named_by = self
            .named_by
            .iter()
            .map(|by| ByArm { baseline: responses(by.baseline), canary: responses(by.canary) });
        Self { by_second: BTreeMap::new(), named_by: named_by.collect() }
    }

    /// Whether log records tell of any block.
    pub(super) fn logs_tell(&self) -> bool {
        self.named_by.iter().any(|by| [by.baseline, by.canary].contains(&Some(NamedBy::Log)))
    }

    /// Adds failures of `second`. True when names of other seconds were left out for them.
    pub(super) fn add(&mut self, second: u64, failures: &BlockFailures) -> bool {
        let BlockFailures { arm, block, failed, named_by, .. } = *failures;
        let Some(by) = self.named_by.get_mut(block).map(|by| by.of_mut(arm)) else { return false };
        let (before, is_new) = (*by, *by != Some(NamedBy::Response));
        match named_by {
            NamedBy::Log if before == Some(NamedBy::Response) => return false,
            NamedBy::Log | NamedBy::Response => *by = Some(named_by),
        }
        let replaces_logs = named_by == NamedBy::Response && before == Some(NamedBy::Log) && is_new;
        if replaces_logs {
            let of_block = self.by_second.values_mut().filter_map(|blocks| blocks.get_mut(block));
            of_block.for_each(|counts| *counts.of_mut(arm) = 0);
        }
        if self.by_second.len() >= SECONDS_MAX && !self.by_second.contains_key(&second) {
            self.by_second.pop_first();
        }
        let blocks = self.named_by.len();
        let counts = self.by_second.entry(second).or_insert_with(|| vec![ByArm::default(); blocks]);
        if let Some(counts) = counts.get_mut(block) {
            let count = counts.of_mut(arm);
            *count = count.saturating_add(failed);
        }
        replaces_logs
    }

    /// Takes the failures of a stratum, by block. Strata have to be asked for in order.
    pub(super) fn take(&mut self, stratum: &JudgedStratum) -> Vec<ByArm<u64>> {
        let mut taken = vec![ByArm::default(); self.named_by.len()];
        for arm in [Arm::Baseline, Arm::Canary] {
            self.take_responses(stratum, arm, &mut taken);
            let named = taken.iter().fold(0_u64, |sum, block| sum.saturating_add(*block.of(arm)));
            self.take_logs(stratum, arm, stratum.failed(arm).saturating_sub(named), &mut taken);
        }
        taken
    }

    fn take_responses(&mut self, stratum: &JudgedStratum, arm: Arm, taken: &mut [ByArm<u64>]) {
        for blocks in self.by_second.range_mut(stratum.first..=stratum.last).map(|(_, blocks)| blocks) {
            for ((by, count), taken) in self.named_by.iter().zip(blocks).zip(&mut *taken) {
                if *by.of(arm) == Some(NamedBy::Response) {
                    let taken = taken.of_mut(arm);
                    *taken = taken.saturating_add(std::mem::take(count.of_mut(arm)));
                }
            }
        }
    }

    fn take_logs(&mut self, stratum: &JudgedStratum, arm: Arm, mut unnamed: u64, taken: &mut [ByArm<u64>]) {
        let until = stratum.last.saturating_add(WRITTEN_S);
        for blocks in self.by_second.range_mut(stratum.first..=until).map(|(_, blocks)| blocks) {
            for ((by, count), taken) in self.named_by.iter().zip(blocks).zip(&mut *taken) {
                if *by.of(arm) == Some(NamedBy::Log) {
                    let count = count.of_mut(arm);
                    let matched = unnamed.min(*count);
                    *count -= matched;
                    unnamed -= matched;
                    *taken.of_mut(arm) += matched;
                }
            }
        }
    }

    pub(super) fn forget_before(&mut self, second: u64) {
        self.by_second = self.by_second.split_off(&second);
    }
}
