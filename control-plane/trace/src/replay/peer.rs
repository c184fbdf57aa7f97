//! A judge of another tool on the same traffic: it sees the version as a whole.

use std::fmt;

use serin_analysis::ByArm;
use serin_analysis::judge::{Judge, JudgeDecision, NamedJudge, SecondAggregate};
use serin_rollout::Plan;

use super::WHOLE_PPM;
use super::outcome::{Decided, Decision, Entry, Level, Reason};
use crate::seconds::{Cell, Second, failures};

pub(super) struct Peer {
    name: &'static str,
    judge: Box<dyn Judge + Send>,
    weight_ppm: u32,
    last: u64,
    decided: Option<(JudgeDecision, u64)>,
}

impl Peer {
    /// The plan's first weight counts until the trace names one.
    pub(super) fn new(judge: NamedJudge, plan: &Plan) -> Self {
        let weight_ppm = plan.first_weight().ppm().clamp(1, WHOLE_PPM);
        Self { name: judge.name(), judge: judge.start(), weight_ppm, last: 0, decided: None }
    }

    pub(super) fn observe(&mut self, second: &Second, counts_at: u64, entries: &mut Vec<Entry>) {
        self.weight_ppm = second.weight_ppm.unwrap_or(self.weight_ppm);
        self.last = counts_at.saturating_add(1);
        let mut sum = ByArm::<SecondAggregate>::default();
        for arms in second.components.values() {
            add(&mut sum.baseline, &arms.baseline);
            add(&mut sum.canary, &arms.canary);
        }
        let decided = self.judge.observe(counts_at, &sum, self.weight_ppm);
        let Some(decision) = decided.filter(|decision| *decision != JudgeDecision::Hold) else { return };
        if self.decided.is_none() {
            self.decided = Some((decision, self.last));
            let (event, text) = match decision {
                JudgeDecision::Rollback => {
                    ("rolled_back", format!("{} rolls back the whole version", self.name))
                }
                JudgeDecision::Promote | JudgeDecision::Hold => {
                    ("promoted", format!("{} promotes", self.name))
                }
            };
            entries.push(Entry::Event { t: self.last, event, text });
        }
    }

    pub(super) fn decision(self) -> Decision {
        let because =
            |text: String| vec![Reason { component: None, signal: None, baseline_used: None, text }];
        let (decision, t, level, text) = match self.decided {
            Some((JudgeDecision::Rollback, t)) => {
                (Decided::Rollback, t, Some(Level::Coarse), format!("{} rolls back by its rules", self.name))
            }
            Some((JudgeDecision::Promote, t)) => {
                (Decided::Promote, t, None, format!("{} promotes by its rules", self.name))
            }
            Some((JudgeDecision::Hold, _)) | None => (
                Decided::Hold,
                self.last,
                None,
                format!("{} had not decided when the trace ended", self.name),
            ),
        };
        Decision { decision, t: Some(t), level, reasons: because(text), ..Decision::nothing(String::new()) }
    }
}

fn add(into: &mut SecondAggregate, cell: &Cell) {
    into.requests = into.requests.saturating_add(cell.outcomes.finished());
    into.failures = into.failures.saturating_add(failures(&cell.outcomes));
    into.latency.merge(&cell.latency);
}

impl fmt::Debug for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Peer")
            .field("name", &self.name)
            .field("decided", &self.decided)
            .finish_non_exhaustive()
    }
}
