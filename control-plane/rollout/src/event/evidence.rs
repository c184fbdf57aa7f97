//! Which facts carry what was judged when they came about.

use super::Fact;
use crate::Judgement;

impl Fact {
    /// The evidence, when there is some.
    #[must_use]
    pub fn evidence(&self) -> Option<&Judgement> {
        match self {
            Self::StepStarted { evidence, .. }
            | Self::Held { evidence, .. }
            | Self::ComponentsRolledBack { evidence, .. }
            | Self::BlocksRestored { evidence, .. }
            | Self::ArmsStopped { evidence, .. }
            | Self::ExperimentEnded { evidence, .. }
            | Self::RolledBack { evidence, .. }
            | Self::RollbackBegan { evidence, .. }
            | Self::RollbackLowered { evidence, .. }
            | Self::QuotaLowered { evidence, .. }
            | Self::TriggerFired { evidence, .. }
            | Self::Completing { evidence }
            | Self::Promoted { evidence, .. } => evidence.as_deref(),
            Self::Created { .. }
            | Self::HoldLifted { .. }
            | Self::TriggerCleared { .. }
            | Self::EvidenceMissing { .. }
            | Self::EvidenceIncomplete { .. }
            | Self::DecisionMarked { .. }
            | Self::EvidenceReturned { .. }
            | Self::Ready
            | Self::WatchEnded
            | Self::WeightSet { .. }
            | Self::WindowsOverridden { .. }
            | Self::Queued { .. }
            | Self::Paused { .. }
            | Self::Resumed { .. }
            | Self::HandedOver { .. }
            | Self::RollbackStage { .. }
            | Self::Superseded { .. }
            | Self::Begun { .. }
            | Self::HookStarted(_)
            | Self::HookEnded(_)
            | Self::Approved { .. } => None,
        }
    }
}
