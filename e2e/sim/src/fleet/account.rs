//! What was really served, counted beside the filters, and what of it the control plane must have counted.
//!
//! A batch is cumulative: it holds all that was recorded since the one before. So what a VM has told with batch `n` is what
//! it had served when that batch was frozen, and what died with it is the rest.

use std::ops::AddAssign;

use serin_analysis::Arm;

/// Requests of one component and arm.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Served {
    /// That started.
    pub started: u64,
    /// That succeeded.
    pub ok: u64,
    /// That the service failed.
    pub failed: u64,
    /// That took too long.
    pub timed_out: u64,
}

/// Requests by component, then baseline and canary.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Totals(pub Vec<[Served; 2]>);

/// The life of one VM.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) node: String,
    pub(super) epoch: u64,
    pub(super) lives: bool,
    served: Totals,
    /// What had been served when the last two batches were frozen, the newest last.
    frozen: [(u64, Totals); 2],
}

impl Totals {
    pub(super) fn new(components: usize) -> Self {
        Self(vec![[Served::default(); 2]; components])
    }

    pub(super) fn of(&mut self, component: usize, arm: Arm) -> Option<&mut Served> {
        let [baseline, canary] = self.0.get_mut(component)?;
        Some(match arm {
            Arm::Baseline => baseline,
            Arm::Canary => canary,
        })
    }

    /// What is left without `other`, which is part of it.
    pub(super) fn without(&self, other: &Self) -> Self {
        let mut rest = self.clone();
        for (mine, others) in rest.0.iter_mut().flatten().zip(other.0.iter().flatten()) {
            mine.started -= others.started;
            mine.ok -= others.ok;
            mine.failed -= others.failed;
            mine.timed_out -= others.timed_out;
        }
        rest
    }

    /// Requests that started.
    #[must_use]
    pub fn started(&self) -> u64 {
        self.0.iter().flatten().map(|served| served.started).sum()
    }
}

impl AddAssign<&Self> for Totals {
    fn add_assign(&mut self, other: &Self) {
        for (mine, others) in self.0.iter_mut().flatten().zip(other.0.iter().flatten()) {
            mine.started += others.started;
            mine.ok += others.ok;
            mine.failed += others.failed;
            mine.timed_out += others.timed_out;
        }
    }
}

impl Account {
    pub(super) fn new(node: &str, epoch: u64, components: usize) -> Self {
        let nothing = Totals::new(components);
        let frozen = [(0, nothing.clone()), (0, nothing.clone())];
        Self { node: node.to_owned(), epoch, lives: true, served: nothing, frozen }
    }

    pub(super) fn of(&mut self, component: usize, arm: Arm) -> Option<&mut Served> {
        self.served.of(component, arm)
    }

    /// Everything that it has served.
    pub(super) fn served(&self) -> &Totals {
        &self.served
    }

    /// A batch is sent, perhaps again.
    pub(super) fn sent(&mut self, seq: u64) {
        let [before, last] = &mut self.frozen;
        if seq > last.0 {
            *before = std::mem::replace(last, (seq, self.served.clone()));
        }
    }

    /// What was told with batch `seq` and those before it. `None`: a batch is counted that cannot have been.
    pub(super) fn told(&self, seq: u64) -> Option<&Totals> {
        self.frozen.iter().rev().find(|(frozen, _)| *frozen == seq).map(|(_, totals)| totals)
    }
}
